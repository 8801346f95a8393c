"""The command: what it takes, what it prints, how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest
from click.testing import CliRunner

from shipper.cli.import_ import import_, progress_text
from shipper.errors import UsageError
from shipper.history.checkpoint import Books
from shipper.history.job import Seen

if TYPE_CHECKING:
    from pathlib import Path

ROW = {"timestamp": "2024-05-01T12:00:00Z", "request": {"messages": []}, "response": {"choices": []}}


@pytest.fixture
def usual_collections(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command's process is its own; the tests' is not."""
    monkeypatch.setattr("gc.set_threshold", lambda *_: None)  # pyright: ignore[reportUnknownLambdaType]


@pytest.mark.usefixtures("usual_collections")
def test_a_stream_into_a_file(tmp_path: Path) -> None:
    """Standard input is a source; in a pipe the outcome is JSON; rejects end with code 1, and can be tried again."""
    out, rejects, again = tmp_path / "out", tmp_path / "rejects", tmp_path / "again"
    lines = orjson.dumps(ROW) + b"\nbroken\n" + orjson.dumps(ROW)
    arguments = ["-", "--app", "x", "--to", str(out), "--rejects", str(rejects)]
    done = CliRunner().invoke(import_, arguments, input=lines)
    summary = orjson.loads(done.stdout)
    assert done.exit_code == 1
    assert (summary["accepted"], summary["delivered"], summary["rejected"]) == (3, 2, 1)
    assert summary["reasons"] == {"malformed_json": 1}
    kept = orjson.loads(rejects.read_bytes())
    rejects.write_bytes(orjson.dumps({**kept, "original": orjson.dumps(ROW).decode()}))
    done = CliRunner().invoke(import_, ["--rejects-of", str(rejects), "--app", "x", "--to", str(again)])
    assert done.exit_code == 0
    assert orjson.loads(again.read_bytes())["llm"]["import"]["line"] == 2


@pytest.mark.usefixtures("usual_collections")
@pytest.mark.parametrize(
    "arguments",
    [[], ["a.jsonl", "--rejects-of", "rejects"], ["--rejects-of", "rejects", "--rejects", "rejects"]],
)
def test_wishes_that_contradict_each_other(tmp_path: Path, arguments: list[str]) -> None:
    """Nothing to import, or two things at once, or a file that is read and written, is told before anything is done."""
    rejects = tmp_path / "rejects"
    rejects.write_bytes(b"")
    done = CliRunner().invoke(import_, [str(rejects) if one == "rejects" else one for one in arguments])
    assert isinstance(done.exception, UsageError)
    assert rejects.read_bytes() == b""


def test_the_line_on_a_terminal() -> None:
    """Rows, rate, share and time to go where the size is known, and rejects."""
    seen = Seen("a", 2000, 25_000_000, 100_000_000)
    assert (
        progress_text(seen, Books(rejected=3), 10.0)
        == "2,000 rows, 200/s, 25% of 100 MB, 0:00:30 to go, 3 rejected"
    )
    assert progress_text(Seen("-", 2000, 0, None), Books(), 10.0) == "2,000 rows, 200/s, 0 rejected"
