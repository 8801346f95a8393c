"""Tests of shipper.record.truncate and shrink: what is cut first, what stays, and what is said about it."""

from __future__ import annotations

from copy import deepcopy
from hashlib import blake2b, sha256
from typing import Any

import orjson
import pytest

from shipper.record.shrink import Cuts, cut_text, shrunk
from shipper.record.truncate import fit

LIMIT = 16 * 1024


def entry(call: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {
        "seq": 17,
        "v": 1,
        "dataset": "llm.completion",
        "id": "01937c00-0000-7000-8000-000000000000",
        "at": 1763710242123456789,
        "app": {"name": "support-bot", "version": "1.4.0", "host": "h", "pid": 1},
        "call": call,
        **others,
    }


def hash_of(text: str | bytes) -> str:
    content = text.encode() if isinstance(text, str) else text
    return "b2:" + blake2b(content, digest_size=16).hexdigest()


def fitted(value: dict[str, Any], limit: int = LIMIT) -> dict[str, Any]:
    """The fitted entry, after the checks that hold for each."""
    before = deepcopy(value)
    data, records = fit(value, limit)
    result = orjson.loads(data)
    assert len(data) <= limit
    assert before == value
    assert records == result.get("truncated", [])
    return result


def test_an_entry_that_fits_is_left_alone() -> None:
    """Up to the limit, to the byte, nothing is cut and no record is added."""
    value = entry({"request": {"prompt": "x" * 1000}})
    size = len(orjson.dumps(value))

    assert (orjson.dumps(value), []) == fit(value, size)


def test_the_longest_text_is_cut_and_the_rest_stays() -> None:
    """A long prompt is cut at its end, and its path, length and hash are recorded."""
    prompt = "word " * 10_000
    value = entry(
        {
            "request": {"model": "m", "messages": [{"role": "user", "content": prompt}]},
            "response": {"id": "r"},
        }
    )

    result = fitted(value)

    content = result["call"]["request"]["messages"][0].pop("content")
    head, marker = content.split("… [truncated ")
    assert prompt.startswith(head)
    assert f"{len(prompt) - len(head)} characters]" == marker
    assert len(head) > LIMIT * 0.6
    assert [
        {"field": "request.messages[0].content", "length": len(prompt), "hash": hash_of(prompt)}
    ] == result.pop("truncated")
    del value["call"]["request"]["messages"][0]["content"]
    assert value == result


def test_texts_are_cut_to_a_common_length() -> None:
    """Of several long texts only as many are cut as it takes, and those to the same length."""
    value = entry({"request": {"a": "a" * 30_000, "b": "b" * 20_000, "c": "c" * 1000}})

    request = fitted(value)["call"]["request"]

    assert len(request["a"].encode()) == len(request["b"].encode())
    assert request["c"] == "c" * 1000


def test_raw_payloads_are_cut_before_the_content_that_they_repeat() -> None:
    """With raw payloads kept, it is they that give way."""
    text = "x" * 9000
    result = fitted(entry({"raw_request": {"prompt": text}, "request": {"prompt": text}}))

    assert text == result["call"]["request"]["prompt"]
    assert [record["field"] for record in result["truncated"]] == ["raw_request.prompt"]


def test_ids_and_names_are_cut_after_the_content() -> None:
    """A long id or model name stays whole as long as cutting content is enough."""
    result = fitted(
        entry(
            {
                "request": {"model": "m" * 3000, "prompt": "p" * 20_000},
                "user_id": "u" * 3000,
                "join_keys": ["k" * 3000],
            }
        )
    )

    assert result["call"]["request"]["model"] == "m" * 3000
    assert result["call"]["user_id"] == "u" * 3000
    assert result["call"]["join_keys"] == ["k" * 3000]


@pytest.mark.parametrize(
    "text",
    ["ä" * 30_000, "😀" * 30_000, "\u0001" * 30_000, '"\\' * 30_000, "a\n" * 30_000, "\u2028" * 30_000],
    ids=["two bytes", "four bytes", "control", "quotes", "newlines", "separators"],
)
def test_a_cut_never_splits_a_character(text: str) -> None:
    """Whatever a character takes in JSON, the head that is left is a beginning of the text."""
    content = fitted(entry({"request": {"prompt": text}}))["call"]["request"]["prompt"]

    assert text.startswith(content.partition("…")[0])
    assert len(content) > 1000


@pytest.mark.parametrize("room", range(64, 90))
def test_a_cut_text_takes_the_room_it_has(room: int) -> None:
    """At each length, next to each kind of escape, the result is within the room and hardly below it."""
    cut = cut_text('é"\u0001😀\\' * 100, room)

    assert room - 40 <= len(orjson.dumps(cut)) <= room


def test_vectors_go_as_a_whole() -> None:
    """Of a batch of embeddings, each vector is replaced and everything else of the response is kept."""
    data = [{"object": "embedding", "index": index, "embedding": [0.123456789] * 1536} for index in range(20)]
    value = entry({"response": {"model": "e", "data": data, "usage": {"prompt_tokens": 5}}})

    result = fitted(value)["call"]["response"]

    assert result["usage"] == {"prompt_tokens": 5}
    assert [
        {"object": "embedding", "index": index, "embedding": "… [truncated 1536 items]"}
        for index in range(20)
    ] == result["data"]


def test_a_list_of_very_many_parts_keeps_its_beginning_and_end() -> None:
    """Of 100,000 short strings the first and the last stay, with a mark of how many went."""
    value = entry({"inputs": [f"s{number}" for number in range(100_000)]})

    result = fitted(value)

    inputs = result["call"]["inputs"]
    mark = next(index for index, item in enumerate(inputs) if item.startswith("…"))
    left = len(inputs) - 1
    assert f"… [truncated {100_000 - left} items]" == inputs[mark]
    assert [inputs[0], inputs[-1]] == ["s0", "s99999"]
    assert abs(mark - left / 2) < left / 10
    assert [
        {
            "field": "inputs",
            "length": len(orjson.dumps(value["call"]["inputs"])),
            "hash": hash_of(orjson.dumps(value["call"]["inputs"])),
        }
    ] == result["truncated"]


def test_an_object_of_very_many_keys_keeps_its_beginning() -> None:
    """Of 50,000 keys the first stay, with a mark of how many went."""
    result = fitted(entry({"tags": {f"k{number}": number for number in range(50_000)}}))

    tags = result["call"]["tags"]
    assert tags["k0"] == 0
    assert f"… [truncated {50_000 - len(tags) + 1} items]" == tags["…"]


def test_very_long_keys_are_cut_and_stay_different() -> None:
    """Keys of 40 KB keep their beginning and get a hash, so that none is lost."""
    result = fitted(entry({"inputs": {"k" * 40_000 + str(number): number for number in range(5)}}))

    assert list(result["call"]["inputs"].values()) == [0, 1, 2, 3, 4]
    assert len(result["truncated"]) == 5
    assert all(len(name) < 100 for name in result["call"]["inputs"])


def test_metadata_that_is_itself_too_large_is_cut() -> None:
    """Huge join keys, or an application's huge fields, don't keep an entry from fitting."""
    result = fitted(entry({"join_keys": ["k" * 30] * 10_000}, app={"name": "n" * 50_000}))

    assert result["call"]["join_keys"][0] == "k" * 30
    assert result["app"]["name"].startswith("nnnn")


def test_an_id_too_long_for_the_store_is_the_hash_under_which_it_is_stored() -> None:
    """An id of 40 KB becomes the hash that routing would make of it, so that a resend still finds it."""
    result = fitted(entry({"request": {"prompt": "hello"}}, id="ä" * 20_000, given_id=True))

    assert result["id"][:7] == "sha256:"
    assert result["call"]["request"]["prompt"] == "hello"
    assert [record["field"] for record in result["truncated"]] == ["id"]


def test_very_many_cuts_are_summed_up() -> None:
    """The records of what was cut are bounded; the last one counts the others."""
    result = fitted(entry({"inputs": ["t" * 400 for _ in range(1000)]}), 400_000)

    *single, rest = result["truncated"]
    cut = sum(1 for text in result["call"]["inputs"] if "…" in text)
    assert len(single) == 50
    assert f"and {cut - 50} more" == rest["field"]
    assert (cut - 50) * 400 == rest["length"]


def test_an_earlier_cut_stays_recorded() -> None:
    """An entry that was cut before keeps the record of that."""
    earlier = {"field": "logs", "length": 1, "hash": "b2:0"}
    value = entry({"request": {"prompt": "x" * 50_000}}, truncated=[earlier])

    data, records = fit(value, LIMIT)

    assert [earlier, *records] == orjson.loads(data)["truncated"]


@pytest.mark.parametrize(
    "event_id", ["order-17", "\u0001" * 512, "i" * 40_000], ids=["short", "escaped", "long"]
)
def test_at_the_least_the_envelope_stays(event_id: str) -> None:
    """If nothing else helps, the event keeps its identity, and the hash and size of what it had."""
    value = entry(
        {"request": {"a": 1}}, id=event_id, **{f"unknown {number}": number for number in range(2000)}
    )
    value["app"] = {f"{'k' * 200}{number}": number for number in range(2000)}

    result = fitted(value, 4096)

    assert result["id"] in (event_id, "sha256:" + sha256(event_id.encode()).hexdigest())
    assert [result[key] for key in ("seq", "v", "dataset", "at")] == [
        value[key] for key in ("seq", "v", "dataset", "at")
    ]
    assert result["truncated"]


def test_an_envelope_that_is_itself_too_large_loses_what_is_no_id() -> None:
    """Whatever stands in the fields that are never cut, the result fits, and keeps the id."""
    result = fitted(entry({"request": {"a": 1}}, at="9" * 5000), 4096)

    assert result["id"] == "01937c00-0000-7000-8000-000000000000"
    assert result["call"] == {}
    assert [record["field"] for record in result["truncated"]] == ["call"]


def test_deep_nesting_does_not_cost_its_depth_in_time() -> None:
    """A large list 150 levels down is replaced at the eighth level, not measured 150 times."""
    deep: Any = list(range(100_000))
    for _ in range(150):
        deep = {"d": deep}

    result = fitted(entry({"request": deep}))

    assert "… [truncated 1 item]" in orjson.dumps(result).decode()


def test_cutting_is_deterministic() -> None:
    """The same entry is cut the same way each time, so that a resend has the same content."""
    value = entry(
        {"inputs": {f"k{n}": "v" * (n * 7 % 900) for n in range(300)}, "tags": {"t": ["x" * 50] * 900}}
    )

    assert fit(value, LIMIT) == fit(deepcopy(value), LIMIT)


def test_what_fits_is_returned_as_it_is() -> None:
    """A part that has room is the same object, not a copy."""
    value = {"a": [1, 2]}

    assert value is shrunk(value, 100, None, Cuts(1000))
