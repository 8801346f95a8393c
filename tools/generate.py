"""What is generated: templates and tables of fields from the record's registry, dashboards from the panels, settings.

python tools/generate.py           write the files
python tools/generate.py --check   write nothing; exit 1 and name the files that differ
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticUndefined

from shipper.panels.kibana.files import files as kibana_files
from shipper.panels.page import panels_page
from shipper.record.fields import DATASETS, Amendment, Completion, DeadLetter, Delivery, Feedback
from shipper.settings import PREFIX, Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shipper.record.fields import Document, FieldInfo

ROOT = Path(__file__).resolve().parents[1]

VERSION = 1
"""`version` of every template; raised by hand with each released change, so that a store can tell what it has."""

PRIORITY = 500
"""Above Elasticsearch's own templates (100) and Fleet's (200)."""

FAMILIES: dict[str, tuple[str, tuple[type[Document], ...]]] = {
    "llm-completions": ("Model calls, one document each", (Completion,)),
    "llm-feedback": ("Feedback on model calls, and amendments of them", (Feedback, Amendment)),
    "llm-deadletter": ("Events that the store refused", (DeadLetter,)),
    "llm-delivery": ("Ledgers of the processes that ship events", (Delivery,)),
}

# What a search that names no field looks through.
DEFAULT_FIELDS = {
    "llm-completions": ["llm.input.text", "llm.output.text", "message", "error.message", "llm.logs"],
    "llm-feedback": ["gen_ai.evaluation.explanation", "llm.feedback.better_response", "message"],
    "llm-deadletter": ["error.message", "message"],
    "llm-delivery": ["message"],
}

JOIN_WINDOW_DAYS = 90
LONGEST_MONTH_DAYS = 31


def main(arguments: list[str]) -> int:
    """Write or check every generated file; the exit code."""
    files = generated()
    stale = [path for path, text in files.items() if not path.is_file() or path.read_text("utf-8") != text]
    known = {*files}
    folders = [*(ROOT / "index-templates").rglob("*.json"), *(ROOT / "kibana").rglob("*json")]
    orphans = [path for path in sorted(folders) if path not in known]
    if "--check" in arguments:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is not what its source says: run `make gen`.")
        for path in orphans:
            print(f"{path.relative_to(ROOT)} is not generated any more: delete it.")
        return 1 if stale or orphans else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[path], "utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    for path in orphans:
        path.unlink()
        print(f"deleted {path.relative_to(ROOT)}")
    return 0


def generated() -> dict[Path, str]:
    """Every generated file and its text."""
    templates = ROOT / "index-templates"
    bodies = {
        templates / "component" / "llm@settings.json": shared_settings(),
        templates / "component" / "llm@lifecycle.json": lifecycle_settings(),
        templates / "lifecycle" / "llm.json": lifecycle_policy(),
    }
    for family, (description, models) in FAMILIES.items():
        bodies[templates / "component" / f"{family}@mappings.json"] = mappings(family, description, models)
        bodies[templates / "index" / f"{family}@template.json"] = index_template(family, description)
    return {
        **{path: json.dumps(body, indent=2, ensure_ascii=False) + "\n" for path, body in bodies.items()},
        **{ROOT / "kibana" / name: text for name, text in kibana_files().items()},
        ROOT / "docs" / "fields.md": fields_page(),
        ROOT / "docs" / "settings.md": settings_page(),
        ROOT / "docs" / "panels.md": panels_page(),
    }


def shared_settings() -> dict[str, Any]:
    """Settings of every index; all of them are known to the embedded node, too.

    No refresh interval: by default a shard that nobody searches isn't refreshed at all, which is what bulk writing
    wants, and the first search refreshes it. No index sorting: it costs every write, and searches are by time anyway.
    """
    settings = {
        "number_of_shards": 1,
        "auto_expand_replicas": "0-1",
        # Each choice is a nested document. With fewer allowed, a call with many choices would be refused whole.
        "mapping": {"nested_objects": {"limit": 100_000}},
        # Words are highlighted at the end of the longest content that an event may have, too.
        "highlight": {"max_analyzed_offset": Settings.model_fields["max_event_bytes"].metadata[1].le},
    }
    description = "Settings of every llm-* index, on a cluster and on the embedded node."
    return _component({"settings": {"index": settings}}, description)


def lifecycle_settings() -> dict[str, Any]:
    """What only a full cluster has: the embedded node knows neither ILM nor the codec."""
    settings = {"lifecycle": {"name": "llm"}, "codec": "best_compression"}
    description = "Full clusters only: compression, and force-merge of closed partitions by the policy `llm`."
    return _component({"settings": {"index": settings}}, description)


def lifecycle_policy() -> dict[str, Any]:
    """Force-merge once no feedback can join any more. Never rollover: a retry must find the same index."""
    closed = JOIN_WINDOW_DAYS + LONGEST_MONTH_DAYS
    phases = {
        "hot": {"min_age": "0ms", "actions": {"set_priority": {"priority": 100}}},
        "warm": {
            "min_age": f"{closed}d",
            "actions": {"set_priority": {"priority": 50}, "forcemerge": {"max_num_segments": 1}},
        },
    }
    return {
        "policy": {"phases": phases, "_meta": {"description": "Merges closed partitions of llm-* indices."}}
    }


def mappings(family: str, description: str, models: Iterable[type[Document]]) -> dict[str, Any]:
    """The component that maps a family's fields; what isn't a field stays in `_source`, unindexed."""
    fields = {info.name: info for model in models for info in model.fields()}
    body: dict[str, Any] = {
        "dynamic": "false",
        "date_detection": False,
        "properties": properties(fields.values()),
    }
    settings = {"index": {"query": {"default_field": DEFAULT_FIELDS[family]}}}
    return _component(
        {"settings": settings, "mappings": body}, f"{description}: the fields of docs/fields.md."
    )


def properties(fields: Iterable[FieldInfo]) -> dict[str, Any]:
    """Nested `properties` of dotted fields, sorted by name."""
    tree: dict[str, Any] = {}
    for info in sorted(fields, key=lambda info: info.name):
        *parents, leaf = info.name.split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {"properties": {}})["properties"]
        node[leaf] = {"type": info.stored.type, **dict(info.stored.parameters)}
        if info.children:
            node[leaf]["properties"] = properties(info.children)
    return tree


def index_template(family: str, description: str) -> dict[str, Any]:
    """Composed as Elasticsearch's own are; later components win, the user's come last."""
    optional = ["llm@lifecycle", "llm@custom", f"{family}@custom"]
    return {
        "index_patterns": [f"{family}-*@*"],
        "priority": PRIORITY,
        "version": VERSION,
        "composed_of": [
            "llm@settings",
            "llm@lifecycle",
            f"{family}@mappings",
            "llm@custom",
            f"{family}@custom",
        ],
        "ignore_missing_component_templates": optional,
        "allow_auto_create": True,
        "_meta": {"description": f"{description}. Yours to change: `llm@custom` and `{family}@custom`."},
    }


def _component(template: dict[str, Any], description: str) -> dict[str, Any]:
    return {"template": template, "version": VERSION, "_meta": {"description": description}}


def fields_page() -> str:
    """Every field of every dataset as tables."""
    lines = [
        "# Fields",
        "",
        "Generated by `make gen` from `shipper/record/fields/`; don't edit.",
        "",
        "Names are those of the Elastic Common Schema and of OpenTelemetry's GenAI conventions where they exist;",
        "`llm.*` is the shipper's own. *Not indexed* fields are kept and shown, but can't be searched; so are fields",
        "that are not in these tables.",
    ]
    for dataset, model in DATASETS.items():
        lines += ["", f"## `{dataset}`", "", *_field_rows(model.fields())]
    return "\n".join(lines) + "\n"


def _field_rows(fields: Iterable[FieldInfo]) -> list[str]:
    rows = ["| field | type | unit | meaning |", "| --- | --- | --- | --- |"]
    for info in fields:
        rows.append(f"| `{info.name}` | {_type(info)} | {info.unit} | {_cell(info.meaning)} |")
        rows += [
            f"| `{info.name}.{child.name}` | {_type(child)} | {child.unit} | {_cell(child.meaning)} |"
            for child in info.children
        ]
    return rows


def _type(info: FieldInfo) -> str:
    parameters = dict(info.stored.parameters)
    kind = info.stored.type + (" array" if info.repeated else "")
    indexed = parameters.get("enabled", True) and parameters.get("index", True)
    return kind + ("" if indexed else ", not indexed") + (", required" if info.required else "")


def settings_page() -> str:
    """Every setting as a table."""
    lines = [
        "# Settings",
        "",
        "Generated by `make gen` from `shipper/settings.py`; don't edit.",
        "",
        f"A setting is an argument, an environment variable (`{PREFIX}` and its name in capitals) or a line of",
        "`shipper.toml` in the home folder (or of the file that `SHIPPER_CONFIG` names); the first that is given wins.",
        "",
        "| setting | environment variable | default | values | meaning |",
        "| --- | --- | --- | --- | --- |",
    ]
    schema = Settings.model_json_schema(mode="validation")["properties"]
    for name, info in Settings.model_fields.items():
        default = "the platform's" if info.default is PydanticUndefined else _default(info.default)
        lines.append(
            f"| `{name}` | `{PREFIX}{name.upper()}` | {default} | {_values(schema[name])} | {_cell(info.description)} |"
        )
    return "\n".join(lines) + "\n"


def _default(value: Any) -> str:
    if value is None or value == ():
        return "–"
    return f"`{json.dumps(value)}`" if isinstance(value, bool | int | float) else f"`{value}`"


def _values(schema: dict[str, Any]) -> str:
    """What a setting takes, from its JSON schema."""
    if "anyOf" in schema:
        schema = next(one for one in schema["anyOf"] if one["type"] != "null")
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    kind = {
        "integer": "integer",
        "number": "number",
        "boolean": "`true`, `false`",
        "array": "comma separated",
    }.get(schema["type"], {"password": "secret", "path": "path"}.get(schema.get("format", ""), "text"))
    low = f"≥ {schema['minimum']:,}" if "minimum" in schema else ""
    low = low or (f"> {schema['exclusiveMinimum']:,}" if "exclusiveMinimum" in schema else "")
    high = f"≤ {schema['maximum']:,}" if "maximum" in schema else ""
    return " ".join(part for part in (kind, ", ".join(bound for bound in (low, high) if bound)) if part)


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
