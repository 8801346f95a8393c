"""LiteLLM's calls, of any provider, logged by its callbacks.

::

    litellm.callbacks = [LiteLLMCallback("support-bot", version="1.4.0")]
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from litellm.integrations.custom_logger import CustomLogger  # pyright: ignore[reportMissingImports]

from shipper import notice
from shipper.capture.application import Application


class LiteLLMCallback(CustomLogger):  # pyright: ignore[reportUntypedBaseClass]
    """Logs one call for each that LiteLLM made, streamed or not, succeeded or failed. Its methods never raise."""

    def __init__(self, application: Application | str | None = None, **more: Any) -> None:
        """Name the application, or give it; `more` are arguments of `Application`.

        Raises:
            SettingsError, UsageError: as `Application`.
        """
        super().__init__()
        given = isinstance(application, Application)
        self._application = application if given else Application(application, **more)

    def log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        """A sync call succeeded."""
        self._log(kwargs, response_obj, start_time, end_time)

    def log_failure_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        """A sync call failed."""
        self._log(kwargs, None, start_time, end_time)

    async def async_log_success_event(
        self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """An async call succeeded."""
        self._log(kwargs, response_obj, start_time, end_time)

    async def async_log_failure_event(
        self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """An async call failed."""
        self._log(kwargs, None, start_time, end_time)

    def _log(self, told: Any, response: Any, started: Any, ended: Any) -> None:
        try:
            metadata = (told.get("litellm_params") or {}).get("metadata") or {}
            kind = str(told.get("call_type"))
            request = {"model": told.get("model"), **_asked(kind, told)}
            fields = {
                "api": "embeddings" if kind.endswith("embedding") else None,
                "request": {**request, **(told.get("optional_params") or {})},
                "response": response,
                "error": told.get("exception") if response is None else None,
                "started_at": _with_zone(started),
                "ended_at": _with_zone(ended),
                "provider": told.get("custom_llm_provider"),
                "cost": told.get("response_cost") or None,
                "join_keys": [told["litellm_call_id"]] if told.get("litellm_call_id") else None,
                "session_id": metadata.get("session_id"),
                "user_id": told.get("user") or metadata.get("user_id"),
                "tags": metadata.get("tags"),
            }
        except Exception as error:
            notice.internal_error("A call of LiteLLM's could not be logged", error)
        else:
            self._application.record(fields)


def _asked(kind: str, told: Any) -> dict[str, Any]:
    """The prompt as the API of this kind of call takes it: LiteLLM tells all of them as messages too."""
    if kind.endswith(("embedding", "responses")):
        return {"input": told.get("input")}
    messages = told.get("messages")
    if kind.endswith("text_completion"):
        prompts = [message.get("content") for message in messages or ()]
        return {"prompt": prompts[0] if len(prompts) == 1 else prompts}
    return {"messages": messages}


def _with_zone(time: Any) -> Any:
    """LiteLLM's times are local ones without a zone."""
    return time.astimezone() if isinstance(time, datetime) else time
