"""openai's clients that record their calls: swap one import, and nothing else changes.

::

    from shipper.openai import OpenAI

    client = OpenAI()
    client.chat.completions.create(model=…, messages=…)

What this module does not define is openai's own, so that `from shipper import openai` stands for `import openai`; the
calls of the module itself, as `openai.chat.completions.create(…)`, are recorded too.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

try:
    import openai as _openai
except ImportError as error:
    raise ImportError("shipper.openai needs the openai package: pip install 'llm-shipper[openai]'") from error

from shipper.openai.accepting import RESOURCES
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
from shipper.send.imports import import_what_openai_looks_at

__all__ = [
    "AsyncAzureOpenAI",
    "AsyncClient",
    "AsyncOpenAI",
    "AzureOpenAI",
    "CallParams",
    "CaptureConfig",
    "Client",
    "OpenAI",
    "PromptError",
    "TemplateChat",
    "TemplateText",
    "fill_prompt",
    "instrument",
    "uninstrument",
]

import_what_openai_looks_at()  # before there are threads

Client = OpenAI  # as openai names them too
AsyncClient = AsyncOpenAI

_OPTIONS = frozenset(
    (
        *("admin_api_key", "api_key", "api_type", "api_version", "azure_ad_token", "azure_ad_token_provider"),
        *("azure_endpoint", "base_url", "default_headers", "default_query", "http_client", "max_retries"),
        *("organization", "project", "timeout", "webhook_secret"),
    )
)


class _Module(ModuleType):
    def __setattr__(self, name: str, value: Any) -> None:
        # openai's module makes its client from its own variables
        if name in _OPTIONS:
            setattr(_openai, name, value)
        else:
            super().__setattr__(name, value)


def __getattr__(name: str) -> Any:
    if name in RESOURCES:
        return getattr(instrument(_openai._load_client()), name)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return getattr(_openai, name)


sys.modules[__name__].__class__ = _Module
