"""Parts of a message's content, from OpenAI's (and its imitators') kinds to OpenTelemetry's.

Shape: https://opentelemetry.io/docs/specs/semconv/gen-ai/ (input and output messages, August 2026). What has no place
there is kept as a further property of the part, under the name that it came with; kinds that OpenTelemetry does not
know keep their own type. Nothing here raises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.record.coerce import Flags, json_text, keyword
from shipper.record.safe import opaque

if TYPE_CHECKING:
    from shipper.record.reading import Json

TEXT_TYPES = frozenset({"text", "input_text", "output_text", "summary_text", "reasoning_text"})


def parts_of(content: Any, where: str, texts: list[str], flags: Flags) -> list[Json]:
    """The parts of a content: a string, a list of parts, or one part; readable text is appended to `texts`."""
    if type(content) is list:
        return [part_of(part, where, texts, flags) for part in content]
    return [part_of(content, where, texts, flags)]


def part_of(part: Any, where: str, texts: list[str], flags: Flags) -> Json:
    """One part of content."""
    if type(part) is str:
        texts.append(part)
        return {"type": "text", "content": part}
    if type(part) is not dict:
        flags.append(f"{where}: not a part of content")
        texts.append(json_text(part))
        return {"type": "unknown", "content": opaque(part, where, flags)}
    kind, text = part.get("type"), part.get("text")
    known = type(kind) is str
    if type(text) is str and (kind in TEXT_TYPES if known else kind is None):
        texts.append(text)
        out: Json = {"type": "text", "content": text}
        if len(part) > 2:
            keep_rest(out, part, ("type", "text"), where, flags)
        return out
    reader = _READERS.get(kind) if known else None
    if reader is not None:
        return reader(part, where, texts, flags)
    if type(text) is str:
        texts.append(text)
    out = {"type": kind if known else "unknown"}
    keep_rest(out, part, ("type",) if known else (), where, flags)
    return out


def keep_rest(out: Json, source: Json, used: Any, where: str, flags: Flags) -> None:
    """Copy what is not `used` and says something; a name that is taken gets a trailing underscore."""
    for key, value in source.items():
        if key in used or value is None or value == [] or value == {}:
            continue
        name = key
        while name in out:
            name += "_"
        out.update(opaque({name: value}, f"{where}.{key}" if key.isidentifier() else where, flags))


def collect_texts(value: Any, texts: list[str]) -> None:
    """Append every string in a JSON value, but for keys, `type`s and data URLs. Not recursive: any depth will do."""
    stack = [value]
    while stack:
        item = stack.pop()
        if type(item) is str:
            if item and not item.startswith("data:"):
                texts.append(item)
        elif type(item) is dict:
            stack.extend([inner for key, inner in item.items() if key != "type"][::-1])
        elif type(item) is list:
            stack.extend(item[::-1])


def tool_result_part(call_id: Any, content: Any, where: str, texts: list[str], flags: Flags) -> Json:
    """What a tool gave back."""
    collect_texts(content, texts)
    out: Json = {"type": "tool_call_response"}
    if call_id is not None:
        out["id"] = opaque(call_id, where, flags)
    out["response"] = opaque(content, where, flags)
    return out


def audio_part(audio: Any, where: str, texts: list[str], flags: Flags) -> Json:
    """The spoken answer of a message, or the reference to one."""
    if type(audio) is not dict:
        flags.append(f"{where}: not an object")
        return {"type": "unknown", "content": opaque(audio, where, flags)}
    if type(transcript := audio.get("transcript")) is str:
        texts.append(transcript)
    if audio.get("data") is None:
        return _reference("audio", audio, "id", where, flags)
    out: Json = {"type": "blob", "modality": "audio", "content": opaque(audio["data"], where, flags)}
    keep_rest(out, audio, ("data",), where, flags)
    return out


def _media(modality: str, source: Any, rest: Json, where: str, flags: Flags) -> Json:
    """Something that is not text: inline (blob) when it is a data URL, else by address (uri)."""
    if type(source) is not str:
        out: Json = {"type": "unknown", "modality": modality}
        rest = {**rest, "content": source}
    elif source.startswith("data:") and ";base64," in source[:200]:
        head, _, content = source.partition(";base64,")
        out = {"type": "blob", "modality": modality, "mime_type": head[5:], "content": content}
    else:
        out = {"type": "uri", "modality": modality, "uri": source}
    keep_rest(out, rest, (), where, flags)
    return out


def _reference(modality: str, source: Json, key: str, where: str, flags: Flags) -> Json:
    """Something that the provider already has."""
    out: Json = {"type": "file", "modality": modality}
    if source.get(key) is not None:
        out["file_id"] = opaque(source[key], where, flags)
    keep_rest(out, source, (key,), where, flags)
    return out


def _without(part: Json, *names: str) -> Json:
    return {key: value for key, value in part.items() if key not in names}


def _by_address(part: Json, where: str, _texts: list[str], flags: Flags) -> Json:
    kind: str = part["type"]  # image_url, video_url, audio_url
    source, rest = part.get(kind), _without(part, "type", kind)
    if type(source) is dict:
        return _media(kind[:-4], source.get("url"), {**_without(source, "url"), **rest}, where, flags)
    return _media(kind[:-4], source, rest, where, flags)


def _input_image(part: Json, where: str, _texts: list[str], flags: Flags) -> Json:
    if part.get("file_id") is not None:
        return _reference("image", _without(part, "type"), "file_id", where, flags)
    return _media("image", part.get("image_url"), _without(part, "type", "image_url"), where, flags)


def _input_audio(part: Json, where: str, _texts: list[str], flags: Flags) -> Json:
    inner = part.get("input_audio")
    audio = (
        {**_without(part, "type", "input_audio"), **inner} if type(inner) is dict else _without(part, "type")
    )
    out: Json = {"type": "blob", "modality": "audio"}
    if type(audio.get("format")) is str:
        out["mime_type"] = f"audio/{audio.pop('format')}"
    if audio.get("data") is not None:
        out["content"] = opaque(audio["data"], where, flags)
    keep_rest(out, audio, ("data",), where, flags)
    return out


def _file(part: Json, where: str, _texts: list[str], flags: Flags) -> Json:
    inner = part.get("file")
    file = {**_without(part, "type", "file"), **inner} if type(inner) is dict else _without(part, "type")
    for key in ("file_data", "file_url"):
        if file.get(key) is not None:
            return _media("document", file[key], _without(file, key), where, flags)
    return _reference("document", file, "file_id", where, flags)


def _refusal(part: Json, where: str, texts: list[str], flags: Flags) -> Json:
    refusal = keyword(part.get("refusal"), where, flags) or ""
    texts.append(refusal)
    out: Json = {"type": "refusal", "content": refusal}
    keep_rest(out, part, ("type", "refusal"), where, flags)
    return out


def _thinking(part: Json, where: str, _texts: list[str], flags: Flags) -> Json:
    thinking = part.get("thinking")
    if type(thinking) is not list:
        thinking = [{"text": keyword(thinking, where, flags) or ""}]
    read = [part_of(piece, where, [], flags) for piece in thinking]
    texts = [piece["content"] for piece in read if piece["type"] == "text"]
    out: Json = {"type": "reasoning", "content": "".join(texts)}
    if len(texts) < len(read):  # Mistral's may refer to sources
        out["thinking"] = [piece for piece in read if piece["type"] != "text"]
    keep_rest(out, part, ("type", "thinking"), where, flags)
    return out


def _tool_use(part: Json, where: str, _texts: list[str], flags: Flags) -> Json:
    out: Json = {"type": "tool_call", "name": keyword(part.get("name"), where, flags) or ""}
    if part.get("input") is not None:
        out["arguments"] = opaque(part["input"], where, flags)
    keep_rest(out, part, ("type", "name", "input"), where, flags)
    return out


def _tool_result(part: Json, where: str, texts: list[str], flags: Flags) -> Json:
    out = tool_result_part(part.get("tool_use_id"), part.get("content"), where, texts, flags)
    keep_rest(out, part, ("type", "tool_use_id", "content"), where, flags)
    return out


_READERS = {
    "image_url": _by_address,
    "video_url": _by_address,
    "audio_url": _by_address,
    "input_image": _input_image,
    "input_audio": _input_audio,
    "file": _file,
    "input_file": _file,
    "refusal": _refusal,
    "thinking": _thinking,  # these three are Anthropic's, the first one Mistral's too
    "tool_use": _tool_use,
    "tool_result": _tool_result,
}
