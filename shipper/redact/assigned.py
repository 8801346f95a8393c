"""Credentials that are told by the name they are given: `password=…`, `"api_key": "…"`, `Authorization: Token …`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from shipper.redact.spans import AFTER_KEY, BETWEEN, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

_STOP: Final = BETWEEN + AFTER_KEY  # what no value reaches across

# How names end, in small letters and without _ and -. The value of the last group has to look random.
_PASSWORDS: Final = (
    "password",
    "passwd",
    "passwort",
    "passphrase",
    "passcode",
    "pwd",
    "userpass",
    "dbpass",
    "contraseña",
    "senha",
)
_KEYS: Final = (
    "apikey",
    "secretkey",
    "secretaccesskey",
    "accesskey",
    "privatekey",
    "authkey",
    "accountkey",
    "signingkey",
    "encryptionkey",
    "masterkey",
    "sharedkey",
    "servicekey",
    "subscriptionkey",
    "clientsecret",
    "appsecret",
    "accesstoken",
    "refreshtoken",
    "authtoken",
    "apitoken",
    "bearertoken",
    "sessiontoken",
    "bottoken",
)
_VAGUE: Final = ("secret", "token", "credential", "credentials", "authorization", "cookie", "auth")
_LAST_THREE: Final = sorted({name[-3:] for name in (*_PASSWORDS, *_KEYS, *_VAGUE)})
_ENDINGS: Final = "|".join(_LAST_THREE)
_THIRD, _SECOND, _LAST = (
    "".join({*letters, *letters.upper()}) for letters in map("".join, zip(*_LAST_THREE, strict=True))
)
_SIGNS: Final = {
    # the sign first, because it is rare; then a look back for the last letters of a name, and a quote or bracket
    sign: re.compile(
        rf"{sign}(?s:(?<=[{_THIRD}][{_SECOND}][{_LAST}].)(?i:(?<=(?:{_ENDINGS}).))"
        rf"|(?<=[\"'\]` \\].)(?i:(?<=(?:{_ENDINGS})[\"'\]` \\].)|(?<=(?:{_ENDINGS})[\"'\]`\\][\"'\] ].)"
        rf"|(?<=(?:{_ENDINGS})[\"']\] .)))"
    )
    for sign in (":", "=", AFTER_KEY)
}
_NAME_BACKWARDS: Final = re.compile(r"[\"'\]` \\]{0,3}+([\w-]{3,40}+)")
_SCHEME: Final = re.compile("(?:bearer|basic|token|api-?key|api-token|digest) +", re.IGNORECASE)
_VALUE: Final = re.compile(
    rf"[=>]?[ \t]{{0,4}}+(?:\\?\"(?P<double>[^\"\n{_STOP}]{{4,128}}+)|\\?'(?P<single>[^'\n{_STOP}]{{4,128}}+)"
    rf"|`(?P<back>[^`\n{_STOP}]{{4,128}}+)"
    rf"|(?P<bare>(?i:(?:bearer|basic|token|api-?key|api-token|digest) +)?[^\s\"'`<>(){{}}\[\],;&|{_STOP}]{{6,128}}+(?!\()))"
)
_WHOLE: Final = re.compile(rf"(?P<whole>[^{_STOP}]{{4,128}}+)")
_MORE: Final = {
    # the beginning decides; what a longer value goes on with
    "double": re.compile(rf"[^\"\n{_STOP}]*+"),
    "single": re.compile(rf"[^'\n{_STOP}]*+"),
    "back": re.compile(rf"[^`\n{_STOP}]*+"),
    "bare": re.compile(rf"[^\s\"'`<>(){{}}\[\],;&|{_STOP}]*+"),
    "whole": re.compile(rf"[^{_STOP}]*+"),
}
_STAND_IN: Final = re.compile(
    r"<[^>]*>\Z|\{.*\}\Z|\$\{|\$[A-Z_][A-Z0-9_]*\Z|%\(?\w*\)?s?\Z|[*xX.•…_-]+\Z|.*[xX]{8}"
)
_CODE: Final = re.compile(r"[a-z_]+\Z|[A-Za-z_]\w*(?:(?:\.|->|::)[A-Za-z_]\w*)+\Z|[A-Z]+(?:_[A-Z0-9]+)+\Z")
_SOLID: Final = re.compile(r"(?=[A-Za-z]*+[0-9])(?=[0-9]*+[A-Za-z])[A-Za-z0-9]{8}")
_DIGITS: Final = {1: re.compile("[0-9]"), 2: re.compile("[0-9][^0-9]*+[0-9]")}
_LETTERS: Final = {1: re.compile("[A-Za-z]"), 2: re.compile("[A-Za-z][^A-Za-z]*+[A-Za-z]")}


def find(text: str) -> Iterator[Span]:
    """Every value in the text whose name says that it is a credential. Never raises.

    As `PASSWORD`; as `SECRET` for keys and tokens; as `TOKEN` behind a scheme of HTTP authentication.
    """
    for sign, pattern in _SIGNS.items():
        if sign not in text:
            continue
        taken = 0
        for found in pattern.finditer(text):
            if found.end() > taken and (span := _value_after(text, found.end(), sign)) is not None:
                taken = span.end
                yield span


def _value_after(text: str, place: int, sign: str) -> Span | None:
    names = _names_before(text, place - 1)
    if names is None:
        return None
    value = (_WHOLE if sign == AFTER_KEY else _VALUE).match(text, place)
    if value is None:
        return None
    form = value.lastgroup or ""
    start = value.start(form)
    written = value[form].rstrip("\\")  # of an escaped quote
    scheme = _SCHEME.match(written)
    if scheme is not None:
        start += scheme.end()
        written = written[scheme.end() :]
    kind = _kind_of(names, written, form, told=scheme is not None)
    if kind is None:
        return None
    more = _MORE[form].match(text, value.end(form))
    end = more.end() if more is not None and more.end() > value.end(form) else start + len(written)
    return Span(start, end, kind)


def _names_before(text: str, end: int) -> tuple[str, ...] | None:
    """The group of names that the name before a sign belongs to."""
    before = _NAME_BACKWARDS.match(text[max(0, end - 43) : end][::-1])
    if before is None:
        return None
    name = before[1][::-1].lower().replace("_", "").replace("-", "")
    return next((names for names in (_PASSWORDS, _KEYS, _VAGUE) if name.endswith(names)), None)


def _kind_of(names: tuple[str, ...], value: str, form: str, *, told: bool) -> str | None:
    """What a value of such a name is, by how it is written; None when it is no credential."""
    whole = form == "whole"
    if _STAND_IN.match(value) or (form == "bare" and _CODE.match(value)):
        return None
    spaced = any(map(str.isspace, value))
    if names is _PASSWORDS:
        return None if spaced and not whole and not _mixed(value, 1) else "PASSWORD"
    if spaced:
        return None
    if names is _KEYS:
        fits = len(value) >= (6 if whole else 20) or (len(value) > 7 and _mixed(value, 1))
        return "SECRET" if fits else None
    if told and len(value) > 7:
        return "TOKEN"
    return "SECRET" if len(value) > 15 and _mixed(value, 2) and _SOLID.search(value) else None


def _mixed(value: str, least: int) -> bool:
    """Whether the value has at least so many digits, one or two, and so many letters."""
    return _DIGITS[least].search(value) is not None and _LETTERS[least].search(value) is not None
