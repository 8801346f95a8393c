"""Which requests are calls of a model, by method and path (pure)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple


class Endpoint(NamedTuple):
    """What a request is."""

    api: str  # as `shipper.record.openai.detect` names it
    retrieval: bool = False  # it asks for, or ends, a call that was made before
    figures_only: bool = False  # content is not recorded


_POST: Final = {
    "/chat/completions": Endpoint("chat_completions"),
    "/completions": Endpoint("completions"),
    "/responses": Endpoint("responses"),
    "/embeddings": Endpoint("embeddings"),
    "/moderations": Endpoint("moderations", figures_only=True),
    "/images/generations": Endpoint("images", figures_only=True),
    "/images/edits": Endpoint("images", figures_only=True),
    "/images/variations": Endpoint("images", figures_only=True),
    "/audio/transcriptions": Endpoint("audio", figures_only=True),
    "/audio/translations": Endpoint("audio", figures_only=True),
    "/audio/speech": Endpoint("audio", figures_only=True),
}
_RETRIEVAL: Final = Endpoint("responses", retrieval=True)
_ONE_RESPONSE: Final = re.compile(r"/responses/[^/?]+")
_CANCEL: Final = re.compile(r"/responses/[^/?]+/cancel")


def endpoint_of(method: str, path: str) -> Endpoint | None:
    """What the request is; None for everything that is not recorded.

    Args:
        method: in any case.
        path: as openai's resources name it, without the base URL.
    """
    method = method.lower()
    if method == "post":
        found = _POST.get(path)
        return _RETRIEVAL if found is None and _CANCEL.fullmatch(path) else found
    return _RETRIEVAL if method == "get" and _ONE_RESPONSE.fullmatch(path) else None
