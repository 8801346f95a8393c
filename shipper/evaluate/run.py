"""Evaluation: the calls of a query, what is true of them, and the checks; each result can be sent as feedback."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shipper.capture.application import Application
from shipper.capture.feedback import send_judgement
from shipper.read.figures import text_at, value_at
from shipper.read.search import search

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from elasticsearch import Elasticsearch

    from shipper.evaluate.checks import Check, Verdict
    from shipper.evaluate.truths import Truths
    from shipper.read.query import Query

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Result:
    """One check of one call."""

    check: str
    verdict: Verdict
    completion: Mapping[str, Any]
    choice: int | None

    @property
    def version(self) -> str:
        """The application's version that answered."""
        return text_at(self.completion, "service.version") or "unversioned"


def evaluate(
    client: Elasticsearch, query: Query, truths: Truths, checks: Sequence[Check]
) -> Iterator[Result]:
    """Check every call of the query that has an answer, and a truth where the check needs one.

    Raises:
        UsageError: the query has too many words, or a check can't be used as it is.
        ApiError, TransportError: the store refused or did not answer.
        Exception: whatever a check of the user's own raises.
    """
    hits = search(client, query)
    while batch := [hit.document for hit in itertools.islice(hits, _BATCH)]:
        for completion, truth in zip(batch, truths.of(batch), strict=True):
            choice = truth.choice if truth is not None else None
            answer = answer_of(completion, choice)
            if answer is None:
                continue
            for check in checks:
                if truth is None and check.needs_truth:
                    continue
                verdict = check.judge(answer, None if truth is None else truth.value, completion)
                if verdict is not None:
                    yield Result(check.name, verdict, completion, choice)


def send(results: Iterable[Result]) -> int:
    """Send results as feedback of kind evaluator; a later run of the same check replaces an earlier one.

    Returns:
        How many were sent.

    Raises:
        SettingsError: the environment or the settings file is wrong.
    """
    applications: dict[str, Application] = {}
    sent = 0
    for result in results:
        name = text_at(result.completion, "llm.application.name") or "default"
        application = applications.setdefault(name, Application(name))
        send_judgement(
            text_at(result.completion, "event.id"),
            {
                "name": result.check,
                "value": result.verdict.score,
                "comment": result.verdict.comment or None,
                "author": f"evaluate:{result.check}",
                "author_kind": "evaluator",
                "choice_index": result.choice,
                "target_at": value_at(result.completion, "@timestamp"),
            },
            application=application,
        )
        sent += 1
    return sent


def answer_of(completion: Mapping[str, Any], choice: int | None = None) -> str | None:
    """The text of the answer that was used, or of a choice; None when there is none."""
    if choice is not None:
        choices: Any = value_at(completion, "llm.choices") or []
        for one in choices:
            if one.get("index") == choice and isinstance(one.get("text"), str):
                return one["text"]
        if choice != (value_at(completion, "llm.selected_choice_index") or 0):
            return None
    text = value_at(completion, "llm.output.text")
    return text if isinstance(text, str) else None
