"""Finds secrets and personal data in a JSON value and puts typed placeholders there: `<EMAIL_1>`, `<API_KEY_2>`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from shipper.redact import assigned, carried, mail, network, numbers, secret
from shipper.redact.spans import Span, searchable, settle
from shipper.redact.tree import NOTHING, Leaf, Spared, Tree

Finder = Callable[[str], Iterable[tuple[int, int, str]]]
"""Takes a text and tells what it found there: where it starts, where it ends, and its kind."""

_BUILT_IN: Final[dict[str, tuple[Callable[[str], Iterable[Span]], ...]]] = {
    "none": (),
    "secrets": (secret.find, assigned.find, carried.find),
    "all": (secret.find, assigned.find, carried.find, mail.find, numbers.find, network.find),
}
_CUSTOM: Final = "CUSTOM"
_KIND: Final = re.compile(r"[A-Z][A-Z0-9_]{0,39}")
_NOT_ALNUM: Final = re.compile(r"[\W_]")
_ONE_NUMBER: Final = frozenset({"PHONE", "CARD", "IBAN", "NATIONAL_ID"})  # the same however it is grouped


class Redacted(NamedTuple):
    """A value without what was found in it, and the kinds of what was found, sorted."""

    value: Any
    entities: list[str]


class Redactor:
    """What is looked for. Immutable, safe to share between threads.

    The same text has the same placeholder throughout one value; another value starts at 1 again.
    """

    def __init__(
        self,
        what: Literal["none", "secrets", "all"] = "all",
        *,
        patterns: Mapping[str, str | re.Pattern[str]] | Sequence[str | re.Pattern[str]] = (),
        find: Finder | None = None,
    ) -> None:
        """Decide what to look for.

        Args:
            what: `secrets`: keys, tokens, passwords; `all`: personal data too; `none`: only what is given here.
            patterns: regular expressions of one's own, each under the kind that names its placeholder, or a list of
                them for the kind `CUSTOM`. They are searched in each string by itself.
            find: a function that is given each string by itself: for names, places, whatever needs a model.

        Raises:
            ValueError: `what` is unknown, or a kind is not of capital letters, digits and `_`.
            re.error: a pattern is no regular expression.
        """
        if what not in _BUILT_IN:
            raise ValueError(f"redact {what!r} is none of {', '.join(_BUILT_IN)}")
        named = patterns.items() if isinstance(patterns, Mapping) else [(_CUSTOM, item) for item in patterns]
        self._patterns = [(_checked(kind), re.compile(pattern)) for kind, pattern in named]
        self._find = find
        self._finders = _BUILT_IN[what]
        own = [name for name, given in (("patterns", self._patterns), ("function", find)) if given]
        self.engine = "+".join([f"shipper/{what}", *own])

    def __repr__(self) -> str:
        return f"Redactor({self.engine!r})"

    def redact(self, value: Any, spared: Spared = NOTHING) -> Redacted:
        """The value with placeholders. It is changed in place: give a copy that nobody else has.

        Args:
            value: JSON, as `json.loads` returns it.
            spared: what stays as it is.

        Raises:
            Exception: whatever the caller's own function raises; the value must not be used then.
        """
        tree = Tree(value, spared)
        spans = [span for find in self._finders for span in find(tree.text)]
        if self._patterns or self._find is not None:
            spans.extend(span for leaf in tree.leaves for span in self._own(leaf))
        if not spans:
            return Redacted(tree.root, [])
        numbering = _Numbering(tree.text)
        tree.replace(settle(spans), numbering)
        return Redacted(tree.root, sorted(numbering.kinds))

    def text(self, text: str) -> str:
        """A text with placeholders.

        Raises:
            Exception: whatever the caller's own function raises.
        """
        return self.redact(text).value

    def _own(self, leaf: Leaf) -> Iterable[Span]:
        for kind, pattern in self._patterns:
            for found in pattern.finditer(leaf.text):
                if found.end() > found.start():
                    yield Span(leaf.start + found.start(), leaf.start + found.end(), kind)
        if self._find is not None:
            for start, end, kind in self._find(leaf.text):
                if not 0 <= start <= end <= len(leaf.text):
                    raise ValueError(
                        f"find returned {start} to {end} for a text of {len(leaf.text)} characters"
                    )
                if start < end:
                    yield Span(leaf.start + start, leaf.start + end, _checked(kind))


def spans_in(text: str, what: Literal["secrets", "all"] = "all") -> list[Span]:
    """What is found in a text, in order and without overlaps. Never raises."""
    return settle(span for find in _BUILT_IN[what] for span in find(searchable(text)))


class _Numbering:
    """Placeholders: one for each kind and text, numbered in order of appearance."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._numbers: dict[tuple[str, str], int] = {}
        self.kinds: dict[str, int] = {}

    def __call__(self, span: Span) -> str:
        text = self._text[span.start : span.end].casefold()
        if span.kind in _ONE_NUMBER:
            text = _NOT_ALNUM.sub("", text)
        number = self._numbers.get((span.kind, text))
        if number is None:
            number = self._numbers[span.kind, text] = self.kinds[span.kind] = self.kinds.get(span.kind, 0) + 1
        return f"<{span.kind}_{number}>"


def _checked(kind: str) -> str:
    """The kind, if it can be part of a placeholder.

    Raises:
        ValueError: it can't.
    """
    if not _KIND.fullmatch(kind):
        raise ValueError(f"the kind {kind!r} has to be of capital letters, digits and _, as in EMPLOYEE_ID")
    return kind
