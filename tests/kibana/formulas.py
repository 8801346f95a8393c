"""Lens formulas, read anew: trees of aggregates and arithmetic, from text and from the columns that go with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

FUNCTIONS = {"count", "sum", "average", "min", "max", "percentile", "unique_count", "cumulative_sum"}
_MATH = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>\d+(?:\.\d+)?(?![\w.@]))
      | (?P<text>'(?:[^'\\]|\\.)*')
      | (?P<name>[\w.@]+)
      | (?P<sign>[-+*/(),=])
    )""",
    re.VERBOSE,
)


class FormulaError(ValueError):
    """The text is no formula."""


@dataclass(frozen=True)
class Leaf:
    """One aggregate."""

    operation: str
    field: str = ""
    percentile: float = 0
    kql: str = ""
    shift: str = ""
    empty_as_null: bool = False


@dataclass(frozen=True)
class Math:
    """Arithmetic of two trees."""

    sign: str
    left: Tree
    right: Tree


@dataclass(frozen=True)
class Cumulative:
    """The running sum of an aggregate."""

    of: Leaf


Tree = Leaf | Math | Cumulative | float


def parse(text: str) -> Tree:
    """The tree of a formula's text."""
    reader = _Reader(text)
    tree = reader.sum()
    if reader.at < len(reader.tokens):
        raise FormulaError(f"what is {reader.value()!r} in {text!r}?")
    return tree


def leaves(tree: Tree) -> list[Leaf]:
    """The aggregates of a tree, from left to right."""
    if isinstance(tree, Leaf):
        return [tree]
    if isinstance(tree, Cumulative):
        return [tree.of]
    return [*leaves(tree.left), *leaves(tree.right)] if isinstance(tree, Math) else []


def from_ast(node: Any, columns: dict[str, Leaf]) -> Tree:
    """The tree of a `math` column; names are those of other columns."""
    if isinstance(node, int | float):
        return float(node)
    if isinstance(node, str):
        if node not in columns:
            raise FormulaError(f"there is no column {node}")
        return columns[node]
    if node.get("type") != "function" or node.get("name") not in _MATH or len(node.get("args", ())) != 2:
        raise FormulaError(f"what is {node!r}?")
    left, right = (from_ast(one, columns) for one in node["args"])
    return Math(_MATH[node["name"]], left, right)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.tokens: list[tuple[str, str]] = []
        position = 0
        while position < len(text.rstrip()):
            found = _TOKEN.match(text, position)
            if found is None:
                raise FormulaError(f"what is {text[position:]!r}?")
            kind = str(found.lastgroup)
            self.tokens.append((kind, found[kind]))
            position = found.end()

    def value(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def kind(self) -> str:
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        found = self.value()
        if not found or (expected and found != expected):
            raise FormulaError(f"{expected or 'something'!r} is missing in {self.text!r}")
        self.at += 1
        return found

    def sum(self) -> Tree:
        tree = self.product()
        while self.value() in ("+", "-") and self.kind() == "sign":
            tree = Math(self.take(), tree, self.product())
        return tree

    def product(self) -> Tree:
        tree = self.atom()
        while self.value() in ("*", "/") and self.kind() == "sign":
            tree = Math(self.take(), tree, self.atom())
        return tree

    def atom(self) -> Tree:
        if self.kind() == "number":
            return float(self.take())
        if self.value() == "(":
            self.take()
            tree = self.sum()
            self.take(")")
            return tree
        if self.kind() != "name":
            raise FormulaError(f"a function is missing in {self.text!r}")
        return self.call(self.take())

    def call(self, name: str) -> Tree:
        if name not in FUNCTIONS:
            raise FormulaError(f"there is no function {name} ({self.text!r})")
        self.take("(")
        if name == "cumulative_sum":
            of = self.atom()
            self.take(")")
            if not isinstance(of, Leaf):
                raise FormulaError(f"a running sum of arithmetic: {self.text!r}")
            return Cumulative(of)
        field, named = "", {}
        while self.value() != ")":
            if field or named:
                self.take(",")
            word = self.take()
            if self.value() == "=":
                self.take()
                kind, said = self.kind(), self.take()
                named[word] = re.sub(r"\\(.)", r"\1", said[1:-1]) if kind == "text" else float(said)
            else:
                field = word
        self.take(")")
        unknown = set(named) - {"kql", "shift", "percentile"}
        if unknown or (name == "percentile") != ("percentile" in named) or (name != "count") != bool(field):
            raise FormulaError(f"wrong arguments of {name} in {self.text!r}")
        return Leaf(name, field, named.get("percentile", 0), named.get("kql", ""), named.get("shift", ""))
