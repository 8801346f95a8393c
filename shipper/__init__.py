"""Structured, searchable, costed logs of LLM calls on Elasticsearch, Logstash and Kibana.

::

    capture ─▶ record ─▶ spool ─▶ sender ─▶ sink ─▶ Elasticsearch ─▶ read
    (handler,  (entry,   (append-  (batches, (_bulk, or Logstash)     (search, show,
     log_…)     build)    only)     retries)                           reports)

Use it by attaching a handler::

    logging.getLogger("support").addHandler(shipper.CompletionHandler("support-bot", version="1.4.0"))
    logging.getLogger("support").info("answered", extra={"completion": {"request": …, "response": …}})

or by calling an application::

    app = shipper.get_application("support-bot", version="1.4.0")
    app.log_completion(request, response)

What is known of every call within a block is said once::

    with shipper.context(session_id="s1", user_id="u7"):
        …

What becomes known of a call later is sent by its event id, the provider's response id or a key of your own::

    shipper.send_feedback(key, name="helpful", value=True, author="u7")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipper import implicit
from shipper._version import __version__
from shipper.capture.application import Application
from shipper.capture.call import Logged
from shipper.capture.context import context
from shipper.capture.feedback import amend, send_feedback, send_ground_truth
from shipper.capture.formatter import CompletionFormatter
from shipper.capture.handler import CompletionHandler
from shipper.errors import ShipperError
from shipper.process import configure, flush
from shipper.prompts import fill_prompt
from shipper.record.joinkey import JoinKey
from shipper.settings import Settings

if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "Application",
    "CompletionFormatter",
    "CompletionHandler",
    "JoinKey",
    "Logged",
    "Settings",
    "ShipperError",
    "__version__",
    "amend",
    "configure",
    "context",
    "fill_prompt",
    "flush",
    "get_application",
    "implicit",
    "send_feedback",
    "send_ground_truth",
]


def get_application(
    name: str | None = None,
    *,
    version: str | None = None,
    environment: str | None = None,
    project_id: str | None = None,
    **settings: Any,
) -> Application:
    """The application to log under.

    Args:
        name: None takes the setting `application`.
        version: its released version, which names the index; None takes the setting.
        environment: where it runs; None takes the setting.
        project_id: what it belongs to.
        settings: settings for this application only, by name; the rest comes from the process's defaults.

    Raises:
        SettingsError: a setting is unknown or wrong.
    """
    own = Settings.load(**settings) if settings else None
    return Application(name, version=version, environment=environment, project_id=project_id, settings=own)
