"""What capture adds to a call of the openai package, on a local server that answers at once: ours and the peers.

Each client runs in a process of its own. They take turns many times, a few calls and one stream each, so that a busy
machine is busy for all alike; what a client adds is the median of its differences to the bare client in the same turn.
Times are those of the calling thread on the processor: what the caller loses, whatever else the machine does. Nothing
is sent to a store while this measures: ours only spools, the peers' exporters drop what they get.

Then our async client alone: the longest single stretch in which it holds the event loop's thread.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from benchmarks.measure import REQUEST, RESPONSE, machine, release_of, table

if TYPE_CHECKING:
    from collections.abc import Callable

TURNS = 80
CALLS = 10
CHUNKS = 400
LOOPS = ((1_000, 20), (1_000, 100), (10, 5_000))
"""Concurrent streams in one event loop, and the chunks of each."""


def main() -> str:
    """Measure all; the report."""
    port = serve_in_background()
    clients = {name: _start(name, port) for name in CLIENTS}
    turns = [{name: _turn(client) for name, client in clients.items()} for _ in range(TURNS)]
    for client in clients.values():
        client.communicate(timeout=60)
    lines: list[list[str]] = []
    for name in CLIENTS:
        call, chunk = (statistics.median(turn[name][part] for turn in turns) for part in (0, 1))
        more = [statistics.median(turn[name][part] - turn["bare"][part] for turn in turns) for part in (0, 1)]
        added = ["", ""] if name == "bare" else [f"{more[0]:.0f}", f"{more[1]:.1f}"]
        lines.append([LABELS[name], f"{call:.0f}", added[0], f"{chunk:.1f}", added[1]])
    head = ["client", "call p50, µs", "added, µs", "per streamed chunk p50, µs", "added, µs"]
    calls = (
        f"## Overhead of capturing the openai package\n\n{release_of('openai')}; {machine()}; {TURNS} turns of {CALLS} "
        f"calls and a stream of {CHUNKS} chunks; processor time of the calling thread; load average {os.getloadavg()[0]:.0f}.\n\n{table(head, lines)}"
    )
    return f"{calls}\n\n{_stretches(port)}"


def _stretches(port: int) -> str:
    """The longest stretches of ours in an event loop."""
    lines: list[list[str]] = []
    for streams, chunks in LOOPS:
        command = [
            sys.executable,
            "-m",
            "benchmarks.openai_overhead",
            "loop",
            str(port),
            str(streams),
            str(chunks),
        ]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        longest, where, typical = orjson.loads(done.stdout)
        lines.append([f"{streams:,}", f"{chunks:,}", f"{longest:.2f}", f"`{where}`", f"{typical:.2f}"])
    head = [
        "concurrent streams",
        "chunks of each",
        "longest stretch of ours in the loop, ms",
        "in",
        "p99.9, ms",
    ]
    return f"### The event loop of our async client\n\n{table(head, lines)}"


def _start(name: str, port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "benchmarks.openai_overhead", name, str(port)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def _turn(client: subprocess.Popen[bytes]) -> tuple[float, float]:
    """Microseconds of a call, and of a chunk."""
    assert client.stdin is not None
    assert client.stdout is not None
    client.stdin.write(b"go\n")
    client.stdin.flush()
    call, chunk = orjson.loads(client.stdout.readline())
    return call, chunk


# -- one client, in its own process ---------------------------------------------------------------------------


def take_turns(name: str, port: int) -> None:
    """Measure one client each time that a line comes, until none does."""
    client = CLIENTS[name](f"http://127.0.0.1:{port}/v1")
    create = client.chat.completions.create

    def read_stream() -> None:
        for _ in create(**REQUEST, stream=True):
            pass

    times_of(lambda: create(**REQUEST), 50)
    times_of(read_stream, 3)
    for _ in sys.stdin:
        call = statistics.median(times_of(lambda: create(**REQUEST), CALLS))
        sys.stdout.write(orjson.dumps([call, times_of(read_stream, 1)[0] / CHUNKS]).decode() + "\n")
        sys.stdout.flush()


def times_of(action: Callable[[], object], count: int) -> list[float]:
    """Times of an action, microseconds."""
    times: list[float] = []
    for _ in range(count):
        began = time.thread_time_ns()
        action()
        times.append((time.thread_time_ns() - began) / 1e3)
    return times


def bare(url: str) -> Any:
    """Openai's own."""
    import openai

    return openai.OpenAI(base_url=url, api_key="k")


def ours(url: str) -> Any:
    """Shipper's."""
    from shipper.openai import CaptureConfig, OpenAI
    from shipper.settings import Settings

    settings = Settings(home=Path(tempfile.mkdtemp()), send="none")
    return OpenAI(base_url=url, api_key="k", shipper=CaptureConfig(settings=settings))


def opentelemetry(url: str) -> Any:
    """OpenTelemetry's instrumentation, with content."""
    from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

    class Drop(SpanExporter):
        def export(self, spans: Any) -> SpanExportResult:  # noqa: ARG002 - the interface's
            return SpanExportResult.SUCCESS

    os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "SPAN_ONLY"
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Drop()))
    OpenAIInstrumentor().instrument(tracer_provider=provider)
    return bare(url)


def langfuse(url: str) -> Any:
    """Langfuse's drop-in client; its exporter talks to the same local server."""
    from langfuse import Langfuse
    from langfuse.openai import OpenAI

    Langfuse(public_key="pk", secret_key="sk", base_url=url.removesuffix("/v1"))
    return OpenAI(base_url=url, api_key="k")


CLIENTS: dict[str, Callable[[str], Any]] = {
    "bare": bare,
    "ours": ours,
    "opentelemetry": opentelemetry,
    "langfuse": langfuse,
}
LABELS = {
    "bare": release_of("openai"),
    "ours": "llm-shipper",
    "opentelemetry": release_of("opentelemetry-instrumentation-openai-v2"),
    "langfuse": release_of("langfuse"),
}


# -- our async client, in its own process -------------------------------------------------------------------


def hold_the_loop(port: int, streams: int, chunks: int) -> list[Any]:
    """The longest stretch of ours, milliseconds, the method that it was in, and the 99.9th percentile."""
    from shipper.openai import AsyncOpenAI, CaptureConfig
    from shipper.openai.capture import Capture
    from shipper.openai.exchange import Exchange
    from shipper.settings import Settings

    stretches: list[tuple[float, str]] = []

    def timed(owner: type, name: str) -> None:
        method = getattr(owner, name)

        def measured(*args: Any) -> Any:
            began = time.thread_time()
            try:
                return method(*args)
            finally:
                stretches.append(((time.thread_time() - began) * 1e3, name))

        setattr(owner, name, measured)

    async def read(client: Any) -> None:
        async for _ in await client.chat.completions.create(**REQUEST, stream=True, max_tokens=chunks):
            pass

    async def read_all() -> None:
        settings = Settings(home=Path(tempfile.mkdtemp()), send="none")
        config = CaptureConfig(settings=settings)
        url = f"http://127.0.0.1:{port}/v1"
        async with AsyncOpenAI(base_url=url, api_key="k", timeout=600, shipper=config) as client:
            await read(client)  # the first opens the spool
            stretches.clear()
            await asyncio.gather(*[read(client) for _ in range(streams)])

    for name in ("responded", "returned", "took", "catch_up", "closed", "marked"):
        timed(Exchange, name)
    timed(Capture, "begin")
    asyncio.run(read_all())
    stretches.sort()
    return [*stretches[-1], stretches[len(stretches) * 999 // 1_000][0]]


# -- the server, in its own process ---------------------------------------------------------------------------


def serve_in_background() -> int:
    """Start the server; its port."""
    ports: multiprocessing.Queue[int] = multiprocessing.Queue()
    multiprocessing.Process(target=serve, args=(ports,), daemon=True).start()
    return ports.get(timeout=30)


def serve(ports: multiprocessing.Queue[int]) -> None:
    """Answer every request at once with bytes made beforehand."""
    _allow_connections()
    server = socket.create_server(("127.0.0.1", 0), backlog=2_048)
    ports.put(server.getsockname()[1])
    answer = answer_bytes()
    while True:
        connection, _ = server.accept()
        threading.Thread(target=talk, args=(connection, answer), daemon=True).start()


def _allow_connections() -> None:
    """More open files than the 1,024 that many systems begin with."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def talk(connection: socket.socket, answer: bytes) -> None:
    """One connection."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    received = b""
    while True:
        while b"\r\n\r\n" not in received:
            more = connection.recv(65_536)
            if not more:
                return
            received += more
        head, _, body = received.partition(b"\r\n\r\n")
        lengths = [line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        length = int(lengths[0]) if lengths else 0
        while len(body) < length:
            body += connection.recv(65_536)
        asked, received = body[:length], body[length:]
        request = orjson.loads(asked) if asked.startswith(b"{") else {}  # a peer's exporter sends no JSON
        streams = request.get("stream")
        connection.sendall(stream_bytes(request.get("max_tokens", CHUNKS)) if streams else answer)


def answer_bytes() -> bytes:
    """A completion as HTTP."""
    body = orjson.dumps(RESPONSE)
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
        len(body),
        body,
    )


@cache
def stream_bytes(chunks: int) -> bytes:
    """A stream as HTTP, each event a chunk of the transfer."""
    head = {key: RESPONSE[key] for key in ("id", "created", "model", "system_fingerprint")}
    events = [
        {"index": 0, "delta": {"content": f"word{n} "}, "finish_reason": None} for n in range(chunks - 1)
    ]
    events.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    parts = [
        b"data: %b\n\n" % orjson.dumps({**head, "object": "chat.completion.chunk", "choices": [event]})
        for event in events
    ]
    body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in [*parts, b"data: [DONE]\n\n"])
    begin = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return begin + body + b"0\r\n\r\n"


if __name__ == "__main__":
    if sys.argv[1] == "loop":
        _allow_connections()
        sys.stdout.buffer.write(orjson.dumps(hold_the_loop(*map(int, sys.argv[2:]))))
    else:
        take_turns(sys.argv[1], int(sys.argv[2]))
