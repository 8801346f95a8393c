"""The response's part of a completion document: answers, tokens, cost, errors, outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.record.coerce import SHORT_MAX, Flags, double, json_text, keyword, long
from shipper.record.openai.usage import Reported, read_usage
from shipper.record.safe import flattened, opaque

if TYPE_CHECKING:
    from shipper.record.reading import Choice, Json, Reading

_MAX_CHOICES = 1000  # nested objects; Elasticsearch refuses a document with more than 10,000
_RAW_KEYS = frozenset({"raw", "raw_request", "raw_response"})
_READ = frozenset({"id", "object", "model", "usage", "error"})


def write_response(
    response: Json, request: Json, consumed: frozenset[str], reading: Reading, gen_ai: Json
) -> None:
    """Write what came back; what no field is for goes to `reading.extras`, but for echoes of the request."""
    flags = reading.flags
    fields: Json = {}
    if (value := keyword(response.get("id"), "response.id", flags)) is not None and value:
        fields["id"] = value
    if (value := keyword(response.get("model"), "response.model", flags)) is not None and value:
        fields["model"] = value
    if reasons := reading.finish_reasons:
        fields["finish_reasons"] = reasons
    if fields:
        gen_ai["response"] = fields
    if reading.outputs:
        gen_ai["output"] = {"messages": reading.outputs}
    extras = reading.extras
    for key, value in response.items():
        if key in _READ or key in consumed:
            continue
        if not value and (value is None or value == [] or value == {}):
            continue
        if key in request and _same(request[key], value):
            continue
        extras[key] = value
    reading.usage = response.get("usage")
    if reading.error is None and (error := response.get("error")):
        reading.error = error


def _same(left: Any, right: Any) -> bool:
    try:
        return left == right
    except RecursionError:
        return False


def write_choices(call: Json, reading: Reading, llm: Json) -> str:
    """Write all choices, the selected one marked; returns its text. One choice alone leaves its text to the caller."""
    flags, choices = reading.flags, reading.choices
    wanted = long(call.get("selected_choice_index"), "selected_choice_index", flags, high=SHORT_MAX) or 0
    if call.get("selected_choice_invalid") is True:
        flags.append("selected_choice_index: no such choice")
        wanted = 0
    if not choices:
        if wanted:
            llm["selected_choice_index"] = wanted
        return ""
    selected = _with_index(choices, wanted)
    if selected is None:
        if wanted:
            flags.append("selected_choice_index: no such choice")
        selected = _with_index(choices, 0) or choices[0]
    llm["selected_choice_index"] = selected.index
    alone = len(choices) == 1
    llm["choices"] = [_choice(choice, choice is selected, alone) for choice in choices[:_MAX_CHOICES]]
    if len(choices) > _MAX_CHOICES:
        flags.append(f"response.choices: {len(choices)}, only {_MAX_CHOICES} kept beside the messages")
    if names := reading.tool_names:
        llm["tool"] = {"names": list(dict.fromkeys(names)), "call_count": min(len(names), SHORT_MAX)}
    return selected.text or selected.refusal or ""


def _with_index(choices: list[Choice], index: int) -> Choice | None:
    for choice in choices:
        if choice.index == index:
            return choice
    return None


def _choice(choice: Choice, selected: bool, alone: bool) -> Json:
    out: Json = {"index": choice.index, "role": choice.role, "selected": selected}
    if choice.text and not alone:
        out["text"] = choice.text
    if choice.finish_reason is not None:
        out["finish_reason"] = choice.finish_reason
    if choice.refusal:
        out["refusal"] = choice.refusal
    if choice.tool_calls:
        out["tool_calls"] = choice.tool_calls
    return out


def write_usage(call: Json, reading: Reading, gen_ai: Json, llm: Json) -> None:
    """Write token counts, and the cost when the caller or the provider says one."""
    tokens, reported = read_usage(reading.usage, reading.extras, reading.flags)
    usage: Json = {}
    if tokens.input is not None:
        usage["input_tokens"] = tokens.input
    if tokens.output is not None:
        usage["output_tokens"] = tokens.output
    if tokens.cache_read is not None:
        usage["cache_read"] = {"input_tokens": tokens.cache_read}
    if tokens.cache_write is not None:
        usage["cache_write"] = {"input_tokens": tokens.cache_write}
    if tokens.reasoning is not None:
        usage["reasoning"] = {"output_tokens": tokens.reasoning}
    if tokens.total is not None:
        llm["usage"] = {"total_tokens": tokens.total}
    if (cost := call.get("cost")) is not None:
        _write_cost(_given_cost(cost, reading.flags), "caller", usage, llm)
    elif reported is not None:
        _write_cost((reported, "USD"), "provider", usage, llm)
    if usage:
        gen_ai["usage"] = usage


def _given_cost(cost: Any, flags: Flags) -> tuple[Reported, str] | None:
    """The caller's cost: a number of US dollars, or amount, currency and parts."""
    if type(cost) is not dict:
        amount = double(cost, "cost", flags)
        return None if amount is None else (Reported(amount), "USD")
    parts = [double(cost.get(key), f"cost.{key}", flags) for key in ("amount", "input", "output")]
    amount, inputs, outputs = parts
    if amount is None and (inputs is not None or outputs is not None):
        amount = (inputs or 0) + (outputs or 0)
    if amount is None:
        return None
    return Reported(amount, inputs, outputs), keyword(cost.get("currency"), "cost.currency", flags) or "USD"


def _write_cost(cost: tuple[Reported, str] | None, source: str, usage: Json, llm: Json) -> None:
    if cost is None:  # unreadable: priced from the tokens, and flagged
        return
    reported, currency = cost
    usage["cost"] = {"amount": reported.amount, "currency": currency, "source": source}
    group: Json = {"status": "provided"}
    if reported.input is not None:
        group["input"] = reported.input
    if reported.output is not None:
        group["output"] = reported.output
    llm["cost"] = group


def write_error(call: Json, reading: Reading, document: Json) -> bool:
    """Write the error of the call, else the one that the response carries; returns whether there is one."""
    if reading.error is None and "error" not in call and "http" not in call:
        return False
    flags = reading.flags
    out: Json = {}
    for error in (call.get("error"), reading.error):
        if error is not None and error is not False and error != "":
            _read_error(error, out, reading)
    status = out.pop("status", None)
    request_id = out.pop("request_id", None)
    http = call.get("http")
    if type(http) is dict:
        status = http.get("status") if status is None else status
        request_id = http.get("request_id") if request_id is None else request_id
    group: Json = {}
    if (code := long(status, "http.status", flags)) is not None:
        group["response"] = {"status_code": code}
    if (value := keyword(request_id, "http.request_id", flags)) is not None:
        group["request"] = {"id": value}
    if group:
        document["http"] = group
    failed = out.pop("failed", False) or (code is not None and code >= 400)
    if failed and "type" not in out:
        out["type"] = out.get("code") or "error"
    if out:
        document["error"] = out
    return failed


def _read_error(error: Any, out: Json, reading: Reading) -> None:
    """Fill the gaps of `out` from one error: an object, an API's error body, or a text; the rest goes to the extras."""
    flags = reading.flags
    out["failed"] = True
    if type(error) is not dict:
        error = {"message": error if type(error) is str else json_text(error)}
    if type(inner := error.get("error")) is dict:  # the body as the API sends it
        error = {**inner, **{key: value for key, value in error.items() if key != "error"}}
    rest: Json = {}
    for key, value in error.items():
        if value is None:
            continue
        if key in ("type", "message", "code", "stack_trace"):
            if (text := keyword(value, f"error.{key}", flags)) is None:
                continue
            known = out.setdefault(key, text)
            if text != known and not (key == "message" and text in known):  # an exception's holds the API's
                rest[key] = text
        elif key in ("status", "request_id"):
            out.setdefault(key, value)
        else:
            rest[key] = value
    if rest:
        reading.extras["error"] = {**rest, **reading.extras.get("error", {})}


def outcome_of(call: Json, answered: bool, reading: Reading, stream: Json, failed: bool) -> str:
    """`success`, `failure`, or `unknown`: no answer yet, or a stream that broke off."""
    if failed or "error" in reading.finish_reasons:
        return "failure"
    if reading.pending or stream.get("completed") is False:
        return "unknown"
    return "success" if answered or call.get("outputs") is not None else "unknown"


def write_raw(call: Any, outcome: str, llm: Json, flags: Flags) -> None:
    """Keep the provider's payloads: handed in by the caller, or asked for always, or for errors."""
    if type(call) is not dict or _RAW_KEYS.isdisjoint(call):
        return
    when = call.get("raw")
    asked = when == "always" or (when == "errors" and outcome == "failure")
    raw: Json = {}
    for name in ("request", "response"):
        payload = call.get(f"raw_{name}")
        if payload is None and asked:
            payload = call.get(name)
        if payload is not None:
            raw[name] = opaque(payload, f"raw_{name}", flags)
    if raw:
        llm["raw"] = raw


def write_attributes(call: Json, reading: Reading, llm: Json) -> None:
    """The caller's metadata; what the provider says beyond the record's fields stands under `response.provider`."""
    group: Json = {}
    flags = reading.flags
    if (given := call.get("request_attributes")) is not None:
        group["request"] = flattened(given, "request_attributes", flags)
    given = call.get("response_attributes")
    if reading.extras:
        provider = flattened({"provider": reading.extras}, "response", flags)
        if given is None:
            group["response"] = provider
        else:
            own = flattened(given, "response_attributes", flags)
            name = "provider" if "provider" not in own else "provider_"
            group["response"] = {**own, name: provider["provider"]}
    elif given is not None:
        group["response"] = flattened(given, "response_attributes", flags)
    if group:
        llm["attributes"] = group
