"""Lists and pages of completions, whatever their documents hold."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from shipper.read.listing import listing, styled, tab_separated
from shipper.read.page import page_of
from shipper.read.query import MARK, UNMARK
from shipper.read.search import Hit, next_page

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def document(event_id: str = "019aa6f2-7c3e-7000-8000-000000000001", **fields: Any) -> dict[str, Any]:
    """A completion with a bit of everything."""
    return {
        "@timestamp": "2026-11-21T10:00:00.000Z",
        "event": {"id": event_id, "outcome": "success", "dataset": "llm.completion"},
        "llm": {
            "application": {"name": "support-bot"},
            "latency_ms": 1040.0,
            "input": {"text": "How do I reset my password?"},
            "output": {"text": "Click on the link."},
        },
        "service": {"version": "1.4.0"},
        "gen_ai": {
            "response": {"model": "gpt-4o-mini-2024-07-18"},
            "usage": {
                "input_tokens": 104,
                "output_tokens": 27,
                "cost": {"amount": 3.18e-05, "currency": "USD"},
            },
        },
        **fields,
    }


def hit(found: dict[str, Any], **passages: str) -> Hit:
    """The document as a search returns it."""
    event = found.get("event")
    event_id = event.get("id") if isinstance(event, dict) else None
    return Hit(str(event_id), "llm-completions-support-bot@1.4.0-2026.11", found, passages)


def lines_of(hits: list[Hit], width: int = 80) -> list[str]:
    """The list as plain text."""
    return [line.plain for line in listing(hits, [], width, NOW)]


def page_text(found: dict[str, Any], *, full: bool = False) -> str:
    """The page as plain text."""
    return "\n".join(line.plain for line in page_of(hit(found), full=full))


def test_two_lines_for_each_completion() -> None:
    """Figures in columns, and below them question and answer."""
    figures, words = lines_of([hit(document())], 120)
    for part in (
        "019aa6f2-7c3e",
        "support-bot@1.4.0",
        "gpt-4o-mini-2024-07-18",
        "1.0 s",
        "104→27",
        "$0.000032",
    ):
        assert part in figures
    assert words == "  How do I reset my password? → Click on the link."


@pytest.mark.parametrize("width", [80, 100, 200])
def test_list_fits_the_terminal(width: int) -> None:
    """Long names, long texts and wide characters are cut to the width, and the version is cut last."""
    long = document(
        llm={"application": {"name": "an-application-with-a-long-name"}, "input": {"text": "日本語" * 100}},
        gen_ai={"response": {"model": "some-provider/some-model-with-a-very-long-name-2026-11-21"}},
    )
    lines = lines_of([hit(document()), hit(long)], width)
    assert max(cell_len(line) for line in lines) <= width
    assert "@1.4.0" in lines[2]


def test_ids_are_long_enough_to_tell_them_apart() -> None:
    """Ids that begin alike are shown as far as they differ."""
    first = hit(document("019aa6f2-7c3e-7000-8000-000000000001"))
    second = hit(document("019aa6f2-7c3e-7000-8abc-000000000002"))
    shown = [line.split()[0] for line in lines_of([first, second], 120)[::2]]
    assert len(set(shown)) == 2
    assert all(one.startswith("019aa6f2-7c3e-7000-8") for one in shown)


def test_one_line_of_tabs_in_a_pipe() -> None:
    """Other programs get whole names, plain figures, and no tab or line break out of a text."""
    found = document()
    found["llm"]["input"]["text"] = "two\nlines\tand a tab"
    cells = tab_separated(hit(found), []).split("\t")
    assert cells == [
        "019aa6f2-7c3e-7000-8000-000000000001",
        "2026-11-21T10:00:00.000Z",
        "support-bot",
        "1.4.0",
        "gpt-4o-mini-2024-07-18",
        "1040.0",
        "104",
        "27",
        "3.18e-05",
        "two lines and a tab → Click on the link.",
    ]


def test_words_found_are_coloured_without_losing_spaces() -> None:
    """Marks become colours; the passage reads as before."""
    text = styled(f"we {MARK}refund{UNMARK} the {MARK}fee{UNMARK}, \x1b[2Jreally")
    assert text.plain == "we refund the fee, ␛[2Jreally"
    assert [text.plain[span.start : span.end] for span in text.spans if "yellow" in str(span.style)] == [
        "refund",
        "fee",
    ]


MANY = document(
    gen_ai={
        "operation": {"name": "chat"},
        "request": {"model": "gpt-4o", "temperature": 0.3},
        "response": {"model": "gpt-4o-2024-08-06", "id": "chatcmpl-1"},
        "system_instructions": [{"type": "text", "content": "Be brief."}],
        "tool": {
            "definitions": [{"type": "function", "function": {"name": "stock", "description": "Looks it up"}}]
        },
        "input": {
            "messages": [
                {
                    "role": "user",
                    "parts": [
                        {"type": "text", "content": "A slogan?"},
                        {"type": "blob", "modality": "image", "content": "x" * 1234},
                        {"type": "uri", "modality": "image", "uri": "https://pictures.example/bike.png"},
                    ],
                },
                {
                    "role": "assistant",
                    "parts": [{"type": "tool_call", "id": "c", "name": "stock", "arguments": {"a": 1}}],
                },
                {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c", "response": "12 left"}]},
            ]
        },
        "output": {
            "messages": [
                {"role": "assistant", "index": 0, "parts": [{"type": "text", "content": "Two wheels."}]},
                {
                    "role": "assistant",
                    "index": 1,
                    "parts": [{"type": "refusal", "content": "I'd rather not."}],
                },
            ]
        },
        "usage": {"input_tokens": 104, "output_tokens": 27, "cache_read": {"input_tokens": 64}},
    },
    llm={
        "application": {"name": "shop"},
        "choices": [
            {"index": 0, "finish_reason": "stop", "selected": False},
            {"index": 1, "finish_reason": "content_filter", "selected": True},
        ],
        "join": {"key": ["a", "b"]},
        "feedback": {
            "entries": [
                {"name": "rating", "score": 1.0, "author": "u1"},
                {"name": "rating", "withdrawn": True},
            ],
            "better_response": "Ride on.",
        },
        "sanitised": ["request.x: not a number"],
        "truncated": [{"field": "request.messages[0]", "length": 9, "hash": "b2:1"}],
        "attributes": {"request": {"team": "blue"}},
    },
    error={"type": "Oops", "message": "it broke\nbadly"},
    tags=["demo"],
)


@pytest.mark.parametrize(
    "part",
    [
        "shop@1.4.0 · gpt-4o-2024-08-06 · chat · success",
        "  event id     019aa6f2-7c3e-7000-8000-000000000001",
        "  join keys    a, b",
        "  temperature      0.3",
        "  model asked for  gpt-4o",
        "  stock  Looks it up",
        "system\n  Be brief.",
        "user\n  A slogan?\n  [image: 1,234 characters]\n  [image: https://pictures.example/bike.png]",
        'assistant\n  → stock({"a":1})',
        "tool\n  ← 12 left",
        "○ choice 0 · stop\n  Two wheels.",
        "● choice 1 · content_filter · selected\n  (refusal)\n  I'd rather not.",
        "  tokens cached  64",
        "  Oops\n  it broke\n  badly",
        "  name rating  score 1.0  author u1",
        "  better response\n  Ride on.",
        "  made safe  request.x: not a number",
        '  request  {"team":"blue"}',
        "  tags     demo",
    ],
)
def test_page(part: str) -> None:
    """The page has the conversation, every choice with the selected one marked, figures, ids, feedback and flags."""
    assert part in page_text(MANY)


def test_page_of_a_call_without_messages() -> None:
    """Models of any shape show their texts, inputs and outputs."""
    found = document()
    found["llm"].update(inputs={"x": 1}, outputs={"y": 2})
    shown = page_text(found)
    assert "── conversation ──\n  How do I reset my password?" in shown
    assert "● answer\n  Click on the link." in shown
    assert '  in   {"x":1}\n  out  {"y":2}' in shown


def test_long_texts_are_cut_unless_wanted() -> None:
    """A page shows the beginning of a long text and says how much there is."""
    found = document()
    found["llm"]["input"]["text"] = "x" * 5000 + "end"
    assert "… 1,003 more characters: --full" in page_text(found)
    assert "xend" in page_text(found, full=True)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 2**62) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)
SHAPES = ["event", "llm", "gen_ai", "service", "error", "tags", "@timestamp"]
LLM = ["application", "choices", "input", "output", "feedback", "join", "latency_ms", "cost", "truncated"]
GEN_AI = ["input", "output", "request", "response", "usage", "tool", "system_instructions"]
INNER = ["messages", "text", "model", "entries", "definitions", "key", "cost", "input_tokens"]
FOREIGN = st.dictionaries(
    st.sampled_from(SHAPES),
    st.dictionaries(
        st.sampled_from(LLM + GEN_AI),
        JSON | st.dictionaries(st.sampled_from(INNER), JSON, max_size=3),
        max_size=4,
    )
    | JSON,
    max_size=7,
)


@given(FOREIGN, st.booleans())
def test_foreign_documents_have_a_list_and_a_page(found: dict[str, Any], full: bool) -> None:
    """Whatever a document holds where, it can be shown, in the width, and drives no terminal."""
    one = hit(found)
    lines = [*listing([one], [], 80, NOW), *page_of(one, full=full)]
    assert tab_separated(one, []).count("\t") == 9
    for line in lines:
        assert not {character for character in line.plain if unicodedata.category(character) == "Cc"} - {"\t"}


@given(st.integers(1, 1000), st.integers(0, 10**10))
def test_pages_follow_the_weight_of_documents(size: int, page_bytes: int) -> None:
    """The next page asks for at least one document, at most twice as many, and not much more than eight megabytes."""
    following = next_page(size, page_bytes)
    assert 1 <= following <= min(1000, 2 * size)
    assert following == 1 or following * page_bytes <= 8 * 1024 * 1024 * size
