"""ChatGPT's data export: `conversations.json`, where each conversation is a tree of messages.

The export has no specification; fields as described by readers of it, for example
https://github.com/mitkury/chatgpt-export-parser (docs/chatgpt-data-export-format.md): `mapping` holds nodes by id with
`message`, `parent` and `children`; an answer that was generated again is a sibling; `current_node` is the end of the
branch that is shown. Every answer on every branch becomes a call: its input is what was said since the answer before,
which it names. `message_feedback.json` holds thumbs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.history.event import FEEDBACK, Event, Format, Json, Rejected, share
from shipper.history.formats.turns import object_of, opened, others, texted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shipper.history.event import Lookup

_APP = "chatgpt"
_OF_ANSWER = frozenset(["model_slug", "finish_details"])
_RATINGS = {"thumbsUp": True, "thumbs_up": True, "thumbsDown": False, "thumbs_down": False}


def _is_conversation(value: Json) -> bool:
    return isinstance(value.get("mapping"), dict) and ("current_node" in value or "conversation_id" in value)


def _is_feedback(value: Json) -> bool:
    return "rating" in value and "conversation_id" in value


def _is_beside(value: Json) -> bool:
    """What else is in the archive: whose it is, and links that were shared. Nothing of it is a call."""
    return ("email" in value and "id" in value) or ("conversation_id" in value and "is_anonymous" in value)


def _recognise(sample: Sequence[Any]) -> float:
    known = share(sample, lambda value: _is_conversation(value) or _is_feedback(value))
    return known or 0.6 * share(sample, _is_beside)


def _events(value: Any, lookup: Lookup) -> Iterator[Event]:
    del lookup
    if isinstance(value, dict) and _is_conversation(value):
        yield from _answers(value)
    elif isinstance(value, dict) and _is_feedback(value):
        yield _feedback(value)
    elif not (isinstance(value, dict) and _is_beside(value)):
        raise Rejected("no_conversation", "neither a conversation nor feedback")


def _answers(conversation: Json) -> Iterator[Event]:
    nodes: Json = conversation["mapping"]
    shown = _branch(nodes, conversation.get("current_node"))
    for node_id, node in nodes.items():
        message = node.get("message") if isinstance(node, dict) else None
        if _is_answer(message):
            yield _answer(conversation, nodes, node_id, is_shown=node_id in shown)


def _is_answer(message: Any) -> bool:
    """What the model said to the user; its words to tools belong to the next answer's input."""
    return (
        isinstance(message, dict)
        and _role(message) == "assistant"
        and message.get("recipient", "all") == "all"
        and bool(_text(message.get("content")))
    )


def _answer(conversation: Json, nodes: Json, node_id: str, *, is_shown: bool) -> Event:
    message: Json = nodes[node_id]["message"]
    said: list[Json] = []
    previous, seen, parent = None, {node_id}, nodes[node_id].get("parent")
    asked_at = None
    while isinstance(parent, str) and parent in nodes and parent not in seen:
        seen.add(parent)
        before = nodes[parent].get("message")
        if _is_answer(before):
            previous = texted(before.get("id")) or parent
            break
        if isinstance(before, dict) and (text := _text(before.get("content"))):
            said.append({"role": _role(before), "content": text})
            if _role(before) == "user":
                asked_at = asked_at or before.get("create_time")
        parent = nodes[parent].get("parent")
    metadata = object_of(message.get("metadata"))
    model = metadata.get("model_slug") or conversation.get("default_model_slug")
    choice: Json = {"index": 0, "message": {"role": "assistant", "content": _text(message.get("content"))}}
    finish = metadata.get("finish_details")
    if isinstance(finish, dict) and isinstance(finish.get("type"), str):
        choice["finish_reason"] = finish["type"]
    session = texted(conversation.get("conversation_id")) or texted(conversation.get("id"))
    call: Json = {
        "request": {"messages": said[::-1], "model": model} if model else {"messages": said[::-1]},
        "response": {"model": model, "choices": [choice]} if model else {"choices": [choice]},
        "api": "chat_completions",
        "provider": "openai",
        "started_at": message.get("create_time") or asked_at or conversation.get("create_time"),
        "session_id": session,
        "previous_event_id": previous,
        "request_attributes": {"title": conversation.get("title")},
        "response_attributes": {**(others(metadata, _OF_ANSWER) or {}), "shown": is_shown},
    }
    return Event(
        {name: one for name, one in call.items() if one is not None},
        id=texted(message.get("id")) or node_id,
        app=_APP,
    )


def _branch(nodes: Json, last: Any) -> set[str]:
    """The nodes from the end of a branch to the root."""
    found: set[str] = set()
    while isinstance(last, str) and last in nodes and last not in found:
        found.add(last)
        last = nodes[last].get("parent")
    return found


def _role(message: Json) -> str:
    author = message.get("author")
    return str(author.get("role", "user")) if isinstance(author, dict) else "user"


def _text(content: Any) -> str:
    """The words of a message; what is no text is named by its type."""
    if not isinstance(content, dict):
        return content if isinstance(content, str) else ""
    if isinstance(parts := content.get("parts"), list):
        return "\n".join(filter(None, map(_part, parts)))
    for name in ("text", "result", "content"):
        if isinstance(content.get(name), str):
            return content[name]
    if isinstance(thoughts := content.get("thoughts"), list):
        return "\n".join(str(one.get("content", "")) for one in thoughts if isinstance(one, dict))
    return ""


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        return ""
    return (
        part["text"] if isinstance(part.get("text"), str) else f"[{part.get('content_type', 'attachment')}]"
    )


def _feedback(value: Json) -> Event:
    about = [key for name in ("message_id", "id") if (key := texted(value.get(name)))]
    content = opened(value.get("content"))
    call: Json = {
        "join_keys": about,
        "name": "thumbs",
        "value": _RATINGS.get(value["rating"], value["rating"]),
        "author": texted(value.get("user_id")),
        "author_kind": "human",
        "created_at": value.get("create_time"),
    }
    if isinstance(content, dict) and isinstance(content.get("text"), str) and content["text"]:
        call["comment"] = content["text"]
    if isinstance(content, dict) and content.get("tags"):
        call["values"] = {"tags": content["tags"]}
    identity = f"{texted(value.get('id')) or value['conversation_id']}.thumbs"
    return Event({name: one for name, one in call.items() if one is not None}, FEEDBACK, identity, _APP)


FORMAT = Format("chatgpt", _recognise, _events)
