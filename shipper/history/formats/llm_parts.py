"""Messages of the `llm` command, whose parts stand in rows of their own, in OpenAI's form.

https://github.com/simonw/llm/blob/main/llm/parts.py (`TextPart`, `ReasoningPart`, `ToolCallPart`, `ToolResultPart`,
`AttachmentPart`), and https://github.com/simonw/condense-json for `{"$": key}`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.history.formats.spoken import tool_call

if TYPE_CHECKING:
    from shipper.history.event import Json


def messages_of_parts(message: Json) -> list[Json]:
    """The messages that one of the command's is: results of tools are messages of their own. Never raises."""
    content: list[Json] = []
    calls: list[Json] = []
    results: list[Json] = []
    said: Json = {"role": message.get("role")}
    for part in message.get("parts") or ():
        kind, text, payload = part.get("type"), part.get("text"), part.get("payload") or {}
        files = list(map(file_part, part.get("attachments") or ()))
        if kind == "text":
            content.append({"type": "text", "text": text or ""})
        elif kind == "reasoning":
            said["reasoning_content"] = said.get("reasoning_content", "") + (text or "")
        elif kind == "tool_call":
            calls.append(tool_call({"id": payload.get("tool_call_id"), **payload}))
        elif kind == "tool_result":
            output = payload.get("exception") or payload.get("output")
            told = {"tool_call_id": payload.get("tool_call_id"), "name": payload.get("name")}
            results.append(
                {
                    "role": "tool",
                    **told,
                    "content": [{"type": "text", "text": output}, *files] if files else output,
                }
            )
        else:
            content += files or [{"type": kind, **payload}]
    if calls:
        said["tool_calls"] = calls
    if content or not (calls or results):
        only_text = all(part["type"] == "text" for part in content)
        said["content"] = "".join(part["text"] for part in content) if only_text else content
    return results if len(said) == 1 else [*results, said]


def file_part(attachment: Json) -> Json:
    """An attachment, by its address or by its id; the command keeps the bytes. Never raises."""
    kind, url = attachment.get("type") or "", attachment.get("url")
    if url and kind.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": url}}
    file = {"file_url": url} if url else {"file_id": attachment.get("id"), "path": attachment.get("path")}
    return {"type": "file", "file": {**file, "mime_type": kind, "bytes": attachment.get("bytes")}}


def resolved(value: Any, said: Json) -> Any:
    """JSON in which what was said elsewhere is named by a key: `{"$": key}`, or `{"$r": [text, {"$": key}]}`.

    Never raises for JSON; a key that is not known stays as it is.
    """
    if isinstance(value, list):
        return [resolved(one, said) for one in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"$"} and isinstance(key := value["$"], str):
        return said.get(key, value)
    if value.keys() == {"$r"} and isinstance(pieces := value["$r"], list):
        found = [resolved(one, said) for one in pieces]
        return "".join(found) if all(isinstance(one, str) for one in found) else value
    return {name: resolved(one, said) for name, one in value.items()}
