"""Which formats there are, and which one a file is in."""

from __future__ import annotations

import importlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from shipper.errors import UsageError
from shipper.history.event import source_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipper.history.event import Format

_MODULES = {
    "ndjson": "own",
    "pairs": "pairs",
    "json-logger": "json_logger",
    "openai-batch": "openai_batch",
    "chats": "chats",
    "chatgpt": "chatgpt",
    "langfuse": "langfuse",
    "helicone": "helicone",
    "langsmith": "langsmith",
    "litellm": "litellm",
    "humanloop": "humanloop",
    "mlflow": "mlflow",
    "otlp": "otlp",
    "llm-logs": "llm_logs",
    "elastic-openai": "elastic_openai",
}
_TITLES = {
    "ndjson": "our own documents, hits of a search",
    "pairs": "requests and responses, a pair a line",
    "json-logger": "python-json-logger lines with completions",
    "openai-batch": "requests, outputs and errors of OpenAI's Batch API",
    "chats": "fine-tuning examples, preference pairs, stored completions",
    "chatgpt": "ChatGPT's data export",
    "langfuse": "traces, observations and scores",
    "helicone": "requests",
    "langsmith": "runs and feedback",
    "litellm": "spend logs and proxy logs",
    "humanloop": "prompt logs",
    "mlflow": "traces",
    "otlp": "OpenTelemetry spans, JSON",
    "llm-logs": "logs.db of the llm command",
    "elastic-openai": "indices of Elastic's OpenAI integration",
    "mapped": "CSV, Parquet or JSON rows with --map",
}
_SURE = 0.5
_CLEAR = 0.1


def names() -> list[str]:
    """The names of all formats, as `--format` takes them."""
    return [*_MODULES, "mapped"]


def described() -> str:
    """The formats in words, for people."""
    return "; ".join(f"{name} ({_TITLES[name]})" for name in names())


@lru_cache
def format_named(name: str) -> Format:
    """The format of a name.

    Raises:
        UsageError: there is none.
    """
    if name not in _MODULES:
        raise UsageError(f"There is no format {name!r}: it is one of {', '.join(_MODULES)}.")
    return importlib.import_module(f"shipper.history.formats.{_MODULES[name]}").FORMAT


def recognised(sample: Sequence[Any], source: str, also: Sequence[Format] = ()) -> Format:
    """The format that the first rows of a file are in.

    Args:
        sample: their values.
        source: the file's name.
        also: formats that are not known by a name.

    Raises:
        UsageError: none fits, or several do equally well: name it.
    """
    sample = [one for one in sample if isinstance(one, dict)] or sample  # the others are rejected one by one
    bare = [source_of(one) for one in sample]
    scored = sorted(
        (
            (form.recognise(sample if form.takes_hits else bare), form)
            for form in (*also, *map(format_named, _MODULES))
        ),
        key=lambda one: -one[0],
    )
    best, form = scored[0]
    close = [one.name for score, one in scored if score > best - _CLEAR]
    if best < _SURE:
        raise UsageError(
            f"{source}: its rows are in no format that is known. Name it with --format ({', '.join(names())}), or say "
            "with --map FILE what its columns mean."
        )
    if len(close) > 1:
        raise UsageError(f"{source}: it may be {' or '.join(close)}. Name it with --format.")
    return form
