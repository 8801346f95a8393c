"""A parser of Logstash's pipeline language, rule by rule as its grammar (PEG, logstash-core `grammar.treetop`) has them.

`parse(text)` gives the sections of a file, or raises `SyntaxError` with line and column. The names of the functions
are those of the grammar's rules.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class Plugin:
    """`name { option => value … }`; also a codec with options."""

    name: str
    options: dict[str, Any]
    line: int


@dataclass(frozen=True)
class Selector:
    """A field reference in a condition: `[event][id]`."""

    path: tuple[str, ...]


@dataclass(frozen=True)
class Regexp:
    """`/…/` in a condition."""

    source: str


@dataclass(frozen=True)
class Condition:
    """An operator and its operands: values, selectors, or further conditions. `exists` has one selector."""

    operator: str
    operands: tuple[Any, ...]


@dataclass(frozen=True)
class Branch:
    """`if … { } else if … { } else { }`: conditions with bodies; the condition of `else` is None."""

    arms: tuple[tuple[Condition | None, tuple[Plugin | Branch, ...]], ...]


@dataclass(frozen=True)
class Section:
    """`input`, `filter` or `output` with what stands in it."""

    kind: str
    body: tuple[Plugin | Branch, ...]

    def plugins(self) -> Iterator[Plugin]:
        """Every plugin, those in branches too."""
        yield from _plugins(self.body)

    def branches(self) -> Iterator[Branch]:
        """Every branch, those in branches too."""
        yield from _branches(self.body)


def _plugins(body: tuple[Plugin | Branch, ...]) -> Iterator[Plugin]:
    for item in body:
        if isinstance(item, Plugin):
            yield item
        else:
            for _, inner in item.arms:
                yield from _plugins(inner)


def _branches(body: tuple[Plugin | Branch, ...]) -> Iterator[Branch]:
    for item in body:
        if isinstance(item, Branch):
            yield item
            for _, inner in item.arms:
                yield from _branches(inner)


def parse(text: str) -> list[Section]:
    """The sections of a pipeline file. Raises SyntaxError where it is none."""
    return _Parser(text).config()


_SPACE = re.compile(r"(?:[ \t\r\n]+|#[^\r\n]*(?:\r?\n|\Z))*")
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_BAREWORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]+")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]*)?")
_DOUBLE = re.compile(r'"((?:\\"|[^"])*)"', re.DOTALL)
_SINGLE = re.compile(r"'((?:\\'|[^'])*)'", re.DOTALL)
_REGEXP = re.compile(r"/((?:\\/|[^/])*)/", re.DOTALL)
_ELEMENT = re.compile(r"\[([^\]\[,]+)\]")
_KIND = re.compile(r"input|filter|output")
_COMPARE = re.compile(r"==|!=|<=|>=|<|>")
_MATCH = re.compile(r"=~|!~")
_BOOLEAN = re.compile(r"and|or|xor|nand")
_NOT_IN = re.compile(r"not (?:[ \t\r\n]|#[^\r\n]*\n)*in")


@dataclass
class _Parser:
    text: str
    at: int = 0
    furthest: int = 0
    wanted: set[str] = field(default_factory=set)

    def config(self) -> list[Section]:
        self.space()
        sections = [self.section()]
        self.space()
        while self.at < len(self.text):
            sections.append(self.section())
            self.space()
        return sections

    def section(self) -> Section:
        kind = self.need(_KIND, "input, filter or output")[0]
        self.space()
        return Section(kind, self.block())

    def block(self) -> tuple[Plugin | Branch, ...]:
        self.mark("{")
        self.space()
        body: list[Plugin | Branch] = []
        while not self.take("}"):
            branch = self.attempt(self.branch)
            body.append(self.plugin() if branch is None else branch)
            self.space()
        return tuple(body)

    def plugin(self) -> Plugin:
        line = self.text.count("\n", 0, self.at) + 1
        name = self.name()
        self.space()
        self.mark("{")
        self.space()
        options: dict[str, Any] = {}
        while not self.take("}"):
            option = self.name()
            self.space()
            self.mark("=>")
            self.space()
            if option in options:
                self.fail("an option that is not there yet")
            options[option] = self.value()
            before = self.at
            self.space()
            if self.at == before and not self.text.startswith("}", self.at):
                self.fail("white space between options")
        return Plugin(name, options, line)

    def name(self) -> str:
        found = self.match(_NAME)
        return found[0] if found else self.string()

    def value(self) -> Any:
        for rule in (self.plugin, self.bareword, self.string, self.number, self.array, self.hash):
            found = self.attempt(rule)
            if found is not None:
                return found
        return self.fail("a value")

    def bareword(self) -> str:
        return self.need(_BAREWORD, "a word")[0]

    def string(self) -> str:
        found = self.match(_DOUBLE) or self.match(_SINGLE)
        return found[1] if found else self.fail("a text in quotes")

    def number(self) -> float:
        digits = self.need(_NUMBER, "a number")[0]
        return float(digits) if "." in digits else int(digits)

    def array(self) -> list[Any]:
        self.mark("[")
        self.space()
        items: list[Any] = []
        while not self.take("]"):
            if items:
                self.mark(",")
                self.space()
            items.append(self.value())
            self.space()
        return items

    def hash(self) -> dict[Any, Any]:
        self.mark("{")
        self.space()
        entries: dict[Any, Any] = {}
        while not self.take("}"):
            key = self.first(self.number, self.bareword, self.string)
            self.space()
            self.mark("=>")
            self.space()
            if key in entries:
                self.fail("a key that is not there yet")
            entries[key] = self.value()
            self.space()
        return entries

    def branch(self) -> Branch:
        self.mark("if")
        arms: list[tuple[Condition | None, tuple[Plugin | Branch, ...]]] = [self.arm()]
        while True:
            before = self.at
            self.space()
            if not self.take("else"):
                self.at = before
                return Branch(tuple(arms))
            self.space()
            if self.take("if"):
                arms.append(self.arm())
                continue
            arms.append((None, self.block()))
            return Branch(tuple(arms))

    def arm(self) -> tuple[Condition | None, tuple[Plugin | Branch, ...]]:
        self.space()
        condition = self.condition()
        self.space()
        return condition, self.block()

    def condition(self) -> Condition:
        found = self.expression()
        while True:
            before = self.at
            self.space()
            operator = self.match(_BOOLEAN)
            if operator is None:
                self.at = before
                return found
            self.space()
            found = Condition(operator[0], (found, self.expression()))

    def expression(self) -> Condition:
        if self.take("("):
            self.space()
            found = self.condition()
            self.space()
            self.mark(")")
            return found
        if self.take("!"):
            self.space()
            if self.text.startswith("(", self.at):
                return Condition("not", (self.expression(),))
            return Condition("not", (Condition("exists", (self.selector(),)),))
        left = self.rvalue()
        before = self.at
        self.space()
        for operators, operand in (
            (_NOT_IN, self.rvalue),
            (re.compile("in"), self.rvalue),
            (_COMPARE, self.rvalue),
            (_MATCH, lambda: self.first(self.string, self.regexp)),
        ):
            operator = self.match(operators)
            if operator is not None:
                self.space()
                word = "not in" if operators is _NOT_IN else operator[0]
                return Condition(word, (left, operand()))
        self.at = before
        return Condition("exists", (left,))

    def rvalue(self) -> Any:
        return self.first(self.string, self.number, self.selector, self.array, self.method_call, self.regexp)

    def method_call(self) -> Condition:
        name = self.bareword()
        self.space()
        self.mark("(")
        self.space()
        arguments: list[Any] = []
        while not self.take(")"):
            if arguments:
                self.mark(",")
                self.space()
            arguments.append(self.rvalue())
            self.space()
        return Condition(name, tuple(arguments))

    def regexp(self) -> Regexp:
        return Regexp(self.need(_REGEXP, "a regular expression")[1])

    def selector(self) -> Selector:
        path = [self.need(_ELEMENT, "a field")[1]]
        while (found := self.match(_ELEMENT)) is not None:
            path.append(found[1])
        return Selector(tuple(path))

    # -- the machinery ------------------------------------------------------------------------------------

    def space(self) -> None:
        found = _SPACE.match(self.text, self.at)
        assert found is not None
        self.at = found.end()

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return found

    def need(self, pattern: re.Pattern[str], what: str) -> re.Match[str]:
        return self.match(pattern) or self.fail(what)

    def take(self, token: str) -> bool:
        if self.text.startswith(token, self.at):
            self.at += len(token)
            return True
        return False

    def mark(self, token: str) -> None:
        if not self.take(token):
            self.fail(f"`{token}`")

    def first(self, *rules: Callable[[], Any]) -> Any:
        for rule in rules:
            found = self.attempt(rule)
            if found is not None:
                return found
        return self.fail("a value")

    def attempt(self, rule: Callable[[], Any]) -> Any:
        before = self.at
        try:
            return rule()
        except SyntaxError:
            self.at = before
            return None

    def fail(self, what: str) -> NoReturn:
        if self.at > self.furthest:
            self.furthest, self.wanted = self.at, set()
        if self.at == self.furthest:
            self.wanted.add(what)
        line = self.text.count("\n", 0, self.furthest) + 1
        column = self.furthest - self.text.rfind("\n", 0, self.furthest)
        raise SyntaxError(f"line {line}, column {column}: wanted {' or '.join(sorted(self.wanted))}")
