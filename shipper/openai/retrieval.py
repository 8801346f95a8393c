"""A background response that is asked for again: what has become of it amends the record of the call that began it."""

from __future__ import annotations

from typing import Any

from shipper.openai.exchange import Exchange

_OVER = frozenset({"completed", "failed", "incomplete", "cancelled"})


class Retrieval(Exchange):
    """Asks for a response, or cancels it. No record of its own."""

    def start(self, endpoint: Any, base_url: str, request: Any) -> None:
        """The request is about to be sent."""
        super().start(endpoint, base_url, request)
        self.feedback_key = ""  # until it is known whose answer this is

    def _record(self) -> None:
        response = self.collected.response
        if type(response) is dict and response.get("background") is True and response.get("status") in _OVER:
            self._capture.amend(self, response)

    def marked(self, data: Any) -> Any:
        """The JSON of the answer, with the feedback key of the call that began it, if this process made that call."""
        if type(data) is dict and not self.feedback_key:
            inner = data.get("response")
            response_id = inner.get("id") if type(inner) is dict else data.get("id")
            self.feedback_key = self._capture.conversations.event_of(response_id) or ""
        return super().marked(data)
