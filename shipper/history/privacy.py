"""The privacy settings for documents that somebody else has made: what is content is known by its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shipper import notice
from shipper.capture.content import redactor_of
from shipper.record.amendment import remove, value_at
from shipper.record.fields import DATASETS
from shipper.route.nested import put

if TYPE_CHECKING:
    from shipper.history.event import Json
    from shipper.settings import Settings

_OTHERS: Final = (
    "gen_ai.input",
    "gen_ai.output",
    "gen_ai.tool",
    "gen_ai.prompt",
    "gen_ai.completion",
    "llm.input",
    "llm.output",
    "llm.raw",
    "llm.attributes",
    "llm.prompt",
)
"""Where others have words beside our fields."""
_RATINGS: Final = frozenset({"gen_ai.evaluation.score.label", "llm.feedback.last_label"})
"""Words that are figures: what is logged without content keeps them too."""


def _content() -> tuple[str, ...]:
    ours = [
        info.name
        for model in DATASETS.values()
        for info in model.fields()
        if info.content or any(child.content for child in info.children)
    ]
    names = dict.fromkeys((*_OTHERS, *ours))
    return tuple(
        name
        for name in names
        if name not in _RATINGS and not any(name.startswith(f"{other}.") for other in _OTHERS)
    )


CONTENT: Final = _content()
"""Where a document holds words."""


def keep_private(document: Json, settings: Settings) -> None:
    """Leave out or redact the content of a document, in place. What can't be redacted is left out. Never raises."""
    redactor = redactor_of(settings.redact)
    if settings.save and redactor is None:
        return
    facts: Json = {"content_stored": False}
    found = {name: value for name in CONTENT if (value := value_at(document, name)) is not None}
    for name in found:
        remove(document, name)
    if settings.save and redactor is not None:
        try:
            redacted, entities = redactor.redact(found)
        except Exception as error:
            notice.warn("redaction", f"Redaction failed ({type(error).__name__}): stored without content.")
        else:
            for name, value in redacted.items():
                put(document, value, *name.split("."))
            facts = {"redacted": bool(entities), "engine": redactor.engine}
            if entities:
                facts["entities"] = entities
    put(document, {**(value_at(document, "llm.privacy") or {}), **facts}, "llm", "privacy")
