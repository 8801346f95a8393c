"""The same document on stdout or in a file, for people who collect their logs that way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from pythonjsonlogger.json import JsonFormatter

from shipper import notice
from shipper.capture.application import Application
from shipper.capture.call import identify
from shipper.capture.handler import ATTRIBUTE, arguments_of
from shipper.process import default_settings, pipeline_for
from shipper.record.serialize import to_json
from shipper.send.prepare import document_of

if TYPE_CHECKING:
    import logging

    from shipper.settings import Settings


class CompletionFormatter(JsonFormatter):
    """A python-json-logger formatter: completions become the document that the handler would have stored.

    Other records are formatted as python-json-logger does it, with ECS names for time, level and logger.
    """

    def __init__(
        self,
        application: str | None = None,
        *,
        version: str | None = None,
        environment: str | None = None,
        settings: Settings | None = None,
        **options: Any,
    ) -> None:
        """Prepare for one application.

        Args:
            application: its name; None takes the setting.
            version: its released version; None takes the setting.
            environment: where it runs; None takes the setting.
            settings: None takes the process's defaults.
            options: for python-json-logger, for the records that are no completions.

        Raises:
            SettingsError: the environment or the settings file is wrong.
        """
        options.setdefault("fmt", ["message", "levelname", "name"])
        options.setdefault("rename_fields", {"levelname": "log.level", "name": "log.logger"})
        options.setdefault("timestamp", "@timestamp")
        options.setdefault("json_serializer", _strict_json)
        super().__init__(**options)
        self._settings = settings if settings is not None else default_settings()
        self._application = Application(
            application, version=version, environment=environment, settings=self._settings
        )

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON. Never raises."""
        try:
            if ATTRIBUTE in record.__dict__:
                return self._format_completion(record)
            return super().format(record)
        except Exception as error:
            notice.internal_error("A log record could not be formatted", error)
            fallback, _ = to_json(
                {"message": record.msg, "log.level": record.levelname, "log.logger": record.name}
            )
            return fallback.decode()

    def _format_completion(self, record: logging.LogRecord) -> str:
        fields, options = arguments_of(record)
        event_id, given = identify(options.get("event_id"))
        call = self._application.call(fields, event_id, given=given)
        line = self._application.line(call, save=options.get("save", True))
        process = pipeline_for(self._settings).writer.process
        return orjson.dumps(document_of(orjson.loads(b"{" + process + line))).decode()


def _strict_json(value: object, **_options: object) -> str:
    """JSON that any parser reads: python-json-logger's own writes NaN, and raises for cycles."""
    text, _ = to_json(value)
    return text.decode()
