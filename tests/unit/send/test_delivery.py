"""From spool to decisions, against a server that answers as told: each row of the table, and the books after it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

import shipper
from shipper.pipeline import Pipeline
from shipper.process import pipeline_for
from shipper.send.backoff import backoff_s
from shipper.send.prepare import prepare, refuse_line
from shipper.send.sender import Sender
from shipper.sink import make_sink
from shipper.spool.refused import refused_letters
from tests.faults.programs import wait_until
from tests.loopback import Answer, Loopback, created, elasticsearch, error, items

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shipper.settings import Settings
    from tests.loopback import Request

FAULT = {"type": "document_parsing_exception", "reason": "failed to parse"}
TAKEN = {"type": "version_conflict_engine_exception", "reason": "exists"}


class Store:
    """A loopback cluster; what it was asked to create, by index."""

    def __init__(self, answer: Callable[[Request, Store], Answer]) -> None:
        self.stored: dict[str, dict[str, Any]] = {}
        self.tries = 0
        self._answer = answer
        self.server = Loopback(elasticsearch(bulk=self._bulk))

    def _bulk(self, request: Request) -> Answer:
        self.tries += 1
        return self._answer(request, self)

    def take(self, request: Request) -> Answer:
        """Create everything."""
        for action, document in _pairs(request):
            self.stored[action["create"]["_id"]] = {**document, "_index": action["create"]["_index"]}
        return created(request)

    def of(self, dataset: str) -> list[dict[str, Any]]:
        """Stored documents of a dataset."""
        return [one for one in self.stored.values() if one["event"]["dataset"] == dataset]


def _pairs(request: Request) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    lines = request.lines
    return list(zip(lines[::2], lines[1::2], strict=True))


def _by_document(request: Request, store: Store, judge: Callable[[dict[str, Any]], dict[str, Any]]) -> Answer:
    said = []
    for action, document in _pairs(request):
        verdict = judge(document)
        if "error" not in verdict:
            store.stored[action["create"]["_id"]] = document
        said.append(verdict)
    return items(*said)


@pytest.fixture
def road(settings: Settings) -> Iterator[Callable[..., tuple[Store, Pipeline, shipper.Application]]]:
    """Starts a store that answers as told, and an application that logs to it."""
    started: list[Store] = []

    def start(
        answer: Callable[[Request, Store], Answer], **options: Any
    ) -> tuple[Store, Pipeline, shipper.Application]:
        store = Store(answer)
        store.server.__enter__()
        started.append(store)
        chosen = settings.replace(elasticsearch_url=store.server.url, connections=1, **options)
        return store, pipeline_for(chosen), shipper.Application("unit", version="1", settings=chosen)

    yield start
    for store in started:
        store.server.__exit__()


def test_store_trouble_is_retried(road: Callable[..., tuple[Store, Pipeline, shipper.Application]]) -> None:
    """503, 429, cut connections, unknown statuses and other people's answers are retried until it works."""
    said = [
        error(503, "unavailable_shards_exception"),
        error(429, "es_rejected_execution_exception"),
        Answer(cut="before"),
        Answer(418, "a teapot"),
        Answer(200, "<html>welcome</html>"),
    ]

    def answer(request: Request, store: Store) -> Answer:
        return said.pop(0) if said else store.take(request)

    store, pipeline, app = road(answer)
    for _ in range(5):
        app.log_completion({"model": "m"}, "x")
    assert pipeline.flush(30)
    assert said == []
    assert len(store.of("llm.completion")) == 5
    assert (pipeline.balance().delivered, pipeline.balance().difference) == (5, 0)


def test_answers_that_no_rule_covers_are_counted(
    road: Callable[..., tuple[Store, Pipeline, shipper.Application]],
) -> None:
    """A teapot and a web page are; a store that is busy is not."""
    said = [
        Answer(418, "a teapot"),
        error(429, "es_rejected_execution_exception"),
        Answer(200, "<html>welcome</html>"),
    ]
    store, pipeline, app = road(
        lambda request, store: said.pop(0) if said else store.take(request), send="none"
    )
    app.log_completion({"model": "m"}, "x")
    sender = Sender(
        pipeline.settings, make_sink(pipeline.settings), role="drain", instance="d", adopt_living=True
    )
    sender.adopt()
    sender.start()
    assert wait_until(sender.is_drained)
    sender.stop(5)
    assert len(store.of("llm.completion")) == 1
    assert (sender.delivery.failures, sender.delivery.unknown_answers) == (3, 2)


def test_one_item_is_retried_alone(road: Callable[..., tuple[Store, Pipeline, shipper.Application]]) -> None:
    """A 429 for one document sends that one again, and not its neighbours."""
    refused: list[str] = []

    def judge(document: dict[str, Any]) -> dict[str, Any]:
        if document["llm"].get("output", {}).get("text") == "slow" and not refused:
            refused.append(document["event"]["id"])
            return {"status": 429, "error": {"type": "es_rejected_execution_exception", "reason": "full"}}
        return {"status": 201}

    seen: list[int] = []

    def answer(request: Request, store: Store) -> Answer:
        seen.append(len(_pairs(request)))
        return _by_document(request, store, judge)

    store, pipeline, app = road(answer, flush_interval_s=0.3)
    for text in ("a", "slow", "b"):
        app.log_completion({"model": "m"}, text)
    assert pipeline.flush(30)
    assert sum(seen) == 4
    assert len(store.of("llm.completion")) == 3
    assert pipeline.balance().difference == 0


def test_a_refused_document_becomes_a_dead_letter(
    road: Callable[..., tuple[Store, Pipeline, shipper.Application]],
) -> None:
    """The store's reason and the original are kept; the neighbours are delivered."""

    def judge(document: dict[str, Any]) -> dict[str, Any]:
        bad = document["event"]["dataset"] == "llm.completion" and document["llm"]["output"]["text"] == "bad"
        return {"status": 400, "error": FAULT} if bad else {"status": 201}

    store, pipeline, app = road(lambda request, store: _by_document(request, store, judge))
    app.log_completion({"model": "m"}, "good")
    bad = app.log_completion({"model": "m"}, "bad")
    assert pipeline.flush(30)
    (letter,) = store.of("llm.deadletter")
    assert letter["llm"]["deadletter"]["reason"] == "document_parsing_exception"
    assert letter["llm"]["deadletter"]["original_id"] == bad.event_id
    assert letter["error"]["message"] == "failed to parse"
    assert orjson.loads(letter["event"]["original"])["call"]["response"] == "bad"
    balance = pipeline.balance()
    assert (balance.delivered, balance.dead_lettered, balance.difference) == (1, 1, 0)


def test_a_dead_letter_that_is_refused_too_stays_on_disk(
    road: Callable[..., tuple[Store, Pipeline, shipper.Application]],
) -> None:
    """When not even the dead letter is taken, it is kept in a file, counted, and the rest goes on."""

    def judge(document: dict[str, Any]) -> dict[str, Any]:
        good = document["llm"].get("output", {}).get("text") == "good"
        return {"status": 201} if good else {"status": 400, "error": FAULT}

    _, pipeline, app = road(lambda request, store: _by_document(request, store, judge))
    app.log_completion({"model": "m"}, "bad")
    app.log_completion({"model": "m"}, "good")
    assert pipeline.flush(30)
    balance = pipeline.balance()
    assert (balance.delivered, balance.dead_lettered, balance.difference) == (1, 1, 0)
    (kept,) = refused_letters(pipeline.settings.spool_dir)
    assert orjson.loads(kept["event"]["original"])["call"]["response"] == "bad"


@pytest.mark.parametrize(
    "refusal",
    [
        error(401, "security_exception"),
        error(403, "security_exception"),
        error(403, "cluster_block_exception", "index read-only"),
        error(404, "index_not_found_exception"),
    ],
    ids=["401", "403", "block", "404"],
)
def test_a_wrong_configuration_pauses(
    road: Callable[..., tuple[Store, Pipeline, shipper.Application]], refusal: Answer
) -> None:
    """Nothing is dead-lettered for a wrong key or a block: sending waits with the reason, and goes on when mended."""
    mended = threading.Event()

    def answer(request: Request, store: Store) -> Answer:
        return store.take(request) if mended.is_set() else refusal

    store, pipeline, app = road(answer)
    app.log_completion({"model": "m"}, "x")
    assert not pipeline.flush(10, patient=False)
    assert pipeline.balance().pending == 1
    mended.set()
    assert pipeline.flush(30)
    assert store.of("llm.deadletter") == []
    assert (pipeline.balance().delivered, pipeline.balance().difference) == (1, 0)


def test_a_request_that_is_too_large_is_halved(
    road: Callable[..., tuple[Store, Pipeline, shipper.Application]],
) -> None:
    """413 for a batch: smaller ones go through, and only a single document that is too large is at fault."""

    def answer(request: Request, store: Store) -> Answer:
        return Answer(413, "too large") if len(request.body) > 9_000 else store.take(request)

    store, pipeline, app = road(answer, flush_interval_s=0.3)
    for number in range(20):
        app.log_completion({"model": "m"}, "x" * 2000 * (1 + 4 * (number == 7)))
    assert pipeline.flush(30)
    balance = pipeline.balance()
    assert (balance.delivered, balance.dead_lettered, balance.difference) == (19, 1, 0)
    assert len(store.of("llm.completion")) == 19


def test_our_own_id_that_is_taken_means_delivered(
    road: Callable[..., tuple[Store, Pipeline, shipper.Application]],
) -> None:
    """After an answer that got lost, the same documents are sent again and recognised: delivered, once."""

    def answer(request: Request, store: Store) -> Answer:
        if store.tries == 1:
            store.take(request)
            return Answer(cut="before")
        return items(*[{"status": 409, "error": TAKEN}] * len(_pairs(request)))

    store, pipeline, app = road(answer)
    app.log_completion({"model": "m"}, "x")
    assert pipeline.flush(30)
    assert len(store.of("llm.completion")) == 1
    assert (pipeline.balance().delivered, pipeline.balance().difference) == (1, 0)


def test_lines_that_cannot_be_read_become_dead_letters() -> None:
    """Garbage in a segment, left by a power cut, is kept as it is, with its reason."""
    for line in (b"\x00\x00\x00", b'{"seq":1}', b'{"seq":2,"call":{}}', b"[]", b'{"seq":3,"app":7,"call":5}'):
        item = prepare(line, 1_750_000_000_000_000_000, "month")
        document = orjson.loads(item.document.body)
        if item.fault:
            assert document["event"]["dataset"] == "llm.deadletter"
            assert document["event"]["original"].encode("utf-8", "ignore") or line
            assert item.document.index == "llm-deadletter-default@2025.06"


def test_dead_letters_have_ids_of_their_own() -> None:
    """Two broken lines are two dead letters."""
    ids = {prepare(b"broken", 1, "month").document.id for _ in range(10)}
    assert len(ids) == 10


@given(attempt=st.integers(1, 10_000), longest=st.floats(0.01, 3600), chance=st.floats(0, 1))
def test_backoff_stays_within_its_bound(attempt: int, longest: float, chance: float) -> None:
    """Never negative, never longer than the bound, whatever the number of tries."""
    assert 0 <= backoff_s(attempt, longest, chance) <= longest


def test_backoff_grows() -> None:
    """The bound doubles with each try."""
    assert [backoff_s(attempt, 30, 1) for attempt in (1, 2, 3, 20)] == [0.25, 0.5, 1.0, 30]


def test_the_heartbeat_has_the_books(
    road: Callable[..., tuple[Store, Pipeline, shipper.Application]],
) -> None:
    """While it lives and when it ends, a process tells the store its ledger, under its application's name."""
    store, pipeline, app = road(lambda request, store: store.take(request), heartbeat_interval_s=3600)
    for _ in range(3):
        app.log_completion({"model": "m"}, "x")
    assert pipeline.flush(30)
    pipeline.close(10)
    (heartbeat,) = store.of("llm.delivery")
    assert heartbeat["_index"].startswith("llm-delivery-unit@")
    delivery = heartbeat["llm"]["delivery"]
    assert (delivery["accepted"], delivery["delivered"], delivery["pending"]) == (3, 3, 0)
    assert delivery["sequence_high"] == 3
    assert delivery["role"] == "app"


def test_exit_does_not_wait_for_a_silent_store(
    road: Callable[..., tuple[Store, Pipeline, shipper.Application]],
) -> None:
    """A store that takes the connection and never answers delays the end by the stated time, not by its time-out."""
    never = threading.Event()
    _, pipeline, app = road(lambda request, store: Answer(wait_for=never), exit_timeout_s=0.5)
    app.log_completion({"model": "m"}, "x")
    closing = threading.Thread(target=pipeline.close, args=(0.5,))
    closing.start()
    closing.join(15)  # far below the request's time-out of 30 s and the server's patience
    assert not closing.is_alive()
    assert len(list(pipeline.settings.spool_dir.rglob("*.ndjson"))) == 1
    never.set()


def test_a_dead_letter_that_is_made_again_is_the_same() -> None:
    """A process that is killed between storing and confirming it leaves it to another, and the store sees the resend."""
    lines = [b'{"seq":%d,"app":{"instance":"i","name":"a"},"at":1,"call":{}}' % number for number in (1, 2)]
    ids = [
        refuse_line(line, now, "month", stage="build", reason="r").document.id
        for now in (1, 2)
        for line in lines
    ]
    assert ids[:2] == ids[2:]
    assert ids[0] != ids[1]
