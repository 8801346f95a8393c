"""openai's clients that record their calls: swap one import, and nothing else changes.

::

    from shipper.openai import OpenAI

    client = OpenAI()
    client.chat.completions.create(model=…, messages=…)

What this module does not define is openai's own, so that `from shipper import openai` stands for `import openai`.
"""

from __future__ import annotations

from typing import Any

try:
    import openai as _openai
except ImportError as error:
    raise ImportError("shipper.openai needs the openai package: pip install 'llm-shipper[openai]'") from error

from shipper.openai.clients import (
    AsyncAzureOpenAI,
    AsyncOpenAI,
    AzureOpenAI,
    OpenAI,
    instrument,
    uninstrument,
)
from shipper.openai.config import CallParams, CaptureConfig
from shipper.prompts import PromptError, TemplateChat, TemplateText, fill_prompt

__all__ = [
    "AsyncAzureOpenAI",
    "AsyncOpenAI",
    "AzureOpenAI",
    "CallParams",
    "CaptureConfig",
    "OpenAI",
    "PromptError",
    "TemplateChat",
    "TemplateText",
    "fill_prompt",
    "instrument",
    "uninstrument",
]


def __getattr__(name: str) -> Any:
    return getattr(_openai, name)
