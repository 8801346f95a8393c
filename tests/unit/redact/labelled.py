"""Labelled material from elsewhere, when it is there, and how well the finders do on it.

The folder is `redaction` in the recorded material (`SHIPPER_TEST_DATA`). It may hold, each under its project's name:

- `presidio-research/synth_dataset_v2.json`: 1,500 texts with labelled spans (github.com/microsoft/presidio-research,
  `data/`), made from templates and Faker;
- `gitleaks/*.go`: the rules with the true and false positives that each is validated by
  (github.com/gitleaks/gitleaks, `cmd/generate/config/rules/`);
- `detect-secrets/*_test.py`: the parametrised tests of each detector (github.com/Yelp/detect-secrets, `tests/plugins/`).
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from shipper.redact import SECRETS, Span
from shipper.redact.redactor import spans_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path


class Text(NamedTuple):
    """A text, and what is in it: start, end, kind."""

    text: str
    spans: tuple[tuple[int, int, str], ...]


class Line(NamedTuple):
    """A line of which somebody else said whether it holds a secret."""

    source: str
    text: str
    secret: bool


NAMED = frozenset(
    [
        *(
            "1password",
            "age",
            "anthropic",
            "atlassian",
            "aws",
            "azure",
            "curl",
            "databricks",
            "digitalocean",
            "discord",
        ),
        *(
            "facebook",
            "flyio",
            "gcp",
            "github",
            "gitlab",
            "grafana",
            "hashicorp_vault",
            "huggingface",
            "jwt",
            "linear",
        ),
        *(
            "mailchimp",
            "mailgun",
            "notion",
            "npm",
            "openai",
            "perplexity",
            "postman",
            "privatekey",
            "pulumi",
            "pypi",
        ),
        *(
            "rubygems",
            "sendgrid",
            "sentry",
            "shopify",
            "slack",
            "sourcegraph",
            "square",
            "stripe",
            "telegram",
        ),
    ]
)
"""The issuers in gitleaks' rules whose keys are looked for by their form; the others are found by their name at best."""


class Score(NamedTuple):
    """How many were found, found wrongly, and missed."""

    found: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        return self.found / (self.found + self.wrong) if self.found + self.wrong else 1.0

    @property
    def recall(self) -> float:
        return self.found / (self.found + self.missed) if self.found + self.missed else 1.0


def scores(texts: Iterable[Text], find: Callable[[str], Iterable[Span]] = spans_in) -> dict[str, Score]:
    """For each kind. A label counts as found when it is covered entirely by a span of its kind."""
    found, wrong, missed = Counter[str](), Counter[str](), Counter[str]()
    for text, labels in texts:
        spans = list(find(text))
        for start, end, kind in labels:
            whole = any(span.start <= start and span.end >= end and span.kind == kind for span in spans)
            (found if whole else missed)[kind] += 1
        for span in spans:
            touches = any(
                span.start < end and span.end > start and span.kind == kind for start, end, kind in labels
            )
            if not touches:
                wrong[span.kind] += 1
    kinds = found.keys() | wrong.keys() | missed.keys()
    return {kind: Score(found[kind], wrong[kind], missed[kind]) for kind in sorted(kinds)}


def line_scores(lines: Iterable[Line]) -> dict[str, Score]:
    """For each source: whether lines with a secret had one found, and lines without had none."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for source, text, secret in lines:
        hit = any(span.kind in SECRETS for span in spans_in(text))
        if hit or secret:
            counts[source][0 if hit and secret else 1 if hit else 2] += 1
    return {source: Score(*count) for source, count in sorted(counts.items())}


PATTERNS = {
    "CREDIT_CARD": "CARD",
    "PHONE_NUMBER": "PHONE",
    "EMAIL_ADDRESS": "EMAIL",
    "IBAN_CODE": "IBAN",
    "US_SSN": "NATIONAL_ID",
    "IP_ADDRESS": "IP",
}
"""presidio-research's labels and our kinds."""
NAMES = {"PERSON": "NAME", "GPE": "PLACE", "STREET_ADDRESS": "PLACE"}
"""Those that a model is needed for."""


def presidio(folder: Path, kinds: Mapping[str, str] = PATTERNS) -> list[Text]:
    """The texts of presidio-research, with the labels of these kinds."""
    samples = json.loads((folder / "presidio-research" / "synth_dataset_v2.json").read_text("utf-8"))
    return [
        Text(
            sample["full_text"],
            tuple(
                (span["start_position"], span["end_position"], kinds[span["entity_type"]])
                for span in sample["spans"]
                if span["entity_type"] in kinds
            ),
        )
        for sample in samples
    ]


def gitleaks(folder: Path) -> list[Line]:
    """The literal samples of gitleaks' rules, each under its file's name."""
    return [
        Line(path.stem, text, secret)
        for path in sorted((folder / "gitleaks").glob("*.go"))
        for text, secret in _go_samples(path.read_text("utf-8"))
    ]


_BLOCK = re.compile(r"\b(tps|fps)\s*:?=\s*")
_NAMED = re.compile(r'(?<=GenerateSampleSecret)s?\(\s*"[^"]*"\s*,')  # the first argument is a name
_PART = re.compile(
    r"\]\{|%s|\A.{0,11}\Z|\A[\w./-]+\.[A-Za-z]\w{2,5}\Z|\A[^0-9=: ]{0,30}\Z"
)  # of a pattern; a file, a word
_LITERAL = re.compile(r'`([^`]*)`|"((?:[^"\\\n]|\\.)*)"|//[^\n]*|([-+(){}\[\],\n])')


def _go_samples(source: str) -> Iterator[tuple[str, bool]]:
    """The string literals in what is assigned to `tps` and `fps`, but for those that only are a part of a sample."""
    source = _NAMED.sub("(", source)
    for block in _BLOCK.finditer(source):
        depth = 0
        tokens: list[tuple[str, str]] = []
        for token in _LITERAL.finditer(source, block.end()):
            mark = token[3]
            if mark == "\n" and depth == 0:
                break
            if mark:
                depth += (mark in "({[") - (mark in ")}]")
                tokens.append(("mark", mark))
            elif token[0].startswith("//"):
                continue
            else:
                tokens.append(
                    ("text", token[1] if token[1] is not None else ast.literal_eval(f'"{token[2]}"'))
                )
        yield from ((text, block[1] == "tps") for text in _whole(tokens))


def _whole(tokens: list[tuple[str, str]]) -> Iterator[str]:
    for place, (kind, text) in enumerate(tokens):
        around = {
            tokens[place - 1] if place else None,
            tokens[place + 1] if place + 1 < len(tokens) else None,
        }
        if kind == "text" and not _PART.search(text) and ("mark", "+") not in around:
            yield text


def detect_secrets(folder: Path) -> list[Line]:
    """The parametrised cases of detect-secrets' tests: (line, whether to flag it), each under its file's name."""
    lines: list[Line] = []
    for path in sorted((folder / "detect-secrets").glob("*_test.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Tuple) and len(node.elts) == 2):
                continue
            try:
                text, flagged = ast.literal_eval(node)
            except ValueError:
                continue
            if isinstance(text, str) and isinstance(flagged, bool):
                lines.append(Line(path.stem.removesuffix("_test"), text, flagged))
    return lines
