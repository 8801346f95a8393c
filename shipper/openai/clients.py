"""openai's clients, recording what goes through them.

Everything is seen at the one place that all of openai's resources, helpers and raw calls go through: the client's
`request`. Two more methods of the client are looked into on the way: `_process_response`, where the HTTP response is,
and `_process_response_data`, where its JSON becomes an object. All three have the same meaning in openai 1, 2 and 3.
"""

from __future__ import annotations

import functools
import inspect
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import openai

from shipper.openai.capture import Capture
from shipper.openai.exchange import EXTENSION, Exchange
from shipper.openai.resources import RESOURCES, accepting, as_before

if TYPE_CHECKING:
    from shipper.openai.config import CaptureConfig


class Recording:
    """What sync and async clients have in common. Goes before openai's class."""

    shipper_capture: Capture

    def _process_response(self, *, options: Any, response: Any, **rest: Any) -> Any:
        exchange = options.post_parser
        if isinstance(exchange, Exchange):
            exchange.responded(response)
        return super()._process_response(options=options, response=response, **rest)  # type: ignore[misc]

    def _process_response_data(self, *, data: Any, cast_to: Any, response: Any) -> Any:
        exchange = response.extensions.get(EXTENSION)
        if exchange is not None:
            data = exchange.marked(data)
        return super()._process_response_data(data=data, cast_to=cast_to, response=response)  # type: ignore[misc]

    def copy(self, *args: Any, **kwargs: Any) -> Any:
        """As openai's; the copy records as this client does."""
        copied = super().copy(*args, **kwargs)  # type: ignore[misc]
        copied.shipper_capture = self.shipper_capture
        return copied

    with_options = copy


class SyncRecording(Recording):
    """A sync client that records."""

    def request(self, cast_to: Any, options: Any, *args: Any, **kwargs: Any) -> Any:
        """As openai's."""
        exchange = self.shipper_capture.begin(self, options)
        if exchange is None:
            return super().request(cast_to, options, *args, **kwargs)  # type: ignore[misc]
        try:
            result = super().request(cast_to, options, *args, **kwargs)  # type: ignore[misc]
        except BaseException as error:
            exchange.failed(error)
            raise
        exchange.returned(result)
        return result


class AsyncRecording(Recording):
    """An async client that records."""

    async def request(self, cast_to: Any, options: Any, *args: Any, **kwargs: Any) -> Any:
        """As openai's."""
        exchange = self.shipper_capture.begin(self, options)
        if exchange is None:
            return await super().request(cast_to, options, *args, **kwargs)  # type: ignore[misc]
        try:
            result = await super().request(cast_to, options, *args, **kwargs)  # type: ignore[misc]
        except BaseException as error:
            exchange.failed(error)
            raise
        exchange.returned(result)
        return result


def _resource(name: str) -> cached_property[Any]:
    def resource(self: Recording) -> Any:
        return accepting(getattr(super(Recording, self), name))

    made = cached_property(resource)
    made.__set_name__(Recording, name)
    return made


for _name in RESOURCES:
    setattr(Recording, _name, _resource(_name))


def _client(name: str, recording: type, original: type) -> Any:
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
    document = f"openai's `{name}`, which records its calls as `shipper` (a `CaptureConfig`) says."
    namespace = {
        "__init__": __init__,
        "__module__": "shipper.openai",
        "__qualname__": name,
        "__doc__": document,
    }
    return type(name, (recording, original), namespace)


OpenAI = _client("OpenAI", SyncRecording, openai.OpenAI)
AsyncOpenAI = _client("AsyncOpenAI", AsyncRecording, openai.AsyncOpenAI)
AzureOpenAI = _client("AzureOpenAI", SyncRecording, openai.AzureOpenAI)
AsyncAzureOpenAI = _client("AsyncAzureOpenAI", AsyncRecording, openai.AsyncAzureOpenAI)


@lru_cache
def _recording_class(original: type) -> type:
    recording = SyncRecording if issubclass(original, openai.OpenAI) else AsyncRecording
    namespace = {
        "__module__": original.__module__,
        "__qualname__": original.__qualname__,
        "__doc__": original.__doc__,
        "shipper_original": original,
    }
    return type(original.__name__, (recording, original), namespace)


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
    if isinstance(client, Recording):
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
