"""From spool entries of datasets `llm.feedback` and `llm.amendment` to their documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.record.coerce import SHORT_MAX, Flags, boolean, double, json_text, keyword, keywords, long
from shipper.record.envelope import envelope, write_flags, write_import, write_log
from shipper.record.privacy import strip_content
from shipper.record.safe import flattened, opaque
from shipper.record.times import format_time, parse_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.record.reading import Json

FEEDBACK = "llm.feedback"
AMENDMENT = "llm.amendment"

_KINDS = frozenset({"human", "implicit", "evaluator", "ground_truth"})
_DEFAULT_NAME = "rating"
_LABEL_MAX = 64  # a longer text is no label, but content
_WITHOUT_CONTENT = frozenset(
    [
        *("join_keys", "key", "keys", "target_id", "target_at", "created_at", "import", "level", "logger"),
        *("name", "scale", "choice_index", "author", "author_kind", "channel", "withdrawn"),
    ]
)


def feedback(entry: Mapping[str, Any]) -> Json:
    """The document of one judgement. Never raises for JSON.

    A boolean value is a score of 0 or 1, a number in 0 to 1 a score. A number beyond that is read on the caller's
    `scale` ([low, high], or the high end); without one it is kept in `values`, flagged. A text is a label.
    """
    flags: Flags = []
    call = _object(entry.get("call"), flags)
    document = envelope(entry, call, FEEDBACK, flags)
    llm: Json = document["llm"]
    keys = _join_keys(call, ("key", "keys", "join_keys"), flags)
    if keys:
        llm["join"] = {"key": keys}
    evaluation: Json = {"name": keyword(call.get("name"), "name", flags) or _DEFAULT_NAME}
    values = call.get("values")
    score, rest = _score(call.get("value"), call.get("scale"), flags)
    if score:
        evaluation["score"] = score
    if rest is not None:
        values = (
            {**values, "value": rest}
            if type(values) is dict
            else {"value": rest}
            if values is None
            else values
        )
    if (comment := keyword(call.get("comment"), "comment", flags)) is not None:
        evaluation["explanation"] = comment
    document["gen_ai"] = {"evaluation": evaluation}

    group = _group(call, flags)
    if values is not None:
        group["values"] = flattened(values, "values", flags)
    if group:
        llm["feedback"] = group
    if (target_at := parse_time(call.get("target_at"), "target_at", flags)) is not None:
        llm["target"] = {"timestamp": format_time(target_at)}
    _write_privacy(call, llm)
    write_import(call, llm, flags)
    write_log(call, "info", _feedback_line(evaluation, group, keys), document, flags)
    write_flags(entry, llm, flags)
    return document


def amendment(entry: Mapping[str, Any]) -> Json:
    """The document of what became known of a completion later. Never raises for JSON."""
    flags: Flags = []
    call = _object(entry.get("call"), flags)
    document = envelope(entry, call, AMENDMENT, flags)
    llm: Json = document["llm"]
    keys = _join_keys(call, ("target_id", "join_keys"), flags)
    if keys:
        llm["join"] = {"key": keys}
    fields = call.get("fields")
    if fields is not None:
        llm["amendment"] = {"fields": opaque(fields, "fields", flags)}
    names = ", ".join(fields) if type(fields) is dict else "nothing"
    _write_privacy(call, llm)
    write_import(call, llm, flags)
    write_log(call, "info", f"amends {_first(keys)}: {names}"[:200], document, flags)
    write_flags(entry, llm, flags)
    return document


def strip_feedback(call: Mapping[str, Any]) -> Json:
    """A copy of a judgement's call without content: who judged what and how, but no text. Never raises for JSON."""
    out: Json = {key: value for key, value in call.items() if key in _WITHOUT_CONTENT}
    for key in ("value", "ground_truth"):
        value = call.get(key)
        if isinstance(value, (int, float)) or (isinstance(value, str) and len(value) <= _LABEL_MAX):
            out[key] = value
    return {**out, "save": False}


def strip_amendment(call: Mapping[str, Any]) -> Json:
    """A copy of an amendment's call without content: cost, and what kind of error. Never raises for JSON."""
    out: Json = {key: value for key, value in call.items() if key in _WITHOUT_CONTENT}
    fields = call.get("fields")
    if type(fields) is dict:
        stripped = strip_content({"response": fields.get("output"), "error": fields.get("error")})
        kept = {
            "output": stripped.get("response"),
            "error": stripped.get("error"),
            "cost": fields.get("cost"),
        }
        out["fields"] = {key: value for key, value in kept.items() if value is not None}
    return {**out, "save": False}


def _group(call: Json, flags: Flags) -> Json:
    """What `llm.feedback` holds besides the values."""
    group: Json = {}
    if (index := long(call.get("choice_index"), "choice_index", flags, high=SHORT_MAX)) is not None:
        group["choice_index"] = index
    for key in ("better_response", "author", "channel"):
        if (text := keyword(call.get(key), key, flags)) is not None:
            group[key] = text
    if (kind := _author_kind(call.get("author_kind"), flags)) is not None:
        group["author_kind"] = kind
    if (truth := call.get("ground_truth")) is not None:
        group["ground_truth"] = opaque(truth, "ground_truth", flags)
    if (withdrawn := boolean(call.get("withdrawn"), "withdrawn", flags)) is not None:
        group["withdrawn"] = withdrawn
    return group


def _write_privacy(call: Json, llm: Json) -> None:
    if call.get("save") is False:
        llm["privacy"] = {"content_stored": False}


def _object(call: Any, flags: Flags) -> Json:
    if type(call) is dict:
        return call
    flags.append("call: not an object")
    return {} if call is None else {"values": call, "fields": call}


def _join_keys(call: Json, names: tuple[str, ...], flags: Flags) -> list[str]:
    keys = [key for name in names for key in keywords(call.get(name), name, flags)]
    return list(dict.fromkeys(key for key in keys if key))


def _score(value: Any, scale: Any, flags: Flags) -> tuple[Json, Any]:
    """Score and label of a value, and the value itself when it is neither."""
    if value is None:
        return {}, None
    if type(value) is bool:
        return {"value": 1.0 if value else 0.0}, None
    if type(value) is str:
        return {"label": value}, None
    if isinstance(value, (int, float)) and (number := double(value, "value", flags)) is not None:
        low, high = _scale(scale, flags)
        if low <= number <= high:
            return {"value": (number - low) / (high - low)}, None
        flags.append(f"value: not within {low:g} to {high:g}, kept in values")
        return {}, value
    flags.append("value: neither a score nor a label, kept in values")
    return {}, value


def _scale(scale: Any, flags: Flags) -> tuple[float, float]:
    """Ends of the caller's scale; 0 and 1 unless told."""
    if scale is None:
        return 0.0, 1.0
    ends = scale if type(scale) is list else [0, scale]
    if len(ends) == 2:
        low, high = (double(end, "scale", flags) for end in ends)
        if low is not None and high is not None and low < high and high - low < 1e300:
            return float(low), float(high)
    flags.append("scale: not a low and a high end")
    return 0.0, 1.0


def _author_kind(value: Any, flags: Flags) -> str | None:
    if value is None or (type(value) is str and value in _KINDS):
        return value
    flags.append(f"author_kind: {json_text(value)[:40]} is none of {', '.join(sorted(_KINDS))}")
    return None


def _feedback_line(evaluation: Json, group: Json, keys: list[str]) -> str:
    score = evaluation.get("score") or {}
    verdict = "withdrawn" if group.get("withdrawn") else score.get("label")
    if verdict is None and "value" in score:
        verdict = f"{score['value']:g}"
    if verdict is None:
        verdict = "better response" if "better_response" in group else "given"
    return f"{evaluation['name'][:60]}: {verdict[:60]} for {_first(keys)}"[:200]


def _first(keys: list[str]) -> str:
    return keys[0][:60] if keys else "no key"
