"""Templates that are what the API takes: a list of messages, and a text, which remember what they were made from."""

from __future__ import annotations

import copy
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, overload

import orjson

from shipper.prompts.fill import fill_messages, fill_text
from shipper.record.serialize import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self


class TemplateChat(list[Any]):
    """Filled messages, as a list; `template` and `params` say what they were made from.

    Give it as `messages` (or as `input` of the Responses API). Slices and copies made by list's methods are plain
    lists.
    """

    template: Sequence[Mapping[str, Any]]
    params: Mapping[str, Any]

    def __init__(
        self, template: Sequence[Mapping[str, Any]], params: Mapping[str, Any] | None = None
    ) -> None:
        """Fill the messages.

        Args:
            template: messages whose content holds `{name}` placeholders; role `ai` means `assistant`, and role
                `chat_history` with the content `{name}` is replaced by that variable's list of messages.
            params: the variables.

        Raises:
            PromptError: a variable is missing or not used, a brace stands alone, or a history is no list of messages.
        """
        values = dict(params or {})
        super().__init__(fill_messages(template, values))
        self.template = copy.deepcopy([dict(message) for message in template])
        self.params = values

    def __repr__(self) -> str:
        return f"TemplateChat({self.template!r}, {self.params!r})"


class TemplateText(str):
    """Filled text, as a str; `template` and `params` say what it was made from.

    Give it as `prompt`, `input` or `instructions`. Slices and the results of str's methods are plain texts.
    """

    template: str
    params: Mapping[str, Any]

    def __new__(cls, template: str, params: Mapping[str, Any] | None = None) -> Self:
        """Fill the text.

        Args:
            template: text with `{name}` placeholders.
            params: the variables.

        Raises:
            PromptError: a variable is missing or not used, or a brace stands alone.
        """
        values = dict(params or {})
        text = super().__new__(cls, fill_text(template, values))
        text.template = template
        text.params = values
        return text

    def __getnewargs__(self) -> tuple[str, Mapping[str, Any]]:  # type: ignore[override] - what pickle calls __new__ with
        return self.template, self.params


@overload
def fill_prompt(template: str, values: Mapping[str, Any]) -> TemplateText: ...
@overload
def fill_prompt(template: Sequence[Mapping[str, Any]], values: Mapping[str, Any]) -> TemplateChat: ...
def fill_prompt(
    template: str | Sequence[Mapping[str, Any]], values: Mapping[str, Any]
) -> TemplateText | TemplateChat:
    """A template with its placeholders filled, for people who call the API themselves.

    Args:
        template: a text, or a list of messages.
        values: the variables.

    Returns:
        A str, or a list of messages, that remembers its template.

    Raises:
        PromptError: a variable is missing or not used, a brace stands alone, or a history is no list of messages.
    """
    return TemplateText(template, values) if isinstance(template, str) else TemplateChat(template, values)


def prompt_version(template: object) -> str:
    """The content hash that is a template's version: the same template has the same version everywhere.

    Blake2b of 128 bits over its JSON with sorted keys, tagged with the method ("b2:"). Never raises.
    """
    plain, _ = to_json(template)
    canonical = orjson.dumps(orjson.loads(plain), option=orjson.OPT_SORT_KEYS)
    return "b2:" + blake2b(canonical, digest_size=16).hexdigest()
