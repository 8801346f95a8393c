"""What each role may do and, above all, what it may not; line by line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.record.fields import DATASETS
from shipper.route import destination
from shipper.stack.roles import BY_APPLICATION, for_application, key_descriptor, load_roles
from tests.unit.stack.privileges import CLUSTER, INDEX, may_cluster, may_index, sees

ROLES = load_roles()

COMPLETIONS = "llm-completions-support@1.0-2026.11"
FEEDBACK = "llm-feedback-support@2026.11"
DELIVERY = "llm-delivery-support@2026.11"
DEADLETTER = "llm-deadletter-support@2026.11"
FIGURES = "llm-figures-support@1.0-2026.11"
OURS = (COMPLETIONS, FEEDBACK, DELIVERY, DEADLETTER)
FOREIGN = (
    "logs-nginx-default",
    ".security-7",
    ".kibana_1",
    "llm-other",
    "my-llm-completions-support@1-2026.11",
)

ACTIONS = {
    "search": "indices:data/read/search",
    "get": "indices:data/read/get",
    "mget": "indices:data/read/mget[shard]",
    "create": "indices:data/write/index:op_type/create",
    "bulk": "indices:data/write/bulk[s]",
    "overwrite": "indices:data/write/index:op_type/index",
    "update": "indices:data/write/update",
    "delete": "indices:data/write/delete",
    "delete by query": "indices:data/write/delete/byquery",
    "make the index": "indices:admin/create",
    "auto-create": "indices:admin/auto_create",
    "delete the index": "indices:admin/delete",
    "change aliases": "indices:admin/aliases",
    "see aliases": "indices:admin/aliases/get",
    "change settings": "indices:admin/settings/update",
    "change the mapping": "indices:admin/mapping/put",
    "see the mapping": "indices:admin/mappings/get",
    "force-merge": "indices:admin/forcemerge",
}
CREATES = {"create", "bulk", "make the index", "auto-create"}
READS = {"search", "get", "mget", "see aliases", "see the mapping"}
MERGES = READS | {"create", "bulk", "overwrite", "update"}
EVERYTHING = set(ACTIONS)

ALLOWED: dict[str, dict[str, set[str]]] = {
    "shipper_writer": dict.fromkeys(OURS, CREATES),
    "shipper_joiner": {COMPLETIONS: MERGES, FEEDBACK: MERGES, DELIVERY: CREATES, DEADLETTER: CREATES},
    "shipper_reader": dict.fromkeys(OURS, READS),
    "shipper_reader_figures": dict.fromkeys((COMPLETIONS, FEEDBACK, DELIVERY), READS),
    "shipper_figures": {FIGURES: READS},
    "shipper_admin": dict.fromkeys((*OURS, FIGURES), EVERYTHING),
    "logstash_internal": dict.fromkeys(OURS, CREATES),
    "kibana": dict.fromkeys(OURS, READS),
}
CLUSTER_ACTIONS = {
    "who are you": "cluster:monitor/main",
    "health": "cluster:monitor/health",
    "licence": "cluster:monitor/xpack/license/get",
    "read index templates": "indices:admin/index_template/get",
    "put an index template": "indices:admin/index_template/put",
    "put a component template": "cluster:admin/component_template/put",
    "put a lifecycle policy": "cluster:admin/ilm/put",
    "make an API key": "cluster:admin/xpack/security/api_key/create",
    "change a user": "cluster:admin/xpack/security/user/put",
    "change a role": "cluster:admin/xpack/security/role/put",
    "change settings": "cluster:admin/settings/update",
    "delete a snapshot": "cluster:admin/snapshot/delete",
}
ALLOWED_CLUSTER: dict[str, set[str]] = {
    "shipper_writer": {"who are you", "read index templates"},
    "shipper_joiner": {"who are you", "read index templates"},
    "shipper_reader": {"who are you"},
    "shipper_reader_figures": {"who are you"},
    "shipper_figures": {"who are you"},
    "shipper_admin": {
        "who are you",
        "health",
        "licence",
        "read index templates",
        "put an index template",
        "put a component template",
        "put a lifecycle policy",
        "make an API key",
    },
    "logstash_internal": {"who are you", "licence"},
    "kibana": set(),
}


@pytest.mark.parametrize("role", ALLOWED)
@pytest.mark.parametrize("index", [*OURS, FIGURES, *FOREIGN])
def test_a_role_may_do_exactly_this_to_an_index(role: str, index: str) -> None:
    """Every action is allowed where the table says so, and nowhere else."""
    may = {name for name, action in ACTIONS.items() if may_index(ROLES[role], action, index)}
    assert may == ALLOWED[role].get(index, set())


@pytest.mark.parametrize("role", ALLOWED_CLUSTER)
def test_a_role_may_do_exactly_this_to_the_cluster(role: str) -> None:
    """Every action on the cluster is allowed where the table says so, and nowhere else."""
    may = {name for name, action in CLUSTER_ACTIONS.items() if may_cluster(ROLES[role], action)}
    assert may == ALLOWED_CLUSTER[role]


def test_every_role_is_in_the_tables() -> None:
    """No role file escapes the tests."""
    assert set(ROLES) == set(ALLOWED) == set(ALLOWED_CLUSTER)


def test_logstashs_key_may_ask_what_logstash_asks() -> None:
    """Its output takes no store for alive whose licence it may not see: with such a key it would never send."""
    pipeline = Path(__file__).resolve().parents[3] / "logstash" / "pipeline" / "store-api-key.conf"
    (named,) = re.findall(r"--role (\w+)", pipeline.read_text("utf-8"))
    (role,) = (one for one in BY_APPLICATION if one.removeprefix("shipper_") == named)
    assert {"who are you", "licence"} <= ALLOWED_CLUSTER[role]


_NAMES = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["description", "cluster", "indices"],
    "additionalProperties": False,
    "properties": {
        "description": {"type": "string", "minLength": 20, "maxLength": 1000},
        "cluster": {
            **_NAMES,
            "items": {"anyOf": [{"enum": sorted(CLUSTER)}, {"pattern": "^(cluster|indices):[a-z_/]+$"}]},
        },
        "indices": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["names", "privileges"],
                "additionalProperties": False,
                "properties": {
                    "names": {
                        **_NAMES,
                        "minItems": 1,
                        "items": {
                            "pattern": r"^llm-(completions|feedback|delivery|deadletter|figures)-\*(@\*)?$"
                        },
                    },
                    "privileges": {**_NAMES, "minItems": 1, "items": {"enum": sorted(INDEX)}},
                    "field_security": {
                        "type": "object",
                        "required": ["grant"],
                        "additionalProperties": False,
                        "properties": {"grant": {**_NAMES, "items": {"pattern": r"^@?[a-z_.]+(\.\*)?$"}}},
                    },
                },
            },
        },
        "applications": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["application", "privileges", "resources"],
                "additionalProperties": False,
                "properties": {
                    "application": {"const": "kibana-.kibana"},
                    "privileges": {**_NAMES, "items": {"enum": ["space_read"]}},
                    "resources": {**_NAMES, "items": {"enum": ["space:default"]}},
                },
            },
        },
    },
}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_file_has_nothing_but_what_a_role_has(role: str) -> None:
    """No unknown key, no privilege by another name, and no pattern wider than a dataset of ours."""
    jsonschema.validate(ROLES[role], SCHEMA, cls=jsonschema.Draft202012Validator)
    folder = Path(__file__).resolve().parents[3] / "shipper" / "stack" / "roles"
    text = (folder / f"{role}.json").read_text("utf-8")
    assert text == json.dumps(ROLES[role], indent=2) + "\n"


@pytest.mark.parametrize("role", BY_APPLICATION)
@pytest.mark.parametrize(
    "other", ["support-bot", "my-support", "supports", "completions-support", "x-support"]
)
def test_an_applications_role_stops_at_its_application(role: str, other: str) -> None:
    """Names that contain, begin with or end with the application's are out of reach, with all their datasets."""
    narrow = for_application(ROLES[role], "support")
    for action in ACTIONS.values():
        for dataset in ("completions", "feedback", "delivery", "deadletter"):
            assert not may_index(narrow, action, f"llm-{dataset}-{other}@2026.11")
            assert not may_index(narrow, action, f"llm-{dataset}-{other}@1.0-2026.11")
        assert not may_index(narrow, action, f"llm-completions-{other}")
    for index in OURS:
        for name, action in ACTIONS.items():
            assert may_index(narrow, action, index) is (name in ALLOWED[role].get(index, set()))


@given(application=st.text(min_size=1, max_size=40), other=st.text(min_size=1, max_size=40))
def test_any_applications_role_covers_its_indices_and_no_other(application: str, other: str) -> None:
    """Whatever applications are called, a role covers all that routing computes for its own, and nothing else."""
    narrow = for_application(ROLES["shipper_reader"], application)
    for dataset in ("llm.completion", "llm.feedback", "llm.delivery", "llm.deadletter"):
        for name in {application, other}:
            document = {
                "@timestamp": "2026-11-21",
                "event": {"id": "1", "dataset": dataset},
                "llm": {"application": {"name": name}},
                "service": {"version": "1.0"},
            }
            for place in (destination(document).index, *destination(document).aliases):
                assert may_index(narrow, ACTIONS["search"], place) is (name == application)


CONTENT = """
message error.message error.stack_trace event.original gen_ai.input.messages gen_ai.output.messages
gen_ai.system_instructions gen_ai.tool.definitions gen_ai.evaluation.explanation gen_ai.evaluation.score.label labels
llm.amendment.fields llm.attributes.request llm.attributes.response llm.choices llm.feedback.author
llm.feedback.better_response llm.feedback.entries llm.feedback.ground_truth llm.feedback.last_label
llm.feedback.values llm.input.text llm.inputs llm.logs llm.output.text llm.outputs llm.prompt.template
llm.prompt.variables llm.raw.request llm.raw.response llm.request.params llm.request.tool_choice
gen_ai.request.stop_sequences tags user.id
"""


def test_the_figures_reader_sees_every_field_but_content() -> None:
    """Each field of the registry is either content or a figure, and a new one has to be put into one of the two."""
    role = ROLES["shipper_reader_figures"]
    fields = {info.name for model in DATASETS.values() for info in model.fields()}
    fields -= {info for info in fields if info.startswith("llm.deadletter.")}  # an index that it can't read
    visible = {field for field in fields if sees(role, COMPLETIONS, field)}
    assert visible == fields - set(CONTENT.split())
    assert not sees(role, DEADLETTER, "event.original")
    assert not sees(role, COMPLETIONS, "a_field_that_a_user_added")
    assert sees(ROLES["shipper_reader"], COMPLETIONS, "llm.input.text")


def test_a_key_descriptor_has_no_stored_roles_words() -> None:
    """API keys refuse what only stored roles may have."""
    assert set(key_descriptor(ROLES["shipper_writer"])) == {"cluster", "indices"}
