"""Searching, showing and following completions in a real Elasticsearch, through the commands that people use."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from shipper.cli.search import search as search_command
from shipper.cli.show import show as show_command
from shipper.cli.tail import tail as tail_command
from shipper.read.follow import Arrivals
from shipper.read.query import MARK, UNMARK, Query
from shipper.read.search import count, search
from shipper.route import destination
from shipper.store.setup import setup

if TYPE_CHECKING:
    from pathlib import Path

    import click
    from elasticsearch import Elasticsearch

START = datetime(2026, 11, 21, 10, tzinfo=UTC)


def completion(
    event_id: str, text: str = "", answer: str = "", minutes: int = 0, **fields: Any
) -> dict[str, Any]:
    """A completion that began so many minutes after ten o'clock."""
    moment = (START + timedelta(minutes=minutes)).isoformat()
    llm = {
        "application": {"name": fields.pop("app", "bot")},
        "input": {"text": text},
        "output": {"text": answer},
        "join": {"key": [event_id, *fields.pop("keys", [])]},
        **fields.pop("llm", {}),
    }
    return {
        "@timestamp": moment,
        "event": {
            "id": event_id,
            "dataset": "llm.completion",
            "outcome": fields.pop("outcome", "success"),
            "ingested": moment,
        },
        "llm": llm,
        "service": {"version": fields.pop("version", "1.0")},
        "gen_ai": {
            "request": {"model": "gpt-4o"},
            "response": {"model": fields.pop("model", "gpt-4o-2024-08-06")},
        },
        **fields,
    }


def store(client: Elasticsearch, *documents: dict[str, Any]) -> None:
    """Index documents and make them searchable."""
    operations: list[dict[str, Any]] = []
    for document in documents:
        place = destination(document)
        operations += [{"create": {"_index": place.index, "_id": place.id}}, document]
    answer = client.bulk(operations=operations, refresh=True)
    assert not answer["errors"], answer


SOME = [
    completion("a", "Can I get a refund for my late order?", "Yes, we refund it.", 1, tags=["shop", "vip"]),
    completion("b", "Where is my order?", "It will be late.", 2, user={"id": "u1"}, version="2.0"),
    completion(
        "c", "A slogan?", "", 3, app="shop", outcome="failure", error={"message": "Rate limit reached"}
    ),
    completion(
        "d",
        "A slogan for wheels?",
        "Ride on.",
        4,
        app="shop",
        model="o3",
        llm={"choices": [{"index": 0, "text": "Two wheels, one smile."}, {"index": 1, "text": "Ride on."}]},
        gen_ai={"conversation": {"id": "s1"}, "response": {"model": "o3", "id": "chatcmpl-7"}},
    ),
]


@pytest.fixture
def filled(clean_store: Elasticsearch) -> Elasticsearch:
    """A store with a few completions."""
    setup(clean_store)
    store(clean_store, *SOME)
    return clean_store


@pytest.fixture
def run(node_home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command on the session's node, as in a pipe."""
    monkeypatch.setenv("SHIPPER_HOME", str(node_home))

    def invoke(command: click.Command, *arguments: str) -> Result:
        return CliRunner().invoke(command, arguments)

    return invoke


def found(client: Elasticsearch, text: str = "", **options: Any) -> list[str]:
    """Ids that a query finds, in its order."""
    return [hit.id for hit in search(client, Query(text=text, **options))]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("refund", {"a"}),
        ("REFUND order", {"a"}),
        ("late", {"a", "b"}),
        ("late -refund", {"b"}),
        ('"my order"', {"b"}),
        ('"late order"', {"a"}),
        ("ref*", {"a"}),
        ("rate limit", {"c"}),
        ("smile", {"d"}),
        ("slogan smile", {"d"}),
        ("chatcmpl-7", set()),
        ("vip", {"a"}),
        ("nothing-like-this", set()),
        ("-slogan", {"a", "b"}),
        ("!!", set()),
    ],
)
def test_words(filled: Elasticsearch, text: str, ids: set[str]) -> None:
    """All words must occur, in whatever part of the call: prompt, answer, any choice, error, tags."""
    assert set(found(filled, text)) == ids


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ({}, ["d", "c", "b", "a"]),
        ({"app": "shop"}, ["d", "c"]),
        ({"app": "sho"}, []),
        ({"version": "2.0"}, ["b"]),
        ({"model": "o3"}, ["d"]),
        ({"model": "gpt-4o"}, ["c", "b", "a"]),
        ({"user": "u1"}, ["b"]),
        ({"session": "s1"}, ["d"]),
        ({"outcome": "failure"}, ["c"]),
        ({"tags": ("shop", "vip")}, ["a"]),
        ({"since": START + timedelta(minutes=3)}, ["d", "c"]),
        ({"until": START + timedelta(minutes=3)}, ["b", "a"]),
        ({"limit": 2}, ["d", "c"]),
        ({"text": "slogan", "outcome": "failure"}, ["c"]),
    ],
)
def test_filters(filled: Elasticsearch, options: dict[str, Any], ids: list[str]) -> None:
    """Filters are exact and all apply; without words the newest comes first."""
    assert found(filled, **options) == ids


def test_best_match_comes_first(clean_store: Elasticsearch) -> None:
    """With words, the call that is most about them precedes newer ones; equals are ordered by time."""
    setup(clean_store)
    store(
        clean_store,
        completion("about", "refund refund refund", minutes=1),
        completion("older", "a refund among many other words in a long prompt", minutes=2),
        completion("newer", "a refund among many other words in a long prompt", minutes=3),
    )
    assert found(clean_store, "refund") == ["about", "newer", "older"]


def test_count_ignores_the_limit(filled: Elasticsearch) -> None:
    """The number of matches is known whatever is shown."""
    assert count(filled, Query(text="slogan", limit=1)) == 2


def test_empty_store_finds_nothing(clean_store: Elasticsearch) -> None:
    """Without any index there is nothing to find, and no error."""
    assert found(clean_store, "x") == found(clean_store, limit=1000) == []


@pytest.mark.parametrize("limit", ["10", "1000"])
def test_index_that_can_not_be_searched_is_told(
    filled: Elasticsearch, run: Any, limit: str, caplog: pytest.LogCaptureFixture
) -> None:
    """One index that fails does not hide the hits of the others, nor is it kept quiet."""
    filled.indices.delete_index_template(name="llm-completions@template")
    numbers = {
        "properties": {"llm": {"properties": {"input": {"properties": {"text": {"type": "integer"}}}}}}
    }
    filled.indices.create(index="llm-completions-foreign@1-2026.11", mappings=numbers)
    result = run(search_command, "refund", "--limit", limit)
    assert result.stdout.startswith("a\t")
    assert "1 of 4 shards did not answer" in caplog.text
    assert "llm-completions-foreign@1-2026.11" in caplog.text


@given(text=st.text(max_size=60))
@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_text_is_a_syntax_error(filled: Elasticsearch, text: str) -> None:
    """Whatever is typed, the store takes the query."""
    for hit in search(filled, Query(text=text), brief=True):
        assert hit.id in "abcd"


@pytest.mark.parametrize("analysed", [None, 1000], ids=["default", "short"])
def test_word_at_the_end_of_a_large_prompt(
    clean_store: Elasticsearch, run: Any, analysed: int | None
) -> None:
    """The last word of two megabytes is found and shown, even where the store does not analyse so far."""
    setup(clean_store)
    text = "lorem ipsum " * 175_000 + "the hidden needle"
    assert len(text) > 2_000_000
    document = completion("large", text)
    store(clean_store, document)
    if analysed is not None:
        index = destination(document).index
        clean_store.indices.put_settings(
            index=index, settings={"index.highlight.max_analyzed_offset": analysed}
        )
    result = run(search_command, "needle")
    assert result.exit_code == 0
    assert result.stdout.rstrip().endswith("the hidden needle")
    assert len(result.stdout) < 500


def test_words_found_are_marked(filled: Elasticsearch) -> None:
    """A brief search marks the words in a passage of the field where they are."""
    (hit,) = search(filled, Query(text="refund late"), brief=True)
    assert f"{MARK}refund{UNMARK}" in hit.passages["llm.input.text"]


def test_more_than_ten_thousand(clean_store: Elasticsearch, run: Any) -> None:
    """Any limit is possible: each document once, newest first, however the pages fall."""
    setup(clean_store)
    for start in range(0, 11_000, 1000):
        store(
            clean_store, *(completion(f"{start + n:05}", "x", minutes=(start + n) % 500) for n in range(1000))
        )
    result = run(search_command, "--json", "--limit", "20000")
    documents = [orjson.loads(line) for line in result.stdout_bytes.splitlines()]
    assert len({one["event"]["id"] for one in documents}) == len(documents) == 11_000
    times = [one["@timestamp"] for one in documents]
    assert times == sorted(times, reverse=True)
    assert len(run(search_command, "--json", "--limit", "10500").stdout_bytes.splitlines()) == 10_500


def test_json_is_the_stored_document(filled: Elasticsearch, run: Any) -> None:
    """`--json` prints what was stored, whole."""
    result = run(search_command, "--json", "refund")
    assert orjson.loads(result.stdout_bytes) == SOME[0]


def test_pipe_gets_one_line_for_each(filled: Elasticsearch, run: Any) -> None:
    """Without a terminal the list is tab-separated and has no colours."""
    result = run(search_command, "--app", "shop")
    assert [line.split("\t")[0] for line in result.stdout.splitlines()] == ["d", "c"]
    assert "\x1b" not in result.stdout


def test_nothing_found_is_exit_code_1(filled: Elasticsearch, run: Any) -> None:
    """Scripts can tell, and the output stays empty."""
    result = run(search_command, "--json", "nothing-like-this")
    assert (result.exit_code, result.stdout) == (1, "")


def test_since_and_until_on_the_command_line(filled: Elasticsearch, run: Any) -> None:
    """Times are given as people write them."""
    result = run(search_command, "--since", "2026-11-21T10:02:00Z", "--until", "2026-11-21T10:04:00+00:00")
    assert [line.split("\t")[0] for line in result.stdout.splitlines()] == ["c", "b"]


def test_hostile_prompt_on_a_terminal(clean_store: Elasticsearch, node_home: Path) -> None:
    """On a real terminal a stored escape sequence is shown, not obeyed, and every line fits."""
    setup(clean_store)
    store(
        clean_store,
        completion(
            "evil", "needle \x1b]0;owned\x07\x1b[2J \u202egnorw", llm={"application": {"name": "\x1b[31m"}}
        ),
    )
    for arguments in (["search", "needle"], ["show", "evil"]):
        output = _on_a_terminal(arguments, node_home)
        assert "␛]0;owned␇␛[2J" in output
        assert "\x1b]0;" not in output
        assert "\x1b[2J" not in output
        assert "\u202e" not in output


def _on_a_terminal(arguments: list[str], home: Path) -> str:
    """What the command writes to a terminal of 80 columns."""
    controller, terminal = pty.openpty()
    environment = {**os.environ, "SHIPPER_HOME": str(home), "COLUMNS": "80", "TERM": "xterm-256color"}
    command = [sys.executable, "-c", "from shipper.cli import main; main()", *arguments]
    with subprocess.Popen(
        command, stdout=terminal, stderr=subprocess.PIPE, stdin=terminal, env=environment
    ) as process:
        os.close(terminal)
        chunks: list[bytes] = []
        while True:
            try:
                chunk = os.read(controller, 65536)
            except OSError:  # the last writer has gone
                break
            if not chunk:
                break
            chunks.append(chunk)
    os.close(controller)
    assert process.returncode == 0
    return b"".join(chunks).decode()


def test_reader_that_stops_reading(clean_store: Elasticsearch, node_home: Path) -> None:
    """`shipper search | head -1` ends quietly."""
    setup(clean_store)
    store(clean_store, *(completion(str(number), "x" * 2000) for number in range(500)))
    command = (
        f"{sys.executable} -c 'from shipper.cli import main; main()' search --json --limit 500 | head -1"
    )
    result = subprocess.run(
        command,
        shell=True,
        capture_output=True,
        env={**os.environ, "SHIPPER_HOME": str(node_home)},
        timeout=60,
        check=False,
    )
    assert orjson.loads(result.stdout)["llm"]["application"]["name"] == "bot"
    assert result.stderr == b""


@pytest.mark.parametrize("key", ["d", "chatcmpl-7"])
def test_show_by_any_id(filled: Elasticsearch, run: Any, key: str) -> None:
    """The event id and the provider's response id name one call; every choice is shown."""
    result = run(show_command, key)
    assert result.exit_code == 0
    assert "shop@1.0" in result.stdout
    assert "Two wheels, one smile." in result.stdout


def test_show_by_join_key_and_by_the_beginning_of_an_id(clean_store: Elasticsearch, run: Any) -> None:
    """A caller's key and eight characters of an id will do; fewer won't, and an exact id goes before a longer one."""
    setup(clean_store)
    store(
        clean_store,
        completion("019aa6f2-7c3e-7000-8000-000000000001", "first", keys=["order-7"]),
        completion("019aa6f2-7c3e-7000-8000-0000000000011", "second"),
    )
    assert "first" in run(show_command, "order-7").stdout
    assert "first" in run(show_command, "019aa6f2-7c3e-7000-8000-000000000001").stdout
    assert run(show_command, "019aa6f").exit_code == 1
    several = run(show_command, "019aa6f2")
    assert several.exit_code == 1
    assert "2 calls" in several.stderr
    assert "first" in several.stdout
    assert "second" in several.stdout


def test_show_as_json(filled: Elasticsearch, run: Any) -> None:
    """`--json` prints what was stored, one line for each call of the key."""
    assert orjson.loads(run(show_command, "a", "--json").stdout_bytes) == SOME[0]


def test_show_of_an_unknown_id(filled: Elasticsearch, run: Any) -> None:
    """An id that is not there is exit code 1 with the way to find out why."""
    result = run(show_command, "not-there-at-all")
    assert result.exit_code == 1
    assert "shipper status" in result.stderr


def test_tail(filled: Elasticsearch, run: Any) -> None:
    """The last arrivals, the very last one at the end."""
    result = run(tail_command, "-n", "2")
    assert [line.split("\t")[0] for line in result.stdout.splitlines()] == ["c", "d"]
    assert orjson.loads(run(tail_command, "-n", "1", "--json").stdout_bytes) == SOME[3]
    assert run(tail_command, "-n", "0").stdout == ""
    assert [line.split("\t")[0] for line in run(tail_command, "--app", "bot").stdout.splitlines()] == [
        "a",
        "b",
    ]


def test_follow(filled: Elasticsearch) -> None:
    """What arrives is seen once, in its order, also when it was sent a little before what was seen already."""
    arrivals = Arrivals(filled, Query())
    assert [hit.id for hit in arrivals.newest(1)] == ["d"]
    assert list(arrivals.later()) == []
    late = completion("late", "x", minutes=3)
    late["event"]["ingested"] = (START + timedelta(minutes=4, seconds=-5)).isoformat()
    store(filled, late, completion("e", "x", minutes=5))
    assert [hit.id for hit in arrivals.later()] == ["late", "e"]
    assert list(arrivals.later()) == []
    store(filled, *(completion(f"many-{number:04}", "x", minutes=6) for number in range(2500)))
    assert [hit.id for hit in arrivals.later()] == [f"many-{number:04}" for number in range(2500)]


def test_follow_from_an_empty_store(clean_store: Elasticsearch) -> None:
    """Following may begin before anything was logged."""
    setup(clean_store)
    arrivals = Arrivals(clean_store, Query(app="bot"))
    assert list(arrivals.newest(10)) == []
    first = completion("first", "x")
    first["event"]["ingested"] = datetime.now(UTC).isoformat()
    store(clean_store, first, completion("other", "x", app="shop"))
    assert [hit.id for hit in arrivals.later()] == ["first"]
