"""Exports from a real Elasticsearch: every document once, as it is stored, whatever happens on the way."""

from __future__ import annotations

from collections import Counter
from itertools import count as counting
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from shipper.errors import UsageError
from shipper.export import Plan
from shipper.read.query import Query
from shipper.read.scan import Selection, Snapshot, read_slices
from shipper.record import build
from shipper.route import destination
from shipper.store.setup import setup
from tests.fixtures.exports import Json, by_id, lines_of, store, stored
from tests.fixtures.record import payloads
from tests.fixtures.record.strategies import CALLS

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch


pytestmark = pytest.mark.node


@pytest.fixture
def empty(clean_store: Elasticsearch) -> Elasticsearch:
    """A store that is set up and holds nothing."""
    setup(clean_store)
    return clean_store


ODD = (
    b'{ "@timestamp" : "2026-11-20T10:00:00Z",\n "event": {"id":"odd","dataset":"llm.completion"},'
    b'"huge": 123456789012345678901234567890, "exact": 1.10,\r\n'
    b'"llm":{"raw":{"response":[{"a":1,"sort":[5]},{"_index":"x","_id":"y","_source":{"hits":{"hits":[]}},"sort":[6]}]},'
    b'"application":{"name":"odd"},"input":{"text":"\\ud800 \\",\\"matched_queries\\":[\\"\\"]}"}}}'
)


def test_documents_are_exported_byte_by_byte(empty: Elasticsearch, run_export: Any) -> None:
    """Numbers of any size, half surrogates, line breaks and texts that look like an answer: as they are stored."""
    empty.perform_request(
        "PUT",
        "/llm-completions-odd@1-2026.11/_doc/o%22d%5Cd?refresh=true",
        headers={"accept": "application/json", "content-type": "application/json"},
        body=ODD,
    )
    result = run_export("--format", "ndjson")
    assert result.exit_code == 0, result.output
    kept = ODD.replace(b"\n", b" ").replace(b"\r", b" ")
    wanted = b'{"_index":"llm-completions-odd@1-2026.11","_id":"o\\"d\\\\d","_source":' + kept + b"}\n"
    assert result.stdout_bytes == wanted
    assert run_export("--format", "csv").stdout.count("\n") == 2  # it is a row, too


SECRET = "zq7secret"


def planted(value: Any) -> Any:
    """The payload with a secret in every text that is no name, id or kind."""
    if isinstance(value, dict):
        return {
            key: inner
            if key in ("type", "role", "id", "model", "object", "name", "finish_reason", "tool_call_id")
            else planted(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [planted(item) for item in value]
    return f"{SECRET} jane@example.org" if isinstance(value, str) else value


@pytest.mark.parametrize("form", ["ndjson", "csv", "otlp-json"])
def test_without_content(empty: Elasticsearch, run_export: Any, form: str) -> None:
    """Nothing of what was said leaves the store, nor what somebody else has put into a document; figures do."""
    chat = payloads.CHAT
    call = {"request": planted(chat["request"]), "response": planted(chat["response"]), "tags": [SECRET]}
    document = stored(1, {**call, "inputs": {"x": SECRET}, "request_attributes": {"x": SECRET}})
    document["unknown"] = {"field": SECRET}
    document["llm"]["feedback"] = {"count": 1, "entries": [{"label": SECRET}], "better_response": SECRET}
    store(empty, document)
    result = run_export("--format", form, "--no-content")
    assert SECRET in run_export("--format", form).stdout
    assert SECRET not in result.stdout
    assert "e00001" in result.stdout
    if form == "ndjson":
        (row,) = lines_of(result.stdout_bytes)
        assert row["_source"]["gen_ai"]["usage"] == document["gen_ai"]["usage"]
        assert row["_source"]["llm"]["privacy"]["content_stored"] is False


def test_redacted_on_the_way(empty: Elasticsearch, run_export: Any) -> None:
    """Personal data is replaced before it is written, and the store keeps what it has."""
    store(empty, stored(1, {"request": planted(payloads.CHAT["request"])}))
    assert "jane@example.org" in run_export("--format", "ndjson").stdout
    redacted = run_export("--format", "ndjson", "--redact", "all").stdout
    assert "jane@example.org" not in redacted
    assert "<EMAIL_1>" in redacted


def test_examples_to_learn_from(empty: Elasticsearch, run_export: Any) -> None:
    """By score: the good answers and the better responses, and the others are counted with the reason."""
    judged = [
        {"score_avg": 0.9},
        {"score_avg": 0.2},
        {"better_response": "Better.", "has_better_response": True},
        {},
    ]
    documents = [stored(number) for number in range(5)]
    for document, feedback in zip(documents, judged, strict=False):
        document["llm"]["feedback"] = feedback
    documents[4] = stored(4, {"response": None, "error": {"type": "Timeout"}})
    documents[4]["llm"]["feedback"] = {"last_score": 1.0}
    store(empty, *documents)
    result = run_export("--format", "openai-finetune", "--min-score", "0.5")
    assert Counter(
        line["messages"][-1]["content"] == "Better." for line in lines_of(result.stdout_bytes)
    ) == {
        True: 1,
        False: 1,
    }
    assert orjson.loads(result.stderr.splitlines()[-1])["skipped"] == {"not successful": 1}
    assert len(lines_of(run_export("--format", "openai-batch").stdout_bytes)) == 5


@pytest.fixture
def all_kinds(empty: Elasticsearch) -> list[Json]:
    """A document of each dataset."""
    feedback = build(payloads.entry({"join_keys": ["e00001"], "value": 1}, "llm.feedback", id="f1"))
    amendment = build(
        payloads.entry({"target_id": "e00001", "fields": {"cost": 1.0}}, "llm.amendment", id="a1")
    )
    letter = {
        "@timestamp": "2026-11-21T08:00:00Z",
        "event": {"id": "d1", "dataset": "llm.deadletter", "original": '{"x": 1}'},
        "llm": {"deadletter": {"reason": "mapper_parsing_exception"}, "application": {"name": "support"}},
    }
    documents = [stored(1), feedback, amendment, letter]
    store(empty, *documents)
    return documents


def test_datasets(all_kinds: list[Json], run_export: Any) -> None:
    """Feedback, amendments and dead letters can be had alone or with everything."""
    assert set(by_id(lines_of(run_export("--format", "ndjson", "--dataset", "all").stdout_bytes))) == {
        one["event"]["id"] for one in all_kinds
    }
    for dataset, document in (
        ("feedback", all_kinds[1]),
        ("amendment", all_kinds[2]),
        ("deadletter", all_kinds[3]),
    ):
        (row,) = lines_of(run_export("--format", "ndjson", "--dataset", dataset).stdout_bytes)
        assert row["_source"] == document
    assert (
        run_export("--format", "csv", "--dataset", "feedback", "--fields", "event.id").stdout
        == "event.id\nf1\n"
    )


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        (Plan("csv", datasets=("completion", "feedback")), "one dataset"),
        (Plan("otlp-json", datasets=("feedback",)), "made of completions"),
        (Plan("ndjson", Query(model="m"), datasets=("feedback",)), "chosen by model"),
        (Plan("openai-batch", fields=("event.id",)), "its own fields"),
        (Plan("openai-finetune", content=False), "nothing but content"),
        (Plan("ndjson", min_score=1.0), "minimum score"),
    ],
)
def test_what_does_not_fit_together_is_told(plan: Plan, why: str) -> None:
    """A plan that can't be meant ends in a sentence."""
    with pytest.raises(UsageError, match=why):
        plan.check()


def test_one_moment(empty: Elasticsearch, connected: Elasticsearch, es: Elasticsearch) -> None:
    """What arrives, changes or goes while an export runs is not in it."""
    there = [stored(number) for number in range(120)]
    store(es, *there)
    snapshot = Snapshot.take(connected, "llm-completions-*@*")
    seen: list[str] = []
    for _, ids, _ in read_slices(
        snapshot, Selection({"match_all": {}}), lambda hits: [hit.id for hit in hits]
    ):
        if not seen:
            store(es, *(stored(number) for number in range(5000, 5100)))
            es.delete(index=destination(there[-1]).index, id="e00119", refresh=True)
        seen += [orjson.loads(one) for one in ids]
    snapshot.close()
    assert sorted(seen) == [one["event"]["id"] for one in there]


def test_an_index_of_figures(empty: Elasticsearch, es: Elasticsearch, run_export: Any) -> None:
    """Figures for readers without content are kept beside the calls, brought up to date, and typed like them."""
    document = stored(1, {"user_id": "u1"})
    store(empty, document)
    assert run_export("--no-content", "--to", "elasticsearch").exit_code == 0
    place = destination(document)
    es.update(index=place.index, id=place.id, doc={"llm": {"feedback": {"count": 1}}}, refresh=True)
    result = run_export("--no-content", "--to", "elasticsearch")
    assert orjson.loads(result.stdout_bytes)["documents"] == 1
    es.indices.refresh(index="llm-figures-*")
    index = place.index.replace("llm-completions-", "llm-figures-")
    kept = es.get(index=index, id=place.id)["_source"]
    assert kept["gen_ai"]["usage"] == document["gen_ai"]["usage"]
    assert kept["llm"]["feedback"] == {"count": 1}
    assert "user" not in kept
    assert "input" not in kept["gen_ai"]
    assert es.count(index=index, query={"range": {"gen_ai.usage.input_tokens": {"gt": 0}}})["count"] == 1
    assert es.count(index="llm-completions-*@*")["count"] == 1


@given(calls=st.lists(CALLS, min_size=1, max_size=8))
@hypothesis_settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_documents_come_out_as_they_went_in(
    empty: Elasticsearch, run_export: Any, calls: list[Any]
) -> None:
    """Whatever was logged, its exported line is the stored document."""
    documents = {}
    for call in calls:
        number = next(_NUMBERS)
        document = build(payloads.entry(call, id=f"h{number}"))
        documents[document["event"]["id"]] = document
    store(empty, *documents.values())
    rows = by_id(lines_of(run_export("--format", "ndjson", "--dataset", "all").stdout_bytes))
    assert {key: rows[key]["_source"] for key in documents} == documents


_NUMBERS = counting()
