"""Where panels look: the store's families of documents, and what the controls are called in each."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from shipper.panels.filters import AnyOf, Filter, equals
from shipper.record.fields import Amendment, Completion, DeadLetter, Delivery, Feedback

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.record.fields import Document

Control = Literal["application", "version", "environment", "model", "prompt"]


@dataclass(frozen=True, slots=True)
class Source:
    """Documents that are looked at together."""

    id: str
    """Of Kibana's data view, too."""
    title: str
    indices: tuple[str, ...]
    models: tuple[type[Document], ...]
    controls: Mapping[Control, tuple[str, ...]] = field(hash=False)
    """The fields that a control looks at, any of which may fit; a control that is missing can't narrow this source.
    In Kibana, which has one field for each control, it is the first of the completions'."""

    @property
    def pattern(self) -> str:
        """The indices as one index pattern."""
        return ",".join(self.indices)


_APPLICATION: Final = ("llm.application.name",)
_EVENT: Final[Mapping[Control, tuple[str, ...]]] = MappingProxyType(
    {
        "application": _APPLICATION,
        "version": ("service.version",),
        "environment": ("service.environment",),
    }
)

COMPLETIONS: Final = Source(
    "llm-completions",
    "LLM calls",
    ("llm-completions-*",),
    (Completion,),
    MappingProxyType(
        {
            **_EVENT,
            "model": ("gen_ai.request.model", "gen_ai.response.model"),
            "prompt": ("gen_ai.prompt.name",),
        }
    ),
)
FEEDBACK: Final = Source(
    "llm-feedback",
    "LLM feedback",
    ("llm-feedback-*",),
    (Feedback, Amendment),
    MappingProxyType(
        {
            **_EVENT,
            "version": ("llm.target.version",),
            "model": ("llm.target.model",),
            "prompt": ("llm.target.prompt_name",),
        }
    ),
)
DEADLETTERS: Final = Source(
    "llm-deadletter",
    "LLM dead letters",
    ("llm-deadletter-*",),
    (DeadLetter,),
    MappingProxyType({"application": _APPLICATION}),
)
DELIVERY: Final = Source(
    "llm-delivery",
    "LLM delivery",
    ("llm-delivery-*",),
    (Delivery,),
    MappingProxyType({"application": _APPLICATION}),
)
EVENTS: Final = Source(
    "llm-events",
    "LLM calls and feedback",
    ("llm-completions-*", "llm-feedback-*"),
    (Completion, Feedback, Amendment),
    MappingProxyType({"application": _APPLICATION}),
)
SOURCES: Final = (COMPLETIONS, FEEDBACK, DEADLETTERS, DELIVERY, EVENTS)


@dataclass(frozen=True, slots=True)
class Filters:
    """What the controls are set to; None and an empty control restrict nothing."""

    application: str | None = None
    version: str | None = None
    environment: str | None = None
    model: str | None = None
    prompt: str | None = None

    def of(self, source: Source) -> list[Filter]:
        """The filters as this source can have them; a control that it doesn't know is left out."""
        chosen: list[Filter] = []
        for one in fields(self):
            value = getattr(self, one.name)
            for control, names in source.controls.items():
                if control == one.name and value is not None:
                    parts = tuple(equals(name, value) for name in names)
                    chosen.append(parts[0] if len(names) == 1 else AnyOf(parts))
        return chosen
