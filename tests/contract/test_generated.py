"""What is generated is current, complete, and agrees with routing."""

from __future__ import annotations

import importlib.util
import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.record.fields import DATASETS, Amendment, Completion, DeadLetter, Delivery, Feedback
from shipper.route import destination
from shipper.settings import Settings
from shipper.store.assets import load_templates

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = load_templates()


@pytest.fixture
def generate() -> ModuleType:
    """`tools/generate.py` as a module of its own."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "tools" / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_committed_files_are_current(generate: ModuleType) -> None:
    """Nobody changed the registry, the settings or a generated file without `make gen`."""
    assert generate.main(["--check"]) == 0


def test_drift_is_named(
    generate: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--check` changes nothing, exits with 1 and says which files differ, are missing or are left over."""
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0
    (tmp_path / "docs" / "fields.md").write_text("old", "utf-8")
    (tmp_path / "docs" / "settings.md").unlink()
    (tmp_path / "index-templates" / "component" / "left@over.json").write_text("{}", "utf-8")
    capsys.readouterr()
    assert generate.main(["--check"]) == 1
    said = capsys.readouterr().out
    assert [
        name in said for name in ("docs/fields.md", "docs/settings.md", "left@over.json", "llm@settings.json")
    ] == [
        True,
        True,
        True,
        False,
    ]
    assert (tmp_path / "docs" / "fields.md").read_text("utf-8") == "old"
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0


def test_templates_are_composed_as_elasticsearchs_own() -> None:
    """Shared settings, then the full cluster's, then the mappings, then the user's; only ours are required."""
    assert len(TEMPLATES.index) == 4
    for name, body in TEMPLATES.index.items():
        family = name.removesuffix("@template")
        expected = ["llm@settings", "llm@lifecycle", f"{family}@mappings", "llm@custom", f"{family}@custom"]
        assert body["composed_of"] == expected
        assert body["ignore_missing_component_templates"] == [
            "llm@lifecycle",
            "llm@custom",
            f"{family}@custom",
        ]
        assert body["priority"] > 200
        assert {f"{family}@mappings", "llm@settings"} <= set(TEMPLATES.component)
    for body in [*TEMPLATES.index.values(), *TEMPLATES.component.values()]:
        assert isinstance(body["version"], int)
        assert body["_meta"]["description"]


def test_the_lifecycle_policy_never_changes_an_indexs_name() -> None:
    """A retry must find the same index: no rollover and no shrink; merging waits for late feedback."""
    assert TEMPLATES.component["llm@lifecycle"]["template"]["settings"]["index"]["lifecycle"] == {
        "name": "llm"
    }
    phases = TEMPLATES.lifecycle["llm"]["policy"]["phases"]
    actions = {action for phase in phases.values() for action in phase["actions"]}
    assert actions == {"set_priority", "forcemerge"}
    assert int(phases["warm"]["min_age"].removesuffix("d")) > 90


def leaves(properties: dict[str, Any], prefix: str = "") -> dict[str, dict[str, Any]]:
    """Dotted names and mappings of all fields."""
    found: dict[str, dict[str, Any]] = {}
    for name, node in properties.items():
        if "type" in node:
            found[prefix + name] = node
        found.update(leaves(node.get("properties", {}), f"{prefix}{name}."))
    return found


@pytest.mark.parametrize(
    ("family", "models"),
    [
        ("llm-completions", [Completion]),
        ("llm-feedback", [Feedback, Amendment]),
        ("llm-deadletter", [DeadLetter]),
        ("llm-delivery", [Delivery]),
    ],
)
def test_mappings_follow_the_rules(family: str, models: list[Any]) -> None:
    """Nothing dynamic, bounded terms, malformed values ignored, and exactly the registry's fields."""
    body = TEMPLATES.component[f"{family}@mappings"]["template"]
    mapped = leaves(body["mappings"]["properties"])
    registered = {info.name for model in models for info in model.fields()}
    registered |= {
        f"{info.name}.{child.name}" for model in models for info in model.fields() for child in info.children
    }
    assert set(mapped) == registered
    assert len(mapped) < 500  # the limit of fields is 1,000, and users add theirs
    assert body["mappings"]["dynamic"] == "false"
    assert '"dynamic"' not in json.dumps(body["mappings"]["properties"])
    for name, node in mapped.items():
        if node["type"] in ("keyword", "flattened"):
            assert node["ignore_above"] == 8191, name
        elif node["type"] not in ("text", "object", "nested"):
            assert node["ignore_malformed"] is True, name
        if node["type"] == "flattened":
            assert node["depth_limit"] == 20, name
    searched = body["settings"]["index"]["query"]["default_field"]
    assert {mapped[name]["type"] for name in searched} == {"text"}


RECORD = """
@timestamp event.start event.end event.created event.ingested event.duration llm.latency_ms event.id event.kind
event.dataset event.outcome ecs.version llm.schema.version message log.level log.logger llm.join.key
gen_ai.operation.name gen_ai.provider.name openai.api.type gen_ai.request.model gen_ai.response.model
gen_ai.response.id gen_ai.response.finish_reasons gen_ai.request.temperature gen_ai.request.top_p
gen_ai.request.max_tokens gen_ai.request.seed gen_ai.request.frequency_penalty gen_ai.request.presence_penalty
gen_ai.request.choice.count gen_ai.request.stream gen_ai.request.stop_sequences llm.request.tool_choice
llm.request.response_format llm.request.params llm.input.text llm.output.text gen_ai.input.messages
gen_ai.output.messages gen_ai.system_instructions gen_ai.tool.definitions llm.choices llm.selected_choice_index
llm.tool.names llm.tool.call_count llm.raw.request llm.raw.response llm.inputs llm.outputs
gen_ai.response.time_to_first_chunk llm.stream.chunks llm.stream.completed gen_ai.usage.input_tokens
gen_ai.usage.output_tokens gen_ai.usage.cache_read.input_tokens gen_ai.usage.cache_write.input_tokens
gen_ai.usage.reasoning.output_tokens llm.usage.total_tokens gen_ai.usage.cost.amount gen_ai.usage.cost.currency
gen_ai.usage.cost.source llm.cost.input llm.cost.output llm.cost.status llm.cost.cache_savings
gen_ai.conversation.id llm.conversation.turn llm.chain.id llm.run.id llm.datapoint.id llm.previous.event_id trace.id
span.id parent.id llm.application.name service.name service.version service.environment llm.project.id
gen_ai.prompt.name gen_ai.prompt.version llm.prompt.id llm.prompt.version_id llm.prompt.hash llm.prompt.path
llm.prompt.template llm.prompt.variables user.id llm.requester.type llm.source host.name process.pid tags labels
llm.attributes.request llm.attributes.response error.type error.message error.code error.stack_trace
http.response.status_code http.request.id llm.retry.count llm.logs llm.privacy.redacted llm.privacy.engine
llm.privacy.entities llm.privacy.content_stored llm.shipper.version llm.shipper.instance llm.shipper.sequence
llm.content_hash llm.ship.lag_ms llm.sanitised llm.truncated.field llm.truncated.length llm.truncated.hash
llm.import.source llm.import.file llm.import.line llm.import.batch_id llm.feedback.entries
llm.feedback.entries_truncated llm.feedback.count llm.feedback.score_avg llm.feedback.last_score
llm.feedback.last_label llm.feedback.positive llm.feedback.has_better_response llm.feedback.better_response
llm.feedback.first_at llm.feedback.last_at llm.feedback.lag_ms llm.feedback.by_human llm.feedback.by_evaluator
"""
FEEDBACK = """
@timestamp event.id event.created event.ingested event.dataset llm.join.key llm.application.name
llm.feedback.choice_index gen_ai.evaluation.name gen_ai.evaluation.score.value gen_ai.evaluation.score.label
gen_ai.evaluation.explanation llm.feedback.better_response llm.feedback.ground_truth llm.feedback.values
llm.feedback.author llm.feedback.author_kind llm.feedback.channel llm.feedback.withdrawn llm.join.status
llm.join.matched_count llm.join.attempts llm.join.matched_at llm.join.next_attempt_at llm.join.expires_at
llm.join.lag_ms llm.target.timestamp llm.target.version llm.target.prompt_name llm.target.prompt_version
llm.target.model
"""
DEAD_LETTER = """
@timestamp event.id event.dataset llm.deadletter.reason llm.deadletter.stage llm.deadletter.original_id
llm.deadletter.original_index llm.deadletter.status llm.deadletter.first_at llm.deadletter.attempts error.message
event.original llm.application.name
"""
DELIVERY = """
@timestamp event.dataset llm.shipper.version llm.shipper.instance llm.shipper.sequence host.name process.pid
llm.delivery.accepted llm.delivery.delivered llm.delivery.duplicate llm.delivery.conflicting
llm.delivery.dead_lettered llm.delivery.dropped llm.delivery.pending llm.delivery.sequence_high
llm.delivery.spool_bytes llm.delivery.oldest_pending_s llm.delivery.paused_reason llm.delivery.role
"""


@pytest.mark.parametrize(
    ("model", "contract"),
    [(Completion, RECORD), (Feedback, FEEDBACK), (DeadLetter, DEAD_LETTER), (Delivery, DELIVERY)],
)
def test_the_registry_has_every_field_of_the_contract(model: Any, contract: str) -> None:
    """Schema version 1 promises these names; one that goes is a new version."""
    assert set(contract.split()) - {info.name for info in model.fields()} == set()


def test_the_tables_have_every_field_and_setting() -> None:
    """The generated pages leave nothing out."""
    fields = (ROOT / "docs" / "fields.md").read_text("utf-8")
    for model in DATASETS.values():
        for info in model.fields():
            assert f"| `{info.name}` | {info.stored.type}" in fields
    settings = (ROOT / "docs" / "settings.md").read_text("utf-8")
    for name in Settings.model_fields:
        assert f"| `{name}` | `SHIPPER_{name.upper()}` |" in settings


@given(
    dataset=st.sampled_from([*DATASETS, "something.else", ""]),
    app=st.none() | st.text(max_size=100),
    version=st.none() | st.text(max_size=100),
    timestamp=st.sampled_from(["2026-11-21T07:30:42Z", "nonsense"]),
    partition=st.sampled_from(["month", "day"]),
)
def test_every_index_has_exactly_one_template(
    dataset: str, app: str | None, version: str | None, timestamp: str, partition: Any
) -> None:
    """Whatever name routing computes, one of our patterns covers it, and only one."""
    document = {
        "@timestamp": timestamp,
        "event": {"id": "1", "dataset": dataset},
        "llm": {"application": {"name": app}},
        "service": {"version": version},
    }
    index = destination(document, partition).index
    patterns = [pattern for body in TEMPLATES.index.values() for pattern in body["index_patterns"]]
    assert sum(fnmatchcase(index, pattern) for pattern in patterns) == 1
