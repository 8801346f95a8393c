"""The command: what it takes, what it prints, how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from click.testing import CliRunner

from shipper.cli.import_ import import_, progress_text
from shipper.errors import UsageError
from shipper.history.checkpoint import Books
from shipper.history.plan import Seen

if TYPE_CHECKING:
    from pathlib import Path

ROW: dict[str, Any] = {
    "timestamp": "2024-05-01T12:00:00Z",
    "request": {"messages": []},
    "response": {"choices": []},
}


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
    assert {path.stat().st_mode & 0o777 for path in (out, rejects)} == {0o600}  # they hold prompts
    kept = orjson.loads(rejects.read_bytes())
    rejects.write_bytes(orjson.dumps({**kept, "original": orjson.dumps(ROW).decode()}))
    done = CliRunner().invoke(import_, ["--rejects-of", str(rejects), "--app", "x", "--to", str(again)])
    assert done.exit_code == 0
    assert orjson.loads(again.read_bytes())["llm"]["import"]["line"] == 2


@pytest.mark.usefixtures("usual_collections")
@pytest.mark.parametrize(
    "arguments",
    [[], ["--rejects-of", "rejects", "--rejects", "rejects"]],
)
def test_wishes_that_contradict_each_other(tmp_path: Path, arguments: list[str]) -> None:
    """Nothing to import, or a file that is read and written, is told before anything is done."""
    rejects = tmp_path / "rejects"
    rejects.write_bytes(b"")
    done = CliRunner().invoke(import_, [str(rejects) if one == "rejects" else one for one in arguments])
    assert isinstance(done.exception, UsageError)
    assert rejects.read_bytes() == b""


@pytest.mark.usefixtures("usual_collections")
def test_rejects_find_what_they_refer_to(tmp_path: Path) -> None:
    """An answer of a batch that was mended finds its request in the file beside, which is not imported itself."""
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "asked"}]}
    asked = [{"custom_id": f"c{number}", "method": "POST", "url": "/v1", "body": body} for number in (1, 2)]
    (tmp_path / "requests.jsonl").write_bytes(b"\n".join(orjson.dumps(one) for one in asked))
    answer = {**ROW["response"], "created": 1_715_000_000}
    mended = {
        "id": "batch_req_1",
        "custom_id": "c1",
        "response": {"status_code": 200, "request_id": "r1", "body": answer},
        "error": None,
    }
    reject = {"source": "output.jsonl", "line": 3, "format": "openai-batch", "reason": "malformed_json"}
    rejects, out = tmp_path / "rejects", tmp_path / "out"
    rejects.write_bytes(orjson.dumps({**reject, "original": orjson.dumps(mended).decode()}))
    arguments = [str(tmp_path / "requests.jsonl"), "--rejects-of", str(rejects), "--to", str(out)]
    done = CliRunner().invoke(import_, arguments)
    assert done.exit_code == 0
    (document,) = [orjson.loads(line) for line in out.read_bytes().splitlines()]
    assert document["llm"]["input"]["text"] == "asked"
    assert document["llm"]["import"]["line"] == 3


@pytest.mark.usefixtures("usual_collections")
def test_rejects_find_each_other(tmp_path: Path) -> None:
    """A request that was mended too is found by its answer; it is no call without an answer then."""
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "asked"}]}
    asked = {"custom_id": "c1", "method": "POST", "url": "/v1", "body": body}
    response = {"status_code": 200, "request_id": "r1", "body": {**ROW["response"], "created": 1_715_000_000}}
    answered = {"id": "batch_req_1", "custom_id": "c1", "response": response, "error": None}
    rejects, out = tmp_path / "rejects", tmp_path / "out"
    with rejects.open("wb") as file:
        for number, value in enumerate((asked, answered), 1):
            reject = {"source": "both.jsonl", "line": number, "format": "openai-batch"}
            reject |= {"reason": "malformed_json", "original": orjson.dumps(value).decode()}
            file.write(orjson.dumps(reject) + b"\n")
    done = CliRunner().invoke(import_, ["--rejects-of", str(rejects), "--to", str(out)])
    assert done.exit_code == 0
    (document,) = [orjson.loads(line) for line in out.read_bytes().splitlines()]
    assert document["llm"]["input"]["text"] == "asked"


def test_the_line_on_a_terminal() -> None:
    """Rows, rate, share and time to go where the size is known, and rejects."""
    seen = Seen("a", 2000, 25_000_000, 100_000_000)
    assert (
        progress_text(seen, Books(rejected=3), 10.0)
        == "2,000 rows, 200/s, 25% of 100 MB, 0:00:30 to go, 3 rejected"
    )
    assert progress_text(Seen("-", 2000, 0, None), Books(), 10.0) == "2,000 rows, 200/s, 0 rejected"
