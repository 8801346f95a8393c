"""What is known of a call before its request is made. It travels to the request as its options' `post_parser`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipper.openai.config import CallParams
    from shipper.openai.prompt import Template


class Known:
    """A call, and the parser that was there before: whoever replaces a `post_parser` has to call it."""

    def __init__(
        self, params: CallParams, template: Template | None, then: Callable[[Any], Any] | None
    ) -> None:
        """Keep it.

        Args:
            params: what the caller says of the call.
            template: what the request was made from, if that is known.
            then: the parser that openai's client wants to be called.
        """
        self.params = params
        self.template = template
        self.then = then

    def __call__(self, parsed: Any) -> Any:
        """What openai's client wanted to do with the answer.

        Raises: whatever that raises.
        """
        return parsed if self.then is None else self.then(parsed)
