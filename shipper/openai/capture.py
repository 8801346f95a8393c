"""What a client needs to record its calls: made once for a client, shared by its copies."""

from __future__ import annotations

import atexit
import os
import time
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import openai

from shipper import notice
from shipper.capture import context
from shipper.capture.application import Application
from shipper.capture.conversation import CONVERSATIONS
from shipper.capture.feedback import send_judgement
from shipper.openai.config import NO_PARAMS, CaptureConfig
from shipper.openai.endpoints import endpoint_of
from shipper.openai.exchange import Exchange
from shipper.openai.known import Known
from shipper.openai.prompt import prompt_of
from shipper.openai.retrieval import Begun, Retrieval
from shipper.openai.tools import without_tool_credentials
from shipper.process import default_settings, pipeline_for
from shipper.record.entry import Call
from shipper.record.feedback import AMENDMENT
from shipper.record.ids import new_event_id
from shipper.settings import without_credentials

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipper.capture.content import Redact
    from shipper.openai.config import CallParams
    from shipper.redact import Redactor

_AZURE_CLIENTS = (openai.AzureOpenAI, openai.AsyncAzureOpenAI)
_USAGE_APIS = frozenset({"chat_completions", "completions"})
_NOTHING_KNOWN = Known(NO_PARAMS, None, None)
_MAX_VERSIONS = 100  # applications by version, kept for calls that name their own


class Capture:
    """Starts exchanges and writes their records. Thread-safe."""

    def __init__(self, config: CaptureConfig | None = None) -> None:
        """Prepare.

        Args:
            config: None records with the process's settings.

        Raises:
            SettingsError: the environment or the settings file is wrong.
        """
        self.config = config if config is not None else CaptureConfig()
        self.settings = self.config.settings if self.config.settings is not None else default_settings()
        self.keeps_raw = self.settings.raw != "never"
        self.begun = Begun()
        self._redacts: Redact | Redactor | None = self.config.redact or (
            "all" if self.config.redact_pii else None
        )
        self._applications: dict[str | None, Application] = {}
        self._application(None)
        self._key_names = [
            name
            for name, wanted in (
                ("shipper_feedback_key", self.config.inject_feedback_key),
                (
                    "libretto_feedback_key",
                    self.config.inject_feedback_key and self.config.libretto_feedback_key,
                ),
            )
            if wanted
        ]
        self._url: tuple[Any, str] = (None, "")

    # -- for the client -----------------------------------------------------------------------------------

    def begin(self, client: Any, options: Any) -> Exchange | None:
        """The exchange of a request, which rides on its options from now; None when it is not to be recorded.

        Never raises.
        """
        try:
            endpoint = endpoint_of(options.method, options.url)
            if endpoint is None:
                return None
            parser = options.post_parser
            if type(parser) is not Known:  # else an argument of the call
                # options that are used a second time carry an exchange that is over
                then = parser.then if isinstance(parser, Exchange) else parser
                parser = Known(NO_PARAMS, None, then) if callable(then) else _NOTHING_KNOWN
            exchange = (Retrieval if endpoint.retrieval else Exchange)(self, parser)
            request = _asked(options)
            if self.config.capture_stream_usage and endpoint.api in _USAGE_APIS:
                exchange.hide_usage = _ask_for_usage(options, request)
            exchange.within = context.current()
            if isinstance(client, _AZURE_CLIENTS):
                exchange.provider = "azure.ai.openai"  # a gateway's address would not say so
            exchange.start(endpoint, self._base_url(client), request)
            options.post_parser = exchange
        except Exception as error:
            notice.internal_error("A call could not be prepared to be recorded", error)
            return None
        return exchange

    def judge(self, feedback_key: str, said: dict[str, Any]) -> str:
        """Write a verdict on a call; returns its event id.

        Raises:
            UsageError: as `shipper.send_feedback`.
        """
        return send_judgement(feedback_key, said, application=self._application(None))

    # -- for the exchange ---------------------------------------------------------------------------------

    def keys_of(self, feedback_key: str) -> dict[str, str]:
        """What goes into an answer."""
        return dict.fromkeys(self._key_names, feedback_key)

    def watch(self, exchange: Exchange) -> None:
        """A stream is open: it is recorded when the process ends, if it does not end before."""
        _open.add(exchange)
        pipeline_for(self.settings).start()

    def defer(self, job: Callable[[], None]) -> None:
        """Do this soon, in another place; callable from a destructor."""
        pipeline_for(self.settings).defer(job)

    def record(self, exchange: Exchange) -> None:
        """Write the record of an exchange that is over.

        Raises: whatever is wrong with it; the exchange is the boundary.
        """
        if exchange.tapped:
            _open.discard(exchange)
        params = exchange.params
        response, stream = exchange.collected
        if stream is not None and exchange.first_chunk_s is not None:
            stream["time_to_first_chunk_s"] = exchange.first_chunk_s
        fields: dict[str, Any] = {
            "request": without_tool_credentials(exchange.request),
            "response": response,
            "error": exchange.error,
            "started_at": exchange.started_ns,
            "ended_at": exchange.ended_ns,
            "api": exchange.endpoint.api,
            "provider": exchange.provider,
            "base_url": exchange.base_url,
            "stream": stream,
            "retry_count": exchange.retries,
            "http": {"status": exchange.status, "request_id": exchange.request_id},
            "prompt": prompt_of(params, exchange.template, self.config),
        }
        if params is not NO_PARAMS:
            fields.update(_told(params))
        application = self._application(params.version)
        call = application.call(
            fields, exchange.event_id, given=params.event_id is not None, within=exchange.within
        )
        CONVERSATIONS.link(application.name, exchange.event_id, call.body)
        application.append(
            call, save=self._saves(params) and not exchange.endpoint.figures_only, redact=self._redact(params)
        )
        self.begun.remember(response, exchange.event_id)

    def amend(self, retrieval: Retrieval, response: dict[str, Any]) -> None:
        """Write what has become of a background response, once.

        Raises: as `record`.
        """
        response_id = str(response.get("id"))
        if not self.begun.settle(response_id):
            return
        params = retrieval.params
        body = {
            "target_id": self.begun.event_of(response_id) or response_id,
            "fields": {"output": response},
        }
        call = Call(AMENDMENT, new_event_id(), False, time.time_ns(), body)
        self._application(params.version).append(call, save=self._saves(params), redact=self._redact(params))

    def _saves(self, params: CallParams) -> bool:
        return self.config.save if params.save is None else params.save

    def _redact(self, params: CallParams) -> bool | None:
        """What a call says against its client: True only where the client's own redactor would not be used."""
        return None if params.redact is True and self._redacts else params.redact

    def _application(self, version: str | None) -> Application:
        found = self._applications.get(version)
        if found is None:
            config = self.config
            found = Application(
                config.application,
                version=version or config.version,
                environment=config.environment,
                project_id=config.project_id,
                redact=self._redacts,
                sample=config.sample,
                settings=self.settings,
            )
            if len(self._applications) < _MAX_VERSIONS:
                self._applications[version] = found
        return found

    def _base_url(self, client: Any) -> str:
        url = client._base_url  # noqa: SLF001 - the property is slow in openai 3, and gives this
        known, text = self._url
        if known is not url:
            text = without_credentials(str(url))
            self._url = (url, text)
        return text


def _told(params: CallParams) -> dict[str, Any]:
    """What the caller says of a call, as the fields of its record."""
    return {
        "session_id": params.chat_id,
        "chain_id": params.chain_id,
        "parent_id": params.parent_event_id,
        "user_id": params.user_id,
        "tags": params.tags,
        "request_attributes": params.request_attributes,
        "selected_choice_index": params.selected_choice_index,
        "environment": params.environment,
        "join_keys": None if params.feedback_key is None else [params.feedback_key],
    }


def _asked(options: Any) -> Any:
    """The JSON that will be sent."""
    asked, extra = options.json_data, options.extra_json
    return {**asked, **extra} if isinstance(asked, dict) and isinstance(extra, dict) else asked


def _ask_for_usage(options: Any, request: Any) -> bool:
    """Ask for token counts on a stream where the caller didn't; whether that was done."""
    if not isinstance(request, dict) or not request.get("stream"):
        return False
    given = request.get("stream_options")
    given = given if isinstance(given, dict) else {}
    if given.get("include_usage"):
        return False
    options.extra_json = {**(options.extra_json or {}), "stream_options": {**given, "include_usage": True}}
    headers = options.headers if isinstance(options.headers, dict) else {}
    options.headers = {
        **headers,
        "Accept-Encoding": "identity",
    }  # to leave a chunk out, it has to be readable
    return True


_open: WeakSet[Exchange] = WeakSet()


def _at_exit() -> None:
    for exchange in list(_open):
        exchange.abandon()


def _after_fork() -> None:
    for exchange in list(_open):
        exchange.disown()
    _open.clear()


# The pipeline's own function was registered when it was imported, so that this one runs before it.
atexit.register(_at_exit)
os.register_at_fork(after_in_child=_after_fork)
