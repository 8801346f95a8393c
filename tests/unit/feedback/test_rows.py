"""Feedback in files, row by row."""

from __future__ import annotations

import csv
import io
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.feedback.rows import RowIds, arguments_of_row, format_of, plain, rows_of


def of_csv(text: str, columns: dict[str, str] | None = None) -> list[dict[str, Any]]:
    rows = rows_of(io.BytesIO(text.encode()), "csv")
    return [arguments_of_row(row.values, columns or {}) for row in rows]


def test_columns_named_like_arguments_mean_them() -> None:
    """Cells are numbers and booleans where these are meant, and text where text is."""
    assert of_csv("key,value,author,created_at,choice_index\n007,0.5,42,2026-11-21,1\n") == [
        {"key": "007", "value": 0.5, "author": "42", "created_at": "2026-11-21", "choice_index": 1}
    ]


def test_other_columns_are_values_by_their_names() -> None:
    """Without a value of its own, a row's other columns are what it says."""
    assert of_csv("key,helpful,note\nk,yes,fine\n") == [
        {"key": "k", "value": {"helpful": True, "note": "fine"}}
    ]
    assert of_csv("key,rating,note\nk,1,fine\n") == [{"key": "k", "rating": 1, "values": {"note": "fine"}}]


def test_columns_are_mapped() -> None:
    """A mapped column wins over one that is named like the argument."""
    assert of_csv("id,stars,key\nk,4,x\n", {"key": "id", "rating": "stars"}) == [
        {"key": "k", "rating": 4, "values": {"key": "x"}}
    ]


def test_a_truth_stays_text() -> None:
    """Labels such as yes and 007 are what they look like."""
    assert of_csv("key,ground_truth\nk,yes\n") == [{"key": "k", "ground_truth": "yes"}]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_of_any_origin(end: str, delimiter: str) -> None:
    """A byte order mark, other delimiters, line ends and quoted line breaks."""
    text = end.join(["\ufeffkey,value,comment", 'k,1,"a, b', 'c"', "", "l,0,"]) + end
    text = text.replace(",", delimiter).replace(f"a{delimiter} b", "a, b")
    rows = of_csv(text)
    assert [(row["key"], row["value"]) for row in rows] == [("k", 1), ("l", 0)]
    assert rows[0]["comment"].split() == ["a,", "b", "c"]


def test_broken_rows_are_told_with_their_line() -> None:
    """And the rows after them are read."""
    rows = list(rows_of(io.BytesIO(b"key,value\na,1\nb,1,2\nc,1\n"), "csv"))
    assert [(row.line, bool(row.fault)) for row in rows] == [(2, False), (3, True), (4, False)]
    assert rows[1].fault == "3 cells, and 2 columns"
    rows = list(rows_of(io.BytesIO(b'{"key":"a"}\n\n[1]\n{"key":\n{"key":"b"}'), "jsonl"))
    assert [(row.line, row.fault[:8]) for row in rows] == [(1, ""), (3, "not a JS"), (4, "not JSON"), (5, "")]


@pytest.mark.parametrize("row", ["schön,1,", "l,1,naïve", "l,1,é,4"])
def test_a_row_that_is_no_utf_8_is_told(row: str) -> None:
    """Its key would be another's, and its words not what was said; the others are read."""
    rows = list(rows_of(io.BytesIO(f"key,value,comment\n{row}\nd,0,\n".encode("cp1252")), "csv"))
    assert [(one.line, one.fault[:9]) for one in rows] == [(2, "not UTF-8"), (3, "")]
    assert orjson.loads(orjson.dumps(rows[0].values)) == rows[0].values
    rows = list(rows_of(io.BytesIO("schlüssel,value\nl,1\n".encode("cp1252")), "csv"))
    assert [one.fault[:9] for one in rows] == ["not UTF-8"]


def test_json_rows_keep_their_types() -> None:
    """A number that is a key is text; everything else is what it is."""
    [row] = rows_of([b'{"key": 5, "value": "yes", "extra": {"a": [1]}}'], "jsonl")
    assert arguments_of_row(row.values, {}) == {"key": "5", "value": "yes", "values": {"extra": {"a": [1]}}}


def test_a_value_of_null_takes_back() -> None:
    """As in `send_feedback`; other columns of null are not there, and an empty cell says nothing."""
    [row] = rows_of([b'{"key": "k", "value": null, "author": "u", "comment": null, "x": null}'], "jsonl")
    assert arguments_of_row(row.values, {}) == {"key": "k", "value": None, "author": "u"}
    [row] = rows_of([b'{"key": "k", "verdict": null, "author": "u"}'], "jsonl")
    assert arguments_of_row(row.values, {"value": "verdict"}) == {"key": "k", "value": None, "author": "u"}
    assert of_csv("key,value,author\nk,,u\n") == [{"key": "k", "author": "u"}]
    [row] = rows_of([b'{"key": "k", "value": null, "rating": 1}'], "jsonl")
    assert arguments_of_row(row.values, {}) == {"key": "k", "rating": 1}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-2", -2),
        ("0.5", 0.5),
        (".5", 0.5),
        ("1.5e3", 1500.0),
        ("TRUE", True),
        ("no", False),
        ("", None),
        ("  ", None),
        ("1 2", "1 2"),
        ("1-2", "1-2"),
        ("nan", "nan"),
        ("1e999", "1e999"),
        ("9" * 30, "9" * 30),
        ("١", "١"),
    ],
)
def test_a_cell_is_a_number_only_when_it_looks_like_one(text: str, value: Any) -> None:
    """NaN, ids and dates stay text."""
    assert plain(text) == value
    assert type(plain(text)) is type(value)


@given(
    st.lists(
        st.lists(
            st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0\r")),
            min_size=2,
            max_size=2,
        ),
        max_size=5,
    )
)
def test_any_csv_is_read_or_told(cells: list[list[str]]) -> None:
    """What Python's own writer wrote comes back, cell by cell."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerows([["key", "other"], *cells])
    rows = list(rows_of(io.BytesIO(out.getvalue().encode()), "csv"))
    expected = [row for row in cells if any(cell.strip() for cell in row)]
    assert [list(row.values.values()) for row in rows] == expected
    assert not any(row.fault for row in rows)


@given(st.lists(st.binary(), max_size=6), st.sampled_from(["csv", "jsonl"]))
def test_any_bytes_are_read_or_told(lines: list[bytes], form: Any) -> None:
    """No file ends the import."""
    for row in rows_of(lines, form):
        arguments_of_row(row.values, {"key": "a"})


def test_ids_follow_from_the_content() -> None:
    """The same file gives the same ids; equal rows of a file are different events."""
    rows = [{"key": "k", "value": 1}, {"key": "k", "value": 1}, {"key": "l", "value": 1}]
    first, second, other = RowIds("a"), RowIds("a"), RowIds("b")
    ids = [first.id_of(row) for row in rows]
    assert ids == [second.id_of(row) for row in rows]
    assert len({*ids, *(other.id_of(row) for row in rows)}) == 6


def test_the_same_said_again_at_another_time_is_another_event() -> None:
    """Of another file too: who changed the mind twice says again what was said first."""
    january, march = (
        {"key": "k", "value": 1, "author": "u", "created_at": f"2026-{month:02}"} for month in (1, 3)
    )
    assert RowIds("a").id_of(january) != RowIds("a").id_of(march)


@pytest.mark.parametrize(
    ("name", "beginning", "form"),
    [
        ("a.csv", b"{", "csv"),
        ("a.tsv", b"", "csv"),
        ("a.jsonl", b"key", "jsonl"),
        ("a.NDJSON", b"", "jsonl"),
        ("-", b' \n{"key"', "jsonl"),
        ("-", b"\xef\xbb\xbf{", "jsonl"),
        ("-", b"key,value", "csv"),
    ],
)
def test_the_format_is_recognised(name: str, beginning: bytes, form: str) -> None:
    """By name, else by its beginning."""
    assert format_of(name, beginning) == form
