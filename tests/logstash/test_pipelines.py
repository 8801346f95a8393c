"""The pipeline files: each is parsed, what refers to one finds it, and the rules that lose nothing stand in each."""

from __future__ import annotations

import re
import subprocess
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from shipper.route import intake
from tests.logstash.language import Condition, Plugin, Section, Selector, parse
from tests.unit.stack.compose import FILES, load

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "logstash"
PIPELINES = sorted(path.name for path in (FOLDER / "pipeline").glob("*.conf"))
INTAKES = [name.removeprefix("intake-").removesuffix(".conf") for name in PIPELINES if "intake-" in name]
STORES = [name.removeprefix("store-").removesuffix(".conf") for name in PIPELINES if "store-" in name]
_VARIABLE = re.compile(r"\$\{(\w+)(?::([^{}]*))?\}")


def sections(name: str) -> list[Section]:
    """A file of the folder, parsed."""
    return parse((FOLDER / "pipeline" / name).read_text("utf-8"))


def plugins(kind: str) -> Iterator[tuple[str, Plugin]]:
    """Every input, filter or output of all files, with its file."""
    for name in PIPELINES:
        for section in sections(name):
            if section.kind == kind:
                yield from ((name, plugin) for plugin in section.plugins())


def expand(pattern: str) -> list[str]:
    """The paths that a pattern with (nested) braces names, as Ruby's `Dir.glob` reads it."""
    depth, begin = 0, pattern.find("{")
    if begin < 0:
        return [pattern]
    parts, start = list[str](), begin + 1
    for at in range(begin, len(pattern)):
        depth += {"{": 1, "}": -1}.get(pattern[at], 0)
        if depth == 0 or (depth == 1 and pattern[at] == ","):
            parts.append(pattern[start:at])
            start = at + 1
        if depth == 0:
            return [
                one
                for part, rest in product(parts, expand(pattern[at + 1 :]))
                for one in expand(pattern[:begin] + part + rest)
            ]
    raise AssertionError(f"a brace is not closed: {pattern}")


def put_in(text: str, **values: str) -> str:
    """The text with its variables, from inside to outside."""
    while found := _VARIABLE.search(text):
        value = values.get(found[1], found[2])
        assert value is not None, f"{found[1]} has no default"
        text = text[: found.start()] + value + text[found.end() :]
    return text


def path_configs() -> list[str]:
    """Every set of files that pipelines.yml or a compose file starts, for each intake and each way to log in."""
    entries: list[dict[str, Any]] = yaml.safe_load((FOLDER / "config" / "pipelines.yml").read_text("utf-8"))
    configs = [
        put_in(entry["path.config"], LLM_INTAKES=intakes, LLM_STORE_AUTH=auth)
        for entry in entries
        for intakes in (*INTAKES, ",".join(INTAKES))
        for auth in STORES
    ]
    for file in FILES:
        for service in load(file)["services"].values():
            if "/logstash:" in service["image"] and "command" in service:
                assert service["command"][0] == "-f"
                configs.append(service["command"][1])
    return sorted(set(configs))


@pytest.mark.parametrize("config", path_configs())
def test_what_is_started_is_there(config: str) -> None:
    """Each part of it is one file of ours, and together they have inputs and outputs."""
    parts = [one.replace("/usr/share/logstash", str(FOLDER)) for one in expand(config)]
    kinds: set[str] = set()
    for part in parts:
        path = Path(part)
        assert path.is_file(), f"{config} names {path.name}"
        kinds |= {section.kind for section in parse(path.read_text("utf-8"))}
    assert {"input", "output"} <= kinds


def test_no_file_is_left_over() -> None:
    """Each file is part of something that can be started."""
    used = {Path(one).name for config in path_configs() for one in expand(config)}
    assert used == set(PIPELINES)


def test_a_missing_file_is_noticed() -> None:
    """Braces are read as Logstash reads them, so that the tests above say something."""
    assert expand("a/{b-{c,d},e}.conf") == ["a/b-c.conf", "a/b-d.conf", "a/e.conf"]
    assert put_in("{x-{${A:http}}}", A="p,q") == "{x-{p,q}}"


def test_every_variable_is_ours() -> None:
    """What is read from the environment begins with LLM_, and has one default everywhere."""
    defaults: dict[str, set[str | None]] = {}
    for path in (*FOLDER.glob("pipeline/*.conf"), *FOLDER.glob("config/*.yml")):
        for name, default in _VARIABLE.findall(path.read_text("utf-8")):
            defaults.setdefault(name, set()).add(default)
    different = {"LLM_KAFKA_CLIENT"}  # who reads and who writes
    assert [name for name in defaults if not name.startswith("LLM_")] == []
    assert {name for name, values in defaults.items() if len(values) > 1} == different


def test_every_variable_is_explained() -> None:
    """`docs/logstash.md` has each variable that is read, with its default, and no other."""
    page = (REPOSITORY / "docs" / "logstash.md").read_text("utf-8")
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| `LLM_")]
    explained = {name: row[2] for row in rows for name in re.findall(r"LLM_\w+", row[1])}
    read: dict[str, str] = {}
    for path in (*FOLDER.glob("pipeline/*.conf"), *FOLDER.glob("config/*.yml")):
        read |= dict(_VARIABLE.findall(path.read_text("utf-8")))
    assert set(explained) == set(read)
    for name, default in read.items():
        assert default in explained[name], name


def test_the_pages_example_is_a_completion() -> None:
    """What the page sends with curl is understood, by the twin of the pipelines, without a dead letter."""
    page = (REPOSITORY / "docs" / "logstash.md").read_text("utf-8")
    (message,) = re.findall(r"-d '(\{.*?\n\})'", page, re.DOTALL)
    (made,) = intake(message, 1_795_246_240_000_000_000)
    assert made.index == "llm-completions-my-go-service@3.1-2026.11"
    assert made.document["llm"]["output"]["text"] == "On its way."
    assert made.document["llm"]["cost"]["status"] == "pending"


def test_scripts_and_ids() -> None:
    """A script that is named is there; plugins that can stand together have different ids."""
    ids: dict[str, str] = {}
    for kind in ("input", "filter", "output"):
        for name, plugin in plugins(kind):
            if "path" in plugin.options and kind == "filter":
                path = put_in(plugin.options["path"], LLM_LOGSTASH_DIR=str(FOLDER))
                assert Path(path).is_file(), path
            assert plugin.name != "ruby" or "code" not in plugin.options, "Ruby has a file, with tests"
            one = plugin.options.get("id")
            if one is None:
                assert kind == "filter", f"{name}: {plugin.name} has no id"
            elif not name.startswith("store-"):
                assert ids.setdefault(one, name) == name, f"{one} is in {ids[one]} and {name}"


def test_nothing_of_logstashs_gets_into_a_record() -> None:
    """No input, nor its codec, adds fields by ECS names; what HTTP adds is in @metadata, and bodies are bounded."""
    for name, plugin in plugins("input"):
        if plugin.name == "dead_letter_queue":
            continue
        codec: Any = plugin.options["codec"]
        if plugin.name != "kafka":  # it has no such option, and adds nothing unless told
            assert plugin.options["ecs_compatibility"] == "disabled", name
        assert codec == "plain" or (codec.name, codec.options["target"]) == (
            "json_lines",
            "[@metadata][value]",
        )
        if plugin.name == "http":
            assert "[@metadata]" in plugin.options["remote_host_target_field"]
            assert "[@metadata]" in plugin.options["request_headers_target_field"]
            assert "max_content_length" in plugin.options
        if plugin.name == "tcp":
            assert "decode_size_limit_bytes" in codec.options
            assert "LOSSY" in (FOLDER / "pipeline" / name).read_text("utf-8").split("\n")[0]


def test_who_may_send() -> None:
    """Over a network: a password or a certificate, always with TLS; in the clear on this machine only."""
    for name, plugin in plugins("input"):
        if plugin.name not in ("http", "tcp", "beats"):
            continue
        if plugin.options["ssl_enabled"] == "false":
            assert ":127.0.0.1}" in plugin.options["host"], name
        elif plugin.name != "http":
            assert plugin.options["ssl_client_authentication"] == "required", name
        if plugin.name == "http":
            assert {"user", "password"} <= set(plugin.options), name


def test_stores_differ_in_how_they_log_in_only() -> None:
    """`create` with our id; refusals go to the dead-letter queue; templates are not Logstash's to make."""
    found = {name: plugin.options for name, plugin in plugins("output") if plugin.name == "elasticsearch"}
    assert len(found) == len(STORES) == 2
    for options in found.values():
        assert options["action"] == "create"
        assert options["document_id"] == "%{[@metadata][id]}"
        assert options["dlq_custom_codes"] == [413]
        assert [options[one] for one in ("manage_template", "ilm_enabled", "data_stream")] == ["false"] * 3
    login = {"user", "password", "api_key", "ssl_enabled"}
    first, second = ({k: v for k, v in one.items() if k not in login} for one in found.values())
    assert first == second


def test_kafka_is_written_and_read_alike() -> None:
    """Both sides log in by the same variables, and what goes through is the message as it came."""
    (written,) = (plugin.options for _, plugin in plugins("output") if plugin.name == "kafka")
    (read,) = (plugin.options for _, plugin in plugins("input") if plugin.name == "kafka")
    same = [name for name in read if name in written and name not in ("id", "client_id", "codec")]
    assert {name: read[name] for name in same} == {name: written[name] for name in same}
    assert {"security_protocol", "sasl_jaas_config", "ssl_truststore_location"} <= set(same)
    assert read["topics"] == [written["topic_id"]]
    assert written["acks"] == "all"
    assert "retries" not in written, "without it every message is tried until Kafka has it"
    assert written["codec"] == Plugin("plain", {"format": "%{message}"}, written["codec"].line)


def test_no_condition_falls_into_a_trap() -> None:
    """`in ["x"]` means a field, not an array; and `>` on a text throws the event out of the pipeline."""
    for name in PIPELINES:
        for section in sections(name):
            for branch in section.branches():
                for condition, _ in branch.arms:
                    assert condition is None or not list(_traps(condition)), name


def _traps(condition: Condition) -> Iterator[Condition]:
    if condition.operator in (">", "<", ">=", "<="):
        yield condition
    for operand in condition.operands:
        if isinstance(operand, Condition):
            yield from _traps(operand)
        elif isinstance(operand, Selector) and any('"' in part for part in operand.path):
            yield condition


def test_the_node_loses_nothing_by_its_settings() -> None:
    """Queue on the disk, dead-letter queue on; the latter keeps the oldest when it is full, and says so."""
    settings: dict[str, Any] = yaml.safe_load((FOLDER / "config" / "logstash.yml").read_text("utf-8"))
    assert settings["queue.type"] == "persisted"
    assert settings["dead_letter_queue.enable"] is True
    assert settings["dead_letter_queue.storage_policy"] == "drop_newer"
    assert settings["pipeline.ecs_compatibility"] == "disabled"
    assert "api.http.host" in settings


@pytest.mark.parametrize("files", ["intake-http-plain,to-kafka", "intake-kafka,records,store-api-key"])
def test_logstash_takes_what_no_other_test_starts(logstash_home: Path, tmp_path: Path, files: str) -> None:
    """The real Logstash finds nothing wrong with the options of Kafka's plugins and of API keys."""
    from tests.logstash.real import RealLogstash

    one = RealLogstash(logstash_home, tmp_path / "logstash", "https://localhost:9200")
    one.files.mkdir()
    variables = {
        "LLM_KAFKA_SERVERS": "localhost:9092",
        "LLM_KAFKA_CA": str(one.ca),
        "LLM_KAFKA_JAAS": 'org.apache.kafka.common.security.plain.PlainLoginModule required username="a";',
        "LLM_ELASTICSEARCH_API_KEY": "aWQ6a2V5",
    }
    done = subprocess.run(
        [
            str(one.home / "bin" / "logstash"),
            *("-t", "-f", f"{FOLDER}/pipeline/{{{files}}}.conf"),
            *("--path.settings", str(one.settings), "--path.data", str(one.data)),
        ],
        env={**one.variables(), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert "Configuration OK" in done.stdout, done.stdout[-3000:]
