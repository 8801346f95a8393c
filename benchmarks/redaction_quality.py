"""How much redaction finds, and how much wrongly: on sets that others labelled, and on one that the tests make.

The sets of others are read from the folder that `SHIPPER_TEST_DATA` names (see tests/unit/redact/labelled.py);
names and places are measured where spaCy and a model are installed (`SHIPPER_BENCH_SPACY` names the model).
"""

from __future__ import annotations

import os
import time
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

from benchmarks.measure import table
from shipper.redact import Span, names_and_places
from shipper.redact.redactor import spans_in
from tests.unit.redact import labelled, made

HEAD = ["kind", "labelled", "found", "found wrongly", "precision", "recall"]


def main() -> str:
    """Measure; the report."""
    parts = [
        _table("Made by the tests (`tests/unit/redact/made.py`)", labelled.scores(made.texts(300))),
        _innocent(),
    ]
    folder = Path(os.environ.get("SHIPPER_TEST_DATA", "")) / "redaction"
    if folder.is_dir():
        texts = labelled.presidio(folder)
        parts.append(
            _table("presidio-research, `synth_dataset_v2.json`, 1,500 texts", labelled.scores(texts))
        )
        parts.append(_lines(folder))
        if find_spec("spacy") is not None:
            parts.append(_names(folder))
    return "\n\n".join(parts)


def _table(title: str, scores: dict[str, labelled.Score]) -> str:
    rows = [
        [
            kind,
            str(one.found + one.missed),
            str(one.found),
            str(one.wrong),
            f"{one.precision:.3f}",
            f"{one.recall:.3f}",
        ]
        for kind, one in scores.items()
    ]
    return f"### {title}\n\n{table(HEAD, rows)}"


def _innocent() -> str:
    """What resembles personal data and is none."""
    seen, wrong = Counter[str](), Counter[str]()
    for name, text in made.innocent(300):
        seen[name] += 1
        wrong[name] += bool(spans_in(text))
    rows = [[name, str(seen[name]), str(wrong[name])] for name in seen]
    return f"### What resembles personal data and is none\n\n{table(['texts with', 'texts', 'found wrongly'], rows)}"


def _lines(folder: Path) -> str:
    """Secrets, by line."""
    ours = [one for one in labelled.gitleaks(folder) if one.source in labelled.NAMED]
    sets = {
        "gitleaks' samples, issuers whose keys are looked for by their form": ours,
        "gitleaks' samples, all rules": labelled.gitleaks(folder),
        "detect-secrets' test cases, all detectors": labelled.detect_secrets(folder),
    }
    scores = {
        name: labelled.Score(*map(sum, zip(*labelled.line_scores(lines).values(), strict=True)))
        for name, lines in sets.items()
    }
    return _table("Lines with and without a secret", scores)


def _names(folder: Path) -> str:
    """Names and places, by a model."""
    import spacy

    model = os.environ.get("SHIPPER_BENCH_SPACY", "en_core_web_sm")
    meta = spacy.load(model).meta
    finder = names_and_places(model)
    texts = labelled.presidio(folder, labelled.NAMES)
    began = time.thread_time()
    found = {text: [Span(*one) for one in finder(text)] for text, _ in texts}
    speed = sum(len(text.encode()) for text, _ in texts) / (time.thread_time() - began) / 1e3
    scores = labelled.scores(texts, lambda text: found[text])
    title = f"presidio-research, names and places by spaCy's {meta['lang']}_{meta['name']} {meta['version']}, {speed:.0f} kB/s"
    return _table(title, scores)


if __name__ == "__main__":
    print(main())
