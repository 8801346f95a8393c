"""The whole road: from a log call to a document in a real Elasticsearch."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import logging
import math
import uuid
from typing import TYPE_CHECKING, Any

import numpy as np
import openai.types.chat
import orjson
import pydantic
import pytest

import shipper
from shipper.process import pipeline_for
from shipper.read.deadletters import dead_letters, replay
from shipper.sink import make_sink
from shipper.sink.base import Outcome
from shipper.store.setup import setup

if TYPE_CHECKING:
    from collections.abc import Callable

    from elasticsearch import Elasticsearch

    from shipper.embedded import NodeInfo
    from shipper.settings import Settings

pytestmark = pytest.mark.node

RESPONSE = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "gpt-4o-mini-2024-07-18",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Blue."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11},
}
REQUEST = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "What colour is the sky?"}]}


@pytest.fixture
def store(clean_store: Elasticsearch) -> Elasticsearch:
    """An empty store with its templates."""
    setup(clean_store)
    return clean_store


@pytest.fixture
def to_node(settings: Settings, node: NodeInfo) -> Settings:
    """Settings that send to the test's node."""
    return settings.replace(elasticsearch_url=node.url)


@pytest.fixture
def app(store: Elasticsearch, to_node: Settings) -> shipper.Application:
    """An application that logs there."""
    return shipper.Application("road", version="1.4.0", settings=to_node)


@pytest.fixture
def documents(store: Elasticsearch, to_node: Settings) -> Callable[[], list[dict[str, Any]]]:
    """Flushes, and gives everything that is stored as completions."""

    def read() -> list[dict[str, Any]]:
        assert pipeline_for(to_node).flush(30)
        store.indices.refresh(index="llm-*")
        hits = store.search(index="llm-completions-*", size=1000, sort=["llm.shipper.sequence"])["hits"][
            "hits"
        ]
        return [{**hit["_source"], "_index": hit["_index"], "_id": hit["_id"]} for hit in hits]

    return read


def test_an_application_call_is_stored(
    app: shipper.Application, documents: Callable[[], list[dict[str, Any]]]
) -> None:
    """What `log_completion` returns finds the document; its index is named by application, version and month."""
    logged = app.log_completion(
        REQUEST,
        RESPONSE,
        started_at="2026-03-31T23:59:59.5Z",
        ended_at="2026-04-01T00:00:00.7Z",
        join_keys=["k1"],
    )
    (document,) = documents()
    assert document["_id"] == logged.event_id
    assert document["_index"] == "llm-completions-road@1.4.0-2026.03"
    assert logged.join_keys == [logged.event_id, "chatcmpl-1", "k1"] == document["llm"]["join"]["key"]
    assert document["event"]["duration"] == 1_200_000_000
    assert document["llm"]["output"]["text"] == "Blue."
    assert document["gen_ai"]["usage"]["input_tokens"] == 9
    assert document["llm"]["cost"]["status"] == "priced"


def test_a_log_record_is_stored(
    store: Elasticsearch, to_node: Settings, documents: Callable[[], list[dict[str, Any]]]
) -> None:
    """The handler stores records with a completion, and leaves every other record alone."""
    logger = logging.getLogger("test.road")
    logger.setLevel(logging.DEBUG)
    handler = shipper.CompletionHandler("road", version="2", settings=to_node)
    logger.addHandler(handler)
    try:
        logger.info("just a message")
        logger.warning(
            "answered %s", "u1", extra={"completion": {"request": REQUEST, "response": RESPONSE, "mood": 3}}
        )
        try:
            raise ValueError("no answer")
        except ValueError:
            logger.exception("failed", extra={"completion": {"request": REQUEST}})
    finally:
        logger.removeHandler(handler)
    answered, failed = documents()
    assert answered["message"] == "answered u1"
    assert answered["log"] == {"level": "warning", "logger": "test.road"}
    assert answered["llm"]["attributes"]["request"] == {"mood": 3}
    assert failed["event"]["outcome"] == "failure"
    assert failed["error"]["type"] == "ValueError"
    assert "no answer" in failed["error"]["stack_trace"]


def test_the_formatter_writes_the_same_document(
    app: shipper.Application, to_node: Settings, documents: Callable[[], list[dict[str, Any]]]
) -> None:
    """A line of `CompletionFormatter` is the stored document, but for what only sending adds."""
    record = logging.LogRecord("test", logging.INFO, "", 0, "answered", None, None)
    record.completion = {"request": REQUEST, "response": RESPONSE, "event_id": "same"}
    formatted = orjson.loads(
        shipper.CompletionFormatter("road", version="1.4.0", settings=to_node).format(record)
    )
    shipper.CompletionHandler("road", version="1.4.0", settings=to_node).handle(record)
    (stored,) = documents()
    for name in ("_index", "_id"):
        del stored[name]
    del stored["event"]["ingested"], stored["llm"]["ship"], stored["llm"]["shipper"]["sequence"]
    for one in (stored, formatted):
        del one["event"]["created"]
    assert formatted == stored


def test_rows_of_any_model(app: shipper.Application, documents: Callable[[], list[dict[str, Any]]]) -> None:
    """`app.log` stores a document a row, searchable by its values, and gives keys for feedback."""
    batch, keys = app.log(
        inputs=[{"amount": 1000.0}, {"amount": 2.0}], outputs=[{"risk": 0.1}, {"risk": 0.9}]
    )
    first, second = documents()
    assert [first["_id"], second["_id"]] == keys
    assert first["llm"]["run"]["id"] == second["llm"]["run"]["id"] == batch
    assert first["llm"]["inputs"] == {"amount": 1000.0}


def test_rows_of_unequal_length_are_refused(
    app: shipper.Application, documents: Callable[[], list[dict[str, Any]]]
) -> None:
    """Lists that don't fit together are a clear error before anything is logged."""
    with pytest.raises(shipper.ShipperError, match="inputs has 2, outputs has 1"):
        app.log(inputs=[1, 2], outputs=[1])
    with pytest.raises(ValueError, match="join_keys"):
        app.log(feedbacks=[{"good": True}])
    assert documents() == []


def test_choices_and_a_wrong_selection(
    app: shipper.Application, documents: Callable[[], list[dict[str, Any]]], caplog: pytest.LogCaptureFixture
) -> None:
    """All choices are kept and the selected one is marked; an index that none has is reported and flagged."""
    three = {**RESPONSE, "choices": [{**RESPONSE["choices"][0], "index": n} for n in range(3)]}  # type: ignore[index]
    app.log_completion(REQUEST, three, selected_choice_index=1)
    app.log_completion(REQUEST, three, selected_choice_index=7)
    assert "names no choice (the response has 0, 1, 2)" in caplog.text
    right, wrong = documents()
    assert [choice["selected"] for choice in right["llm"]["choices"]] == [False, True, False]
    assert wrong["llm"]["selected_choice_index"] == 0
    assert any("selected_choice_index" in flag for flag in wrong["llm"]["sanitised"])


def test_a_resend_is_one_document_and_a_reused_id_is_a_conflict(
    app: shipper.Application,
    store: Elasticsearch,
    to_node: Settings,
    documents: Callable[[], list[dict[str, Any]]],
) -> None:
    """The same id with the same content is delivered once; with other content it is a dead letter that can be seen."""
    for answer in ("one", "one", "two"):
        app.log_completion(REQUEST, answer, event_id="mine", created_at="2026-05-01T00:00:00Z")
        assert pipeline_for(to_node).flush(30)
    (document,) = documents()
    assert document["llm"]["output"]["text"] == "one"
    balance = pipeline_for(to_node).balance()
    assert (balance.delivered, balance.conflicting, balance.difference) == (2, 1, 0)
    (letter,) = dead_letters(store)
    assert letter.reason == "conflicting"
    sink = make_sink(to_node)
    assert replay(store, sink, to_node, letter).outcome is Outcome.CONFLICTING
    assert replay(store, sink, to_node, letter, new_id=True).outcome is Outcome.DELIVERED
    assert list(dead_letters(store)) == []
    assert {one["llm"]["output"]["text"] for one in documents()} == {"one", "two"}


def test_content_can_be_left_out(
    app: shipper.Application, to_node: Settings, documents: Callable[[], list[dict[str, Any]]]
) -> None:
    """With `save=False` no word of the content reaches the disk or the store; the numbers do."""
    app.log_completion(REQUEST, RESPONSE, save=False, raw="always")
    spooled = b"".join(path.read_bytes() for path in to_node.spool_dir.rglob("*.ndjson"))
    (document,) = documents()
    for text in (b"sky", b"Blue"):
        assert text not in spooled
        assert text not in orjson.dumps(document)
    assert document["gen_ai"]["usage"]["output_tokens"] == 2
    assert document["llm"]["privacy"]["content_stored"] is False


class _Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class _Data:
    name: str
    when: dt.datetime


class _Model(pydantic.BaseModel):
    size: int = 3


class _Rude:
    def __repr__(self) -> str:
        raise RuntimeError("no")


def _deep(levels: int) -> Any:
    value: Any = "bottom"
    for _ in range(levels):
        value = {"d": value}
    return value


def _cycle() -> Any:
    value: dict[str, Any] = {}
    value["self"] = value
    return value


HOSTILE: dict[str, Any] = {
    "nan": math.nan,
    "infinity": -math.inf,
    "integer": 2**63 + 5,
    "huge integer": 10**400,
    "bytes": b"\xff\x00",
    "set": {1, 2},
    "aware": dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    "naive": dt.datetime(2026, 1, 1),
    "decimal": decimal.Decimal("1.10"),
    "enum": _Colour.RED,
    "dataclass": _Data("x", dt.datetime(2026, 1, 1)),
    "pydantic": _Model(),
    "numpy scalar": np.float32(1.5),
    "numpy array": np.arange(4),
    "numpy nan": np.array([1.0, np.nan]),
    "surrogate": "half \ud800 pair",
    "nul": "a\x00b",
    "cycle": _cycle(),
    "3000 levels": _deep(3000),
    "30 levels": _deep(30),
    "rude repr": _Rude(),
    "odd keys": {1: "a", None: "b", (1, 2): "c", b"d": "e"},
    "empty dict": {},
    "empty key": {"": 1, " ": 2},
    "dots": {"a": {"b": 1}, "a.b": 2, "..": 3, ".x.": 4},
    "brackets": {"a[0]": 1, "[b]": 2},
    "nul key": {"a\x00b": 1},
    "long key": {"k" * 40_000: 1},
    "long keyword": "w" * 40_000,
    "uuid": uuid.UUID(int=5),
    "many keys": {f"key{n}": n for n in range(20_000)},
    "mixed list": [1, "a", {"b": None}, [[]]],
}


@pytest.mark.parametrize(
    "place", ["request_attributes", "content", "tags", "user_id", "prompt_variables", "response"]
)
def test_hostile_values(
    app: shipper.Application,
    to_node: Settings,
    documents: Callable[[], list[dict[str, Any]]],
    store: Elasticsearch,
    place: str,
) -> None:
    """Every hostile value at every place arrives as a document, or as a dead letter; none raises, none is missing."""
    for name, value in HOSTILE.items():
        fields: dict[str, Any] = {"request": REQUEST, "response": RESPONSE}
        if place == "content":
            fields["request"] = {
                **REQUEST,
                "messages": [{"role": "user", "content": value}],
                "temperature": value,
            }
        elif place in ("request_attributes", "prompt_variables"):
            fields[place] = {"value": value}
        elif place == "tags":
            fields[place] = [value]
        else:
            fields[place] = value
        app.log_completion(**fields, event_id=f"hostile {name}")
    stored = {document["_id"] for document in documents()}
    letters = {letter.document["llm"]["deadletter"].get("original_id") for letter in dead_letters(store)}
    assert stored == {f"hostile {name}" for name in HOSTILE}, letters
    balance = pipeline_for(to_node).balance()
    assert (balance.delivered, balance.difference) == (len(HOSTILE), 0)


@pytest.mark.parametrize(
    "response",
    [
        "just a sentence",
        "<html><body>502</body></html>",
        '{"id": "half',
        b'{"id":"b","choices":[]}',
        7,
        [],
        [1, "x"],
    ],
    ids=str,
)
def test_odd_responses(
    app: shipper.Application, documents: Callable[[], list[dict[str, Any]]], response: object
) -> None:
    """A response of no known shape is kept, and its text can be searched."""
    app.log_completion(REQUEST, response)
    (document,) = documents()
    assert document["gen_ai"]["request"]["model"] == "gpt-4o-mini"
    if isinstance(response, str):
        assert document["llm"]["output"]["text"] == response
        assert document["llm"]["sanitised"]


def test_a_prompt_of_ten_megabytes(
    app: shipper.Application, documents: Callable[[], list[dict[str, Any]]], store: Elasticsearch
) -> None:
    """Over the limit the longest content is cut, with its length and hash kept, and the rest can be searched."""
    prompt = "needle at the start " + "hay " * 2_500_000
    app.log_completion({"model": "m", "messages": [{"role": "user", "content": prompt}]}, RESPONSE)
    (document,) = documents()
    (cut,) = document["llm"]["truncated"]
    assert cut["length"] == len(prompt)
    assert cut["hash"].startswith("b2:")
    assert store.count(index="llm-completions-*", query={"match": {"llm.input.text": "needle"}})["count"] == 1


def test_a_list_changed_after_the_call(
    app: shipper.Application, documents: Callable[[], list[dict[str, Any]]]
) -> None:
    """What counts is what was there when the call was logged."""
    messages: list[Any] = [{"role": "user", "content": "first"}]
    app.log_completion({"model": "m", "messages": messages}, RESPONSE)
    messages[0]["content"] = "second"
    messages.append({"role": "user", "content": "third"})
    (document,) = documents()
    assert document["llm"]["input"]["text"] == "first"


def test_openai_objects(app: shipper.Application, documents: Callable[[], list[dict[str, Any]]]) -> None:
    """The provider's own objects are as good as dicts."""
    completion = openai.types.chat.ChatCompletion.model_validate({**RESPONSE, "created": 1})
    app.log_completion(REQUEST, completion)
    app.log_completion(REQUEST, completion.model_dump_json())
    first, second = documents()
    assert first["llm"]["output"] == second["llm"]["output"] == {"text": "Blue."}
    assert first["llm"]["join"]["key"][1] == second["llm"]["join"]["key"][1] == "chatcmpl-1"


@pytest.mark.parametrize(
    "when", ["20000-01-01T00:00:00Z", 1e18, -5, "yesterday", dt.datetime(1, 1, 1), math.nan]
)
def test_odd_times(
    app: shipper.Application, documents: Callable[[], list[dict[str, Any]]], when: Any
) -> None:
    """A time that can't be is flagged, and the time of the call taken."""
    app.log_completion(REQUEST, RESPONSE, started_at=when)
    (document,) = documents()
    assert document["@timestamp"][:4] in {str(dt.datetime.now(dt.UTC).year), "2001"}


def test_missing_templates_pause(
    store: Elasticsearch, to_node: Settings, documents: Callable[[], list[dict[str, Any]]]
) -> None:
    """Without its template no index is guessed: sending pauses with the reason, and goes on after `setup`."""
    store.indices.delete_index_template(name="llm-completions@template")
    app = shipper.Application("paused", version="1", settings=to_node)
    app.log_completion(REQUEST, RESPONSE)
    pipeline = pipeline_for(to_node)
    assert not pipeline.flush(5, patient=False)
    assert pipeline.balance().pending == 1
    assert store.indices.get(index="llm-completions-paused*").body == {}
    setup(store)
    assert len(documents()) == 1
