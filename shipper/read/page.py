"""One completion as a page of text: figures, ids, conversation, answers, feedback, flags. Pure; never raises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from shipper.read.conversation import answer_lines, as_json, prompt_lines, tool_lines
from shipper.read.figures import (
    MISSING,
    cost_text,
    count_text,
    duration_text,
    model_text,
    money_text,
    text_at,
    time_text,
    tokens_text,
    value_at,
)
from shipper.read.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from shipper.read.search import Hit

LONGEST = 4000
"""Characters of one text that a page shows unless all are wanted."""

_IDS = (
    ("event id", "event.id"),
    ("response id", "gen_ai.response.id"),
    ("join keys", "llm.join.key"),
    ("session", "gen_ai.conversation.id"),
    ("turn", "llm.conversation.turn"),
    ("previous", "llm.previous.event_id"),
    ("user", "user.id"),
    ("project", "llm.project.id"),
    ("chain", "llm.chain.id"),
    ("run", "llm.run.id"),
    ("data point", "llm.datapoint.id"),
    ("trace", "trace.id"),
    ("span", "span.id"),
    ("parent", "parent.id"),
    ("source", "llm.source"),
    ("request id", "http.request.id"),
)
_PROMPT = (
    ("prompt", "gen_ai.prompt.name"),
    ("prompt version", "gen_ai.prompt.version"),
    ("prompt path", "llm.prompt.path"),
    ("variables", "llm.prompt.variables"),
    ("template", "llm.prompt.template"),
)
_USAGE = (
    ("tokens cached", "gen_ai.usage.cache_read.input_tokens"),
    ("tokens written to cache", "gen_ai.usage.cache_write.input_tokens"),
    ("tokens reasoning", "gen_ai.usage.reasoning.output_tokens"),
)
_ATTRIBUTES = (
    ("tags", "tags"),
    ("labels", "labels"),
    ("request", "llm.attributes.request"),
    ("response", "llm.attributes.response"),
    ("parameters", "llm.request.params"),
)
_FLAGS = (
    ("made safe", "llm.sanitised"),
    ("cut", "llm.truncated"),
    ("redacted", "llm.privacy.redacted"),
    ("found in it", "llm.privacy.entities"),
    ("content kept", "llm.privacy.content_stored"),
    ("stream complete", "llm.stream.completed"),
    ("retries", "llm.retry.count"),
)
_NO_PARAMETERS = ("model", "choice")


def page_of(hit: Hit, *, full: bool = False, events: Iterable[Mapping[str, Any]] = ()) -> Iterator[Text]:
    """The lines of the page.

    Args:
        hit: the completion, whole.
        full: show every text to its end.
        events: the stored feedback and amendments that name it.
    """
    document = hit.document
    longest = None if full else LONGEST
    yield from _head(document)
    yield from _pairs("", [*_named(document, _IDS), ("stored in", hit.index)])
    yield from _pairs("settings", [*_named(document, _PROMPT), *_parameters(document)])
    yield from _section("tools", tool_lines(document))
    yield from _section("conversation", prompt_lines(document, longest))
    yield from _section("answers", answer_lines(document, longest))
    yield from _pairs(
        "other inputs and outputs", _named(document, (("in", "llm.inputs"), ("out", "llm.outputs")))
    )
    yield from _section("error", _error(document, longest))
    yield from _pairs("usage and cost", _usage(document))
    yield from _section("feedback", _feedback(document, events))
    yield from _pairs("attributes", _named(document, _ATTRIBUTES))
    yield from _pairs("flags", _named(document, _FLAGS))
    yield from _section("captured output", _plain_lines(text_at(document, "llm.logs"), longest))


def _head(document: Mapping[str, Any]) -> Iterator[Text]:
    outcome = text_at(document, "event.outcome") or "unknown"
    app, version = text_at(document, "llm.application.name"), text_at(document, "service.version")
    first = Text(printable(f"{app or MISSING}@{version}" if version else app or MISSING), "bold")
    rest = [
        text_at(document, "service.environment"),
        model_text(document),
        text_at(document, "gen_ai.operation.name"),
        text_at(document, "gen_ai.provider.name"),
    ]
    first.append("".join(f" · {printable(one)}" for one in rest if one))
    yield first.append(f" · {printable(outcome)}", "red" if outcome == "failure" else "green")
    figures = [
        time_text(value_at(document, "@timestamp")),
        duration_text(value_at(document, "llm.latency_ms")),
        f"{tokens} tokens" if (tokens := tokens_text(document)) != MISSING else MISSING,
        cost_text(document),
    ]
    yield Text(" · ".join(printable(figure) for figure in figures))


def _section(title: str, lines: Iterable[Text]) -> Iterator[Text]:
    """The lines under their title, or nothing if there are none."""
    for number, line in enumerate(lines):
        if number == 0:
            yield Text("")
            if title:
                yield Text(f"── {title} ──", "dim")
        yield line


def _pairs(title: str, pairs: Iterable[tuple[str, str]]) -> Iterator[Text]:
    pairs = list(pairs)
    width = max((len(name) for name, _ in pairs), default=0)
    lines = (
        Text().append(f"  {printable(name).ljust(width)}  ", "dim").append(printable(value)[:LONGEST])
        for name, value in pairs
    )
    yield from _section(title, lines)


def _named(document: Mapping[str, Any], fields: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for name, path in fields:
        value = value_at(document, path)
        if value in (None, [], {}, ""):
            continue
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            yield name, ", ".join(value)
        else:
            yield name, value if isinstance(value, str) else as_json(value)


def _parameters(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    parameters = value_at(document, "gen_ai.request")
    for name, value in parameters.items() if isinstance(parameters, dict) else ():
        if name not in _NO_PARAMETERS:
            yield name, value if isinstance(value, str) else as_json(value)
    asked, answered = (text_at(document, f"gen_ai.{side}.model") for side in ("request", "response"))
    if asked and answered and asked != answered:
        yield "model asked for", asked


def _usage(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, path in _USAGE:
        if value_at(document, path):
            yield name, count_text(value_at(document, path))
    currency = value_at(document, "gen_ai.usage.cost.currency")
    for side in ("input", "output", "cache_savings"):
        amount = value_at(document, f"llm.cost.{side}")
        if amount is not None:
            yield f"cost {side.replace('_', ' ')}", money_text(amount, currency)
    source = text_at(document, "gen_ai.usage.cost.source")
    if source:
        yield "price from", source
    first = value_at(document, "gen_ai.response.time_to_first_chunk")
    if isinstance(first, int | float):
        yield "first chunk after", duration_text(first * 1000)


def _error(document: Mapping[str, Any], longest: int | None) -> Iterator[Text]:
    kind, code = text_at(document, "error.type"), text_at(document, "error.code")
    status = value_at(document, "http.response.status_code")
    if kind or code or (isinstance(status, int) and status >= 400):
        yield Text("  " + printable(" · ".join(str(one) for one in (kind, code, status) if one)), "red")
    yield from _plain_lines(text_at(document, "error.message"), longest)
    yield from _plain_lines(text_at(document, "error.stack_trace"), longest)


def _feedback(document: Mapping[str, Any], events: Iterable[Mapping[str, Any]]) -> Iterator[Text]:
    """Each event that names the call (without them, the entries that count), and the better response."""
    told = False
    for event in events:
        told = True
        withdrawn = value_at(event, "llm.feedback.withdrawn") is True
        yield Text(f"  {printable(_said(event))[:LONGEST]}", "dim" if withdrawn else "")
    entries = value_at(document, "llm.feedback.entries")
    for entry in entries if isinstance(entries, list) and not told else []:
        if isinstance(entry, dict):
            said = (
                (name, value if isinstance(value, str) else as_json(value)) for name, value in entry.items()
            )
            line = "  ".join(f"{printable(name)} {printable(value)}" for name, value in said)
            yield Text(f"  {line[:LONGEST]}", "strike" if entry.get("withdrawn") else "")
    better = text_at(document, "llm.feedback.better_response")
    if better:
        yield Text("  better response", "dim")
        yield from _plain_lines(better, LONGEST)


def _said(event: Mapping[str, Any]) -> str:
    """One event in a line: when, what, by whom, where it stands, and why."""
    author = " ".join(text_at(event, f"llm.feedback.{name}") for name in ("author_kind", "author"))
    choice = value_at(event, "llm.feedback.choice_index")
    values = value_at(event, "llm.feedback.values")
    truth = value_at(event, "llm.feedback.ground_truth")
    status = text_at(event, "llm.join.status") or "pending"
    parts = [
        time_text(value_at(event, "@timestamp")),
        text_at(event, "message").partition(" for ")[0],
        author.strip(),
        f"choice {choice}" if choice is not None else "",
        status if status != "joined" else "",
        as_json(values) if values else "",
        as_json(truth) if truth is not None else "",
        text_at(event, "gen_ai.evaluation.explanation"),
    ]
    return " · ".join(part for part in parts if part)


def _plain_lines(text: str, longest: int | None) -> Iterator[Text]:
    if text:
        for line in printable(text[:longest], multiline=True).split("\n"):
            yield Text(f"  {line}")
