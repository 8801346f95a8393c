"""openai's resources, taking one more argument: `shipper=CallParams(…)`.

A resource keeps its class's name, methods and types; its class is replaced by a derived one whose methods take the
argument out, look for a template among the others, and call the original. What was found travels to the request by a
copy of the resource that is bound to this one call, so that openai's stream managers, which send the request later,
need no thought, and sync and async are the same.
"""

from __future__ import annotations

import functools
import inspect
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from shipper.openai.config import NO_PARAMS, CallParams
from shipper.openai.known import Known
from shipper.openai.prompt import template_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


RESOURCES = ("chat", "completions", "responses", "embeddings", "images", "audio", "moderations", "beta")
"""Properties of a client whose resources, and theirs, take the argument."""

_NESTED = ("chat", "completions", "transcriptions", "translations", "speech")
_METHODS = ("create", "parse", "stream", "retrieve", "generate", "edit", "create_variation")


def accepting(resource: Any) -> Any:
    """The same resource; from now on its methods, and those of its parts, take `shipper=`."""
    if not hasattr(type(resource), "shipper_original"):
        resource.__class__ = _accepting_class(type(resource))
        for name in _NESTED:
            if name in resource.__dict__:  # made before
                accepting(resource.__dict__[name])
    return resource


def as_before(resource: Any) -> None:
    """Undo `accepting`."""
    resource.__class__ = getattr(type(resource), "shipper_original", type(resource))
    for name in _NESTED:
        if name in resource.__dict__:
            as_before(resource.__dict__[name])


@lru_cache
def _accepting_class(original: type) -> type:
    namespace: dict[str, Any] = {
        "__module__": original.__module__,
        "__qualname__": original.__qualname__,
        "__doc__": original.__doc__,
        "shipper_original": original,
    }
    for name in _METHODS:
        if (method := getattr(original, name, None)) is not None:
            namespace[name] = _accepting_method(method, original)
    derived = type(original.__name__, (original,), namespace)
    accept_in(derived, original, _NESTED)
    return derived


def accept_in(derived: type, original: type, names: Sequence[str]) -> None:
    """Let the properties of these names, as far as `original` has them, give accepting resources in `derived`."""
    for name in names:
        if hasattr(original, name):
            accepted = _accepting_property(inspect.getattr_static(original, name))
            accepted.__set_name__(derived, name)
            setattr(derived, name, accepted)


def _accepting_property(inherited: Any) -> cached_property[Any]:
    def resource(self: Any) -> Any:
        return accepting(inherited.__get__(self, type(self)))

    return cached_property(resource)


def _accepting_method(method: Callable[..., Any], original: type) -> Callable[..., Any]:
    def bound(self: Any, arguments: dict[str, Any]) -> Any:
        params = arguments.pop("shipper", None)
        if not (params is None or isinstance(params, CallParams)):
            raise TypeError(f"shipper= takes CallParams(…), not {type(params).__name__}; nothing was sent.")
        template = template_in(arguments)
        if params is None and template is None:
            return self
        return _bound(self, original, params if params is not None else NO_PARAMS, template)

    if inspect.iscoroutinefunction(method):

        @functools.wraps(method)
        async def accept_async(self: Any, *args: Any, **kwargs: Any) -> Any:
            return await method(bound(self, kwargs), *args, **kwargs)

        return accept_async

    @functools.wraps(method)
    def accept(self: Any, *args: Any, **kwargs: Any) -> Any:
        return method(bound(self, kwargs), *args, **kwargs)

    return accept


def _bound(resource: Any, original: type, params: Any, template: Any) -> Any:
    """A copy of the resource for one call, of its original class, whose requests carry what is known of the call."""
    copy = object.__new__(original)
    copy.__dict__.update(resource.__dict__)

    def sending(send: Callable[..., Any]) -> Callable[..., Any]:
        def send_with_params(*args: Any, **kwargs: Any) -> Any:
            options = kwargs.get("options") or {}
            known = Known(params, template, options.get("post_parser"))
            return send(*args, **{**kwargs, "options": {**options, "post_parser": known}})

        return send_with_params

    copy.__dict__["_post"] = sending(resource._post)  # noqa: SLF001 - openai's resources send by these two
    copy.__dict__["_get"] = sending(resource._get)  # noqa: SLF001
    return copy
