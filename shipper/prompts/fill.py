"""Fill `{name}` placeholders in texts and in messages (pure).

A placeholder is a name in single braces; `{{` and `}}` are literal braces. Anything else in braces is refused with a
sentence, because a prompt that silently lost a part is worse than an error before the call.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

import orjson

from shipper.errors import UsageError
from shipper.record.serialize import to_json

Message = dict[str, Any]

CHAT_HISTORY = "chat_history"
_ROLES = {"ai": "assistant"}
_TOKEN = re.compile(r"\{\{|\}\}|\{([A-Za-z_][\w.-]*)\}|[{}]")
_ONE_NAME = re.compile(r"\{([A-Za-z_][\w.-]*)\}")
_NOT_FILLED = frozenset({"type", "role", "detail", "format"})  # of a content part: the API's own words


class PromptError(UsageError):
    """A template and its variables don't fit together; the model was not called."""


def fill_text(template: str, values: Mapping[str, Any]) -> str:
    """The text with every placeholder replaced.

    Args:
        template: text with placeholders.
        values: texts as they are, numbers and booleans as Python writes them, lists and dicts as JSON.

    Raises:
        PromptError: a variable is missing or not used, or a brace stands alone.
    """
    used: set[str] = set()
    filled = _Filling(values, used).text(template)
    refuse_unused(values, used)
    return filled


def fill_messages(template: Sequence[Mapping[str, Any]], values: Mapping[str, Any]) -> list[Message]:
    """The messages with every placeholder in their content replaced, nested content parts included.

    Role `ai` becomes `assistant`. A message of role `chat_history` whose content is one placeholder is replaced by
    the list of messages that the variable holds.

    Raises:
        PromptError: as `fill_text`; or a chat history is no list of messages.
    """
    used: set[str] = set()
    filling = _Filling(values, used)
    messages: list[Message] = []
    for message in template:
        if message.get("role") == CHAT_HISTORY:
            messages.extend(filling.history(message))
        else:
            messages.append(filling.message(message))
    refuse_unused(values, used)
    return messages


def refuse_unused(values: Mapping[str, Any], used: set[str]) -> None:
    """Raise for variables that no placeholder names.

    Raises:
        PromptError: there is one.
    """
    if unused := [name for name in values if name not in used]:
        raise PromptError(
            f"The template has no placeholder for {_listed(unused)}; it has "
            f"{_listed(sorted(used)) if used else 'none'}. Remove the variable, or write {{{unused[0]}}} where it belongs."
        )


class _Filling:
    """One filling: where names are looked up, and which ones were."""

    def __init__(self, values: Mapping[str, Any], used: set[str]) -> None:
        self._values = values
        self._used = used

    def text(self, template: str) -> str:
        if "{" not in template and "}" not in template:
            return template

        def replaced(match: re.Match[str]) -> str:
            token = match.group()
            if token in ("{{", "}}"):
                return token[0]
            if match.group(1) is None:
                place = template[max(0, match.start() - 15) : match.start() + 25]
                raise PromptError(
                    f"A brace stands alone in the template, near {place!r}: a placeholder is {{name}}, and a "
                    f"literal brace is written {token * 2}."
                )
            return _written(self._value(match.group(1)))

        return _TOKEN.sub(replaced, template)

    def message(self, message: Mapping[str, Any]) -> Message:
        filled = dict(message)
        role = filled.get("role")
        if isinstance(role, str):
            filled["role"] = _ROLES.get(role, role)
        if "content" in filled:
            filled["content"] = self._content(filled["content"])
        return filled

    def history(self, message: Mapping[str, Any]) -> list[Message]:
        content = message.get("content")
        match = _ONE_NAME.fullmatch(content.strip()) if isinstance(content, str) else None
        if match is None:
            raise PromptError(
                f"A {CHAT_HISTORY} message has one placeholder as its content, such as "
                f'"{{messages}}"; it was {content!r}.'
            )
        found = self._value(match.group(1))
        if not isinstance(found, Sequence) or isinstance(found, str):
            raise PromptError(f"The {CHAT_HISTORY} variable {match.group(1)!r} has to be a list of messages.")
        return [self._said(item, match.group(1)) for item in cast("Sequence[object]", found)]

    def _said(self, message: object, name: str) -> Message:
        """A message of a history: taken as it was said, braces and all."""
        if not isinstance(message, Mapping):
            raise PromptError(
                f"The {CHAT_HISTORY} variable {name!r} holds a {type(message).__name__} where a message "
                "(a dict with role and content) should be."
            )
        said = dict(cast("Mapping[str, Any]", message))
        role = said.get("role")
        if isinstance(role, str):
            said["role"] = _ROLES.get(role, role)
        return said

    def _content(self, content: Any, key: str = "") -> Any:
        if isinstance(content, str):
            return content if key in _NOT_FILLED else self.text(content)
        if isinstance(content, Mapping):
            parts = cast("Mapping[str, Any]", content)
            return {name: self._content(part, name) for name, part in parts.items()}
        if isinstance(content, (list, tuple)):
            return [self._content(part) for part in cast("Sequence[Any]", content)]
        return content

    def _value(self, name: str) -> Any:
        try:
            value = self._values[name]
        except KeyError:
            has = _listed(list(self._values)) if self._values else "none were given"
            raise PromptError(
                f"The template's variable {name!r} has no value; the variables: {has}."
            ) from None
        self._used.add(name)
        return value


def _written(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (Mapping, list, tuple)):
        plain, _ = to_json(cast("object", value))
        return orjson.dumps(orjson.loads(plain)).decode()
    return str(value)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:10])
    return shown if len(names) <= 10 else f"{shown} and {len(names) - 10} more"
