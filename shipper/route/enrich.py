"""What a bare client left out of its record: the twin of `logstash/pipeline/records.conf`.

What is there is never changed, but for names of older conventions. A record that the shipper built is complete
(its content hash tells) but for what only sending knows.
"""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from shipper.route.jsontext import load
from shipper.route.moment import nanoseconds, text
from shipper.route.nested import at, put, take
from shipper.route.texts import input_text, output_text

if TYPE_CHECKING:
    from collections.abc import Mapping

RENAMED = {
    "gen_ai.system": "gen_ai.provider.name",
    "gen_ai.usage.prompt_tokens": "gen_ai.usage.input_tokens",
    "gen_ai.usage.completion_tokens": "gen_ai.usage.output_tokens",
    "gen_ai.usage.cache_creation.input_tokens": "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens": "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_read_input_tokens": "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.openai.request.seed": "gen_ai.request.seed",
}
"""Older names, taken over in records without a schema version, unless the newer one is there."""

PROVIDERS = {
    "az.ai.inference": "azure.ai.inference",
    "az.ai.openai": "azure.ai.openai",
    "gemini": "gcp.gemini",
    "vertex_ai": "gcp.vertex_ai",
    "xai": "x_ai",
}
"""Older values of the provider's name."""

_JSON_TEXTS = (
    ("gen_ai", "input", "messages"),
    ("gen_ai", "output", "messages"),
    ("gen_ai", "system_instructions"),
    ("gen_ai", "tool", "definitions"),
)
_TEXT_LEVELS = 100  # they end up some levels below the record
_FAILED = 400


def enrich(document: Mapping[str, Any], arrived_ns: int) -> dict[str, Any]:
    """The document with what a record must have, as Logstash completes it.

    Args:
        document: a record that `shipper.route.foreign.recognise` took; it is not changed.
        arrived_ns: when it arrived, ns since the epoch.

    Never raises for JSON.
    """
    out = deepcopy(dict(document))
    dataset = at(out, "event", "dataset")
    if dataset not in ("llm.completion", "llm.feedback", "llm.amendment"):
        return out
    if _lacks(out, "llm", "content_hash"):
        _write_names(out)
        _write_created(out)
        if dataset == "llm.completion":
            _complete(out)
        elif dataset == "llm.feedback":
            _complete_feedback(out)
        _default(out, "event", "event", "kind")
        _default(out, "9.0.0", "ecs", "version")
        _default(out, "1", "llm", "schema", "version")
    _write_arrival(out, arrived_ns)
    return out


def _complete(out: dict[str, Any]) -> None:
    if _lacks(out, "llm", "schema", "version"):
        _upgrade(out)
    pending = _lacks(out, "gen_ai", "usage", "cost", "amount")
    _default(out, "pending" if pending else "provided", "llm", "cost", "status")
    _write_span(out)
    _write_outcome(out)
    _write_keys(out)
    _write_total(out)
    _write_texts(out)


def _complete_feedback(out: dict[str, Any]) -> None:
    _default(out, "rating", "gen_ai", "evaluation", "name")
    score = at(out, "gen_ai", "evaluation", "score", "value")
    if isinstance(score, bool):
        put(out, 1.0 if score else 0.0, "gen_ai", "evaluation", "score", "value")
    if isinstance(key := at(out, "llm", "join", "key"), str):
        put(out, [key], "llm", "join", "key")


def _lacks(out: dict[str, Any], *path: str) -> bool:
    """As Logstash's conditions see it: null, false, the empty text and the word `false` count as missing, zero doesn't."""
    value = at(out, *path)
    return value is None or value is False or (isinstance(value, str) and value in ("", "false"))


def _default(out: dict[str, Any], value: Any, *path: str) -> None:
    if _lacks(out, *path):
        put(out, value, *path)


def _upgrade(out: dict[str, Any]) -> None:
    for old, new in RENAMED.items():
        if not _lacks(out, *old.split(".")) and _lacks(out, *new.split(".")):
            value = take(out, *old.split("."))
            if old == "gen_ai.system" and isinstance(value, str):
                value = PROVIDERS.get(value, value)
            put(out, value, *new.split("."))


def _write_names(out: dict[str, Any]) -> None:
    """Application and service are one name, whichever is given."""
    for source, target in (
        (("service", "name"), ("llm", "application", "name")),
        (("llm", "application", "name"), ("service", "name")),
    ):
        if isinstance(name := at(out, *source), str) and name and at(out, *target) is None:
            put(out, name, *target)


def _write_created(out: dict[str, Any]) -> None:
    if at(out, "event", "created") is None:
        put(out, out["@timestamp"], "event", "created")


def _write_span(out: dict[str, Any]) -> None:
    """Start, end, duration and its twin in milliseconds: any two give the rest."""
    if at(out, "event", "start") is None:
        put(out, out["@timestamp"], "event", "start")
    start, end = nanoseconds(at(out, "event", "start")), nanoseconds(at(out, "event", "end"))
    duration, latency = at(out, "event", "duration"), at(out, "llm", "latency_ms")
    if duration is None:
        if start is not None and end is not None and end >= start:
            duration = end - start
        elif _is_number(latency) and 0 <= latency < 1e12:
            duration = int(latency * 1e6 + 0.5)
        if duration is not None:
            put(out, duration, "event", "duration")
    if duration is None or not _is_number(duration) or not 0 <= duration < 1e18:
        return
    if latency is None:
        put(out, duration / 1e6, "llm", "latency_ms")
    if start is not None and at(out, "event", "end") is None:
        put(out, text(start + int(duration)), "event", "end")


def _write_outcome(out: dict[str, Any]) -> None:
    if at(out, "event", "outcome") is None:
        status = at(out, "http", "response", "status_code")
        answer = at(out, "gen_ai", "output", "messages") or at(out, "llm", "output", "text")
        if out.get("error") or (_is_number(status) and status >= _FAILED):
            outcome = "failure"
        else:
            outcome = "success" if answer or at(out, "gen_ai", "response") else "unknown"
        put(out, outcome, "event", "outcome")
    if at(out, "log", "level") is None:
        put(out, "error" if at(out, "event", "outcome") == "failure" else "info", "log", "level")


def _write_keys(out: dict[str, Any]) -> None:
    """Every key that feedback may use: event id, provider's response id, the client's own."""
    given = at(out, "llm", "join", "key")
    keys = [at(out, "event", "id"), at(out, "gen_ai", "response", "id")]
    keys += given if isinstance(given, list) else [given]
    put(out, list(dict.fromkeys(key for key in keys if isinstance(key, str) and key)), "llm", "join", "key")


def _write_total(out: dict[str, Any]) -> None:
    inputs, outputs = (at(out, "gen_ai", "usage", name) for name in ("input_tokens", "output_tokens"))
    if at(out, "llm", "usage", "total_tokens") is None and _is_integer(inputs) and _is_integer(outputs):
        put(out, inputs + outputs, "llm", "usage", "total_tokens")


def _write_texts(out: dict[str, Any]) -> None:
    for path in _JSON_TEXTS:  # an attribute of a span can hold no objects: they are JSON in a text there
        if isinstance(value := at(out, *path), str):
            with suppress(ValueError):
                put(out, load(value, _TEXT_LEVELS), *path)
    gen_ai = out.get("gen_ai") or {}
    if at(out, "llm", "input", "text") is None:
        said = input_text(gen_ai.get("system_instructions"), at(gen_ai, "input", "messages"))
        if said:
            put(out, said, "llm", "input", "text")
    if at(out, "llm", "output", "text") is None:
        said = output_text(at(gen_ai, "output", "messages"), at(out, "llm", "selected_choice_index"))
        if said:
            put(out, said, "llm", "output", "text")


def _write_arrival(out: dict[str, Any], arrived_ns: int) -> None:
    if at(out, "event", "ingested") is None:
        put(out, text(arrived_ns), "event", "ingested")
    created = nanoseconds(at(out, "event", "created"))
    if (
        created is not None
        and at(out, "event", "dataset") == "llm.completion"
        and at(out, "llm", "ship", "lag_ms") is None
        and at(out, "llm", "import") is None  # how late history comes means nothing
    ):
        put(out, max(0, arrived_ns - created) // 10**6, "llm", "ship", "lag_ms")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
