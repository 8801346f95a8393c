"""LiteLLM's spend logs out of a real PostgreSQL: the one of SHIPPER_TEST_POSTGRES_URL, or one that is started here."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson
import pytest

from shipper.errors import UsageError
from shipper.history import import_history
from shipper.history.event import Place
from shipper.history.sources.postgres import SpendLogs
from shipper.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

psycopg = pytest.importorskip("psycopg")

TABLE = """
    CREATE SCHEMA proxy;
    CREATE TABLE proxy."LiteLLM_SpendLogs" (
        request_id text PRIMARY KEY, call_type text NOT NULL, api_key text NOT NULL DEFAULT '',
        spend double precision NOT NULL DEFAULT 0, total_tokens integer, prompt_tokens integer,
        completion_tokens integer, "startTime" timestamp(3) NOT NULL, "endTime" timestamp(3) NOT NULL,
        "completionStartTime" timestamp(3), model text NOT NULL DEFAULT '', "user" text, metadata jsonb,
        custom_llm_provider text, request_tags jsonb, end_user text, messages jsonb, response jsonb
    );
"""
CALL = """
    INSERT INTO proxy."LiteLLM_SpendLogs" VALUES (%s, 'acompletion', 'hashed', 0.00012, 25, 20, 5, %s, %s, %s,
    'gpt-4o', 'u', '{"team": "x"}', 'openai', '["web"]', 'cust-1', %s, %s)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server's address."""
    if url := os.environ.get("SHIPPER_TEST_POSTGRES_URL"):
        yield url
        return
    if not (shutil.which("initdb") and shutil.which("postgres")):
        pytest.skip("no PostgreSQL here: SHIPPER_TEST_POSTGRES_URL names none, and none is installed")
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    user: dict[str, Any] = {}
    if os.getuid() == 0:  # it refuses to run as root
        shutil.chown(folder, "nobody")
        user = {"user": "nobody", "cwd": folder}
    data = folder / "data"
    try:
        subprocess.run(
            ["initdb", "-D", data, "-U", "litellm", "-A", "trust", "-N"],
            check=True,
            capture_output=True,
            **user,
        )
        command = ["postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **user)
        try:
            assert process.stderr is not None
            for line in process.stderr:
                if "ready to accept connections" in line:
                    break
            yield f"postgresql://litellm@/postgres?host={quote(str(folder), safe='')}"
        finally:
            process.terminate()
            process.communicate()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def url(server: str) -> Iterator[str]:
    """The address of the table, as LiteLLM is given it, with a few calls in it."""
    with psycopg.connect(server) as connection:
        connection.execute("DROP SCHEMA IF EXISTS proxy CASCADE")
        connection.execute(TABLE)
        for number in range(5):
            start = f"2024-09-01 10:00:0{4 - number}.25"
            said = {"id": f"chatcmpl-{number}", "object": "chat.completion", "model": "gpt-4o-2024-08-06"}
            said |= {"choices": [{"index": 0, "message": {"role": "assistant", "content": "9.99 €"}}]}
            asked = orjson.dumps([{"role": "user", "content": f"Price of {number}?"}]).decode()
            times = (start, f"2024-09-01 10:00:0{5 - number}", None)
            connection.execute(CALL, (f"req-{number}", *times, asked, orjson.dumps(said).decode()))
    separator = "&" if "?" in server else "?"
    yield f"{server}{separator}schema=proxy&connection_limit=5"
    with psycopg.connect(server) as connection:
        connection.execute("DROP SCHEMA IF EXISTS proxy CASCADE")


def test_spend_logs_of_a_database(url: str, tmp_path: Path) -> None:
    """Calls come with their times, oldest first; twice is once; the address's credentials are nowhere."""
    settings = Settings(home=tmp_path / "home")
    output = tmp_path / "out.ndjson"
    report = import_history(url, app="proxy", version="1", to=str(output), settings=settings)
    assert (report.books.delivered, report.books.rejected) == (5, 0)
    documents = [orjson.loads(line) for line in output.read_bytes().splitlines()]
    assert [one["event"]["id"] for one in documents] == [f"req-{number}" for number in (4, 3, 2, 1, 0)]
    first = documents[0]
    assert first["@timestamp"] == "2024-09-01T10:00:00.250000Z"
    assert first["event"]["end"] == "2024-09-01T10:00:01.000000Z"
    assert first["llm"]["input"]["text"] == "Price of 4?"
    assert first["llm"]["output"]["text"] == "9.99 €"
    assert first["llm"]["attributes"]["request"]["metadata"] == {"team": "x"}
    assert first["llm"]["import"]["source"] == "litellm"
    assert "litellm@" not in first["llm"]["import"]["file"]


def test_reading_goes_on_at_a_time(url: str) -> None:
    """From a row's end on come this row's moment and all later ones, so that none is missed."""
    source = SpendLogs(url)
    rows = list(source.rows())
    again = list(source.rows(rows[2].next))
    assert [row.value["request_id"] for row in again] == [row.value["request_id"] for row in rows[2:]]
    assert rows[2].next == Place(3, 1_725_184_802_250_000)


def test_what_is_wrong_with_a_database_is_said(url: str, server: str) -> None:
    """A missing table and a missing database are told, without the password."""
    with pytest.raises(UsageError, match="LiteLLM_SpendLogs"):
        list(SpendLogs(server).rows())
    with pytest.raises(UsageError) as caught:
        list(SpendLogs("postgresql://me:secret@127.0.0.1:1/none").rows())
    assert "secret" not in str(caught.value)
    assert "127.0.0.1:1/none" in str(caught.value)
