"""The Ruby functions and Logstash's own parser against ours, on many values: run by the Ruby that Logstash comes with."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shipper.route import destination, intake, slug
from shipper.route.jsontext import MAX_LEVELS, dump, load
from shipper.route.moment import nanoseconds, text
from shipper.route.texts import input_text, output_text
from tests.logstash.language import parse
from tests.logstash.test_language import BROKEN, WHOLE
from tests.logstash.vectors import BARE, bare_vectors

if TYPE_CHECKING:
    from collections.abc import Callable

REPOSITORY = Path(__file__).resolve().parents[2]
ARRIVED = 1_763_710_242_123_456_789
SCRIPTS = sorted(path.name for path in (REPOSITORY / "logstash" / "ruby").glob("*.rb"))


class Ruby:
    """Collects calls, makes them all in one process, gives the answers."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(self, calls: list[list[Any]]) -> list[Any]:
        given = "".join(f"{json.dumps(call)}\n" for call in calls)
        answer = subprocess.run(
            [str(self.home / "bin" / "ruby"), str(Path(__file__).with_name("twin.rb"))],
            input=given.encode(),
            env={**os.environ, "LOGSTASH_HOME": str(self.home)},
            capture_output=True,
            check=False,
            timeout=300,
        )
        said = [line[2:] for line in answer.stdout.decode().split("\n") if line.startswith("= ")]
        assert len(said) == len(calls), answer.stderr.decode()[-3000:]
        return [json.loads(line) for line in said]


@pytest.fixture(scope="module")
def ruby(logstash_home: Path) -> Ruby:
    """Logstash's Ruby."""
    return Ruby(logstash_home)


def examples(strategy: st.SearchStrategy[Any], count: int) -> list[Any]:
    """That many values of a strategy, the same each time."""
    found: list[Any] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )
    @given(strategy)
    def collect(value: Any) -> None:
        found.append(value)

    collect()
    return found


scalars = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=8) | st.floats(-1e9, 1e9)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
names = st.one_of(
    st.text(min_size=1, max_size=100),
    st.text("abAB.-_ 0é@", min_size=1, max_size=90),
    st.from_regex(r"[a-z]{1,3}-(\d{4}\.\d\d(\.\d\d)?|undated|[0-9a-f]{10})", fullmatch=True),
)
moments = st.one_of(
    st.from_regex(
        r"\d{4}-[01]\d-[0-3]\d([T ][0-2]\d:[0-5]\d(:[0-6]\d([.,]\d{1,10})?)?(Z|[+-][0-2]\d:?[0-6]\d)?)?",
        fullmatch=True,
    ),
    st.datetimes().map(lambda moment: moment.isoformat()),
    st.floats(0, 1e20, allow_nan=False),
    st.integers(-(10**10), 10**20),
    scalars,
)
part = st.one_of(
    st.text(max_size=5),
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(
                ["text", "input_text", "refusal", "reasoning", "tool_call_response", "image_url"]
            ),
            "content": values,
            "text": values,
            "response": values,
        },
    ),
    values,
)
messages = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {},
            optional={
                "role": st.just("user"),
                "index": st.integers(0, 2),
                "content": st.text(max_size=5) | st.lists(part, max_size=3),
                "parts": st.lists(part, max_size=3),
                "refusal": values,
            },
        ),
        values,
    ),
    max_size=3,
)
records = st.fixed_dictionaries(
    {},
    optional={
        "@timestamp": moments,
        "@metadata": values,
        "event": values
        | st.fixed_dictionaries(
            {"dataset": st.sampled_from(["llm.completion", "llm.feedback", "llm.delivery", "other"])},
            optional={"id": values, "start": moments, "created": moments},
        ),
        "event.id": values,
        "gen_ai": values | st.fixed_dictionaries({"usage": values, "evaluation": values}),
        "gen_ai.request.model": values,
        "level": values,
        "host": values,
        "service": values | st.fixed_dictionaries({"name": values}),
        "tags": values,
        "asctime": moments,
        "x.y": values,
    },
)
bodies = st.one_of(
    records.map(lambda one: json.dumps(one, ensure_ascii=False)),
    st.lists(records | values, max_size=3).map(json.dumps),
    st.lists(records.map(json.dumps) | st.just("{oops"), max_size=3).map("\n".join),
    st.text('{}[],:"1 \nae\\', max_size=30),
)


def test_the_scripts_pass_their_own_tests(ruby: Ruby) -> None:
    """Each filter script has tests in itself, and passes them all."""
    results = ruby([["tests", name] for name in SCRIPTS])
    assert SCRIPTS
    for name, result in zip(SCRIPTS, results, strict=True):
        assert result["passed"] > 0, name
        assert (name, result["failed"], result["errored"]) == (name, 0, 0)


def test_the_parser_agrees_with_logstash(ruby: Ruby) -> None:
    """What it takes a real Logstash takes, what it refuses a real one refuses."""
    files = [
        path.read_text("utf-8") for path in sorted((REPOSITORY / "logstash" / "pipeline").glob("*.conf"))
    ]
    cut = [WHOLE[:at] + WHOLE[at + 1 :] for at in range(len(WHOLE)) if WHOLE[at] in '{}()[]"=>!,']
    texts = [WHOLE, *files, *BROKEN, *cut]
    real = ruby([["parses", one] for one in texts])
    ours = [parses(one) for one in texts]
    assert [one for one, a, b in zip(texts, real, ours, strict=True) if a != b] == []
    assert real.count(True) > len(files)


def parses(source: str) -> bool:
    """Whether our parser takes it."""
    try:
        return bool(parse(source))
    except SyntaxError:
        return False


def test_names_and_ids(ruby: Ruby) -> None:
    """The same index names and ids for any names."""
    some = examples(names, 400)
    assert ruby([["slug", one] for one in some]) == [slug(one) for one in some]
    ids = examples(st.text(min_size=1, max_size=3).map(lambda one: one * 200), 100)
    wanted = [destination({"event": {"id": one}}).id for one in ids]
    assert ruby([["id", one] for one in ids]) == wanted


def test_the_order_of_keys_is_not_seen(ruby: Ruby) -> None:
    """A dead letter's id is of what the event holds: Logstash writes its keys in any order."""
    one, other, different = ruby(
        [
            ["seen", '{"b":[{"d":1.5,"c":"ü"}],"a":null}'],
            ["seen", '{"a":null,"b":[{"c":"ü","d":1.5}]}'],
            ["seen", '{"a":null,"b":[{"c":"y","d":1.5}]}'],
        ]
    )
    assert one == other == '"a":null\n"b":\n"c":"ü"\n"d":1.5'
    assert one != different


def test_moments(ruby: Ruby) -> None:
    """The same nanoseconds for any value, to the last digit."""
    some = examples(moments, 800)
    read = [nanoseconds(one) for one in some]
    wanted = [None if ns is None else [str(ns), text(ns)] for ns in read]
    assert ruby([["moment", one] for one in some]) == wanted
    assert sum(one is not None for one in read) > 100


def test_dumps(ruby: Ruby) -> None:
    """The same JSON of any value, numbers to the last character: ids are made of it."""
    floats = [
        1e22,
        1e16,
        1e15,
        1e-5,
        1e-4,
        1.5e-7,
        123456789.0,
        1e300,
        1.7976931348623157e308,
        5e-324,
        100.0,
        -0.0,
    ]
    some = [
        *floats,
        *examples(values | st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False), 400),
    ]
    written = [json.dumps(one) for one in some]
    assert ruby([["dumped", one] for one in written]) == [dump(load(one)) for one in written]


UNUSUAL = [
    *(
        "",
        " ",
        "null",
        "5",
        '"a"',
        "[1,]",
        "1 2",
        "{} {}",
        "{}x",
        "[}",
        "'a'",
        "{a:1}",
        '{"a":1,"a":{"b":2}}',
    ),
    *(
        "/**/{}",
        "{}//",
        "#\n{}",
        "NaN",
        "-Infinity",
        "01",
        "-01",
        "1.",
        ".5",
        "+1",
        "0x10",
        "-",
        "1e",
        "-0",
        "-0.0",
    ),
    *(
        "1e400",
        "[-1e400, 1e308, 1E+309, 1e-400]",
        f'{{"a":[{"9" * 400}.0, {"9" * 250}e99]}}',
        *(
            "0." + "1" * 20_000,
            "-0." + "1" * 4299,
            "-0." + "1" * 4300,
            "1" * 4298 + ".5e-1",
            "1" * 4298 + ".5e-10",
        ),
    ),
    *(
        "9" * 4300,
        "-" + "9" * 4300,
        "9" * 4301,
        "9" * 4301 + ".5",
        "9" * 20_000,
        '["1e999", "' + "9" * 400 + '"]',
    ),
    *(
        r'"\ud800"',
        r'"\uDC00\uD800"',
        r'"\ud83d\ude00"',
        r'"\\ud800"',
        r'"\\\ud800"',
        r'"\ud83dA"',
        r'"\ud83d\ud83d\ude00"',
    ),
    *(
        r'{"\uDBFF":1}',
        r'"\u00e9\uE000\u0000"',
        r'"\x"',
        r'"\u12"',
        '"\\',
        '"a',
        '"\x01"',
        '"\t"',
        '"\n"',
        '"\x7f\u2028"',
    ),
    *(
        "{\0}",
        '{\0"\0a\0"\0:\x001\0}\0',
        "\0{",
        "{}\0",
        "\f{}",
        "\xa0{}",
        "\ufeff1",
        '"\ufeff"',
        '"' + "k" * 60_000 + '"',
    ),
    *('{"' + "k" * 60_000 + '":1}', *("[" * n + "]" * n for n in (MAX_LEVELS, MAX_LEVELS + 1, 5000))),
]


def test_what_is_json(ruby: Ruby) -> None:
    """The same texts can be read, to the same values: also what only one of two usual readers takes."""
    broken = st.tuples(
        values.map(json.dumps), st.integers(0, 99), st.text('{}[]",:\\u 1e.-0dD8', max_size=3)
    ).map(lambda one: one[0][: one[1]] + one[2] + one[0][one[1] :])
    texts = [*UNUSUAL, *examples(broken, 600)]
    readable = [read(one) for one in texts]
    assert ruby([["dumped", one] for one in texts]) == readable
    assert 100 < sum(one is None for one in readable) < len(texts) - 100


def read(text: str) -> str | None:
    """As Python reads and writes it; None when it can't be read."""
    try:
        return dump(load(text))
    except ValueError:
        return None


def test_texts(ruby: Ruby) -> None:
    """The same searchable text of any messages."""
    some = examples(st.tuples(part | messages, messages, st.integers(0, 3) | values), 400)
    given = [["input_text", a, b] for a, b, _ in some] + [["output_text", b, c] for _, b, c in some]
    wanted = [input_text(a, b) for a, b, _ in some] + [output_text(b, c) for _, b, c in some]
    assert ruby(given) == wanted


def test_documents(ruby: Ruby, unenriched: Callable[[str], list[dict[str, Any]]]) -> None:
    """The same records and dead letters from any message: order, values, reasons, ids."""
    some = examples(bodies, 600)
    some += [vector.message for scenario in BARE for vector in bare_vectors(scenario)]
    some += ["[" * levels + "]" * levels for levels in (MAX_LEVELS - 1, MAX_LEVELS, MAX_LEVELS + 1)]
    answers = ruby([["documents", one] for one in some])
    for message, made in zip(some, answers, strict=True):
        assert [plain(one) for one in made] == [plain(one) for one in unenriched(message)], message


@pytest.fixture
def unenriched(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[dict[str, Any]]]:
    """What the Python road makes of a message before it completes the records."""

    def leave(record: dict[str, Any], _arrived: int) -> dict[str, Any]:
        return record

    monkeypatch.setattr(sys.modules["shipper.route.intake"], "enrich", leave)
    return lambda message: [one.document for one in intake(message, ARRIVED)]


def plain(document: dict[str, Any]) -> Any:
    """The document without what the two may write differently: the text of numbers within original JSON."""
    document = json.loads(json.dumps(document))
    event = document.get("event")
    if isinstance(event, dict) and "original" in event:
        event["id"] = "own"
        with contextlib.suppress(ValueError):
            event["original"] = json.loads(event["original"])
    return document
