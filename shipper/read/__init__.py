"""Questions to the store, and what people see of the answers; as tables: `completions`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shipper.read.frames import completions, completions_arrow, completions_batches

__all__ = ["completions", "completions_arrow", "completions_batches"]


def __getattr__(name: str) -> Any:
    """The tables, when they are asked for: who only logs or searches does not wait for them."""
    if name in __all__:
        from shipper.read import frames

        return getattr(frames, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
