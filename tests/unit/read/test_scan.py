"""Reading a snapshot: a store that is busy is asked again, and an answer that can't be read is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from elasticsearch import ApiError, Elasticsearch

from shipper.errors import SnapshotGone, StoreError, UsageError
from shipper.read import scan
from shipper.read.hits import Hits, RawHit, documents_of
from shipper.read.scan import Position, Selection, Snapshot, read_slices
from shipper.settings import Settings
from shipper.store.client import connect
from tests.loopback import PRODUCT, Answer, Loopback

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.loopback import Request

JSON = {**PRODUCT, "content-type": "application/vnd.elasticsearch+json;compatible-with=9"}
ALL = Selection({"match_all": {}})


def answer(request: Request, *sources: bytes, pit: str = "p2") -> Answer:
    """What a search answers with these documents."""
    word = request.json["query"]["bool"]["filter"][1]["match_all"]["_name"]
    hits = b",".join(
        b'{"_index":"llm-completions-a@1-2026.11","_id":"%d","_score":null,"_source":%b,"sort":[%d],'
        b'"matched_queries":["%b"]}' % (number, source, number, word.encode())
        for number, source in enumerate(sources)
    )
    shards = b'"_shards":{"total":1,"failed":0}'
    body = b'{"pit_id":"%b","took":1,%b,"hits":{"max_score":null,"hits":[%b]}}' % (pit.encode(), shards, hits)
    return Answer(200, body, JSON)


def page_of(
    respond: Callable[[Request], Answer], position: Position | None = None
) -> tuple[scan.Page, list[Request]]:
    with Loopback(respond) as server:
        client = connect(Settings(elasticsearch_url=server.url))
        try:
            return Snapshot(client, "p1").page(ALL, 0, 1, position or Position()), server.requests
        finally:
            client.close()


def test_a_busy_store_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """After 429 and 503 the same page is read."""
    monkeypatch.setattr(scan, "backoff_s", lambda *_: 0.0)
    statuses = iter([429, 503])

    def respond(request: Request) -> Answer:
        status = next(statuses, None)
        return (
            answer(request, b'{"a":1}')
            if status is None
            else Answer(status, {"error": {"type": "busy"}}, JSON)
        )

    page, requests = page_of(respond)
    assert list(documents_of(page.hits)) == [{"a": 1}]
    assert len({request.body for request in requests}) == 1
    assert len(requests) == 3


def test_a_store_that_stays_busy_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the end its own error comes out, and a refusal at once."""
    monkeypatch.setattr(scan, "backoff_s", lambda *_: 0.0)
    for status, tries in ((429, 6), (403, 1)):
        with Loopback(lambda _, status=status: Answer(status, {"error": {"type": "no"}}, JSON)) as server:
            client = connect(Settings(elasticsearch_url=server.url))
            with pytest.raises(ApiError) as raised:
                Snapshot(client, "p1").page(ALL, 0, 1, Position())
            client.close()
            assert raised.value.status_code == status
            assert len(server.requests) == tries


def test_a_snapshot_that_is_gone_is_told() -> None:
    """404 means that the store does not keep it any more."""
    with pytest.raises(SnapshotGone):
        page_of(lambda _: Answer(404, {"error": {"type": "search_phase_execution_exception"}}, JSON))


@pytest.mark.parametrize("body", [b"{}", b'{"hits":{"hits":[{"_index":"a"}]}}', b"<html>"])
def test_an_answer_that_is_none_is_told(body: bytes) -> None:
    """Something else than Elasticsearch's hits is an error, not an empty page."""
    with pytest.raises(StoreError, match="can't be read"):
        page_of(lambda _: Answer(200, body, JSON))


def test_positions() -> None:
    """The next page begins after the last hit, in the snapshot's newest id; a short page is the last."""
    page, requests = page_of(lambda request: answer(request, *[b"{}"] * request.json["size"]))
    assert page.position == Position([49], 400, 50, done=False)
    assert "search_after" not in requests[0].json
    page, requests = page_of(lambda request: answer(request, b"{}"), page.position)
    assert requests[0].json["search_after"] == [49]
    assert requests[0].json["size"] == 400
    assert page.position.done
    assert page.position.taken == 51


def test_half_a_surrogate_is_decoded() -> None:
    """What others have stored is read even where it is no text."""
    (document,) = documents_of(
        [RawHit(b'"i"', b'"d"', b'{"a":"\\ud800","n":123456789012345678901234567890}')]
    )
    assert orjson.loads(orjson.dumps(document)) == document
    assert set(document) == {"a", "n"}


def test_a_client_of_another_kind_is_refused() -> None:
    """Only our own client hands out bytes."""
    with Elasticsearch("http://127.0.0.1:1") as client, pytest.raises(UsageError, match="open_store"):
        Snapshot.take(client, "llm-*")


def test_a_limit_has_one_slice() -> None:
    """The newest few can't be read in parts."""
    snapshot: Any = None
    with pytest.raises(UsageError, match="one slice"):
        next(read_slices(snapshot, Selection({}, limit=5), len, 3))


def test_hits_are_cut_each_time_anew() -> None:
    """What the store keeps comes out byte by byte, on one line, and a second time the same."""
    word = b"w" * 32
    tricky = rb'{"a":",\"sort\":[1]","b":{"_source":{"sort":[2]}}}'
    ends = b'"sort":[7],"matched_queries":["%b"]}' % word
    body = b'{"hits":{"hits":[{"_index":"i","_id":"x\\"_source\\":","_ignored":["b"],"_source":%b,%b,' % (
        tricky,
        ends,
    )
    body += b'{"_index":"i","_id":"y","_score":null,"_source":{\r\n"c":1},%b]}}' % ends
    hits = Hits(body, word.decode())
    found = [RawHit(b'"i"', b'"x\\"_source\\":"', tricky), RawHit(b'"i"', b'"y"', b'{  "c":1}')]
    assert (len(hits), hits.last_sort) == (2, [7])
    assert list(hits) == list(hits) == found


def test_a_hit_that_is_none_is_told() -> None:
    """An answer that breaks off within its hits is an error as well."""
    body = b'{"hits":{"hits":[{"_index":"i","_score":1,"sort":[7],"matched_queries":["w"]}]}}'
    with pytest.raises(StoreError, match="can't be read"):
        list(Hits(body, "w"))
