"""What redaction leaves as it is in a call: ids, names of models and keys that something else is joined by.

Everything else that is a string is searched. Who passes personal data as an id (an e-mail address as `user_id`) has
it stored: erasing a person's data finds it by exactly this value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from shipper.redact.tree import Spared

_CALLS: Final[Spared] = {"*": {"id": None, "type": None}}
_ITEMS: Final[Spared] = {"*": {"id": None, "call_id": None, "type": None, "role": None, "status": None}}
_REQUEST: Final[Spared] = {
    **dict.fromkeys(("model", "previous_response_id", "conversation", "user", "safety_identifier", "stream")),
    "messages": {"*": {"role": None, "tool_call_id": None, "tool_calls": _CALLS}},
    "input": _ITEMS,
    "prompt": {"id": None, "version": None},
}
_RESPONSE: Final[Spared] = {
    **dict.fromkeys(
        ("id", "model", "object", "created", "created_at", "completed_at", "previous_response_id")
    ),
    **dict.fromkeys(("system_fingerprint", "service_tier", "status", "usage", "conversation")),
    "choices": {"*": {"finish_reason": None, "message": {"role": None, "tool_calls": _CALLS}}},
    "output": _ITEMS,
}
CALL: Final[Spared] = {
    **dict.fromkeys(
        [
            "api",
            "author",
            "author_kind",
            "chain_id",
            "channel",
            "choice_index",
            "cost",
            "created_at",
            "datapoint_id",
            "ended_at",
            "environment",
            "http",
            "import",
            "join_keys",
            "key",
            "keys",
            "level",
            "logger",
            "operation",
            "parent_id",
            "previous_event_id",
            "privacy",
            "provider",
            "raw",
            "requester_type",
            "retry_count",
            "run_id",
            "save",
            "selected_choice_index",
            "selected_choice_invalid",
            "session_id",
            "span_id",
            "started_at",
            "stream",
            "target_id",
            "trace_id",
            "turn",
            "user_id",
        ]
    ),
    "error": {"request_id": None, "status": None},
    "prompt": dict.fromkeys(("name", "version", "id", "version_id", "hash", "path")),
    "request": _REQUEST,
    "response": _RESPONSE,
    "raw_request": _REQUEST,
    "raw_response": _RESPONSE,
}
"""For the `call` of a spool entry, of any dataset."""
