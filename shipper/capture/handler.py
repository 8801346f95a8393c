"""The logging handler: a record that carries a completion becomes an event; any other is not ours."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from shipper import notice
from shipper.capture.application import Application
from shipper.process import default_settings, pipeline_for

if TYPE_CHECKING:
    from shipper.capture.content import Redact, Sample
    from shipper.redact import Redactor
    from shipper.settings import Settings

ATTRIBUTE = "completion"
_ARGUMENTS = frozenset(
    name
    for name in Application.log_completion.__annotations__
    if name not in {"return", "event_id", "save", "feedback"}
)


class CompletionHandler(logging.Handler):
    """Attach it to a logger, and log calls with `extra={"completion": {"request": …, "response": …}}`.

    The completion takes every argument of `Application.log_completion`; what it doesn't know is kept as request
    attributes. Emitting never raises and takes no lock but the spool's.
    """

    def __init__(
        self,
        application: str | None = None,
        *,
        version: str | None = None,
        environment: str | None = None,
        level: int | str = logging.NOTSET,
        redact: Redact | Redactor | None = None,
        sample: Sample | None = None,
        settings: Settings | None = None,
    ) -> None:
        """Prepare for one application.

        Args:
            application: its name; None takes the setting.
            version: its released version, which names the index; None takes the setting.
            environment: where it runs; None takes the setting.
            level: lowest level of records to look at.
            redact: what is replaced before anything is written, or a `Redactor`; None takes the setting.
            sample: the rate at which a call's content is kept; None takes the setting.
            settings: None takes the process's defaults.

        Raises:
            SettingsError: the environment or the settings file is wrong.
            UsageError: `redact` is no word that is known.
        """
        super().__init__(level)
        self._settings = settings if settings is not None else default_settings()
        self._application = Application(
            application,
            version=version,
            environment=environment,
            redact=redact,
            sample=sample,
            settings=self._settings,
        )

    def handle(self, record: logging.LogRecord) -> bool:
        """Filter and emit, without the handler's lock: the spool has its own. Never raises."""
        if ATTRIBUTE not in record.__dict__:
            return False
        kept = self.filter(record)
        if isinstance(kept, logging.LogRecord):
            record = kept
        if kept:
            self.emit(record)
        return bool(kept)

    def emit(self, record: logging.LogRecord) -> None:
        """Log the record's completion. Never raises."""
        if ATTRIBUTE not in record.__dict__:
            return
        try:
            fields, options = arguments_of(record)
            self._application.record(fields, **options)
        except Exception as error:
            notice.internal_error("A log record's completion could not be logged", error)

    def flush(self) -> None:
        """Nothing to do: a record is in the spool when `emit` returns. `shipper.flush` waits for the store."""

    def close(self) -> None:
        """Let the pipeline send what is pending, within `exit_timeout_s`. Never raises."""
        pipeline_for(self._settings).flush(self._settings.exit_timeout_s, patient=False)
        super().close()


def arguments_of(record: logging.LogRecord) -> tuple[dict[str, Any], dict[str, Any]]:
    """A record's completion as the fields of `Application.record`, and its options.

    Raises:
        Exception: whatever the caller's own objects raise.
    """
    completion = record.__dict__[ATTRIBUTE]
    if not isinstance(completion, Mapping):
        completion = {"response": completion}
    fields: dict[str, Any] = {}
    options: dict[str, Any] = {}
    unknown: dict[str, Any] = {}
    for name, value in cast("Mapping[Any, Any]", completion).items():
        if name in _ARGUMENTS:
            fields[name] = value
        elif name in ("event_id", "save", "feedback"):
            options[name] = value
        else:
            unknown[name] = value
    if unknown:
        attributes = fields.get("request_attributes")
        fields["request_attributes"] = (
            {**unknown, **attributes} if isinstance(attributes, Mapping) else unknown
        )
    fields["level"] = record.levelname
    fields["logger"] = record.name
    fields["message"] = _message_of(record)
    if record.exc_info and record.exc_info[1] is not None and fields.get("error") is None:
        fields["error"] = record.exc_info[1]
    fields.setdefault("created_at", record.created)
    return fields, options


def _message_of(record: logging.LogRecord) -> str:
    """The record's message; one whose arguments don't fit is kept as it was written."""
    try:
        return record.getMessage() if record.args else str(record.msg)
    except Exception:
        return record.msg if isinstance(record.msg, str) else f"<{type(record.msg).__name__}>"
