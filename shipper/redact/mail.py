"""E-mail addresses, found from the @ outwards."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from shipper.redact.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORD: Final = r"A-Za-z0-9_À-ʯ"  # not every script: a sentence without spaces would count as a name
_AT: Final = re.compile(rf"@(?=[{_WORD}\[])")
_ENCODED_AT: Final = re.compile(rf"%40(?=[{_WORD}])")
_LOCAL_BACKWARDS: Final = re.compile(rf"[{_WORD}+-](?:[{_WORD}.+%'&~-]{{0,62}}[{_WORD}+])?")
_DOMAIN: Final = re.compile(
    r"\[[0-9A-Fa-f.:]{7,45}\]"
    rf"|(?:[{_WORD}][{_WORD}-]{{0,62}}\.){{1,8}}(xn--[A-Za-z0-9-]{{2,59}}|[A-Za-zÀ-ʯ]{{2,24}})"
)
_NO_DOMAINS: Final = frozenset(
    # endings that file names and units have, and that no top-level domain is
    [
        "png",
        "jpg",
        "jpeg",
        "gif",
        "svg",
        "webp",
        "ico",
        "bmp",
        "css",
        "js",
        "jsx",
        "ts",
        "tsx",
        "json",
        "yaml",
        "yml",
        "toml",
        "html",
        "xml",
        "txt",
        "csv",
        "log",
        "lock",
        "exe",
        "dll",
        "service",
        "timer",
        "socket",
        "mount",
        "target",
        "slice",
        "scope",
        "java",
        "class",
        "kt",
        "cpp",
        "hpp",
        "go",
        "rb",
        "php",
        "lua",
        "whl",
        "jar",
        "tgz",
        "gz",
    ]
)
_LONGEST_LOCAL: Final = 64  # RFC 5321, section 4.5.3.1.1


def find(text: str) -> Iterator[Span]:
    """Every e-mail address in the text, as `EMAIL`; also with an encoded @, as in links. Never raises."""
    if "@" in text:
        yield from _around(text, _AT)
    if "%" in text and "%40" in text:  # one character is looked for much quicker
        yield from _around(text, _ENCODED_AT)


def _around(text: str, sign: re.Pattern[str]) -> Iterator[Span]:
    taken = 0
    for at in sign.finditer(text):
        begin = at.start()
        local = _LOCAL_BACKWARDS.match(text[max(taken, begin - _LONGEST_LOCAL) : begin][::-1])
        domain = _DOMAIN.match(text, at.end())
        if local is None or domain is None or (domain[1] or "").lower() in _NO_DOMAINS:
            continue
        start, end = begin - local.end(), domain.end()
        if text[start:begin] in ("git", "hg", "svn") and text[end : end + 1] in (":", "/"):
            continue  # where a repository is, as in git@host:path; nobody's mail
        taken = end
        yield Span(start, end, "EMAIL")
