"""What `shipper doctor` finds: the judgements alone, without asking anybody. Pure."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shipper.store.setup import Drift

GIB = 1024**3

_SHARDS_WARN = 0.8
_VERSIONS_WARN = 100
_SKEW_WARN_S, _SKEW_FAIL_S = 5.0, 300.0
# Elasticsearch's own defaults: a share of the disk, but never more than so many bytes of free space.
_LOW_SHARE, _LOW_BYTES = 0.15, 200 * GIB
_FLOOD_SHARE, _FLOOD_BYTES = 0.05, 100 * GIB
_COMPLETIONS = re.compile(r"llm-completions-([^@]+)@(.+)-(?:\d{4}\.\d{2}(?:\.\d{2})?|undated)")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `skip`: it could not be looked at, which is no fault."""

    name: str
    status: Literal["ok", "warn", "fail", "skip"]
    message: str
    advice: str = ""


def judge_mode(name: str, mode: int) -> Check:
    """Whether others on this machine can read a folder; `mode` as `os.stat` has it."""
    if mode & 0o077:
        return Check(
            name,
            "warn",
            f"others on this machine may read it (mode {mode & 0o777:o})",
            "It holds prompts and answers: take their rights away with chmod 700.",
        )
    return Check(name, "ok", "only this user can read it")


def judge_drifts(drifts: Sequence[Drift]) -> list[Check]:
    """Templates and aliases as one check each."""
    templates = [drift for drift in drifts if drift.kind != "alias"]
    lost = [drift.name for drift in drifts if drift.kind == "alias"]
    problems = {drift.problem for drift in templates}
    said = ", ".join(f"{drift.name} is {drift.problem}" for drift in templates[:_SHOWN])
    run_setup = "Run `shipper setup` with an administrator's key."
    if "missing" in problems:
        found = Check("templates", "fail", said, run_setup + " Until then events wait in the spool.")
    elif problems & {"outdated", "changed"}:
        found = Check("templates", "warn", said, run_setup + " Changes of your own belong into `llm@custom`.")
    elif problems:
        found = Check("templates", "warn", said, "A newer shipper has put them: upgrade this one.")
    else:
        found = Check("templates", "ok", "present and current")
    if lost:
        return [found, Check("aliases", "warn", f"missing: {_some(lost)}", run_setup)]
    return [found, Check("aliases", "ok", "every index of completions has its aliases")]


def judge_health(status: str, nodes: int, unhealthy: Sequence[str]) -> Check:
    """The colour of the `llm-*` indices, on so many data nodes."""
    if status == "red":
        return Check(
            "health",
            "fail",
            f"data can't be read or written: {_some(unhealthy)}",
            "A disk or a node is missing; see the store's log.",
        )
    if status == "yellow" and nodes > 1:
        return Check("health", "warn", f"copies are missing: {_some(unhealthy)}", "A node may be away.")
    return Check("health", "ok", status)


def judge_shards(used: int, limit: int) -> Check:
    """How near the cluster is to the number of shards it may hold."""
    message = f"{used:,} of {limit:,} shards"
    if used >= limit:
        return Check(
            "shards",
            "fail",
            message,
            "New indices are refused: delete old ones, or raise cluster.max_shards_per_node.",
        )
    if used > _SHARDS_WARN * limit:
        return Check("shards", "warn", message, "Soon new indices are refused: delete old ones.")
    return Check("shards", "ok", message)


def judge_versions(indices: Iterable[str]) -> Check:
    """Whether the versions of an application make an index each for hardly any document."""
    versions: dict[str, set[str]] = {}
    for index in indices:
        if found := _COMPLETIONS.fullmatch(index):
            versions.setdefault(found[1], set()).add(found[2])
    counts = Counter({app: len(found) for app, found in versions.items()})
    for app, number in counts.most_common(1):
        if number > _VERSIONS_WARN:
            return Check(
                "versions",
                "warn",
                f"{app} has {number} versions, each with indices of its own",
                "Use the version that is released, not a build's or a prompt's: those have fields of their own.",
            )
    return Check("versions", "ok", f"{len(counts)} applications, {sum(counts.values())} versions")


def judge_disk(free: int, total: int) -> Check:
    """Whether Elasticsearch will soon stop writing for want of space; both in bytes."""
    message = f"{free / GIB:.1f} GiB of {total / GIB:.1f} GiB free"
    if free < min(_FLOOD_SHARE * total, _FLOOD_BYTES):
        return Check("disk", "fail", message, "Elasticsearch stops writing at this point: free some space.")
    if free < min(_LOW_SHARE * total, _LOW_BYTES):
        return Check(
            "disk", "warn", message, "Elasticsearch makes no new copies at this point: free some space."
        )
    return Check("disk", "ok", message)


def judge_blocks(blocked: Sequence[str]) -> Check:
    """Indices that refuse writes."""
    if blocked:
        return Check(
            "blocks",
            "fail",
            f"read-only: {_some(blocked)}",
            "After a full disk the block goes by itself; one set by hand goes with "
            'PUT <index>/_settings {"index.blocks.write": null}.',
        )
    return Check("blocks", "ok", "no index is read-only")


def judge_clock(skew_s: float) -> Check:
    """How far this machine's clock is ahead of the store's, in seconds."""
    if abs(skew_s) < _SKEW_WARN_S:
        return Check("clock", "ok", "agrees with the store's")
    message = f"{abs(skew_s):.0f} s {'ahead of' if skew_s > 0 else 'behind'} the store's"
    status = "fail" if abs(skew_s) > _SKEW_FAIL_S else "warn"
    return Check("clock", status, message, "Times and `tail` will be off: set up time synchronisation.")


def judge_rights(missing: Sequence[str]) -> Check:
    """What the key lacks for writing and reading."""
    if missing:
        return Check(
            "rights",
            "warn",
            f"the key lacks {', '.join(missing)}",
            "docs/errors.md lists what each command needs.",
        )
    return Check("rights", "ok", "the key may write and read llm-*")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
