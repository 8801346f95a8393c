"""HTTP to who is no store (Kibana, a webhook), which never goes where the answer sends it."""

from __future__ import annotations

import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl


class _Stay(urllib.request.HTTPRedirectHandler):
    """urllib repeats the credentials to any host that it is sent to, and makes a POST a GET without its body."""

    def redirect_request(self, *_args: Any, **_named: Any) -> None:
        """Nowhere."""


def ask(request: urllib.request.Request, timeout_s: float, context: ssl.SSLContext | None = None) -> Any:
    """The open answer to a request.

    Args:
        request: to an http or https address of the operator's.
        timeout_s: of each read, seconds.
        context: how https is checked; None: with this machine's authorities.

    Raises:
        urllib.error.HTTPError: any status but 2xx.
        OSError, HTTPException, ValueError: no answer.
    """
    opener = urllib.request.build_opener(_Stay, urllib.request.HTTPSHandler(context=context))
    return opener.open(request, timeout=timeout_s)
