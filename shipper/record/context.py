"""Where a call stands: conversation, chain, trace, user, prompt, tags, privacy. All of it is the caller's to say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.record.coerce import SHORT_MAX, Flags, boolean, double, keyword, keywords, long
from shipper.record.safe import flattened, opaque

if TYPE_CHECKING:
    from shipper.record.reading import Json

# Key of the call → whether its group is under `llm`, group, and name in the group ("": the group is the value)
_PLACES = {
    "chain_id": (True, "chain", "id"),
    "run_id": (True, "run", "id"),
    "datapoint_id": (True, "datapoint", "id"),
    "requester_type": (True, "requester", "type"),
    "source": (True, "source", ""),
    "logs": (True, "logs", ""),
    "trace_id": (False, "trace", "id"),
    "span_id": (False, "span", "id"),
    "parent_id": (False, "parent", "id"),
    "user_id": (False, "user", "id"),
}
_OTHER_KEYS = frozenset({"tags", "labels", "retry_count", "privacy", "save"})
_PROMPT_IDS = ("id", "version_id", "hash", "path")
STORED_PROMPT = frozenset({"id", "version", "variables"})
"""What a request says of a prompt that OpenAI keeps: https://platform.openai.com/docs/guides/prompting."""


def write_context(call: Json, request: Json, response: Json, document: Json, flags: Flags) -> None:
    """Write everything that says where the call stands."""
    llm, gen_ai = document["llm"], document["gen_ai"]
    _write_ids(call, request, document, llm, flags)
    _write_conversation(call, request, response, gen_ai, llm, flags)
    prompt = _prompt_of(call, request)
    if prompt is not None:
        _write_prompt(prompt, gen_ai, llm, flags)
    if _OTHER_KEYS.isdisjoint(call):
        return
    if tags := keywords(call.get("tags"), "tags", flags):
        document["tags"] = tags
    if (labels := call.get("labels")) is not None:
        document["labels"] = flattened(labels, "labels", flags)
    if (count := long(call.get("retry_count"), "retry_count", flags, high=SHORT_MAX)) is not None:
        llm["retry"] = {"count": count}
    _write_privacy(call, llm, flags)


def _write_ids(call: Json, request: Json, document: Json, llm: Json, flags: Flags) -> None:
    for key, value in call.items():
        if value is not None and (place := _PLACES.get(key)) is not None:
            in_llm, group, name = place
            text = keyword(value, key, flags)
            (llm if in_llm else document)[group] = {name: text} if name else text
    if "user" not in document and (user := request.get("user")) is not None:
        document["user"] = {"id": keyword(user, "request.user", flags)}


def _write_conversation(
    call: Json, request: Json, response: Json, gen_ai: Json, llm: Json, flags: Flags
) -> None:
    """The caller's session; else the conversation that the Responses API keeps."""
    conversation = call.get("session_id")
    if conversation is None:
        for payload in (request, response):
            conversation = payload.get("conversation")
            if type(conversation) is dict:
                conversation = conversation.get("id")
            if conversation is not None:
                break
    if conversation is not None:
        gen_ai["conversation"] = {"id": keyword(conversation, "session_id", flags)}
    if (turn := long(call.get("turn"), "turn", flags)) is not None:
        llm["conversation"] = {"turn": turn}
    previous = call.get("previous_event_id")
    if previous is None:
        previous = request.get("previous_response_id")  # a join key of the call before
    if previous is not None:
        llm["previous"] = {"event_id": keyword(previous, "previous_event_id", flags)}


def _prompt_of(call: Json, request: Json) -> Any:
    """What the caller says of the prompt, with what the request says where the prompt is kept by the provider."""
    told, stored = call.get("prompt"), request.get("prompt")
    if type(stored) is not dict:
        return told
    prompt = {
        "id": stored.get("id"),
        "version_id": stored.get("version"),
        "variables": stored.get("variables"),
    }
    if type(told) is not dict:
        return {**prompt, "name": told}
    return {**prompt, **{key: value for key, value in told.items() if value is not None}}


def _write_prompt(prompt: Any, gen_ai: Json, llm: Json, flags: Flags) -> None:
    if type(prompt) is not dict:
        prompt = {"name": prompt}
    names: Json = {}
    for key in ("name", "version"):
        if (value := keyword(prompt.get(key), f"prompt.{key}", flags)) is not None:
            names[key] = value
    if names:
        gen_ai["prompt"] = names
    group: Json = {}
    for key in _PROMPT_IDS:
        if (value := keyword(prompt.get(key), f"prompt.{key}", flags)) is not None:
            group[key] = value
    if (template := prompt.get("template")) is not None:
        group["template"] = opaque(template, "prompt.template", flags)
    if (variables := prompt.get("variables")) is not None:
        group["variables"] = flattened(variables, "prompt.variables", flags)
    if group:
        llm["prompt"] = group


def _write_privacy(call: Json, llm: Json, flags: Flags) -> None:
    given = call.get("privacy")
    out: Json = {}
    if type(given) is dict:
        for key in ("redacted", "content_stored"):
            if (value := boolean(given.get(key), f"privacy.{key}", flags)) is not None:
                out[key] = value
        if (rate := double(given.get("content_rate"), "privacy.content_rate", flags)) is not None:
            out["content_rate"] = rate
        if (engine := keyword(given.get("engine"), "privacy.engine", flags)) is not None:
            out["engine"] = engine
        if entities := keywords(given.get("entities"), "privacy.entities", flags):
            out["entities"] = entities
    if call.get("save") is False:
        out["content_stored"] = False
    if out:
        llm["privacy"] = out
