"""Every field of every document: the one source of templates, tables of fields and checks.

A model for each dataset; an attribute for each field, with the name that it has in the store, its Python and
its Elasticsearch type, its unit and its meaning. What is generated from them: `tools/generate.py`.
"""

from shipper.record.fields.completion import Choice, Completion
from shipper.record.fields.feedback import Amendment, Feedback
from shipper.record.fields.operations import DeadLetter, Delivery
from shipper.record.fields.registry import Document, FieldInfo, flatten

DATASETS: dict[str, type[Document]] = {
    "llm.completion": Completion,
    "llm.feedback": Feedback,
    "llm.amendment": Amendment,
    "llm.deadletter": DeadLetter,
    "llm.delivery": Delivery,
}
"""The model of each value of `event.dataset`."""

__all__ = [
    "DATASETS",
    "Amendment",
    "Choice",
    "Completion",
    "DeadLetter",
    "Delivery",
    "Document",
    "Feedback",
    "FieldInfo",
    "flatten",
]
