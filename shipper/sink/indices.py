"""Before the first write to an index: its template must be there, and the index gets its aliases.

Without a template Elasticsearch would guess the mapping of a new index from its first document, and a wrong guess
can't be corrected later. So a missing template stops the writing, and nothing is lost meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from shipper.sink.base import Outcome, Result
from shipper.sink.outcome import request_outcome
from shipper.store.explain import error_of
from shipper.store.transport import JSON_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from elastic_transport import Transport

    from shipper.sink.base import Prepared

OnCreate = Callable[["Transport", str], None]
"""Takes the connection and the name of an index that was just made."""

_TEMPLATES_MISSING = "templates_missing"
_HEADERS = {"accept": JSON_TYPE, "content-type": JSON_TYPE}


class Indices:
    """Which indices of one store are known to be ready for writing. Thread-safe."""

    def __init__(self, on_create: OnCreate | None = None) -> None:
        """Know none yet.

        Args:
            on_create: told about each index that was made here, before anything is written to it.
        """
        self._on_create = on_create
        self._ready: set[str] = set()
        self._lock = threading.Lock()

    def blocked(self, transport: Transport, batch: Iterable[Prepared]) -> dict[str, Result]:
        """The indices of a batch that must not be written to now, and why; makes the new ones.

        Raises:
            TransportError: the store did not answer.
        """
        wanted = {one.index: one.aliases for one in batch if one.index not in self._ready}
        if not wanted:
            return {}
        with self._lock:  # two senders would otherwise make the same index at the same time
            blocked: dict[str, Result] = {}
            for index, aliases in wanted.items():
                if index in self._ready:
                    continue
                problem = _template_problem(transport, index) or self._create(transport, index, aliases)
                if problem is None:
                    self._ready.add(index)
                else:
                    blocked[index] = problem
            return blocked

    def forget(self, index: str) -> None:
        """The index turned out not to be there: make it again before the next write. Never raises."""
        self._ready.discard(index)

    def _create(self, transport: Transport, index: str, aliases: tuple[str, ...]) -> Result | None:
        answer = transport.perform_request(
            "PUT",
            "/" + quote(index, safe="@"),
            headers=_HEADERS,
            body={"aliases": {alias: {} for alias in aliases}},
        )
        status = answer.meta.status
        if status == 200:
            if self._on_create is not None:
                self._on_create(transport, index)
            return None
        error_type, _ = error_of(answer.body)
        if error_type == "resource_already_exists_exception":
            _add_aliases(transport, index, aliases)
            return None
        if status == 403 and error_type == "security_exception":
            return None  # the key may write but not create: Elasticsearch creates it, `shipper setup` adds the aliases
        return _refusal(status, answer.body)


def _template_problem(transport: Transport, index: str) -> Result | None:
    answer = transport.perform_request(
        "GET",
        "/_index_template/llm-*?filter_path=error,index_templates.index_template.index_patterns",
        headers={"accept": JSON_TYPE},
    )
    status = answer.meta.status
    if status == 403:  # a writer's key need not be able to look; the one who made the key ran `shipper setup`
        return None
    if status not in (200, 404):
        return _refusal(status, answer.body)
    body = answer.body if isinstance(answer.body, dict) else {}
    patterns = [
        pattern
        for template in body.get("index_templates") or ()
        for pattern in template["index_template"]["index_patterns"]
    ]
    if any(fnmatchcase(index, pattern) for pattern in patterns):
        return None
    reason = f"no index template covers {index}: run `shipper setup` with an administrator's key"
    return Result(Outcome.PAUSE, status, _TEMPLATES_MISSING, reason)


def _add_aliases(transport: Transport, index: str, aliases: tuple[str, ...]) -> None:
    """Best effort: an index that something else created has none. A refusal is `shipper doctor`'s to tell."""
    if aliases:
        actions = [{"add": {"index": index, "alias": alias}} for alias in aliases]
        transport.perform_request("POST", "/_aliases", headers=_HEADERS, body={"actions": actions})


def _refusal(status: int, body: Any) -> Result:
    """A refused preparation is never a document's fault."""
    result = request_outcome(status, *error_of(body))
    if result.outcome is Outcome.REFUSED:
        return Result(Outcome.PAUSE, status, result.error_type, result.reason)
    return result
