"""Which content of a call is kept: none, a sample, or all of it without secrets and personal data.

Decided in the caller's thread, before the spool: what must not be stored is never written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import orjson

from shipper import notice
from shipper.errors import UsageError
from shipper.record.feedback import AMENDMENT, FEEDBACK, strip_amendment, strip_feedback
from shipper.record.openai.assemble import assemble, is_stream
from shipper.record.privacy import strip_content
from shipper.record.serialize import to_json
from shipper.record.times import parse_time

if TYPE_CHECKING:
    from shipper.record.entry import Call
    from shipper.redact import Redactor
    from shipper.settings import Settings

Redact = Literal["none", "secrets", "all"]
Sample = Callable[[Mapping[str, Any]], float]
"""Takes a call as JSON (`request`, `response`, `session_id`, …) and returns the rate for it, 0 to 1."""

_STRIP: Final[dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]]] = {
    FEEDBACK: strip_feedback,
    AMENDMENT: strip_amendment,
}
_FREE: Final = (
    "tags",
    "labels",
    "source",
    "base_url",
    "value",
    "ground_truth",
)  # where stripping leaves texts
_ERROR_STATUS: Final = 400
_OF_OURS: Final = re.compile(r"\w+(\[\d+\])*:")
"""A path of one name is an argument's, or of an item of its list; a longer one is made of the caller's keys too."""
_redactors: dict[str, Redactor] = {}


def redactor_of(choice: Redact | Redactor | bool | None) -> Redactor | None:
    """The redactor that is meant; True means `all`.

    Raises:
        UsageError: a word that means none.
    """
    if choice is None or choice is False or choice == "none":
        return None
    if not isinstance(choice, (str, bool)):
        return choice
    from shipper.redact import Redactor  # compiles many patterns: only for those who want it

    name = choice if isinstance(choice, str) else "all"
    if name not in ("secrets", "all"):
        raise UsageError(f"redact={name!r} is none of none, secrets, all, and no Redactor.")
    return _redactors.setdefault(name, Redactor(name))


class ContentPolicy:
    """What an application keeps. Immutable, shared between threads."""

    def __init__(
        self,
        settings: Settings,
        redact: Redact | Redactor | bool | None = None,
        sample: Sample | None = None,
    ) -> None:
        """Decide for an application.

        Args:
            settings: `save`, `redact`, `content_rate` and `content_slow_s` count.
            redact: instead of the setting.
            sample: a rate for each call, instead of the setting.

        Raises:
            UsageError: `redact` is no word that is known.
        """
        self._redactor = redactor_of(settings.redact if redact is None else redact)
        self._save = settings.save
        self._rate = settings.content_rate
        self._slow_ns = settings.content_slow_s * 1e9
        self._sample = sample
        self.keeps_all = self._save and self._redactor is None and sample is None and self._rate >= 1
        """Whether each call is written as it is."""

    def apply(
        self, call: Call, *, save: bool, redact: Redact | Redactor | bool | None = None
    ) -> tuple[Call, list[str]]:
        """The call as it may be written, and what was made safe on the way.

        Args:
            call: its body is not changed.
            save: False drops the content.
            redact: for this call, instead of the application's.

        Raises:
            UsageError: `redact` is no word that is known.
        """
        save = save and call.body.get("save") is not False
        if self.keeps_all and save and redact is None:
            return call, []
        redactor = self._redactor if redact is None else redactor_of(redact)
        plain, changed = to_json(call.body)
        body: dict[str, Any] = orjson.loads(plain)
        strip = _STRIP.get(call.dataset, strip_content)
        keep = save and self._save
        if keep and call.dataset not in _STRIP and (self._sample is not None or self._rate < 1):
            rate = self._rate_of(body)
            keep = rate >= 1 or _share(call.event_id) < rate
            _note(body, content_rate=rate)
        if not keep:
            body = strip(body)
            changed = [flag for flag in changed if _OF_OURS.match(flag)]
        if redactor is not None:
            try:
                body, changed = _redacted(redactor, body, changed)
            except Exception as error:  # the caller's own function too; its message may hold the content
                fault = type(error).__name__
                notice.warn(
                    "redaction", f"Redaction failed ({fault}): calls are stored without their content."
                )
                body = _without_texts(strip(orjson.loads(plain)))
                _note(body, redacted=False, engine=redactor.engine, content_stored=False)
                changed = [f"redaction: {fault}, content left out"]
        return call._replace(body=body), changed

    def _rate_of(self, body: dict[str, Any]) -> float:
        """The probability with which this call's content is kept; 1 for errors and slow calls."""
        if _failed(body) or self._is_slow(body):
            return 1.0
        if self._sample is None:
            return self._rate
        try:
            return min(1.0, max(0.0, float(self._sample(body))))
        except Exception as error:
            notice.warn("sample", f"The sampling function failed ({type(error).__name__}): content is kept.")
            return 1.0

    def _is_slow(self, body: dict[str, Any]) -> bool:
        started = parse_time(body.get("started_at"), "", [])
        ended = parse_time(body.get("ended_at"), "", [])
        return started is not None and ended is not None and ended - started >= self._slow_ns


def _failed(body: dict[str, Any]) -> bool:
    if body.get("error"):
        return True
    response, http, stream = body.get("response"), body.get("http"), body.get("stream")
    if isinstance(response, dict) and cast("dict[str, Any]", response).get("error"):
        return True
    status = cast("dict[str, Any]", http).get("status") if isinstance(http, dict) else None
    if isinstance(status, int) and status >= _ERROR_STATUS:
        return True
    return isinstance(stream, dict) and cast("dict[str, Any]", stream).get("completed") is False


def _without_texts(body: dict[str, Any]) -> dict[str, Any]:
    """A stripped call without the caller's texts that stripping leaves: nobody has searched them."""
    kept = {
        name: value for name, value in body.items() if name not in _FREE or isinstance(value, (int, float))
    }
    request = kept.get("request")
    if isinstance(request, dict):
        kept["request"] = {
            name: value for name, value in cast("dict[str, Any]", request).items() if name != "stop"
        }
    return kept


def _share(event_id: str) -> float:
    """A number in 0 to 1 that is the same for the same id, everywhere."""
    return int.from_bytes(blake2b(event_id.encode("utf-8", "surrogatepass"), digest_size=8).digest()) / 2**64


def _note(body: dict[str, Any], **facts: Any) -> None:
    given = body.get("privacy")
    body["privacy"] = {**(cast("dict[str, Any]", given) if isinstance(given, dict) else {}), **facts}


def _redacted(
    redactor: Redactor, body: dict[str, Any], changed: list[str]
) -> tuple[dict[str, Any], list[str]]:
    """The body with placeholders; the paths of what was changed may hold a key of the caller's, so they are searched too.

    Raises:
        Exception: whatever the caller's own function raises.
    """
    from shipper.redact.spared import CALL

    _join_chunks(body)
    value, entities = redactor.redact({"call": body, "changed": changed}, {"call": CALL})
    body, changed = value["call"], value["changed"]
    given = body.get("privacy")
    before: list[Any] = cast("dict[str, Any]", given).get("entities") or [] if isinstance(given, dict) else []
    found = sorted({*entities, *(kind for kind in before if isinstance(kind, str))})
    _note(body, redacted=bool(found), engine=redactor.engine, **({"entities": found} if found else {}))
    return body, changed


def _join_chunks(body: dict[str, Any]) -> None:
    """A stream's chunks become one answer: what is cut into pieces can't be recognised."""
    response = body.get("response")
    if is_stream(response):
        body["response"], facts = assemble(response)
        given = body.get("stream")
        told: dict[str, Any] = {"chunks": facts.chunks, "completed": facts.completed}
        body["stream"] = {**told, **cast("dict[str, Any]", given)} if isinstance(given, dict) else told
    raw = body.get("raw_response")
    if is_stream(raw):
        body["raw_response"] = assemble(raw)[0]
    elif type(raw) is str and raw.lstrip()[:6] in ("data: ", "event:"):
        body["raw_response"] = "<events of a stream, left out>"
