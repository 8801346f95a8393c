"""Internet addresses. Those that identify nobody (this machine, no address, masks) are left."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final

from shipper.redact.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

# Found from the middle, by a character that is rare: a search for digits would stop at every number.
_MIDDLE_V4: Final = re.compile(r"\.(?<=[0-9]\.)[0-9]{1,3}\.[0-9]{1,3}(?![0-9])")
_OCTET: Final = r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_WHOLE_V4: Final = re.compile(rf"(?<![\w.-])(?:{_OCTET}\.){{3}}{_OCTET}(?![\w-]|\.[0-9])")
_VERSION: Final = re.compile(r"(?i:version|release|build|firmware|driver|section|chapter|clause)\W{0,4}\Z")
_MIDDLE_V6: Final = re.compile(r":(?::|(?=[0-9A-Fa-f:]{12})(?:[0-9A-Fa-f]{1,4}:){6})")
_BEFORE_V6: Final = re.compile(r"[0-9A-Fa-f:]*+")
_WHOLE_V6: Final = re.compile(
    r"[0-9A-Fa-f:]*+(?:(?<=:[0-9])|(?<=:[0-9]{2})|(?<=:[0-9]{3}))?(?:\.[0-9]{1,3}){0,3}"
)
_LONGEST_V6: Final = 45  # with an IPv4 address at its end


def find(text: str) -> Iterator[Span]:
    """Every IPv4 and IPv6 address in the text, as `IP`. Never raises."""
    for middle in _MIDDLE_V4.finditer(text):
        begin = middle.start()
        for start in range(max(0, begin - 3), begin):
            whole = _WHOLE_V4.match(text, start)
            if whole is not None:
                if _identifies_v4(whole.group()) and not _VERSION.search(text, max(0, start - 14), start):
                    yield Span(start, whole.end(), "IP")
                break
    yield from _find_v6(text)


def _identifies_v4(address: str) -> bool:
    octets = [int(octet) for octet in address.split(".")]
    return octets[0] not in (0, 127, 255) and max(octets) >= 10  # all below: a version or a section's number


def _find_v6(text: str) -> Iterator[Span]:
    seen = 0
    for middle in _MIDDLE_V6.finditer(text):
        begin = middle.start()
        if begin < seen:
            continue
        before = _BEFORE_V6.match(text[max(seen, begin - _LONGEST_V6) : begin][::-1])
        start = begin - (before.end() if before is not None else 0)
        whole = _WHOLE_V6.match(text, start)
        if whole is None:
            continue
        seen = whole.end()
        address = whole.group()
        if address.endswith(":") and not address.endswith("::"):
            address = address[:-1]
        around = text[max(0, start - 1) : start] + text[start + len(address) : start + len(address) + 1]
        if len(address) <= _LONGEST_V6 and not any(map(_joins, around)) and _identifies_v6(address):
            yield Span(start, start + len(address), "IP")


def _joins(character: str) -> bool:
    return character.isalnum() or character == "_"


def _identifies_v6(text: str) -> bool:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return False
    if address.is_loopback or address.is_unspecified or not any(map(str.isdigit, text)):
        return False
    return max(map(len, text.split(":"))) > 2  # else a slice, as in x[1::2]
