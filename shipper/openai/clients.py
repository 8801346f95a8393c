"""openai's clients, recording what goes through them.

Everything is seen at the one place that all of openai's resources, helpers and raw calls go through: the client's
`request`. Two more methods of the client are looked into on the way: `_process_response`, where the HTTP response is,
and `_process_response_data`, where its JSON becomes an object. All three have the same meaning in openai 1, 2 and 3.
"""

from __future__ import annotations

import functools
import inspect
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import openai

from shipper.openai.accepting import RESOURCES, accept_in, accepting, as_before
from shipper.openai.capture import Capture
from shipper.openai.exchange import EXTENSION, Exchange

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipper.openai.config import CaptureConfig


def _derived(original: type, **more: Any) -> type:
    """A class derived from one of openai's clients, and from nothing else: an object can change between the two."""

    def parent(self: Any) -> Any:
        return super(derived, self)

    methods = {
        **_looking_on(original, parent),
        "request": _requesting(parent, issubclass(original, openai.AsyncOpenAI)),
    }
    namespace: dict[str, Any] = {
        name: functools.wraps(getattr(original, name))(method) for name, method in methods.items()
    }
    namespace["with_options"] = namespace["copy"]
    namespace["send_feedback"] = send_feedback
    names = {
        "__module__": original.__module__,
        "__qualname__": original.__qualname__,
        "__doc__": original.__doc__,
    }
    derived: type = type(original.__name__, (original,), {**names, **namespace, **more})
    accept_in(derived, original, RESOURCES)
    return derived


def _requesting(parent: Callable[[Any], Any], is_async: bool) -> Callable[..., Any]:
    """The one place: every call of the client, and how it ended."""

    def request(self: Any, cast_to: Any, options: Any, *args: Any, **kwargs: Any) -> Any:
        exchange = self.shipper_capture.begin(self, options)
        if exchange is None:
            return parent(self).request(cast_to, options, *args, **kwargs)
        try:
            result = parent(self).request(cast_to, options, *args, **kwargs)
        except BaseException as error:
            exchange.failed(error)
            raise
        exchange.returned(result)
        return result

    async def request_async(self: Any, cast_to: Any, options: Any, *args: Any, **kwargs: Any) -> Any:
        exchange = self.shipper_capture.begin(self, options)
        if exchange is None:
            return await parent(self).request(cast_to, options, *args, **kwargs)
        try:
            result = await parent(self).request(cast_to, options, *args, **kwargs)
        except BaseException as error:
            exchange.failed(error)
            raise
        exchange.returned(result)
        return result

    return request_async if is_async else request


def _looking_on(original: Any, parent: Callable[[Any], Any]) -> dict[str, Callable[..., Any]]:
    """What is looked into on the way; the same for sync and async, since it only passes on."""
    inherited = original._process_response_data  # noqa: SLF001 - found once: it is called for each chunk

    def process_response(self: Any, *, options: Any, response: Any, **rest: Any) -> Any:
        if isinstance(exchange := options.post_parser, Exchange):
            exchange.responded(response, rest.get("retries_taken"))
        return parent(self)._process_response(options=options, response=response, **rest)  # noqa: SLF001

    def process_response_data(self: Any, *, data: Any, cast_to: Any, response: Any) -> Any:
        if (exchange := response.extensions.get(EXTENSION)) is not None:
            data = exchange.marked(data)
            if exchange.has_marked:
                del response.extensions[EXTENSION]
        return inherited(self, data=data, cast_to=cast_to, response=response)

    def copy(self: Any, *args: Any, **kwargs: Any) -> Any:
        copied = parent(self).copy(*args, **kwargs)
        copied.shipper_capture = self.shipper_capture
        return copied

    return {
        "_process_response": process_response,
        "_process_response_data": process_response_data,
        "copy": copy,
    }


def send_feedback(
    self: Any, feedback_key: str, *, rating: float | bool | None = None, better_response: str | None = None
) -> str:
    """Say what a user thinks of a call of this client's application, seconds or months after it. Nothing is awaited.

    Args:
        self: the client.
        feedback_key: which call: `shipper_feedback_key` of its answer, or the call's own `feedback_key`.
        rating: from 0 (bad) to 1 (good), or a boolean.
        better_response: what the answer should have been.

    Returns:
        The feedback's event id.

    Raises:
        UsageError: neither is given, or it can't be meant as it stands; nothing was logged.
    """
    return self.shipper_capture.judge(feedback_key, {"rating": rating, "better_response": better_response})


def _client(original: type) -> Any:
    """The public class of a client: openai's constructor with one argument more."""
    constructor: Any = original.__init__

    @functools.wraps(constructor)
    def __init__(self: Any, *args: Any, shipper: CaptureConfig | None = None, **kwargs: Any) -> None:  # noqa: N807
        self.shipper_capture = Capture(shipper)
        constructor(self, *args, **kwargs)

    signature = inspect.signature(constructor)
    option = inspect.Parameter(
        "shipper", inspect.Parameter.KEYWORD_ONLY, default=None, annotation="CaptureConfig | None"
    )
    __init__.__signature__ = signature.replace(parameters=[*signature.parameters.values(), option])  # type: ignore[attr-defined]
    document = f"The openai package's `{original.__name__}`; its calls are recorded as `shipper` (CaptureConfig) says."
    return _derived(original, __init__=__init__, __module__="shipper.openai", __doc__=document)


OpenAI = _client(openai.OpenAI)
AsyncOpenAI = _client(openai.AsyncOpenAI)
AzureOpenAI = _client(openai.AzureOpenAI)
AsyncAzureOpenAI = _client(openai.AsyncAzureOpenAI)


@lru_cache
def _recording_class(original: type) -> type:
    return _derived(original, shipper_original=original)


def instrument(client: Any, config: CaptureConfig | None = None) -> Any:
    """Make a client that somebody else made record its calls; it stays the same object, of a derived class.

    Args:
        client: openai's, or one of a class derived from it. One that records already is left as it is.
        config: None records with the process's settings.

    Returns:
        The client.

    Raises:
        TypeError: it is no client of openai's.
        SettingsError: the environment or the settings file is wrong.
    """
    if hasattr(client, "shipper_capture"):
        return client
    if not isinstance(client, (openai.OpenAI, openai.AsyncOpenAI)):
        raise TypeError(
            f"instrument() takes a client of the openai package (OpenAI, AsyncOpenAI, or one of Azure); "
            f"this is a {type(client).__name__}."
        )
    recorded: Any = client
    recorded.shipper_capture = Capture(config)
    recorded.__class__ = _recording_class(type(client))
    for name in RESOURCES:
        if name in recorded.__dict__:  # made before
            accepting(recorded.__dict__[name])
    return recorded


def uninstrument(client: Any) -> Any:
    """Undo `instrument`: the client and its resources are of their own classes again. Any other is left as it is.

    Returns:
        The client.

    Never raises.
    """
    original = getattr(type(client), "shipper_original", None)
    if original is not None:
        client.__class__ = original
        for name in RESOURCES:
            if name in client.__dict__:
                as_before(client.__dict__[name])
        del client.shipper_capture
    return client
