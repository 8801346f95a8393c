"""Log probabilities: the answer once more, a token at a time, with each token's bytes and alternatives."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipper.redact.spans import Span


def spelled(value: Any) -> str | None:
    """The text that a row of tokens spells; None for any other value. Never raises.

    Two forms: a list of objects with `token` and `logprob`, and the older object of lists with `tokens`.
    """
    tokens = _tokens(value)
    return "".join(tokens) if tokens is not None else None


def blank(value: Any, found: Sequence[tuple[Span, str]]) -> None:
    """Put placeholders in the place of the tokens that the spans touch; their bytes and alternatives go."""
    tokens = _tokens(value) or []
    ends = list(accumulate(map(len, tokens)))
    for span, placeholder in found:
        first, last = bisect_right(ends, span.start), bisect_left(ends, span.end)
        for place in range(first, min(last + 1, len(tokens))):
            _blank_token(value, place, placeholder if place == first else "")


def _tokens(value: Any) -> list[str] | None:
    if (
        type(value) is list
        and value
        and type(value[0]) is dict
        and "token" in value[0]
        and "logprob" in value[0]
    ):
        items = cast("list[Any]", value)
        tokens: list[Any] = [item.get("token") if type(item) is dict else None for item in items]
    elif type(value) is dict and "token_logprobs" in value and type(value.get("tokens")) is list:
        tokens = cast("dict[str, Any]", value)["tokens"]
    else:
        return None
    return tokens if all(type(token) is str for token in tokens) else None


def _blank_token(value: Any, place: int, text: str) -> None:
    if type(value) is list:
        item = cast("list[dict[str, Any]]", value)[place]
        item["token"] = text
        if "bytes" in item:
            item["bytes"] = None
        if "top_logprobs" in item:
            item["top_logprobs"] = []
        return
    value["tokens"][place] = text
    alternatives = value.get("top_logprobs")
    if type(alternatives) is list and place < len(cast("list[Any]", alternatives)):
        alternatives[place] = None
