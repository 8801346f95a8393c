"""What is exported, as it was asked for and as the store is asked. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from shipper.errors import UsageError
from shipper.export.finetune import wanted_scores
from shipper.export.formats import TABLES, Format, Name, make_format
from shipper.export.private import figures, redacting, without_content
from shipper.read.columns import Column, chosen
from shipper.read.query import Query, query_of
from shipper.read.scan import Selection

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipper.redact import Redactor

Dataset = Literal["completion", "feedback", "amendment", "deadletter", "delivery"]
DATASETS: Final[tuple[Dataset, ...]] = get_args(Dataset)

_INDICES: Final[dict[Dataset, str]] = {
    "completion": "llm-completions-*@*",
    "feedback": "llm-feedback-*@*",
    "amendment": "llm-feedback-*@*",
    "deadletter": "llm-deadletter-*@*",
    "delivery": "llm-delivery-*@*",
}
_COMPLETIONS: Final = ("completion",)
_EVERYWHERE: Final = frozenset({"app", "since", "until", "limit"})  # filters that any document can pass


@dataclass(frozen=True, slots=True)
class Plan:
    """An export."""

    form: Name
    query: Query = field(default_factory=Query)
    """Which documents; its limit does not count."""
    datasets: tuple[Dataset, ...] = _COMPLETIONS
    fields: tuple[str, ...] = ()
    """Names of fields, `*` for any part; none are all."""
    content: bool = True
    redactor: Redactor | None = None
    min_score: float | None = None
    """For fine-tuning: only what was judged so well, or corrected."""
    limit: int | None = None
    """Only so many, the newest."""

    def check(self) -> None:
        """Whether its parts fit together.

        Raises:
            UsageError: they don't.
        """
        if self.form != "ndjson" and len(self.datasets) > 1:
            raise UsageError(f"{self.form} has one dataset's shape: name one, or take ndjson.")
        if self.form not in ("ndjson", *TABLES) and self.datasets != _COMPLETIONS:
            raise UsageError(f"{self.form} is made of completions.")
        if self.datasets != _COMPLETIONS:
            none = Query()
            asked = [
                name
                for name in Query.__slots__
                if name not in _EVERYWHERE and getattr(self.query, name) != getattr(none, name)
            ]
            if asked:
                raise UsageError(
                    f"Only completions can be chosen by {', '.join(asked)}; other datasets by app, since and until."
                )
        if self.fields and self.form not in ("ndjson", *TABLES):
            raise UsageError(f"{self.form} has its own fields.")
        if self.form in ("openai-finetune", "openai-batch") and not self.content:
            raise UsageError(f"{self.form} is nothing but content.")
        if self.min_score is not None and self.form != "openai-finetune":
            raise UsageError("A minimum score is for openai-finetune.")

    def indices(self) -> str:
        """Where the documents are."""
        return ",".join(dict.fromkeys(_INDICES[dataset] for dataset in self.datasets))

    def columns(self) -> tuple[Column, ...]:
        """Of a table.

        Raises:
            UsageError: no field is called so.
        """
        return chosen(f"llm.{self.datasets[0]}", self.fields, content=self.content)

    def selection(self) -> Selection:
        """What the store is asked.

        Raises:
            UsageError: no field is called so, or the text has too many words.
        """
        filters: list[dict[str, Any]] = [query_of(self.query)]
        if self.min_score is not None:
            filters.append(wanted_scores(self.min_score))
        if set(self.datasets) != set(DATASETS) and self.datasets != _COMPLETIONS:
            filters.append({"terms": {"event.dataset": [f"llm.{dataset}" for dataset in self.datasets]}})
        return Selection({"bool": {"filter": filters}}, includes=self._includes(), limit=self.limit)

    def format(self) -> Format:
        """How pages are written.

        Raises:
            UsageError: no field is called so, or the format needs what is not installed.
        """
        columns = self.columns() if self.form in TABLES else ()
        return make_format(self.form, columns, self._change())

    def _change(self) -> Callable[[dict[str, Any]], dict[str, Any]] | None:
        redact = None if self.redactor is None else redacting(self.redactor)
        if self.content or redact is None:
            return redact if self.content else without_content
        return lambda document: without_content(redact(document))

    def described(self) -> dict[str, Any]:
        """What makes the files of two plans differ, but for what the store is asked."""
        redacted = "" if self.redactor is None else self.redactor.engine
        return {"form": self.form, "fields": self.fields, "content": self.content, "redacted": redacted}

    def figures_only(self) -> Plan:
        """The same without content."""
        return replace(self, content=False, redactor=None)

    def _includes(self) -> tuple[str, ...]:
        names = [f"llm.{dataset}" for dataset in self.datasets]
        if self.form not in TABLES and not self.fields:
            return () if self.content else figures(names)
        wanted = {column.name for name in names for column in chosen(name, self.fields)}
        if self.content:
            return tuple(sorted(wanted))
        return tuple(
            name for name in figures(names) if name in wanted or name.rpartition(".")[0] in wanted
        )  # of choices only parts are figures
