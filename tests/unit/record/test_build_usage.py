"""Token counts of any provider are comparable."""

from __future__ import annotations

from typing import Any

import pytest

from shipper.record.openai.usage import Reported, Tokens, read_usage


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (
            {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12},
            Tokens(input=5, output=7, total=12),
        ),
        ({"prompt_tokens": 5, "total_tokens": 5}, Tokens(input=5, total=5)),
        ({"input_tokens": 5, "output_tokens": 7}, Tokens(input=5, output=7, total=12)),
        (
            {"input_tokens": 5, "output_tokens": 7, "cache_read_input_tokens": 3},
            Tokens(input=8, output=7, cache_read=3, total=15),
        ),
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 20,
                "total_tokens": 120,
                "prompt_tokens_details": {"cached_tokens": 80, "cache_write_tokens": 9},
                "completion_tokens_details": {"reasoning_tokens": 15},
            },
            Tokens(100, 20, 80, 9, 15, 120),
        ),
        (
            {  # DeepSeek: hits are part of the prompt
                "prompt_tokens": 100,
                "completion_tokens": 20,
                "total_tokens": 120,
                "prompt_cache_hit_tokens": 64,
                "prompt_cache_miss_tokens": 36,
            },
            Tokens(100, 20, 64, None, None, 120),
        ),
        (
            {  # Anthropic: beside the input
                "input_tokens": 10,
                "output_tokens": 7,
                "cache_creation_input_tokens": 5,
                "cache_read_input_tokens": 100,
            },
            Tokens(115, 7, 100, 5, None, 122),
        ),
        (
            {  # a proxy that translates: prompt_tokens is inclusive already
                "prompt_tokens": 115,
                "completion_tokens": 7,
                "total_tokens": 122,
                "cache_creation_input_tokens": 5,
                "cache_read_input_tokens": 100,
            },
            Tokens(115, 7, 100, 5, None, 122),
        ),
        (
            {  # xAI: reasoning beside the completion
                "prompt_tokens": 32,
                "completion_tokens": 9,
                "total_tokens": 135,
                "completion_tokens_details": {"reasoning_tokens": 94},
            },
            Tokens(32, 103, None, None, 94, 135),
        ),
        (
            {
                "prompt_tokens": 32,
                "completion_tokens": 100,
                "total_tokens": 162,
                "completion_tokens_details": {"reasoning_tokens": 30},
            },
            Tokens(32, 130, None, None, 30, 162),
        ),
        (
            {  # more reasoning than completion, but the total counts none besides
                "prompt_tokens": 43,
                "completion_tokens": 10,
                "total_tokens": 53,
                "completion_tokens_details": {"reasoning_tokens": 11},
            },
            Tokens(43, 10, None, None, 11, 53),
        ),
        (
            {"input_tokens": 5, "output_tokens": 9, "output_tokens_details": {"reasoning_tokens": 94}},
            Tokens(5, 103, None, None, 94, 108),
        ),
        ({}, Tokens()),
        (None, Tokens()),
    ],
)
def test_input_includes_cached_and_output_includes_reasoning(usage: Any, tokens: Tokens) -> None:
    """Whatever the provider's way to count."""
    flags: list[str] = []
    assert read_usage(usage, {}, flags) == (tokens, None)
    assert flags == []


@pytest.mark.parametrize(
    ("value", "read", "flag"),
    [
        ("12", 12, "str read as a whole number"),
        (12.0, 12, "float read as a whole number"),
        (-1, None, "out of range"),
        (2**60, None, "out of range"),
        (1e300, None, "out of range"),
        (1.5, None, "not a whole number"),
        ("many", None, "not a whole number"),
        ([], None, "not a whole number"),
        (True, None, "not a whole number"),
    ],
)
def test_counts_of_other_types_are_read_or_left_out_and_flagged(value: Any, read: Any, flag: str) -> None:
    """A wrong count is never a made-up number."""
    flags: list[str] = []
    tokens, _ = read_usage({"prompt_tokens": value}, {}, flags)
    assert tokens.input == read
    assert flags == [f"response.usage.prompt_tokens: {flag}"]


@pytest.mark.parametrize("usage", ["12 tokens", [1, 2], 5])
def test_a_usage_that_is_no_object_is_kept_and_flagged(usage: Any) -> None:
    """It goes to the attributes."""
    flags: list[str] = []
    extras: dict[str, Any] = {}
    assert read_usage(usage, extras, flags) == (Tokens(), None)
    assert extras == {"usage": usage}
    assert flags == ["response.usage: not an object"]


def test_other_counts_are_kept_unless_they_are_zero() -> None:
    """Audio tokens and their like have no field of their own."""
    extras: dict[str, Any] = {}
    details = {"cached_tokens": 0, "audio_tokens": 3, "image_tokens": 0}
    read_usage({"prompt_tokens": 5, "prompt_tokens_details": details, "num_searches": 2}, extras, [])
    assert extras == {"usage": {"prompt_tokens_details": {"audio_tokens": 3}, "num_searches": 2}}


def test_audio_of_the_prompt_and_of_the_answer_are_kept_apart() -> None:
    """Both are counted under the same name."""
    extras: dict[str, Any] = {}
    usage = {
        "prompt_tokens_details": {"audio_tokens": 2, "text_tokens": 16},
        "completion_tokens_details": {"audio_tokens": 40, "text_tokens": 9, "reasoning_tokens": 1},
    }
    read_usage(usage, extras, [])
    assert extras["usage"] == {
        "prompt_tokens_details": {"audio_tokens": 2, "text_tokens": 16},
        "completion_tokens_details": {"audio_tokens": 40, "text_tokens": 9},
    }


def test_more_cached_than_input_is_flagged() -> None:
    """Nobody can price that right."""
    flags: list[str] = []
    read_usage({"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 9}}, {}, flags)
    assert flags == ["response.usage: more cached tokens than input tokens"]


@pytest.mark.parametrize(
    ("cost", "reported"),
    [
        (0.01, Reported(0.01)),
        (0, Reported(0.0)),
        (
            {"total_cost": 0.03, "input_tokens_cost": 0.01, "output_tokens_cost": 0.02},
            Reported(0.03, 0.01, 0.02),
        ),
        (-1, None),
        ("free", None),
        ({}, None),
    ],
)
def test_a_cost_that_the_provider_reports_is_read(cost: Any, reported: Any) -> None:
    """OpenRouter says a number, Perplexity an object."""
    assert read_usage({"prompt_tokens": 1, "cost": cost}, {}, [])[1] == reported
