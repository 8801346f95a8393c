"""No value in any place of a call gets its document refused by a real Elasticsearch, and what it says is found."""

from __future__ import annotations

import copy
import itertools
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from shipper.record import build
from shipper.route import destination
from shipper.store.setup import setup
from tests.fixtures.record import payloads
from tests.fixtures.record.strategies import paths

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elasticsearch import Elasticsearch

Json = dict[str, Any]


def deep(levels: int) -> Json:
    value: Any = "end"
    for _ in range(levels):
        value = {"a": value}
    return value


ODD: dict[str, Any] = {
    "levels": deep(200),
    "lists": [[[[["x"]]]], [[1]], [{"a": [[{"b": 1}]]}]],
    "mixed": ["x", 1, None, True, {"a": 1}, [2]],
    "keys": {
        "": 1,
        " ": 2,
        ".": 3,
        "a..b": 4,
        "a[0]": 5,
        "\0": 6,
        "a.b": 7,
        "a": {"b": 8},
        "_id": 9,
        "*": 10,
    },
    "long key": {"k" * 40_000: "v"},
    "long path": {"k" * 390: {"k" * 390: {"k" * 390: {"k" * 390: {"k" * 390: "€" * 8191}}}}},
    "long text": "x" * 40_000,
    "wide text": "€" * 8191,
    "wider text": "\U0001f600" * 8191,
    "NUL": "a\0b",
    "separators": "\u2028\ufffe\x7f",
    "year": "20000-01-01T00:00:00Z",
    "number": 1.7976931348623157e308,
    "integer": 2**63,
    "negative": -(2**63),
    "boolean": True,
    "text": "yes",
    "empty": "",
    "object": {},
    "list": [],
}


@pytest.fixture
def store(clean_store: Elasticsearch) -> Elasticsearch:
    """An empty store with the templates."""
    setup(clean_store)
    return clean_store


def calls() -> Iterator[tuple[str, Json]]:
    """Every good call with odd values in every place, five in each; feedback too."""
    feedback = {
        "key": "k",
        "name": "n",
        "value": 0.5,
        "scale": [0, 1],
        "choice_index": 0,
        "comment": "c",
        "author": "a",
        "author_kind": "human",
        "channel": "web",
        "better_response": "b",
        "ground_truth": {"a": 1},
        "values": {"a": 1},
        "withdrawn": False,
        "created_at": 1,
        "target_id": "t",
        "fields": {"llm.output.text": "x"},
    }
    good = [("llm.completion", call) for call in payloads.ALL.values()]
    good += [("llm.feedback", feedback), ("llm.amendment", feedback)]
    for dataset, call in good:
        yield dataset, call
        for number, path in enumerate(paths(call)):
            for odd in itertools.islice(itertools.cycle(ODD.values()), number * 5, number * 5 + 5):
                damaged = copy.deepcopy(call)
                target: Any = damaged
                for key in path[:-1]:
                    target = target[key]
                target[path[-1]] = odd
                yield dataset, damaged


def test_no_value_in_any_place_refuses_a_document(store: Elasticsearch) -> None:
    """A thousand damaged calls, each in the store afterwards."""
    faults: list[str] = []
    stored = 0
    body: list[bytes] = []
    size = 0

    def send() -> None:
        nonlocal stored, size
        answer = store.bulk(body=b"\n".join(body) + b"\n")
        for item in answer["items"]:
            if "error" in item["create"]:
                faults.append(str(item["create"]["error"])[:300])
            else:
                stored += 1
        body.clear()
        size = 0

    made = 0
    for number, (dataset, call) in enumerate(calls()):
        document = build({**payloads.entry(call, dataset), "id": f"odd-{number}"})
        place = destination(document)
        line = orjson.dumps(document)
        body += [orjson.dumps({"create": {"_index": place.index, "_id": place.id}}), line]
        size += len(line)
        made += 1
        if size > 4_000_000:
            send()
    send()
    assert faults == []
    assert stored == made > 1000


def test_what_a_call_says_is_found(store: Elasticsearch) -> None:
    """Prompt and answer by their words, tool arguments and attributes by their keys, choices each on its own."""
    for number, call in enumerate(payloads.ALL.values()):
        document = build({**payloads.entry(call), "id": str(number)})
        place = destination(document)
        store.create(index=place.index, id=place.id, document=document)
    store.indices.refresh(index="llm-*")

    def found(query: Json) -> list[str]:
        hits = store.search(index="llm-completions-*", query=query)["hits"]["hits"]
        return sorted(hit["_id"] for hit in hits)

    names = list(payloads.ALL)
    chat, responses, generic = (str(names.index(name)) for name in ("chat", "responses", "generic"))
    assert found({"match": {"llm.input.text": "picture"}}) == [chat]
    assert found({"match": {"llm.output.text": "rains"}}) == [responses]
    assert found({"term": {"llm.inputs.job_title": "Engineer"}}) == [generic]
    assert found({"term": {"llm.attributes.request.experiment": "A"}}) == [chat]
    assert found({"term": {"llm.join.key": "chatcmpl-1"}}) == [chat]
    assert found({"term": {"labels.k": "v"}}) == [chat]
    nested = {"term": {"llm.choices.tool_calls.arguments.place": "Oslo"}}
    assert found({"nested": {"path": "llm.choices", "query": nested}}) == [chat]
    both = [
        {"term": {"llm.choices.finish_reason": "stop"}},
        {"exists": {"field": "llm.choices.tool_calls"}},
    ]
    assert found({"nested": {"path": "llm.choices", "query": {"bool": {"must": both}}}}) == []
