"""Figures and times of a document as people read them. Pure; never raises: what is missing shows as a dash."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from shipper.read.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

MISSING = "–"
_UNPRICED = {"unknown_model": "unknown model", "no_usage": "no usage", "pending": "not priced yet"}


def value_at(document: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path of a nested document, or None."""
    value: Any = document
    for key in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def text_at(document: Mapping[str, Any], path: str) -> str:
    """The string at a dotted path; empty if there is none."""
    value = value_at(document, path)
    return value if isinstance(value, str) else ""


def duration_text(milliseconds: Any) -> str:
    """A duration: `850 ms`, `1.2 s`, `3 min 20 s`."""
    if not _is_number(milliseconds):
        return MISSING
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def count_text(count: Any) -> str:
    """A number of tokens: `131`, `12.3k`, `1.2M`."""
    if not _is_number(count):
        return MISSING
    if count < 10_000:
        return f"{count:.0f}"
    return f"{count / 1e3:.1f}k" if count < 999_950 else f"{count / 1e6:.1f}M"


def tokens_text(document: Mapping[str, Any]) -> str:
    """Tokens in and out: `104→27`."""
    tokens = [value_at(document, f"gen_ai.usage.{side}_tokens") for side in ("input", "output")]
    if not any(_is_number(count) for count in tokens):
        return MISSING
    return "→".join(count_text(count) for count in tokens)


def money_text(amount: Any, currency: Any = "USD") -> str:
    """An amount with at least two significant digits: `$0.0012`, `$12.30`."""
    if not _is_number(amount):
        return MISSING
    digits = 2
    while 0 < abs(amount) < 10 ** (1 - digits) and digits < 12:
        digits += 1
    shown = f"{amount:.{digits}f}"
    return f"${shown}" if currency in ("USD", None) else f"{shown} {currency}"


def cost_text(document: Mapping[str, Any]) -> str:
    """The cost, or in brackets why there is none: unknown is never zero."""
    amount = value_at(document, "gen_ai.usage.cost.amount")
    if _is_number(amount):
        return money_text(amount, value_at(document, "gen_ai.usage.cost.currency"))
    status = value_at(document, "llm.cost.status")
    return f"({_UNPRICED[status]})" if status in _UNPRICED else MISSING


def model_text(document: Mapping[str, Any]) -> str:
    """The model that answered, else the one that was asked."""
    return text_at(document, "gen_ai.response.model") or text_at(document, "gen_ai.request.model") or MISSING


def time_text(value: Any, *, now: datetime | None = None) -> str:
    """A stored time in the machine's zone, to the millisecond; short if `now` is given: without today's date."""
    try:
        moment = datetime.fromisoformat(str(value)).astimezone()
    except (ValueError, OverflowError):
        return printable(str(value)) if value else MISSING
    if now is None:
        return moment.isoformat(sep=" ", timespec="milliseconds")
    if moment.date() == now.astimezone().date():
        return f"{moment:%H:%M:%S}"
    return f"{moment:%m-%d %H:%M}" if moment.year == now.year else f"{moment:%Y-%m-%d}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
