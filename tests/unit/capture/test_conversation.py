"""Calls of one conversation are linked in order, without a query."""

from __future__ import annotations

from typing import Any

from shipper.capture.conversation import Conversations, chat_of


def said(*roles: str) -> dict[str, Any]:
    """A request with messages of these roles."""
    return {"messages": [{"role": role, "content": "x"} for role in roles]}


def linked(conversations: Conversations, event_id: str, **body: Any) -> tuple[Any, Any]:
    """What `link` says of a call: the event before it, and its turn."""
    conversations.link(str(body.pop("application", "a")), event_id, body)
    return body.get("previous_event_id"), body.get("turn")


def test_calls_of_a_session_follow_each_other() -> None:
    """Per application and session; the turn is the number of the user's messages, or one more than before."""
    known = Conversations()
    assert linked(known, "1", session_id="s", request=said("user")) == (None, 1)
    assert linked(known, "2", session_id="s", request=said("user", "assistant", "user")) == ("1", 2)
    assert linked(known, "3", session_id="s", request=said("user", "assistant", "user", "tool")) == ("2", 2)
    assert linked(known, "4", session_id="s", request=said("user")) == ("3", 3)
    assert linked(known, "5", session_id="other", request=said("user")) == (None, 1)
    assert linked(known, "6", application="b", session_id="s", request=said("user")) == (None, 1)


def test_another_process_is_told_by_the_request() -> None:
    """The number of turns in the messages counts even where nothing is remembered."""
    request = said("system", "user", "assistant", "user", "assistant", "user")
    assert linked(Conversations(), "1", session_id="s", request=request) == (None, 3)


def test_a_response_names_the_one_before_it() -> None:
    """By `previous_response_id`, across sessions; one that is unknown here is left to the record's builder."""
    known = Conversations()
    assert linked(known, "1", request={"input": "x"}, response={"id": "r1"}) == (None, None)
    asked = {"input": "y", "previous_response_id": "r1"}
    assert linked(known, "2", request=asked, response={"id": "r2"}) == ("1", 2)
    assert linked(known, "3", request={"input": "z", "previous_response_id": "r2"}) == ("2", 3)
    assert linked(known, "4", request={"input": "z", "previous_response_id": "away"}) == (None, None)


def test_what_the_caller_says_wins() -> None:
    """A turn and a previous event that are given stay, and later calls count from them."""
    known = Conversations()
    given = {"previous_event_id": "mine", "turn": 7}
    assert linked(known, "1", session_id="s", request=said("user"), **given) == ("mine", 7)
    assert linked(known, "2", session_id="s", request=said("user")) == ("1", 8)


def test_a_conversation_of_the_responses_api_is_a_session() -> None:
    """By id or as an object; anything else is none."""
    assert chat_of(None, {"conversation": "conv_1"}) == "conv_1"
    assert chat_of(None, {"conversation": {"id": "conv_1"}}) == "conv_1"
    assert chat_of("own", {"conversation": "conv_1"}) == "own"
    assert chat_of(None, {}) is None
    assert chat_of(None, None) is None


def test_what_is_remembered_is_bounded() -> None:
    """The session that was used longest ago is forgotten first."""
    known = Conversations(bound=2)
    for session in ("a", "b", "a", "c"):
        linked(known, f"of {session}", session_id=session, request=said("user"))
    assert linked(known, "again", session_id="a", request=said("user")) == ("of a", 3)
    assert linked(known, "again", session_id="b", request=said("user")) == (None, 1)
