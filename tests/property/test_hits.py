"""What is cut out of a search's answer is what the store has written, whatever that is."""

from __future__ import annotations

import json
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from shipper.read.hits import Hits
from tests.fixtures.record.strategies import JSON, Json, unhurried

WORD = "0f" * 16
NASTY = st.sampled_from(
    [
        ',"_score":null,"_source":{',
        '"}},{"_index":"a"',
        ',"sort":[1],"matched_queries":["w"]}',
        "a\\",
        '\\","_score":',
        "\n\r",
    ]
)
HIT_LIKE = st.fixed_dictionaries(
    {"_index": NASTY, "_id": NASTY, "_score": st.none(), "_source": JSON, "sort": st.just([1])}
)
TEXTS = NASTY | st.text(max_size=8)
DOCUMENTS = st.dictionaries(TEXTS, JSON | NASTY | HIT_LIKE | st.lists(HIT_LIKE, max_size=2), max_size=3)


@unhurried
@given(
    st.lists(
        st.tuples(st.text(min_size=1, max_size=8) | NASTY, DOCUMENTS, st.sampled_from([None, ["user.id"]])),
        max_size=4,
    ),
    st.sampled_from([None, 1]),
)
def test_lines_of_hits(found: list[tuple[str, Json, Any]], indent: int | None) -> None:
    """A line for each hit, with the letters of the store, whether they are all cut out or one by one."""

    def stored(document: Json) -> bytes:
        if indent is None:
            return orjson.dumps(document)
        return json.dumps(document, indent=indent).encode()  # as somebody may have sent it

    hits = [
        b'{"_index":"llm-completions-a@1-2026.11","_id":%b,"_score":null,%b"_source":%b,"sort":[%d],'
        b'"matched_queries":["%b"]}'
        % (
            orjson.dumps(key),
            b"" if ignored is None else b'"_ignored":%b,' % orjson.dumps(ignored),
            stored(document),
            number,
            WORD.encode(),
        )
        for number, (key, document, ignored) in enumerate(found)
    ]
    answer = b'{"pit_id":"p","hits":{"max_score":null,"hits":[%b]}}' % b",".join(hits)
    lines = Hits(answer, WORD).lines()
    assert [(one.id, one.source) for one in Hits(answer, WORD)] == [
        (orjson.dumps(key), stored(document).replace(b"\n", b" ")) for key, document, _ in found
    ]
    assert lines == b"".join(
        [
            b'{"_index":"llm-completions-a@1-2026.11","_id":%b,"_source":%b}\n'
            % (orjson.dumps(key), stored(document).replace(b"\n", b" "))
            for key, document, _ in found
        ]
    )
