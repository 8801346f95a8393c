"""`shipper reprice` on the real store: what bare clients sent without a price gets one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from shipper.feedback import reprice as module
from shipper.feedback.requests import Requests
from shipper.record.prices.catalogue import version
from shipper.store.setup import setup
from tests.faults.programs import shipper_command

if TYPE_CHECKING:
    from pathlib import Path

    from elasticsearch import Elasticsearch

    from shipper.embedded import NodeInfo

NOW = "2026-11-21T12:00:00Z"
INDEX = "llm-completions-bare@unversioned-2025.11"


def bare(**more: Any) -> dict[str, Any]:
    """A completion as Logstash has it from a bare client: 1,000 tokens in, 100 out."""
    return {
        "@timestamp": "2025-11-21T07:30:40Z",
        "event": {"dataset": "llm.completion", "id": "a"},
        "gen_ai": {
            "provider": {"name": "openai"},
            "request": {"model": "gpt-4o"},
            "usage": {"input_tokens": 1000, "output_tokens": 100},
        },
        "llm": {"application": {"name": "bare"}, "cost": {"status": "pending"}},
        **more,
    }


def put(es: Elasticsearch, count: int, **changed: dict[str, Any]) -> None:
    """So many of them, and those that differ, by id."""
    named = {f"p-{number}": bare() for number in range(count)} | changed
    lines = [
        line
        for name, source in named.items()
        for line in (
            {"create": {"_index": INDEX, "_id": name}},
            source | {"event": {**source["event"], "id": name}},
        )
    ]
    answer = es.bulk(operations=lines, refresh=True)
    assert not answer["errors"], answer


def costs(es: Elasticsearch) -> dict[str, tuple[str, float | None]]:
    """Status and amount by id."""
    es.indices.refresh(index=INDEX)
    found = es.search(index=INDEX, size=1000)["hits"]["hits"]
    return {
        one["_id"]: (
            one["_source"]["llm"]["cost"]["status"],
            one["_source"]["gen_ai"]["usage"].get("cost", {}).get("amount"),
        )
        for one in found
    }


@pytest.mark.parametrize(
    ("usage", "model", "wanted"),
    [
        ({"input_tokens": 1000, "output_tokens": 100}, "gpt-4o", ("priced", 0.0035)),
        ({"input_tokens": "1000", "output_tokens": 100.0}, "gpt-4o", ("priced", 0.0035)),
        ({"input_tokens": 1000, "output_tokens": 100, "cache_read": 7}, "gpt-4o", ("priced", 0.0035)),
        ({"input_tokens": "many"}, "gpt-4o", ("no_usage", None)),
        ({"input_tokens": -1, "output_tokens": True}, "gpt-4o", ("no_usage", None)),
        ({"input_tokens": 1}, {"not": "a name"}, ("unknown_model", None)),
        ({"input_tokens": 1}, "nobody-lists-this", ("unknown_model", None)),
    ],
)
def test_anything_that_is_stored_can_be_priced(
    usage: Any, model: Any, wanted: tuple[str, float | None]
) -> None:
    """Values of other types count as the index counts them; what can't be priced says why."""
    source = bare(gen_ai={"provider": {"name": "openai"}, "request": {"model": model}, "usage": usage})
    change = module.repriced(source, NOW)
    assert change is not None
    amount = change.get("gen_ai", {"usage": {"cost": {"amount": None}}})["usage"]["cost"]["amount"]
    assert (change["llm"]["cost"]["status"], amount) == (wanted[0], pytest.approx(wanted[1]))


@pytest.mark.parametrize("odd", [1, "x", [], None, {"cost": 1}, {"usage": []}])
def test_no_shape_of_a_document_stops_it(odd: Any) -> None:
    """Groups that are something else are passed over."""
    assert module.repriced({"llm": odd, "gen_ai": odd, "@timestamp": odd}, NOW) == {
        "llm": {"cost": {"status": "no_usage"}}
    }


def test_a_run_prices_all_pages_and_the_next_has_nothing_to_do(clean_store: Elasticsearch) -> None:
    """Each once, in several pages; who was told a cost keeps it, and what stays unknown is asked once a run."""
    setup(clean_store)
    told = bare(llm={"cost": {"status": "provided"}, "application": {"name": "bare"}})
    unknown = bare(gen_ai={"request": {"model": "nobody-lists-this"}, "usage": {"input_tokens": 1}})
    put(clean_store, 25, told=told, unknown=unknown)
    before = costs(clean_store)
    dry = module.reprice(clean_store, NOW, dry_run=True, batch=10)
    assert costs(clean_store) == before
    done = module.reprice(clean_store, NOW, batch=10)
    assert done == dry
    assert done.changed == {"priced": 25, "unknown_model": 1}
    assert done.amounts == {"USD": pytest.approx(25 * 0.0035)}
    after = costs(clean_store)
    assert after.pop("told") == ("provided", None)
    assert after.pop("unknown") == ("unknown_model", None)
    assert set(after.values()) == {("priced", 0.0035)}
    again = module.reprice(clean_store, NOW, batch=10)
    assert (again.changed, again.unchanged) == ({}, 1)


def test_a_stopped_run_is_gone_on_with(clean_store: Elasticsearch) -> None:
    """What the first run wrote is not written again."""
    setup(clean_store)
    put(clean_store, 12)
    first = module.reprice(clean_store, NOW, batch=5, stopped=lambda: True)
    clean_store.indices.refresh(index=INDEX)
    second = module.reprice(clean_store, NOW, batch=5)
    assert (first.changed["priced"], second.changed["priced"]) == (5, 7)


def test_another_list_replaces_a_price_and_keeps_the_history(clean_store: Elasticsearch) -> None:
    """Only with `again`, only what another version priced; the earlier figures stay beside the new ones."""
    setup(clean_store)
    old = bare()
    old["gen_ai"]["usage"]["cost"] = {"amount": 9.0, "currency": "USD", "source": "genai-prices 0.0.1"}
    old["llm"]["cost"] = {"status": "priced", "input": 8.0, "output": 1.0}
    put(clean_store, 0, old=old)
    assert module.reprice(clean_store, NOW).changed == {}
    assert module.reprice(clean_store, NOW, again=True).changed == {"priced": 1}
    source = clean_store.get(index=INDEX, id="old")["_source"]
    assert source["gen_ai"]["usage"]["cost"] == {"amount": 0.0035, "currency": "USD", "source": version()}
    assert source["llm"]["cost"] == {
        "status": "priced",
        "input": 0.0025,
        "output": 0.001,
        "history": [
            {
                "amount": 9.0,
                "currency": "USD",
                "source": "genai-prices 0.0.1",
                "input": 8.0,
                "output": 1.0,
                "until": NOW,
            }
        ],
    }
    clean_store.indices.refresh(index=INDEX)
    assert module.reprice(clean_store, NOW, again=True).changed == {}


def test_a_joiner_that_was_faster_loses_nothing(
    clean_store: Elasticsearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between reading and writing somebody adds feedback: the write is refused, and done anew on what is there."""
    setup(clean_store)
    put(clean_store, 2)
    write, interfered = Requests.write, list[str]()

    def interfere(self: Requests, writes: Any) -> Any:
        if not interfered:
            interfered.append("p-0")
            clean_store.update(index=INDEX, id="p-0", doc={"llm": {"feedback": {"count": 1}}})
        return write(self, writes)

    monkeypatch.setattr(Requests, "write", interfere)
    assert module.reprice(clean_store, NOW).changed == {"priced": 2}
    source = clean_store.get(index=INDEX, id="p-0")["_source"]
    assert source["llm"]["feedback"] == {"count": 1}
    assert source["llm"]["cost"]["status"] == "priced"


def test_the_command(clean_store: Elasticsearch, node: NodeInfo, home: Path) -> None:
    """A dry run says the same in the conditional; figures also as JSON."""
    setup(clean_store)
    put(clean_store, 3)
    dry = shipper_command(home, node.url, "reprice", "--dry-run")
    assert dry.stdout == "Would change: 3 priced (0.0105 USD).\n"
    assert shipper_command(home, node.url, "reprice", "--app", "other").stdout == "Changed: none.\n"
    done = shipper_command(home, node.url, "reprice", "--json")
    assert (done.returncode, json.loads(done.stdout)["changed"]) == (0, {"priced": 3})
