"""Embeddings: the texts and the figures. Vectors are not stored; how many there were, and of what size, is."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from shipper.record.openai.completions import add_inputs

if TYPE_CHECKING:
    from shipper.record.reading import Json, Reading

REQUEST_KEYS = frozenset({"input"})
RESPONSE_KEYS = frozenset({"data"})


def read_request(request: Json, reading: Reading) -> None:
    """The texts (or token ids) to embed, a message each. Never raises."""
    add_inputs(request.get("input"), "request.input", reading)


def read_response(response: Json, reading: Reading) -> frozenset[str]:
    """Count and size of the vectors; returns the keys that were read. Never raises."""
    data = response.get("data")
    if type(data) is list:
        figures: Json = {"count": len(data)}
        if data and (size := _dimensions(data[0])) is not None:
            figures["dimensions"] = size
        reading.extras["embeddings"] = figures
    elif data is not None:
        reading.flags.append("response.data: not a list")
    return RESPONSE_KEYS


def without_vectors(response: Any) -> Any:
    """A copy of an embeddings response in which each vector is replaced by its number of dimensions.

    For callers who don't want vectors in the spool; the document is the same. Anything else is returned as it is.
    """
    if type(response) is not dict or type(data := response.get("data")) is not list:
        return response
    light: list[Json] = []
    for position, item in enumerate(data):
        given = item.get("index") if type(item) is dict else None
        entry: Json = {"index": given if type(given) is int else position}
        if (size := _dimensions(item)) is not None:
            entry["dimensions"] = size
        light.append(entry)
    return {**response, "data": light}


def _dimensions(item: Any) -> int | None:
    if type(item) is not dict:
        return None
    vector = item.get("embedding")
    if type(vector) is list:
        return len(vector)
    if type(vector) is str:  # encoding_format base64: 32-bit floats
        try:
            return len(base64.b64decode(vector, validate=True)) // 4
        except (binascii.Error, ValueError):
            return None
    size = item.get("dimensions")
    return size if type(size) is int and 0 <= size < 2**31 else None
