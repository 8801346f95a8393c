"""What a user can say about capture: once for a client (`CaptureConfig`), and for a single call (`CallParams`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from shipper.capture.content import Redact, Sample
    from shipper.redact import Redactor
    from shipper.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureConfig:
    """How a client's calls are recorded. Every part may be left out."""

    application: str | None = None
    """Name that the calls are logged under; None takes the setting."""
    version: str | None = None
    """The application's released version, which names the index; None takes the setting."""
    environment: str | None = None
    """Where it runs; None takes the setting."""
    project_id: str | None = None
    """What it belongs to."""
    prompt_template_name: str | None = None
    """Name of the prompt when a call gives none."""
    allow_unnamed_prompts: bool = False
    """Give templates without a name one that is made from their content. Every change of the text is a new prompt then."""
    redact_pii: bool = False
    """Replace secrets and personal data by placeholders before anything is written; short for `redact="all"`."""
    redact: Redact | Redactor | None = None
    """What is replaced, or a `Redactor` with patterns or a function of one's own; None takes the setting."""
    save: bool = True
    """Keep content; False keeps numbers, ids and names only."""
    sample: Sample | None = None
    """Takes a call as JSON and returns the rate (0 to 1) at which content like its is kept; None takes the setting
    `content_rate`. The figures of every call are kept, and the content of errors and slow calls."""
    capture_stream_usage: bool = False
    """Ask for token counts on streams of chat and legacy completions, and keep the extra chunk from the caller."""
    inject_feedback_key: bool = True
    """Put `shipper_feedback_key` into answers."""
    libretto_feedback_key: bool = False
    """Put the same key into answers as `libretto_feedback_key` too."""
    settings: Settings | None = None
    """How records are kept and sent; None takes the process's defaults."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallParams:
    """What is known of one call beyond the API's own arguments. Every part may be left out."""

    prompt_template_name: str | None = None
    """Name of the prompt that the request was made from."""
    template_params: Mapping[str, Any] | None = None
    """The template's variables, when the request was filled already."""
    template_chat: Sequence[Mapping[str, Any]] | None = None
    """The template of chat messages, when the request was filled already."""
    template_text: str | None = None
    """The template of a text, when the request was filled already."""
    chat_id: str | UUID | None = None
    """The conversation; its calls are linked in order."""
    chain_id: str | UUID | None = None
    """The chain of calls that belong to one piece of work."""
    event_id: str | UUID | None = None
    """The record's own id; made when not given."""
    parent_event_id: str | UUID | None = None
    """The event that this call belongs under."""
    feedback_key: str | None = None
    """The caller's own key for feedback on this call, beside the event id."""
    user_id: str | None = None
    """The end user."""
    tags: Sequence[str] | None = None
    """Labels to search by."""
    request_attributes: Mapping[str, Any] | None = None
    """Any metadata."""
    selected_choice_index: int | None = None
    """The choice (by its `index`) that will be used, when it is known already."""
    version: str | None = None
    """The application's version for this call, if it is another than the client's."""
    environment: str | None = None
    """Where this call runs, if not where the client does."""
    save: bool | None = None
    """Keep this call's content; None takes the client's."""
    redact: bool | None = None
    """Replace secrets and personal data in this call; None does as the client says."""


NO_PARAMS = CallParams()
