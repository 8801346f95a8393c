"""LangChain's calls of chat and text models, of any provider, logged by a callback handler.

::

    chain.invoke(…, config={"callbacks": [LangChainCallback("support-bot", version="1.4.0")]})
"""

from __future__ import annotations

import time
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler  # pyright: ignore[reportMissingImports]
from langchain_core.messages import convert_to_openai_messages  # pyright: ignore[reportMissingImports]

from shipper import notice
from shipper.capture.application import Application
from shipper.record.openai.usage import from_langchain

_KEPT = 10_000  # calls under way; the oldest are forgotten


class LangChainCallback(BaseCallbackHandler):  # pyright: ignore[reportUntypedBaseClass]
    """Logs one call for each that a model answered or failed; LangChain's run ids are join keys. Never raises."""

    def __init__(self, application: Application | str | None = None, **more: Any) -> None:
        """Name the application, or give it; `more` are arguments of `Application`.

        Raises:
            SettingsError, UsageError: as `Application`.
        """
        given = isinstance(application, Application)
        self._application = application if given else Application(application, **more)
        self._begun: dict[Any, dict[str, Any]] = {}

    def on_chat_model_start(self, serialized: Any, messages: Any, *, run_id: Any, **told: Any) -> None:
        """A chat model is called."""
        self._begin(run_id, {"messages": convert_to_openai_messages(messages[0])}, told)

    def on_llm_start(self, serialized: Any, prompts: Any, *, run_id: Any, **told: Any) -> None:
        """A text model is called."""
        self._begin(run_id, {"prompt": prompts[0] if len(prompts) == 1 else prompts}, told)

    def on_llm_new_token(self, token: Any, *, run_id: Any, **told: Any) -> None:
        """It answers in pieces."""
        if (begun := self._begun.get(run_id)) is not None and "stream" not in begun:
            begun["request"]["stream"] = True
            begun["stream"] = {"time_to_first_chunk_s": (time.time_ns() - begun["started_at"]) / 1e9}

    def on_llm_end(self, response: Any, *, run_id: Any, **told: Any) -> None:
        """It answered."""
        try:
            answer = _answer(response)
        except Exception as error:
            notice.internal_error("An answer of LangChain's could not be read", error)
            answer = None
        self._end(run_id, response=answer)

    def on_llm_error(self, error: BaseException, *, run_id: Any, **told: Any) -> None:
        """It failed."""
        self._end(run_id, error=error)

    def _begin(self, run_id: Any, asked: dict[str, Any], told: dict[str, Any]) -> None:
        metadata = told.get("metadata") or {}
        chain = told.get("parent_run_id")
        self._begun[run_id] = {
            "request": {**asked, **(told.get("invocation_params") or {})},
            "started_at": time.time_ns(),
            "join_keys": [str(run_id)],
            "chain_id": str(chain) if chain else None,
            "tags": told.get("tags") or None,
            "provider": metadata.get("ls_provider"),
            "session_id": metadata.get("session_id") or metadata.get("thread_id"),
            "user_id": metadata.get("user_id"),
        }
        while len(self._begun) > _KEPT:
            self._begun.pop(next(iter(self._begun)))

    def _end(self, run_id: Any, **outcome: Any) -> None:
        if (begun := self._begun.pop(run_id, None)) is not None:
            self._application.record({**begun, **outcome, "ended_at": time.time_ns()})


def _answer(result: Any) -> dict[str, Any]:
    """LangChain's result as an answer of chat completions."""
    choices: list[dict[str, Any]] = []
    answer: dict[str, Any] = {"object": "chat.completion", "choices": choices}
    for index, generation in enumerate(result.generations[0]):
        told = getattr(generation, "message", None)
        sources = (result.llm_output, generation.generation_info, getattr(told, "response_metadata", None))
        about = {name: value for source in sources for name, value in (source or {}).items()}
        message = {"content": generation.text} if told is None else convert_to_openai_messages(told)
        reason = about.get("finish_reason") or about.get("stop_reason")
        choices.append({"index": index, "message": message, "finish_reason": reason})
        answer |= {"id": about.get("id"), "model": about.get("model_name") or about.get("model")}
        if usage := getattr(told, "usage_metadata", None):
            answer["usage"] = from_langchain(usage)
    return answer
