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
_ENDINGS: Final = "|".join(sorted({name[-3:] for name in (*_PASSWORDS, *_KEYS, *_VAGUE)}))
_SIGNS: Final = {
    # the sign first, because it is rare; then a look back for the last letters of a name, and a quote or bracket
    sign: re.compile(
        rf"{sign}(?s:(?i:(?<=(?:{_ENDINGS}).)|(?<=(?:{_ENDINGS})[\"'\]` \\].)"
        rf"|(?<=(?:{_ENDINGS})[\"'\]`\\][\"'\] ].)))"
    )
    for sign in (":", "=", AFTER_KEY)
}
_NAME_BACKWARDS: Final = re.compile(r"[\"'\]` \\]{0,3}+([\w-]{3,40}+)")
_SCHEME: Final = re.compile("(?:bearer|basic|token|api-?key|api-token|digest) +", re.IGNORECASE)
_VALUE: Final = re.compile(
    rf"[=>]?[ \t]{{0,4}}+(?:\\?\"(?P<double>[^\"\n{_STOP}]{{4,512}}+)|\\?'(?P<single>[^'\n{_STOP}]{{4,512}}+)"
    rf"|`(?P<back>[^`\n{_STOP}]{{4,512}}+)"
    rf"|(?P<bare>(?i:(?:bearer|basic|token|api-?key|api-token|digest) +)?[^\s\"'`<>(){{}}\[\],;&|{_STOP}]{{6,512}}+(?!\()))"
)
_WHOLE: Final = re.compile(rf"(?P<whole>[^{_STOP}]{{4,4096}}+)")
_STAND_IN: Final = re.compile(
    r"<[^>]*>\Z|\{.*\}\Z|\$\{|\$[A-Z_][A-Z0-9_]*\Z|%\(?\w*\)?s?\Z|[*xX.•…_-]+\Z|.*[xX]{8}"
)
_CODE: Final = re.compile(r"[a-z_]+\Z|[A-Za-z_]\w*(?:(?:\.|->|::)[A-Za-z_]\w*)+\Z|[A-Z]+(?:_[A-Z0-9]+)+\Z")
_SOLID: Final = re.compile(r"(?=[A-Za-z]*+[0-9])(?=[0-9]*+[A-Za-z])[A-Za-z0-9]{8}")
_DIGIT: Final = re.compile("[0-9]")
_LETTER: Final = re.compile("[A-Za-z]")


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
    name = _name_before(text, place - 1)
    value = (_WHOLE if sign == AFTER_KEY else _VALUE).match(text, place)
    if name is None or value is None:
        return None
    group = value.lastgroup or ""
    start = value.start(group)
    written = value[group].rstrip("\\")  # of an escaped quote
    scheme = _SCHEME.match(written)
    if scheme is not None:
        start += scheme.end()
        written = written[scheme.end() :]
    kind = _kind_of(name, written, group, told=scheme is not None)
    return Span(start, start + len(written), kind) if kind is not None else None


def _name_before(text: str, end: int) -> str | None:
    """The name that ends before a sign, in small letters without joints."""
    before = _NAME_BACKWARDS.match(text[max(0, end - 43) : end][::-1])
    return before[1][::-1].lower().replace("_", "").replace("-", "") if before is not None else None


def _kind_of(name: str, value: str, form: str, *, told: bool) -> str | None:
    """What a value of this name is, by how it is written; None when it is no credential."""
    whole, bare = form == "whole", form == "bare"
    if _STAND_IN.match(value) or (bare and _CODE.match(value)):
        return None
    spaced = any(map(str.isspace, value))
    if name.endswith(_PASSWORDS):
        return None if spaced and not whole else "PASSWORD"
    if spaced:
        return None
    if name.endswith(_KEYS):
        fits = len(value) >= (6 if whole else 20) or (len(value) > 7 and _mixed(value, 1))
        return "SECRET" if fits else None
    if name.endswith(_VAGUE):
        if told and len(value) > 7:
            return "TOKEN"
        return "SECRET" if len(value) > 15 and _mixed(value, 2) and _SOLID.search(value) else None
    return None


def _mixed(value: str, least: int) -> bool:
    """Whether the value has at least so many digits and so many letters."""
    return len(_DIGIT.findall(value)) >= least and len(_LETTER.findall(value)) >= least
