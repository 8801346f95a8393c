"""Kibana's query language, as far as dashboards use it, read anew: what it means to Elasticsearch, and its fields."""

from __future__ import annotations

import re
from typing import Any

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>"(?:[^"\\]|\\.)*")
      | (?P<range><=|>=|<|>)
      | (?P<sign>[(){}:])
      | (?P<word>[^\s(){}:<>"]+)
    )""",
    re.VERBOSE,
)


class KqlError(ValueError):
    """The text is no query."""


def to_query(text: str) -> dict[str, Any]:
    """Elasticsearch's query for the text, in the shape that Kibana gives it."""
    if not text.strip():
        return {"match_all": {}}
    reader = _Reader(text)
    found = reader.any_of("")
    if reader.kind():
        raise KqlError(f"what is {reader.value()!r} in {text!r}?")
    return found


def fields(text: str) -> set[str]:
    """Every field that the query names."""
    found: set[str] = set()
    _collect(to_query(text), found)
    return found


def _collect(query: Any, found: set[str]) -> None:
    if isinstance(query, list):
        for one in query:
            _collect(one, found)
    elif isinstance(query, dict):
        for kind, body in query.items():
            if kind == "exists":
                found.add(body["field"])
            elif kind in ("match", "match_phrase", "range"):
                found.update(body)
            else:
                _collect(body, found)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            if found is None:
                raise KqlError(f"what is {text[at:]!r}?")
            kind = str(found.lastgroup)
            self.tokens.append((kind, found[kind]))
            at = found.end()
        self.at = 0

    def kind(self) -> str:
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def value(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        found = self.value()
        if not found or (expected and found != expected):
            raise KqlError(f"{expected or 'something'!r} is missing in {self.text!r}")
        self.at += 1
        return found

    def is_word(self, word: str) -> bool:
        return self.kind() == "word" and self.value().lower() == word

    def any_of(self, path: str) -> dict[str, Any]:
        parts = [self.all_of(path)]
        while self.is_word("or"):
            self.take()
            parts.append(self.all_of(path))
        return parts[0] if len(parts) == 1 else {"bool": {"should": parts, "minimum_should_match": 1}}

    def all_of(self, path: str) -> dict[str, Any]:
        parts = [self.one(path)]
        while self.is_word("and"):
            self.take()
            parts.append(self.one(path))
        return parts[0] if len(parts) == 1 else {"bool": {"filter": parts}}

    def one(self, path: str) -> dict[str, Any]:
        if self.is_word("not"):
            self.take()
            return {"bool": {"must_not": [self.one(path)]}}
        if self.value() == "(":
            self.take()
            inner = self.any_of(path)
            self.take(")")
            return inner
        if self.kind() != "word":
            raise KqlError(f"a field is missing before {self.value()!r} in {self.text!r}")
        return self.clause(path + self.take())

    def clause(self, field: str) -> dict[str, Any]:
        if self.kind() == "range":
            bound = {">=": "gte", ">": "gt", "<=": "lte", "<": "lt"}[self.take()]
            return {"range": {field: {bound: self.literal()}}}
        self.take(":")
        if self.value() == "{":
            self.take()
            inner = self.any_of(f"{field}.")
            self.take("}")
            return {"nested": {"path": field, "query": inner, "ignore_unmapped": True}}
        if self.value() == "(":
            self.take()
            parts = [self.match(field)]
            while self.value() != ")":
                if not self.is_word("or"):
                    raise KqlError(f"`or` is missing in {self.text!r}")
                self.take()
                parts.append(self.match(field))
            self.take(")")
            return {"bool": {"should": parts, "minimum_should_match": 1}}
        return self.match(field)

    def match(self, field: str) -> dict[str, Any]:
        if self.kind() == "word" and self.value() == "*":
            self.take()
            return {"exists": {"field": field}}
        quoted = self.kind() == "text"
        return {"match_phrase" if quoted else "match": {field: self.literal()}}

    def literal(self) -> Any:
        kind, value = self.kind(), self.take()
        if kind == "text":
            return re.sub(r"\\(.)", r"\1", value[1:-1])
        if kind != "word" or value.lower() in ("and", "or", "not"):
            raise KqlError(f"a value is missing in {self.text!r}")
        if value in ("true", "false"):
            return value == "true"
        try:
            return int(value)
        except ValueError:
            pass
        try:
            return float(value)
        except ValueError:
            return value
