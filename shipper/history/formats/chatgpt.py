"""ChatGPT's data export: `conversations.json`, where each conversation is a tree of messages.

The export has no specification; fields as described by readers of it, for example
https://github.com/mitkury/chatgpt-export-parser (docs/chatgpt-data-export-format.md): `mapping` holds nodes by id with
`message`, `parent` and `children`; an answer that was generated again is a sibling; `current_node` is the end of the
branch that is shown. Every answer on every branch becomes a call: its input is what was said since the answer before,
which it names, its reasoning what it thought since then. A turn that ends with what a tool made, as a picture, has that
as its answer. `message_feedback.json` holds thumbs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.history.event import FEEDBACK, Event, Format, Json, Rejected, share
from shipper.history.formats.turns import object_of, opened, others, texted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from shipper.history.event import Lookup

_APP = "chatgpt"
_OF_ANSWER = frozenset(["model_slug", "finish_details"])
_OF_POINTER = frozenset(["asset_pointer", "content_type", "type"])
_THOUGHTS = frozenset({"thoughts", "reasoning_recap"})  # kinds of content
_OWN = frozenset({"assistant", "tool"})  # roles of what is not the user's
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
    messages = {
        node_id: node["message"]
        for node_id, node in nodes.items()
        if isinstance(node, dict) and isinstance(node.get("message"), dict)
    }
    answers = {node_id for node_id, message in messages.items() if _is_answer(message)}
    answers |= _last_words(nodes, messages, answers)
    for node_id in messages:
        if node_id in answers:
            yield _answer(conversation, messages, answers, node_id, is_shown=node_id in shown)


def _is_answer(message: Json) -> bool:
    """What the model said to the user; its words to tools and its thoughts belong to the answer that follows."""
    return (
        _role(message) == "assistant"
        and message.get("recipient", "all") == "all"
        and _kind(message) not in _THOUGHTS
        and bool(_text(message.get("content")))
    )


def _last_words(nodes: Json, messages: Json, answers: set[str]) -> set[str]:
    """What the model, or a tool for it, said last in turns that have no answer."""
    followed = {
        node.get("parent")
        for node_id, node in nodes.items()
        if isinstance(node, dict) and node_id in messages and _role(messages[node_id]) != "user"
    }
    found: set[str] = set()
    for node_id, message in messages.items():
        if node_id in followed or _role(message) not in _OWN or node_id in answers:
            continue
        turn = list(_before(nodes, node_id, lambda one: one in messages and _role(messages[one]) == "user"))
        spoken = [messages[one] for one in turn if one in messages]
        if answers.isdisjoint(turn) and any(_role(one) == "assistant" and _content(one) for one in spoken):
            found.add(node_id)
    return found


def _before(nodes: Json, node_id: Any, is_end: Callable[[str], bool]) -> Iterator[str]:
    """A node and those before it, the latest first, up to the one where the way ends."""
    seen: set[str] = set()
    while isinstance(node_id, str) and node_id in nodes and node_id not in seen and not is_end(node_id):
        yield node_id
        seen.add(node_id)
        node_id = object_of(nodes[node_id]).get("parent")


def _answer(conversation: Json, messages: Json, answers: set[str], node_id: str, *, is_shown: bool) -> Event:
    nodes: Json = conversation["mapping"]
    message: Json = messages[node_id]
    way = [*_before(nodes, nodes[node_id].get("parent"), answers.__contains__)]
    first = object_of(nodes[way[-1] if way else node_id]).get("parent")
    previous = (texted(messages[first].get("id")) or first) if first in answers else None
    said = [messages[one] for one in reversed(way) if one in messages]
    asked_at = next((one.get("create_time") for one in said[::-1] if _role(one) == "user"), None)
    thoughts = [_text(one.get("content")) for one in said if _kind(one) in _THOUGHTS]
    told = [one for one in said if _kind(one) not in _THOUGHTS]
    answer, own = _message(message), [message]
    if not _is_answer(message):  # with what led to it, since the user spoke
        since = next((place for place, one in enumerate(told[::-1]) if _role(one) == "user"), len(told))
        own = [*told[len(told) - since :], message]
        told = told[: len(told) - since]
        answer = {"content": [part for one in own for part in _parts(one.get("content"))]}
    answer |= {"role": "assistant", **({"reasoning_content": "\n".join(thoughts)} if thoughts else {})}
    metadata = object_of(message.get("metadata"))
    slugs = (object_of(one.get("metadata")).get("model_slug") for one in own[::-1])
    model = next(filter(None, slugs), conversation.get("default_model_slug"))
    choice: Json = {"index": 0, "message": answer}
    finish = metadata.get("finish_details")
    if isinstance(finish, dict) and isinstance(finish.get("type"), str):
        choice["finish_reason"] = finish["type"]
    session = texted(conversation.get("conversation_id")) or texted(conversation.get("id"))
    asked = [_message(one) for one in told if _content(one)]
    call: Json = {
        "request": {"messages": asked, "model": model} if model else {"messages": asked},
        "response": {"model": model, "choices": [choice]} if model else {"choices": [choice]},
        "api": "chat_completions",
        "provider": "openai",
        "started_at": message.get("create_time") or asked_at or conversation.get("create_time"),
        "session_id": session,
        "previous_event_id": previous,
        "join_keys": [key for one in own if (key := texted(one.get("id")))],
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


def _kind(message: Json) -> str:
    return str(object_of(message.get("content")).get("content_type"))


def _message(message: Json) -> Json:
    """A message in OpenAI's form, with the tool that it is from, or for."""
    out: Json = {"role": _role(message), "content": _content(message)}
    author = object_of(message.get("author"))
    if author.get("name"):
        out["name"] = author["name"]
    if message.get("recipient", "all") != "all":
        out["recipient"] = message["recipient"]
    return out


def _content(message: Json) -> str | list[Json]:
    """The words of a message, or its parts, where some are none; the files that a user gave stand in the metadata."""
    parts = _parts(message.get("content"))
    files = object_of(message.get("metadata")).get("attachments")
    pointed = {str(part.get("file_id", "")).rpartition("/")[2] for part in parts}
    parts += [
        {"type": "file", "file": {**one, "file_id": one.get("id")}}
        for one in (files if isinstance(files, list) else ())
        if isinstance(one, dict) and one.get("id") not in pointed
    ]
    if all(part["type"] == "text" for part in parts):
        return "\n".join(part["text"] for part in parts)
    return parts


def _parts(content: Any) -> list[Json]:
    if isinstance(content, dict) and isinstance(parts := content.get("parts"), list):
        return [part for one in parts if (part := _part(one)) is not None]
    text = _text(content)
    return [{"type": "text", "text": text}] if text else []


def _text(content: Any) -> str:
    """The words of a content."""
    if not isinstance(content, dict):
        return content if isinstance(content, str) else ""
    if isinstance(content.get("parts"), list):
        return "\n".join(part["text"] for part in _parts(content) if part["type"] == "text")
    for name in ("text", "result", "content"):
        if isinstance(content.get(name), str):
            return content[name]
    if isinstance(thoughts := content.get("thoughts"), list):
        return "\n".join(str(one.get("content", "")) for one in thoughts if isinstance(one, dict))
    return ""


def _part(part: Any) -> Json | None:
    if isinstance(part, str):
        return {"type": "text", "text": part} if part else None
    if not isinstance(part, dict):
        return None
    if isinstance(part.get("text"), str):
        return {"type": "text", "text": part["text"]}
    pointer = part.get("asset_pointer")
    kind = str(part.get("content_type"))
    if isinstance(pointer, str) and kind.startswith("image"):
        return {"type": "input_image", "file_id": pointer, **(others(part, _OF_POINTER) or {})}
    return {"type": "file", "file": {"file_id": pointer, **part}}


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
