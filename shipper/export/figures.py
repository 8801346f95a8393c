"""Indices of figures for readers who must not see content, where the licence has no field-level security.

`llm-figures-<application>@<version>-<month>` beside each `llm-completions-…`: the same ids and mapping, without
content and without who asked. Running it again brings it up to date: feedback that came later, a new price.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import orjson
from elasticsearch import BadRequestError

from shipper.errors import StoreError, TemplatesMissing
from shipper.export.private import without_content
from shipper.export.run import Summary
from shipper.read.hits import documents_of
from shipper.read.scan import Selection, Snapshot, read_slices, slices_for
from shipper.store.assets import load_templates
from shipper.store.explain import error_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from elasticsearch import Elasticsearch

    from shipper.export.plan import Plan
    from shipper.read.hits import Hits, RawHit

_FROM, _TO = "llm-completions-", "llm-figures-"
_PEOPLE = frozenset({"user.id"})
_TEMPLATE = "llm-completions@template"


def keep_figures(
    client: Elasticsearch, plan: Plan, *, progress: Callable[[int, int], None] | None = None
) -> Summary:
    """Write the planned completions, without content, into their indices of figures; makes those that are missing.

    Args:
        client: of `shipper.store.client`; its key has to write and make `llm-figures-*`.
        plan: which completions.
        progress: called with documents written and of how many; after each page.

    Raises:
        UsageError: the plan's parts don't fit together.
        TemplatesMissing: the store was never set up.
        StoreError, ApiError, TransportError: the store refused or did not answer.
    """
    began = time.monotonic()
    plan.figures_only().check()
    planned = plan.figures_only().selection()
    includes = tuple(name for name in planned.includes if name not in _PEOPLE)
    selection = Selection(planned.query, includes, limit=planned.limit)
    known: set[str] = set()
    written, size = 0, 0
    snapshot = Snapshot.take(client, plan.indices())
    try:
        total = snapshot.count(selection)
        for _, lines, page in read_slices(snapshot, selection, _lines, slices_for(selection)):
            for index in {_target(hit) for hit in page.hits} - known:
                _make(client, index)
                known.add(index)
            if lines:
                _write(client, lines)
            written, size = written + len(page.hits), size + len(lines)
            if progress is not None:
                progress(written, total)
    finally:
        snapshot.close()
    return Summary(written, {}, size, time.monotonic() - began, resumed=False)


def _target(hit: RawHit) -> str:
    return _TO + str(orjson.loads(hit.index_name)).removeprefix(_FROM)


def _lines(hits: Hits) -> bytes:
    lines: list[bytes] = []
    for hit, document in zip(hits, documents_of(hits), strict=True):
        lines.append(b'{"index":{"_index":%b,"_id":%b}}' % (orjson.dumps(_target(hit)), hit.id))
        lines.append(orjson.dumps(without_content(document)))
    return b"\n".join(lines) + b"\n" if lines else b""


def _make(client: Elasticsearch, index: str) -> None:
    if client.indices.exists(index=index):
        return
    parts = load_templates()
    names: list[str] = parts.index[_TEMPLATE]["composed_of"]
    settings: dict[str, Any] = {}
    mappings: dict[str, Any] = {}
    for name in names:
        template = parts.component.get(name, {}).get("template", {})
        if name != "llm@lifecycle":  # no roll-over, and the embedded node has none
            settings.update(template.get("settings", {}))
            mappings.update(template.get("mappings", {}))
    if not mappings:
        raise TemplatesMissing(f"{_TEMPLATE} has no mapping: the installation is incomplete.")
    try:
        client.indices.create(index=index, settings=settings, mappings=mappings)
    except BadRequestError as error:
        if error_of(error.body)[0] != "resource_already_exists_exception":
            raise


def _write(client: Elasticsearch, lines: bytes) -> None:
    operations: Any = lines  # bytes are sent as they are
    answer = client.bulk(operations=operations, filter_path=["errors", "items.*.error"])
    if answer.get("errors"):
        kind, reason = error_of(next(iter(answer["items"][0].values())))
        raise StoreError(f"Figures were refused ({kind}): {reason}")
