"""The prompt of a call's record: which template, under which name, in which version, with which variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from shipper import notice
from shipper.prompts import TemplateChat, TemplateText, prompt_version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.openai.config import CallParams, CaptureConfig

_ARGUMENTS = ("messages", "prompt", "input", "instructions")


class Template(NamedTuple):
    """What a request was made from."""

    template: Any
    variables: Mapping[str, Any]


def template_in(arguments: Mapping[str, Any]) -> Template | None:
    """The template among the arguments of an API call, also where it is the content of single messages; else None."""
    found = {
        name: made for name in _ARGUMENTS if name in arguments and (made := _template_of(arguments[name]))
    }
    if not found:
        return None
    if len(found) == 1:
        return next(iter(found.values()))
    variables = {name: value for made in found.values() for name, value in made.variables.items()}
    return Template({name: made.template for name, made in found.items()}, variables)


def prompt_of(params: CallParams, template: Template | None, config: CaptureConfig) -> dict[str, Any] | None:
    """The prompt as the record has it; None when nothing is known of it, or it has no name."""
    name = params.prompt_template_name or config.prompt_template_name
    told = params.template_chat if params.template_chat is not None else params.template_text
    if told is not None:
        template = Template(told, params.template_params or {})
    if template is None:
        return {"name": name, "variables": params.template_params} if name else None
    version = prompt_version(template.template)
    if not name:
        if not config.allow_unnamed_prompts:
            notice.warn(
                "unnamed prompt",
                "A call's prompt template has no name, so that the call is recorded without it. Name it with "
                "shipper=CallParams(prompt_template_name=…), or the client's with CaptureConfig("
                "prompt_template_name=…), or let names be made with CaptureConfig(allow_unnamed_prompts=True).",
            )
            return None
        name = f"unnamed-{version.removeprefix('b2:')[:12]}"
    return {
        "name": name,
        "version": version,
        "hash": version,
        "template": template.template,
        "variables": params.template_params or template.variables,
    }


def _template_of(argument: Any) -> Template | None:
    if isinstance(argument, (TemplateChat, TemplateText)):
        return Template(argument.template, argument.params)
    if type(argument) is not list or not any(map(_is_filled, argument)):
        return None
    variables: dict[str, Any] = {}
    for message in argument:
        if _is_filled(message):
            variables.update(message["content"].params)
    return Template(
        [
            {**message, "content": message["content"].template} if _is_filled(message) else message
            for message in argument
        ],
        variables,
    )


def _is_filled(message: Any) -> bool:
    return type(message) is dict and isinstance(message.get("content"), TemplateText)
