"""What a caller gets raised, seen from below openai's client.

While a stream is read it has another name yet; and of an error's body openai's exception shows a part only.
"""

from __future__ import annotations

from typing import Any

import openai

from shipper.capture.call import loads

_RENAMES = int(openai.__version__.partition(".")[0]) >= 3  # before, the HTTP library's errors came through


def renamed(error: BaseException, request: Any) -> BaseException:
    """The error that openai's stream makes of one of the HTTP library's.

    Args:
        error: as reading raised it; the stream is closed before openai's is made.
        request: the HTTP request.
    """
    if not _RENAMES:
        return error
    names = {base.__name__ for base in type(error).__mro__}
    if "TimeoutException" in names:
        made: openai.APIConnectionError = openai.APITimeoutError(request=request)
    elif "RequestError" in names:
        made = openai.APIConnectionError(request=request)
    else:
        return error
    made.__cause__ = error
    return made.with_traceback(error.__traceback__)


def body_of(error: BaseException) -> dict[str, Any] | None:
    """The body of an HTTP error, a text as its error; None when there is none. Never raises."""
    if not isinstance(error, openai.APIStatusError):
        return None
    try:
        body = loads(error.response.content)
    except Exception:  # nobody has read it
        return None
    if type(body) is list and len(body) == 1:  # as Gemini sends it
        body = body[0]
    return body if type(body) is dict else {"error": body} if body else None


def arose_in_openai(error: Exception) -> bool:
    """Whether openai's stream is what raises this just now, as for an event that is no JSON."""
    where = error.__traceback__
    return where is not None and str(where.tb_frame.f_globals.get("__name__")).startswith("openai.")
