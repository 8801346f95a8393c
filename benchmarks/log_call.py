"""What a log call costs the caller: ours, the floor, and what people use instead.

The floor is `orjson.dumps` and an `os.write` to a file opened for appending: what any log that survives the death
of its process has to do. Nothing sends while this measures; the store is away for all of them.
"""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import os
import queue
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from pythonjsonlogger.json import JsonFormatter

import shipper
from benchmarks.measure import REQUEST, RESPONSE, Timing, machine, release_of, table, time_calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RECORD = {"request": REQUEST, "response": RESPONSE}


def main(rounds: int = 3) -> str:
    """Measure all, each in a process of its own, in turn; the best of the rounds, since a busy machine only adds."""
    seen: dict[str, list[Timing]] = {}
    for _ in range(rounds):
        for name in PEERS:
            command = [sys.executable, "-m", "benchmarks.log_call", name]
            done = subprocess.run(command, capture_output=True, check=True, timeout=300)
            if done.stdout.strip():
                timing = Timing(**orjson.loads(done.stdout.splitlines()[-1]))
                seen.setdefault(name, []).append(timing)
    rows = [(name, min(timings, key=lambda one: one.p50)) for name, timings in seen.items()]
    floor = rows[0][1]
    lines = [
        [
            name,
            f"{one.p50:.1f}",
            f"{one.p99:.1f}",
            f"{one.p50 / floor.p50:.1f}×",
            f"{one.p99 / floor.p99:.1f}×",
        ]
        for name, one in rows
    ]
    size = len(orjson.dumps(RECORD))
    return (
        f"## A log call, in the caller's thread ({size} byte record)\n\n{machine()}; the best of {rounds} rounds\n\n"
        + table(["what", "p50 µs", "p99 µs", "p50 / floor", "p99 / floor"], lines)
    )


def measure(name: str) -> None:
    """Measure one and print its timing, unless its package is not installed."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, PEERS[name](Path(folder)) as call:
        if call is not None:
            print(orjson.dumps(asdict(time_calls(call))).decode(), flush=True)
            os._exit(0)  # what is still to be sent goes nowhere


@contextlib.contextmanager
def _floor(folder: Path) -> Iterator[Callable[[], object]]:
    descriptor = os.open(folder / "floor", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    yield lambda: os.write(descriptor, orjson.dumps(RECORD))
    os.close(descriptor)


def _settings(folder: Path, name: str, **options: Any) -> shipper.Settings:
    return shipper.Settings(home=folder / name, send="none", spool_max_bytes=1 << 34, **options)


@contextlib.contextmanager
def _logger(handler: logging.Handler) -> Iterator[logging.Logger]:
    logger = logging.Logger("benchmark", logging.INFO)
    logger.addHandler(handler)
    yield logger
    handler.close()


def _handler(durability: str) -> Callable[[Path], Any]:
    @contextlib.contextmanager
    def measure(folder: Path) -> Iterator[Callable[[], object]]:
        settings = _settings(folder, f"handler-{durability}", durability=durability)
        with _logger(shipper.CompletionHandler("bench", version="1", settings=settings)) as logger:
            yield lambda: logger.info("answered", extra={"completion": RECORD})

    return measure


@contextlib.contextmanager
def _application(folder: Path) -> Iterator[Callable[[], object]]:
    app = shipper.Application("bench", version="1", settings=_settings(folder, "application"))
    yield lambda: app.log_completion(REQUEST, RESPONSE)


@contextlib.contextmanager
def _queue_handler(folder: Path) -> Iterator[Callable[[], object]]:
    waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
    target = logging.FileHandler(folder / "queue")
    target.setFormatter(JsonFormatter())
    listener = logging.handlers.QueueListener(waiting, target)  # type: ignore[arg-type]
    listener.start()
    with _logger(logging.handlers.QueueHandler(waiting)) as logger:  # type: ignore[arg-type]
        yield lambda: logger.info("answered", extra={"completion": RECORD})
    listener.stop()


@contextlib.contextmanager
def _json_file(folder: Path) -> Iterator[Callable[[], object]]:
    handler = logging.FileHandler(folder / "json")
    handler.setFormatter(JsonFormatter())
    with _logger(handler) as logger:
        yield lambda: logger.info("answered", extra={"completion": RECORD})


@contextlib.contextmanager
def _logstash_async(folder: Path) -> Iterator[Callable[[], object] | None]:
    try:
        from logstash_async.handler import AsynchronousLogstashHandler
    except ImportError:
        yield None
        return
    handler = AsynchronousLogstashHandler("127.0.0.1", 9, database_path=str(folder / "logstash.db"))
    logging.getLogger("LogProcessingWorker").disabled = True
    logger = logging.Logger("benchmark", logging.INFO)
    logger.addHandler(handler)
    yield lambda: logger.info("answered", extra={"completion": RECORD})


@contextlib.contextmanager
def _otel_span(folder: Path) -> Iterator[Callable[[], object] | None]:  # noqa: ARG001
    try:
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
    except ImportError:
        yield None
        return

    class Away(SpanExporter):
        def export(self, spans: Any) -> Any:  # noqa: ARG002
            return SpanExportResult.SUCCESS

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Away()))
    tracer = provider.get_tracer("benchmark")

    def call() -> None:
        with tracer.start_as_current_span("chat gpt-4o-mini") as span:
            span.set_attribute("gen_ai.request.model", REQUEST["model"])
            span.set_attribute("gen_ai.input.messages", orjson.dumps(REQUEST["messages"]).decode())
            span.set_attribute("gen_ai.output.messages", orjson.dumps(RESPONSE["choices"]).decode())
            span.set_attribute("gen_ai.usage.input_tokens", 190)
            span.set_attribute("gen_ai.usage.output_tokens", 160)

    yield call
    provider.shutdown()


@contextlib.contextmanager
def _langfuse(folder: Path) -> Iterator[Callable[[], object] | None]:  # noqa: ARG001
    try:
        from langfuse import Langfuse
    except ImportError:
        yield None
        return
    logging.getLogger("langfuse").disabled = True
    logging.getLogger("opentelemetry").disabled = True
    client = Langfuse(public_key="pk-lf-x", secret_key="sk-lf-x", host="http://127.0.0.1:9")

    def call() -> None:
        generation = client.start_observation(
            as_type="generation", name="chat", model=REQUEST["model"], input=REQUEST["messages"]
        )
        generation.update(output=RESPONSE["choices"], usage_details={"input": 190, "output": 160})
        generation.end()

    yield call


PEERS: dict[str, Callable[[Path], Any]] = {
    "floor: orjson.dumps + os.write": _floor,
    "shipper.CompletionHandler, memory": _handler("memory"),
    "shipper.CompletionHandler, process": _handler("process"),
    "shipper.log_completion, process": _application,
    "logging QueueHandler + QueueListener (in memory)": _queue_handler,
    f"{release_of('python-json-logger')} to a file": _json_file,
    f"{release_of('opentelemetry-sdk')} batch span processor (in memory)": _otel_span,
    f"{release_of('python-logstash-async')} (in memory)": _logstash_async,
    f"{release_of('langfuse')} (in memory)": _langfuse,
}

if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1])
    else:
        print(main())
