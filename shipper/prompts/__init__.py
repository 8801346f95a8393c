"""Prompt templates: text or messages with `{name}` placeholders, filled before the call and named in its record."""

from shipper.prompts.fill import PromptError
from shipper.prompts.template import TemplateChat, TemplateText, fill_prompt, prompt_version

__all__ = ["PromptError", "TemplateChat", "TemplateText", "fill_prompt", "prompt_version"]
