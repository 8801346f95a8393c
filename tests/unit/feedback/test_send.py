"""Feedback, truths and amendments lie in the spool when the call returns; nothing does after an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

import shipper
from shipper.errors import UsageError
from shipper.process import configure

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipper.settings import Settings

    Spooled = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def spooled(settings: Settings) -> Spooled:
    """The entries of this process's spool so far; nothing is sent."""
    own = configure(settings.replace(send="none", application="configured"))

    def read() -> list[dict[str, Any]]:
        return [
            orjson.loads(line)
            for file in sorted(own.spool_dir.rglob("*.ndjson"))
            for line in file.read_bytes().splitlines()
        ]

    return read


def test_feedback_is_an_entry_of_its_dataset(spooled: Spooled) -> None:
    """Every argument has its place, and the application is the configured one."""
    event_id = shipper.send_feedback(
        "chatcmpl-1",
        name="helpful",
        value=True,
        choice_index=1,
        comment="nice",
        author="u7",
        author_kind="human",
        channel="web",
        better_response="Better.",
        event_id="mine",
        created_at="2026-11-21T07:00:00Z",
    )
    [entry] = spooled()
    assert event_id == entry["id"] == "mine"
    assert entry["given_id"] is True
    assert entry["dataset"] == "llm.feedback"
    assert entry["app"]["name"] == "configured"
    assert entry["call"] == {
        "join_keys": ["chatcmpl-1"],
        "name": "helpful",
        "value": True,
        "choice_index": 1,
        "comment": "nice",
        "author": "u7",
        "author_kind": "human",
        "channel": "web",
        "better_response": "Better.",
        "created_at": "2026-11-21T07:00:00Z",
    }


def test_feedback_belongs_to_the_application_that_is_given(
    spooled: Spooled,
) -> None:
    """By name or as an object."""
    shipper.send_feedback("k", rating=0.2, application="other")
    shipper.send_feedback("k", rating=0.2, application=shipper.get_application("third", version="2"))
    assert [(one["app"]["name"], one["app"]["version"]) for one in spooled()] == [
        ("other", "unversioned"),
        ("third", "2"),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: shipper.send_feedback("k"),
        lambda: shipper.send_feedback("", rating=1),
        lambda: shipper.send_feedback("k", rating=2),
        lambda: shipper.send_feedback("k", value={"a": 0.5, "b": float("nan")}),
        lambda: shipper.send_feedback("k", rating=1, event_id=""),
        lambda: shipper.send_ground_truth(7, "x"),  # type: ignore[arg-type]
        lambda: shipper.amend("e"),
        lambda: shipper.amend("", output="x"),
        lambda: shipper.amend("e", cost=-1),
        lambda: shipper.amend("e", cost="free"),  # type: ignore[arg-type]
        lambda: shipper.amend("e", cost={"price": 1}),
        lambda: shipper.amend("e", attributes={}),
        lambda: shipper.amend("e", output="x", created_at="soon"),
        lambda: shipper.implicit.edited("k", "a", None),  # type: ignore[arg-type]
        lambda: shipper.implicit.session_length("k", -1),
        lambda: shipper.implicit.accepted("k", colour="red"),
        lambda: shipper.get_application().log(feedbacks=[{"a": True}, {"rating": 9}], join_keys=["k", "l"]),
        lambda: shipper.get_application().log(feedbacks=[{"a": True}], join_keys=[7]),  # type: ignore[list-item]
        lambda: shipper.get_application().log(inputs=[1], feedbacks=[{}]),
        lambda: shipper.get_application().log(feedbacks=[{"a": True}]),
        lambda: shipper.get_application().log(inputs=[1, 2], feedbacks=[{"a": True}]),
    ],
)
def test_nothing_is_logged_after_an_error(spooled: Spooled, wrong: Callable[[], object]) -> None:
    """Every fault is found before the first byte is written."""
    with pytest.raises(UsageError, match="Nothing was logged"):
        wrong()
    assert spooled() == []


def test_a_truth_has_one_author(spooled: Spooled) -> None:
    """So that a later truth replaces the earlier one, and None takes it back."""
    shipper.send_ground_truth("k", {"label": "cat"})
    shipper.send_ground_truth("k", None)
    first, second = (entry["call"] for entry in spooled())
    same = {
        "join_keys": ["k"],
        "name": "ground_truth",
        "author": "ground_truth",
        "author_kind": "ground_truth",
    }
    assert first == {**same, "ground_truth": {"label": "cat"}}
    assert second == {**same, "withdrawn": True}


def test_an_amendment_is_an_entry_of_its_dataset(spooled: Spooled) -> None:
    """Output, error, cost and attributes, as they were given."""
    try:
        raise TimeoutError("too late")
    except TimeoutError as error:
        shipper.amend("e1", output="late", error=error, cost=0.5, attributes={"grade": "A"})
    [entry] = spooled()
    assert entry["dataset"] == "llm.amendment"
    fields = entry["call"]["fields"]
    assert entry["call"]["target_id"] == "e1"
    assert fields.pop("error").items() >= {"type": "TimeoutError", "message": "too late"}.items()
    assert fields == {"output": "late", "cost": 0.5, "attributes": {"grade": "A"}}


def test_deeds_are_implicit_feedback(spooled: Spooled) -> None:
    """Each has its name and its score; a session's length is a value."""
    shipper.implicit.edited("k", "kitten", "sitten", author="u")
    shipper.implicit.edited("k", "same", "same")
    shipper.implicit.accepted("k")
    shipper.implicit.accepted("k", False, event_id="mine")
    shipper.implicit.regenerated("k", channel="web")
    shipper.implicit.copied("k", choice_index=2)
    shipper.implicit.session_length("k", 340)
    calls = [entry["call"] for entry in spooled()]
    assert {call["author_kind"] for call in calls} == {"implicit"}
    assert [(call["name"], call.get("value")) for call in calls] == [
        ("edited", pytest.approx(5 / 6)),
        ("edited", 1.0),
        ("accepted", True),
        ("accepted", False),
        ("regenerated", False),
        ("copied", True),
        ("session_length", None),
    ]
    assert calls[0]["better_response"] == "sitten"
    assert "better_response" not in calls[1]
    assert calls[-1]["values"] == {"seconds": 340}
    assert (calls[4]["channel"], calls[5]["choice_index"]) == ("web", 2)


def test_rows_with_a_call_are_about_that_call_alone(
    spooled: Spooled,
) -> None:
    """One key for a batch must not mix the rows' verdicts; a row of None has none."""
    app = shipper.get_application("a")
    _, keys = app.log(
        inputs=[1, 2, 3], outputs=[1, 2, 3], feedbacks=[{"ok": True}, None, 0.5], join_keys=["b"] * 3
    )
    entries = spooled()
    completions = [entry for entry in entries if entry["dataset"] == "llm.completion"]
    feedback = [entry for entry in entries if entry["dataset"] == "llm.feedback"]
    assert keys == ["b"] * 3
    assert [entry["call"]["join_keys"] for entry in completions] == [["b"]] * 3
    assert [entry["call"]["join_keys"] for entry in feedback] == [
        [completions[0]["id"]],
        [completions[2]["id"]],
    ]


def test_feedback_alone_is_about_the_key(spooled: Spooled) -> None:
    """Gantry's way."""
    shipper.get_application("a").log(feedbacks=[{"correction_accepted": True}], join_keys=["p1"])
    [entry] = spooled()
    assert entry["call"] == {
        "join_keys": ["p1"],
        "author_kind": "human",
        "name": "correction_accepted",
        "value": True,
    }


@pytest.mark.parametrize("one", [{"correct": True}, "k", 7])
def test_rows_are_lists(one: Any, spooled: Spooled) -> None:
    """A row that is given without its list is told: a text or a dict would be taken apart."""
    for rows in ({"feedbacks": one, "join_keys": ["k"]}, {"feedbacks": [True], "join_keys": one}):
        with pytest.raises(UsageError, match=r"list, with a row for each call.*Nothing was logged"):
            shipper.get_application("a").log(**rows)
    assert spooled() == []


def test_feedback_with_a_call_has_an_id_that_follows_from_the_call(
    spooled: Spooled,
) -> None:
    """The same call logged again brings the same feedback."""
    app = shipper.get_application("a")
    app.log_completion({}, {}, feedback={"thumbs_up": True, "tone": 0.5}, event_id="c1")
    feedback = [entry for entry in spooled() if entry["dataset"] == "llm.feedback"]
    assert [(entry["id"], entry["given_id"]) for entry in feedback] == [
        ("c1.feedback.thumbs_up", True),
        ("c1.feedback.tone", True),
    ]


def test_without_content_the_verdict_stays(spooled: Spooled) -> None:
    """save=False drops texts, and keeps who judged what and how."""
    app = shipper.get_application("a")
    said = {
        "helpful": True,
        "comment": "secret",
        "better_response": "secret",
        "note": "secret",
        "author": "u",
    }
    app.log_completion({}, {}, feedback=said, save=False)
    feedback = next(entry for entry in spooled() if entry["dataset"] == "llm.feedback")
    assert feedback["call"] == {
        "join_keys": feedback["call"]["join_keys"],
        "author_kind": "human",
        "author": "u",
        "name": "helpful",
        "value": True,
        "save": False,
    }


def test_settings_without_content_strip_amendments_too(settings: Settings) -> None:
    """Tokens and cost of the late answer stay, its text does not."""
    app = shipper.Application("a", settings=settings.replace(save=False, send="none"))
    response = {
        "object": "chat.completion",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "secret"}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4},
    }
    shipper.amend("e", output=response, cost=0.5, attributes={"a": "secret"}, application=app)
    written = b"".join(file.read_bytes() for file in settings.spool_dir.rglob("*") if file.is_file())
    assert b"secret" not in written
    assert b'"cost":0.5' in written
    assert b'"prompt_tokens":3' in written
