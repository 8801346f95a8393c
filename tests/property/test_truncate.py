"""Property tests: whatever the entry and the limit, the result fits, is JSON, and says what was cut."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from shipper.record.shrink import cut_text
from shipper.record.truncate import fit

characters = st.characters(categories=["Ll", "Lo", "So", "Cc", "Po", "Zs"])
texts = st.builds(
    lambda part, times: part * times, st.text(characters, min_size=1, max_size=12), st.integers(1, 2000)
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
)
keys = st.sampled_from(
    ["id", "model", "content", "messages", "text", "k" * 700, "ä" * 300, "\u0001" * 90, "[0]", "…"]
)


def repeated(part: Any, times: int) -> list[Any]:
    return [part] * times


json_values = st.recursive(
    scalars | texts,
    lambda parts: st.one_of(
        st.lists(parts, max_size=6),
        st.builds(repeated, parts, st.integers(1, 120)),
        st.dictionaries(keys | st.text(characters, max_size=6), parts, max_size=6),
        st.builds(lambda part, count: {f"key {n}": part for n in range(count)}, parts, st.integers(1, 120)),
    ),
    max_leaves=8,
)
call_keys = st.sampled_from(
    ["request", "response", "inputs", "logs", "raw_request", "join_keys", "tags", "user_id", "error"]
)
entries = st.fixed_dictionaries(
    {
        "seq": st.integers(0, 2**40),
        "v": st.just(1),
        "dataset": st.just("llm.completion"),
        "id": texts,
        "at": st.just(1763710242123456789),
        "app": st.dictionaries(keys, scalars | texts, max_size=3),
        "call": st.dictionaries(call_keys, json_values, max_size=4),
    }
)


@given(entries, st.integers(4096, 60_000))
@settings(max_examples=150, deadline=None)
def test_the_result_always_fits(entry: dict[str, Any], limit: int) -> None:
    """It is JSON within the limit, the envelope is kept, the input untouched, and the records are those inside."""
    before = orjson.dumps(entry)

    data, records = fit(entry, limit)

    result = orjson.loads(data)
    assert len(data) <= limit
    assert before == orjson.dumps(entry)
    assert records == result.get("truncated", [])
    assert bool(records) == (len(before) > limit)
    assert [entry[key] for key in ("seq", "v", "dataset", "at")] == [
        result[key] for key in ("seq", "v", "dataset", "at")
    ]
    assert result["id"] == entry["id"] or (
        result["id"].startswith("sha256:") and len(entry["id"].encode()) > 512
    )


@given(entries, st.integers(4096, 60_000))
@settings(max_examples=60, deadline=None)
def test_fitting_again_changes_nothing(entry: dict[str, Any], limit: int) -> None:
    """What fits is left alone, so that an entry is never cut twice."""
    data, _ = fit(entry, limit)

    assert (data, []) == fit(orjson.loads(data), limit)


@given(texts, st.integers(64, 3000))
@settings(max_examples=300, deadline=None)
def test_a_cut_text_is_its_beginning(text: str, room: int) -> None:
    """A cut text is a beginning of the text and the number of characters that are missing, within its room."""
    cut = cut_text(text, room)

    head, _, rest = cut.rpartition("… [truncated ")
    assert len(orjson.dumps(cut)) <= room
    assert text.startswith(head)
    assert f"{len(text) - len(head)} characters]" == rest
