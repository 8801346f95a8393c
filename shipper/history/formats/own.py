"""Our own documents, as `shipper export` writes them, or as hits of a search and as elasticdump writes them.

A document that the shipper built is carried letter by letter, feedback and amendments included; one that somebody else
wrote in our terms is completed as Logstash would complete it (`shipper.route.enrich`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.history.event import Document, Format, Json, Rejected, share
from shipper.route.foreign import DATASETS
from shipper.route.nested import at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shipper.history.event import Lookup

_UNHASHED = ("llm.delivery", "llm.deadletter")


def _is_document(value: Json) -> bool:
    document = value
    if at(document, "event", "dataset") in DATASETS or document.get("event.dataset") in DATASETS:
        return True
    return isinstance(document.get("gen_ai"), dict) and "@timestamp" in document


def _recognise(sample: Sequence[Any]) -> float:
    return share(sample, _is_document)


def _events(value: Any, lookup: Lookup) -> Iterator[Document]:
    del lookup
    if not isinstance(value, dict):
        raise Rejected("not_an_object", "a document has to be a JSON object")
    document: Json = value
    dataset = at(document, "event", "dataset")
    built = at(document, "llm", "content_hash") is not None and isinstance(at(document, "event", "id"), str)
    yield Document(document, complete=dataset in DATASETS and (built or dataset in _UNHASHED))


FORMAT = Format("ndjson", _recognise, _events)
