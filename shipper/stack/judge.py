"""What `shipper doctor --stack` finds: the judgements alone, without asking anybody. Pure; never raise."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Literal

from shipper.read.checks import Check
from shipper.store.retention import partition_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

GIB = 1024**3

SMALL_BYTES = GIB
"""A closed partition below this wastes more on being an index than it stores."""
MANY_SMALL = 100
LARGE_BYTES = 50 * GIB
"""Elasticsearch's advice for the size of a shard ends here."""
SHARDS_PER_HEAP_GIB = 20
"""A cautious rule of thumb; below it, nobody has to think about shards."""
VERSIONS_A_MONTH = 30
FIELDS_WARN = 0.8
CERTIFICATE_WARN_DAYS = 30
_FIELDS_LIMIT = 1000  # Elasticsearch's default
_SHOWN = 3
_STATUS: dict[str, Literal["ok", "warn", "fail"]] = {"green": "ok", "yellow": "warn", "red": "fail"}


def judge_sizes(sizes: Mapping[str, int], now: datetime) -> Check:
    """Whether many closed partitions are too small to be worth an index, or one is too large; sizes in bytes."""
    large = [name for name, size in sizes.items() if size > LARGE_BYTES]
    if large:
        return Check(
            "sizes",
            "warn",
            f"over 50 GiB: {', '.join(large[:_SHOWN])}",
            'Set `partition = "day"`, or more shards in the component template `llm-completions@custom`.',
        )
    closed = [name for name in sizes if (one := partition_of(name)) is not None and one.end <= now]
    small = [name for name in closed if sizes[name] < SMALL_BYTES]
    if len(small) > MANY_SMALL:
        return Check(
            "sizes",
            "warn",
            f"{len(small)} of {len(closed)} closed partitions hold less than 1 GiB",
            'Release versions less often, use `partition = "month"`, or keep them for a shorter time (docs/scaling.md).',
        )
    return Check("sizes", "ok", f"{len(sizes)} indices, {sum(sizes.values()) / GIB:.1f} GiB")


def judge_heap(shards: int, heap_bytes: int) -> Check:
    """Whether the data nodes' heap carries so many shards."""
    room = int(SHARDS_PER_HEAP_GIB * heap_bytes / GIB)
    message = f"{shards} shards, {heap_bytes / GIB:.1f} GiB of heap (a cautious limit: {room})"
    if shards > room:
        return Check(
            "shard heap", "warn", message, "Delete or merge small indices, or add heap: docs/scaling.md."
        )
    return Check("shard heap", "ok", message)


def judge_version_growth(indices: Sequence[str]) -> Check:
    """Whether an application's versions come so often that each month brings dozens of indices."""
    months = Counter(
        (one.application, one.end.strftime("%Y.%m"))
        for index in indices
        if (one := partition_of(index)) is not None and one.dataset == "completions"
    )
    for (application, _), count in months.most_common(1):
        if count > VERSIONS_A_MONTH:
            return Check(
                "version growth",
                "warn",
                f"{application} made {count} indices in one month",
                "Use the released version for `version`: builds, commits and prompts have fields of their own.",
            )
    return Check(
        "version growth", "ok", f"at most {max(months.values(), default=0)} indices an application and month"
    )


def judge_fields(counts: Mapping[str, int], limits: Mapping[str, int]) -> Check:
    """How near mappings are to the number of fields they may have, by index."""
    near = sorted(
        (index for index, count in counts.items() if count > FIELDS_WARN * limits.get(index, _FIELDS_LIMIT)),
        key=lambda index: -counts[index],
    )
    if near:
        index = near[0]
        return Check(
            "fields",
            "warn",
            f"{index} has {counts[index]} of {limits.get(index, _FIELDS_LIMIT)} fields",
            "Somebody added mappings in a `…@custom` template: free-form data belongs into `labels` or `metadata`.",
        )
    return Check("fields", "ok", f"at most {max(counts.values(), default=0)} in a mapping")


def judge_report(report: Mapping[str, Any]) -> Iterator[Check]:
    """Elasticsearch's `GET /_health_report`: each indicator that is not green, or one line when all are."""
    found = False
    for name, indicator in sorted(report.get("indicators", {}).items()):
        status = _STATUS.get(indicator.get("status", ""), "warn")
        if status == "ok":
            continue
        found = True
        diagnoses: list[dict[str, Any]] = indicator.get("diagnosis") or [{}]
        yield Check(
            f"es {name}",
            status,
            str(indicator.get("symptom", "")),
            str(diagnoses[0].get("action", "")),
        )
    if not found:
        yield Check("es report", "ok", f"{len(report.get('indicators', {}))} indicators, all green")


def judge_logstash(report: Mapping[str, Any], stats: Mapping[str, Any]) -> Iterator[Check]:
    """Logstash's health report and the queue of each pipeline."""
    status = str(report.get("status", "unknown"))
    yield Check(
        "logstash",
        _STATUS.get(status, "warn"),
        f"{report.get('version', '?')}: {status}",
        "" if status == "green" else str(report.get("symptom", "See Logstash's log.")),
    )
    for name, pipeline in sorted(stats.get("pipelines", {}).items()):
        yield from _judge_pipeline(name, pipeline)


def _judge_pipeline(name: str, pipeline: Mapping[str, Any]) -> Iterator[Check]:
    queue: dict[str, Any] = pipeline.get("queue") or {}
    if queue.get("type") != "persisted":
        yield Check(
            f"logstash {name}",
            "fail",
            f"its queue is {queue.get('type', 'unknown')}",
            "Set queue.type: persisted.",
        )
        return
    size, limit = int(queue.get("queue_size_in_bytes", 0)), int(queue.get("max_queue_size_in_bytes", 0)) or 1
    waiting = f"{queue.get('events_count', 0)} events wait, {100 * size / limit:.0f} % of the queue's room"
    letters: dict[str, Any] = pipeline.get("dead_letter_queue") or {}
    dropped = int(letters.get("dropped_events", 0) or 0)
    if dropped:
        yield Check(
            f"logstash {name}",
            "fail",
            f"{dropped} refused events found no room in the dead-letter queue: {letters.get('last_error', '')}",
            "Raise LLM_REFUSED_MAX_BYTES, and see why the store refuses them: `shipper deadletter list`.",
        )
    elif size > FIELDS_WARN * limit:
        yield Check(
            f"logstash {name}",
            "warn",
            waiting,
            "The store is slower than what comes in; soon intake answers 429.",
        )
    else:
        yield Check(f"logstash {name}", "ok", waiting)


def judge_certificate(name: str, days_left: float) -> Check:
    """How long a service's certificate is still valid."""
    message = f"valid for {days_left:.0f} more days"
    if days_left < CERTIFICATE_WARN_DAYS:
        advice = "docker compose run --rm certificates stack certificates /certs --renew, then restart the service."
        return Check(f"{name} tls", "fail" if days_left <= 0 else "warn", message, advice)
    return Check(f"{name} tls", "ok", message)


def count_fields(mapping: Mapping[str, Any]) -> int:
    """Fields, objects, multi-fields and runtime fields of a mapping, as Elasticsearch counts them. Never raises."""
    count = len(mapping.get("runtime", {}))
    for node in mapping.get("properties", {}).values():
        count += 1 + len(node.get("fields", {})) + count_fields(node)
    return count
