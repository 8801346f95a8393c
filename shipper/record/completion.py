"""From a spool entry of dataset `llm.completion` to its document (`docs/fields.md` has every field)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.record.coerce import Flags, boolean, double, keyword, long
from shipper.record.context import write_context
from shipper.record.envelope import (
    envelope,
    write_flags,
    write_import,
    write_join_keys,
    write_log,
    write_span,
)
from shipper.record.oneliner import one_liner
from shipper.record.openai import chat, completions, detect, embeddings, responses
from shipper.record.openai.assemble import assemble, is_stream
from shipper.record.parts import collect_texts
from shipper.record.privacy import strip_content
from shipper.record.reading import Json, Reading
from shipper.record.request import write_request
from shipper.record.response import (
    outcome_of,
    write_attributes,
    write_choices,
    write_error,
    write_raw,
    write_response,
    write_usage,
)
from shipper.record.safe import flattened

if TYPE_CHECKING:
    from collections.abc import Mapping

DATASET = "llm.completion"

_READERS = {
    detect.CHAT: chat,
    detect.COMPLETIONS: completions,
    detect.RESPONSES: responses,
    detect.EMBEDDINGS: embeddings,
}
_NOTHING: frozenset[str] = frozenset()


def completion(entry: Mapping[str, Any]) -> Json:
    """The document of one model call. Parts of the entry are shared with it, never changed. Never raises for JSON."""
    flags: Flags = []
    call = _call(entry, flags)
    request, response, unread = _payloads(call, flags)
    api = detect.api_of(call, request, response)
    if api in detect.WITHOUT_CONTENT and call.get("save") is not False:
        call = strip_content({**call, "api": api})
        request, response, unread = _payloads(call, flags)

    document = envelope(entry, call, DATASET, flags)
    gen_ai: Json = {}
    llm: Json = document["llm"]
    document["gen_ai"] = gen_ai
    write_span(call, document, flags)
    _write_kind(call, api, request, response, document, flags)
    reading = Reading(flags)
    _write_payloads(call, api, request, response, unread, reading, gen_ai, llm)
    stream = _write_stream(call, gen_ai, llm, flags)
    write_context(call, request, response, document, flags)
    failed = write_error(call, reading, document)
    # over HTTP an answer is an object: a gateway's page is none
    answered = bool(response or ("http" not in call and call.get("response")))
    outcome = outcome_of(call, answered, reading, stream, failed)
    document["event"]["outcome"] = outcome
    write_attributes(call, reading, llm)
    if call.get("save") is not False:
        write_raw(entry.get("call"), outcome, llm, flags)  # a stream's chunks as they came
    write_join_keys(call, (gen_ai.get("response") or {}).get("id"), document, flags)
    write_import(call, llm, flags)
    write_log(call, "error" if outcome == "failure" else "info", one_liner(document), document, flags)
    write_flags(entry, llm, flags)
    if not gen_ai:
        del document["gen_ai"]
    return document


def _write_payloads(
    call: Json,
    api: str | None,
    request: Json,
    response: Json,
    unread: list[tuple[str, str, Any]],
    reading: Reading,
    gen_ai: Json,
    llm: Json,
) -> None:
    """Everything that is read from the request and the response."""
    reader = _READERS.get(api) if api is not None else None
    if reader is not None:
        reader.read_request(request, reading)
        consumed = reader.read_response(response, reading)
        write_request(request, reader.REQUEST_KEYS, reading, gen_ai, llm)
        write_response(response, request, consumed, reading, gen_ai)
    else:
        params = write_request(request, _NOTHING, reading, gen_ai, llm)
        write_response(response, request, _NOTHING, reading, gen_ai)
        if call.get("save") is not False:  # no API that we know: everything may be prompt and answer
            collect_texts(params, reading.input_texts)
            unread.append(("outputs", "response", reading.extras))
            reading.extras = {}
    _write_texts(call, unread, write_choices(call, reading, llm), reading, llm)
    write_usage(call, reading, gen_ai, llm)


def _call(entry: Mapping[str, Any], flags: Flags) -> Json:
    """The call, without content if that must not be stored, and with a stream's chunks added up."""
    call = entry.get("call")
    if type(call) is not dict:
        flags.append("call: not an object")
        return {} if call is None else {"outputs": call}
    if call.get("save") is False:
        return strip_content(call)
    response = call.get("response")
    if type(response) is list and is_stream(response):
        answer, facts = assemble(response)
        stream: Json = {"chunks": facts.chunks, "completed": facts.completed}
        if type(given := call.get("stream")) is dict:
            stream.update(given)
        return {**call, "response": answer, "stream": stream}
    return call


def _payloads(call: Json, flags: Flags) -> tuple[Json, Json, list[tuple[str, str, Any]]]:
    """Request and response as objects, and what is none: (group, name, value)."""
    unread: list[tuple[str, str, Any]] = []
    request, response = call.get("request"), call.get("response")
    if type(request) is not dict:
        if request is not None:
            flags.append("request: not an object")
            unread.append(("inputs", "request", request))
        request = {}
    if type(response) is not dict:
        if response is not None:
            flags.append("response: not JSON" if type(response) is str else "response: not an object")
            unread.append(("outputs", "response", response))
        response = {}
    return request, response, unread


def _write_kind(
    call: Json, api: str | None, request: Json, response: Json, document: Json, flags: Flags
) -> None:
    """Operation, provider and API."""
    gen_ai = document["gen_ai"]
    operation = keyword(call.get("operation"), "operation", flags)
    if operation is None and api is not None:
        operation = detect.OPERATIONS.get(api, api)
    if operation is not None:
        gen_ai["operation"] = {"name": operation}
    if api is not None:
        document["openai"] = {"api": {"type": api}}
    if (provider := detect.provider_of(call, api, request, response)) is not None:
        gen_ai["provider"] = {"name": provider}


def _write_texts(
    call: Json, unread: list[tuple[str, str, Any]], answer: str, reading: Reading, llm: Json
) -> None:
    """The searchable prompt and answer; inputs and outputs of any other model; payloads that nobody could read.

    The prompt's text is everything that the model was told: instructions, system messages and results of tools too.
    """
    for group, name, texts in (("input", "inputs", reading.input_texts), ("output", "outputs", [answer])):
        if unread or name in call:
            _write_values(name, call, unread, texts, reading, llm)
        if text := "\n".join(filter(None, texts)):
            llm[group] = {"text": text}


def _write_values(
    name: str, call: Json, unread: list[tuple[str, str, Any]], texts: list[str], reading: Reading, llm: Json
) -> None:
    """Inputs or outputs, and what came in their place."""
    values = {name: value} if (value := call.get(name)) is not None and value != {} else {}
    for place, what, payload in unread:
        if place == name and payload != {}:
            if type(payload) is str:
                texts.append(payload)
            else:
                values[what] = payload
    if values:
        for value in values.values():
            collect_texts(value, texts)
        only = next(iter(values.values())) if len(values) == 1 else values
        llm[name] = flattened(only, name, reading.flags)


def _write_stream(call: Json, gen_ai: Json, llm: Json, flags: Flags) -> Json:
    """What is known of the stream, if it was one."""
    given = call.get("stream")
    if type(given) is not dict:
        return {}
    out: Json = {}
    if (chunks := long(given.get("chunks"), "stream.chunks", flags)) is not None:
        out["chunks"] = chunks
    if (completed := boolean(given.get("completed"), "stream.completed", flags)) is not None:
        out["completed"] = completed
    if (
        first := double(given.get("time_to_first_chunk_s"), "stream.time_to_first_chunk_s", flags)
    ) is not None:
        gen_ai.setdefault("response", {})["time_to_first_chunk"] = first
    if out:
        llm["stream"] = out
    return out
