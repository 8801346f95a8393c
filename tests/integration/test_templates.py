"""The generated templates on a real node: a rich document, and hostile ones."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shipper.record.fields import DATASETS
from shipper.route import destination
from shipper.store.assets import load_templates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elasticsearch import Elasticsearch

TEMPLATES = load_templates()
FULL_CLUSTER_ONLY = {"llm@lifecycle"}
VECTORS = Path(__file__).resolve().parents[1] / "vectors"
JSON_HEADERS = {"content-type": "application/json", "accept": "application/json"}
INDEX = "llm-completions-templates@1-2026.11"


def call(es: Elasticsearch, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    answer = es.transport.perform_request(method, path, headers=JSON_HEADERS, body=body)
    return answer.meta.status, answer.body


@pytest.fixture(scope="module")
def templated(es: Elasticsearch) -> Elasticsearch:
    """A node with our templates, as `shipper setup` puts them on an embedded one."""
    for name, body in TEMPLATES.component.items():
        if name not in FULL_CLUSTER_ONLY:
            assert call(es, "PUT", f"/_component_template/{name}", body)[0] == 200
    for name, body in TEMPLATES.index.items():
        assert call(es, "PUT", f"/_index_template/{name}", body)[0] == 200
    return es


@pytest.fixture
def store(templated: Elasticsearch, clean_store: Elasticsearch) -> Elasticsearch:
    """The same, without any index."""
    assert templated is clean_store
    return templated


def put(es: Elasticsearch, document: dict[str, Any] | bytes) -> tuple[int, str]:
    """Status and reason of indexing one document."""
    status, answer = call(es, "POST", f"/{INDEX}/_doc", document)
    return status, "" if status == 201 else json.dumps(answer["error"])


def nested(levels: int, leaf: Any = 1) -> Any:
    for _ in range(levels):
        leaf = {"k": leaf}
    return leaf


def at(path: str, value: Any) -> dict[str, Any]:
    """A document that has the value at the path."""
    for key in reversed(path.split(".")):
        value = {key: value}
    return {"@timestamp": "2026-11-21T07:30:42.123456Z", **value}


def test_the_node_gives_back_what_was_put(templated: Elasticsearch) -> None:
    """Nothing in a template is dropped or renamed, so that a store can be compared with the files."""
    _, answer = call(templated, "GET", "/_index_template/llm-*")
    found = {one["name"]: one["index_template"] for one in answer["index_templates"]}
    assert set(found) == set(TEMPLATES.index)
    for name, body in TEMPLATES.index.items():
        assert {key: found[name][key] for key in body} == body
    _, answer = call(templated, "GET", "/_component_template/llm*")
    for one in answer["component_templates"]:
        if one["name"] == "llm@custom":  # of another test
            continue
        body = TEMPLATES.component[one["name"]]
        kept = one["component_template"]
        assert kept["version"] == body["version"]
        assert kept["template"].get("mappings") == body["template"].get("mappings")


def test_the_lifecycle_component_is_not_for_the_embedded_node(templated: Elasticsearch) -> None:
    """It is refused there, and no template needs it."""
    status, answer = call(
        templated, "PUT", "/_component_template/llm@lifecycle", TEMPLATES.component["llm@lifecycle"]
    )
    assert (status, "index.lifecycle.name" in answer["error"]["reason"]) == (400, True)
    assert "full cluster" in TEMPLATES.component["llm@lifecycle"]["_meta"]["description"].lower()


def test_the_users_component_wins(store: Elasticsearch) -> None:
    """`llm@custom` changes settings and adds fields without touching our files."""
    custom = {
        "template": {
            "settings": {"refresh_interval": "7s"},
            "mappings": {"properties": {"team": {"type": "keyword"}}},
        }
    }
    assert call(store, "PUT", "/_component_template/llm@custom", custom)[0] == 200
    try:
        assert call(store, "PUT", f"/{INDEX}")[0] == 200
        _, answer = call(store, "GET", f"/{INDEX}")
        assert answer[INDEX]["settings"]["index"]["refresh_interval"] == "7s"
        assert answer[INDEX]["mappings"]["properties"]["team"] == {"type": "keyword"}
    finally:
        call(store, "PUT", "/_component_template/llm@custom", {"template": {}})


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_dataset_has_its_mapping(store: Elasticsearch, dataset: str) -> None:
    """An index that routing names gets every field of the dataset, and stays as it is whatever is written."""
    document = {
        "@timestamp": "2026-11-21T07:30:42Z",
        "event": {"id": "1", "dataset": dataset},
        "surprise": {"a": 1},
    }
    index = destination(document).index
    assert call(store, "PUT", f"/{index}/_create/1?refresh=true", document)[0] == 201
    _, answer = call(store, "GET", f"/{index}/_field_caps?fields=*&filters=-metadata")
    assert "surprise.a" not in answer["fields"]
    for info in DATASETS[dataset].fields():
        if info.stored.type != "object":  # which is kept, and has no capabilities
            assert list(answer["fields"][info.name]) == [info.stored.type], info.name
    _, answer = call(store, "GET", f"/{index}/_doc/1")
    assert answer["_source"] == document


def test_a_rich_document_is_searchable(store: Elasticsearch) -> None:
    """By word, by exact value, by number, by a caller's own key, by choice."""
    document = {
        "@timestamp": "2026-11-21T07:30:42.123456Z",
        "event": {"id": "1", "dataset": "llm.completion", "outcome": "success", "duration": 1_500_000_000},
        "llm": {
            "input": {"text": "Where is my parcel?"},
            "output": {"text": "It was delivered on Friday."},
            "choices": [{"index": 0, "text": "first", "selected": True}, {"index": 1, "text": "second"}],
            "attributes": {"request": {"plan": {"tier": "gold"}}},
            "join": {"key": ["1", "chatcmpl-1"]},
            "latency_ms": 1500.0,
        },
        "gen_ai": {
            "usage": {"input_tokens": 12},
            "response": {"finish_reasons": ["stop", "length"]},
            "input": {
                "messages": [{"role": "user", "parts": [{"type": "text", "content": "Where is my parcel?"}]}]
            },
        },
        "tags": ["a", "b"],
    }
    assert call(store, "PUT", f"/{INDEX}/_create/1?refresh=true", document)[0] == 201
    queries = [
        {"match": {"llm.input.text": "parcel"}},
        {"query_string": {"query": "friday"}},  # names no field: prompts and answers are looked through
        {"term": {"llm.join.key": "chatcmpl-1"}},
        {"term": {"gen_ai.response.finish_reasons": "length"}},
        {"term": {"llm.attributes.request.plan.tier": "gold"}},
        {"range": {"gen_ai.usage.input_tokens": {"gte": 12}}},
        {"range": {"@timestamp": {"gte": "2026-11-21T07:30:42.123Z", "lt": "2026-11-21T07:30:42.124Z"}}},
        {
            "nested": {
                "path": "llm.choices",
                "query": {
                    "bool": {
                        "must": [
                            {"match": {"llm.choices.text": "first"}},
                            {"term": {"llm.choices.selected": True}},
                        ]
                    }
                },
            }
        },
    ]
    for query in queries:
        _, answer = call(store, "POST", f"/{INDEX}/_search", {"query": query})
        assert answer["hits"]["total"]["value"] == 1, query
    absent = {"match": {"gen_ai.input.messages.parts.content": "parcel"}}
    _, answer = call(store, "POST", f"/{INDEX}/_search", {"query": absent})
    assert answer["hits"]["total"]["value"] == 0


def test_a_word_at_the_end_of_a_long_prompt_is_highlighted(store: Elasticsearch) -> None:
    """Elasticsearch's default gives up after a million characters."""
    document = at("llm.input.text", "filler " * 300_000 + "needle")
    assert call(store, "PUT", f"/{INDEX}/_create/1?refresh=true", document)[0] == 201
    search = {
        "query": {"match": {"llm.input.text": "needle"}},
        "highlight": {"fields": {"llm.input.text": {"number_of_fragments": 1}}},
        "_source": False,
    }
    _, answer = call(store, "POST", f"/{INDEX}/_search", search)
    assert "<em>needle</em>" in answer["hits"]["hits"][0]["highlight"]["llm.input.text"][0]


def test_the_golden_vectors_are_stored(store: Elasticsearch) -> None:
    """Every expected document is taken by the index that routing names, under its id."""
    expected = [
        json.loads(line)
        for file in sorted(VECTORS.glob("[!b]*/expected.ndjson"))  # bare-*: of another form
        for line in file.read_text("utf-8").splitlines()
    ]
    lines = [
        part
        for number, one in enumerate(expected)  # scenarios share ids
        for part in (
            {"create": {"_index": one["index"], "_id": f"{one['id'][:500]}/{number}"}},
            one["document"],
        )
    ]
    answer = store.bulk(operations=lines, refresh=True)
    assert [item["create"]["status"] for item in answer["items"]] == [201] * len(expected)
    _, found = call(store, "GET", "/llm-*/_count")
    assert found["count"] == len(expected)


TAKEN = {
    "a keyword of 40,000 bytes": at("user.id", "x" * 40_000),
    "a keyword of 8,191 three-byte characters": at("user.id", "日" * 8191),
    "a number as keyword": at("user.id", 5),
    "arrays in arrays as keyword": at("user.id", [["a"], ["b"]]),
    "mixed values as text": at("llm.input.text", ["a", 5, None, True]),
    "one word of two megabytes": at("llm.input.text", "x" * 2_000_000),
    "NUL in text": at("llm.input.text", "a\0b"),
    "a string as number": at("gen_ai.usage.input_tokens", "many"),
    "2**63 as number": at("gen_ai.usage.input_tokens", 2**63),
    "a number of 400 digits": at("gen_ai.usage.input_tokens", 10**400),
    "an array with a string as number": at("gen_ai.usage.input_tokens", [1, "x", 3]),
    "a boolean as number": at("gen_ai.usage.input_tokens", True),
    "more than a short": at("llm.selected_choice_index", 40_000),
    "more than a float": at("llm.latency_ms", 1e300),
    "NaN as text": at("gen_ai.request.temperature", "NaN"),
    "the year 20000": {"@timestamp": "20000-01-01T00:00:00Z"},
    "no date": {"@timestamp": "yesterday"},
    "an object as date": {"@timestamp": {"a": 1}},
    "a string as boolean": at("gen_ai.request.stream", "yes"),
    "20 levels of labels": at("labels", nested(20)),
    "NUL in a label": at("labels", {"a": "x\0y"}),
    "empty keys in labels": at("labels", {"": 1, " ": 2, ".": 3, "a.": 4}),
    "colliding keys in labels": at("labels", {"a.b": 1, "a": {"b": 2}}),
    "10,000 labels": at("labels", {f"k{number}": number for number in range(10_000)}),
    "a label of 40,000 bytes": at("labels", {"a": "x" * 40_000}),
    "a path of 8,000 bytes in labels": at("labels", {"k" * 8000: "日" * 8191}),
    "a list of labels": at("labels", [{"a": 1}, {"b": 2}]),
    "900 levels of messages": at("gen_ai.input.messages", nested(900)),
    "odd keys in messages": at("gen_ai.input.messages", {"": {".": 1, "a\0": 2, "a..b": 3}}),
    "a text for messages": at("gen_ai.input.messages", "text"),
    "20,000 choices": at("llm.choices", [{"index": number} for number in range(20_000)]),
    "an unknown field": at("llm.unknown.x", {"a": 1}),
    "null for an object": at("llm", None),
    "an original of 5 MB": at("event.original", "x" * 5_000_000),
    "lone surrogates": b'{"user":{"id":"\\ud800"},"labels":{"a\\ud800":"\\udc00"},"llm":{"input":{"text":"\\ud800"}}}',
    "infinities": b'{"gen_ai":{"usage":{"input_tokens":1e400},"request":{"temperature":-1e400}},"labels":{"a":1e400}}',
}


@pytest.mark.parametrize("name", TAKEN)
def test_no_value_refuses_the_document(templated: Elasticsearch, name: str) -> None:
    """What can't be indexed is left out of the index, the document stays whole."""
    assert put(templated, TAKEN[name]) == (201, "")


# What no mapping can prevent: the record's builder has to, for a caller's value in any of these places.
REFUSED = {
    "an object as keyword": at("user.id", {"a": 1}),
    "an object as text": at("llm.input.text", {"a": 1}),
    "an object as number": at("gen_ai.usage.input_tokens", {"a": 1}),
    "an object as boolean": at("gen_ai.request.stream", {"a": 1}),
    "a text as labels": at("labels", "text"),
    "a list of texts as labels": at("labels", ["a"]),
    "21 levels of labels": at("labels", nested(21)),
    "NUL in a key of labels": at("labels", {"a\0b": 1}),
    "a path of 9,000 bytes in labels": at("labels", {"k" * 9000: "日" * 8191}),
    "1,000 levels of messages": at("gen_ai.input.messages", nested(998)),
    "a number of 1,001 digits": b'{"gen_ai":{"input":{"messages":' + b"9" * 1001 + b"}}}",
    "a key twice": b'{"gen_ai":{"input":{"messages":{"a":1,"a":2}}}}',
    "a text for an object": at("gen_ai.usage", "text"),
    "a list of texts as choices": at("llm.choices", ["a"]),
    "an empty key outside of fields": at("llm", {"": 1}),
    "a key of dots outside of fields": {"a..b": 1},
    "a metadata field": {"_id": "x"},
}


@pytest.fixture
def deep() -> Iterator[None]:
    """Room to write 1,000 levels down."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    yield
    sys.setrecursionlimit(limit)


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.usefixtures("deep")
def test_what_the_store_refuses_is_known(templated: Elasticsearch, name: str) -> None:
    """A document's fault, each with a reason that a dead letter can show; the list is the builder's duty."""
    document = REFUSED[name]
    status, reason = put(
        templated, document if isinstance(document, bytes) else json.dumps(document).encode()
    )
    assert status == 400
    assert "document_parsing_exception" in reason
