"""The capture layer: never raises, changes nothing, and says what it kept."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import openai.types
import orjson
import pytest

import shipper
from shipper import notice
from shipper.process import close_all, pipeline_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipper.settings import Settings

REQUEST = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
RESPONSE = {"id": "r1", "choices": [{"index": 0, "message": {"content": "ho"}}, {"index": 1, "message": {}}]}


@pytest.fixture
def spooled(settings: Settings) -> Callable[[], list[dict[str, Any]]]:
    """The entries that lie in the spool."""

    def read() -> list[dict[str, Any]]:
        return [
            orjson.loads(line)
            for path in sorted(settings.spool_dir.rglob("*.ndjson"))
            for line in path.read_bytes().splitlines()
        ]

    return read


@pytest.fixture
def app(settings: Settings) -> shipper.Application:
    """An application whose events stay in the spool."""
    return shipper.Application("unit", version="1", environment="test", settings=settings)


def test_the_entry_says_who_and_what(
    app: shipper.Application, spooled: Callable[[], list[dict[str, Any]]]
) -> None:
    """One line with sequence, process, application, id, time and the arguments that were given."""
    logged = app.log_completion(REQUEST, RESPONSE, user_id="u1", prompt_name="p", prompt_variables={"a": 1})
    (entry,) = spooled()
    assert entry["seq"] == 1
    assert entry["id"] == logged.event_id
    assert (entry["app"]["name"], entry["app"]["version"], entry["app"]["environment"]) == (
        "unit",
        "1",
        "test",
    )
    assert entry["call"]["prompt"] == {"name": "p", "variables": {"a": 1}}
    assert entry["call"]["user_id"] == "u1"
    assert "session_id" not in entry["call"]
    assert "given_id" not in entry


@pytest.mark.parametrize(
    "response",
    [
        {"id": "r1"},
        '{"id": "r1"}',
        b'{"id": "r1"}',
        b'\xef\xbb\xbf{"id": "r1"}',
        '{"id": "r1", "logprob": NaN, "half": "\\ud83d"}',
        [{"id": "r1", "choices": []}, {"id": "r1"}],
        [{"type": "response.created", "response": {"id": "r1"}}],
        type("Answer", (), {"id": "r1"})(),
    ],
    ids=["dict", "text", "bytes", "bytes with a mark", "as Python reads it", "chunks", "events", "object"],
)
def test_the_providers_id_is_a_join_key(app: shipper.Application, response: object) -> None:
    """Whatever form the answer has, feedback can use the id that the provider gave it."""
    logged = app.log_completion(REQUEST, response, join_keys=["mine"])
    assert logged.join_keys == [logged.event_id, "r1", "mine"]


class _Rude:
    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__

    @property
    def id(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    "fields",
    [
        {"event_id": _Rude()},
        {"join_keys": [_Rude(), 5, None, ""]},
        {"response": _Rude()},
        {"error": _Rude()},
        {"request": _Rude(), "tags": _Rude(), "user_id": _Rude()},
        {"selected_choice_index": _Rude()},
        {"selected_choice_index": None},
        {"feedback": _Rude()},
        {"started_at": object()},
        {"cost": object(), "raw": object(), "environment": object()},
    ],
    ids=lambda fields: ",".join(fields),
)
def test_nothing_the_caller_hands_over_raises(
    app: shipper.Application, spooled: Callable[[], list[dict[str, Any]]], fields: dict[str, Any]
) -> None:
    """Rude objects in any place give an entry all the same."""
    logged = app.log_completion(**{"request": REQUEST, "response": RESPONSE, **fields})
    assert logged.event_id
    assert spooled()[0]["dataset"] == "llm.completion"


def test_our_own_faults_do_not_raise_in_production(
    app: shipper.Application, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault inside shipper is said once, and the caller gets its ids."""
    monkeypatch.setattr(notice, "reraise", False)
    monkeypatch.setattr(app, "append", lambda *_, **__: 1 / 0)
    first, second = app.log_completion(REQUEST), app.log_completion(REQUEST)
    assert first.event_id != second.event_id
    assert len([one for one in caplog.records if "ZeroDivisionError" in one.message]) == 1


def test_a_record_without_completion_costs_nothing(
    settings: Settings, spooled: Callable[[], list[dict[str, Any]]]
) -> None:
    """Ordinary records pass by: no entry, no folder."""
    handler = shipper.CompletionHandler("unit", settings=settings)
    logger = logging.Logger("ordinary")
    logger.addHandler(handler)
    logger.warning("hello")
    assert spooled() == []
    assert not settings.home.exists()


def test_filters_and_levels_count(settings: Settings, spooled: Callable[[], list[dict[str, Any]]]) -> None:
    """The handler's own level and filters decide as on any handler; a filter may replace the record."""
    handler = shipper.CompletionHandler("unit", settings=settings, level=logging.INFO)
    handler.addFilter(lambda record: "no" not in record.getMessage())
    logger = logging.Logger("filtered")
    logger.addHandler(handler)
    logger.debug("too low", extra={"completion": {"request": REQUEST}})
    logger.info("no", extra={"completion": {"request": REQUEST}})
    logger.info("yes", extra={"completion": {"request": REQUEST}})
    assert [entry["call"]["message"] for entry in spooled()] == ["yes"]


@pytest.mark.parametrize("message", ["%d of %s", _Rude(), None], ids=["bad arguments", "rude", "none"])
def test_a_message_that_cannot_be_formatted(
    settings: Settings,
    spooled: Callable[[], list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
    message: Any,
) -> None:
    """A log call whose message is broken keeps its completion."""
    monkeypatch.setattr(notice, "reraise", False)
    logger = logging.Logger("broken")
    logger.addHandler(shipper.CompletionHandler("unit", settings=settings))
    logger.info(message, "x", extra={"completion": {"request": REQUEST, "response": RESPONSE}})
    assert len(spooled()) == 1


def test_the_formatter_never_raises(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a record holds, there is one line of strict JSON."""
    monkeypatch.setattr(notice, "reraise", False)
    formatter = shipper.CompletionFormatter("unit", settings=settings)
    records = [
        logging.LogRecord("n", logging.INFO, "", 0, "plain %s", ("x",), None),
        logging.LogRecord("n", logging.INFO, "", 0, "%d", ("x",), None),
        logging.LogRecord("n", logging.INFO, "", 0, _Rude(), None, None),
    ]
    records[0].value = float("nan")
    for completion in ({"request": REQUEST}, _Rude(), 5, {"request": {"a": float("nan")}}):
        record = logging.LogRecord("n", logging.INFO, "", 0, "m", None, None)
        record.completion = completion
        records.append(record)
    for record in records:
        line = formatter.format(record)
        assert "\n" not in line
        assert isinstance(orjson.loads(line), dict)
    assert orjson.loads(formatter.format(records[0]))["message"] == "plain x"


def test_closing_a_handler_twice(settings: Settings) -> None:
    """Handlers are closed by their users and by logging's shutdown; both are fine, and so is logging later."""
    handler = shipper.CompletionHandler("unit", settings=settings)
    handler.close()
    handler.close()
    close_all()
    handler.handle(_with_completion())
    assert pipeline_for(settings).flush(0.1) in (True, False)


def _with_completion() -> logging.LogRecord:
    record = logging.LogRecord("n", logging.INFO, "", 0, "m", None, None)
    record.completion = {"request": REQUEST}
    return record


@pytest.mark.parametrize("as_object", [False, True], ids=["dict", "object"])
def test_vectors_do_not_reach_the_spool(
    app: shipper.Application, spooled: Callable[[], list[dict[str, Any]]], as_object: bool
) -> None:
    """An embeddings answer is kept without its vectors, with their number and size, unless raw payloads are wanted."""
    answer = {
        "object": "list",
        "model": "text-embedding-3-small",
        "data": [{"object": "embedding", "index": n, "embedding": [0.5] * 1536} for n in range(3)],
        "usage": {"prompt_tokens": 6, "total_tokens": 6},
    }
    response = openai.types.CreateEmbeddingResponse.model_validate(answer) if as_object else answer
    request = {"model": "text-embedding-3-small", "input": ["a", "b", "c"]}
    app.log_completion(request, response)
    app.log_completion(request, response, raw="always")
    light, raw = spooled()
    assert light["call"]["response"]["data"] == [{"index": n, "dimensions": 1536} for n in range(3)]
    assert light["call"]["response"]["usage"] == {"prompt_tokens": 6, "total_tokens": 6}
    assert len(raw["call"]["response"]["data"][0]["embedding"]) == 1536
