"""The ledger as Prometheus reads it: the text format, a file for node_exporter, a small server for `/metrics`."""

from __future__ import annotations

import os
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self

from shipper import notice
from shipper.errors import SettingsError
from shipper.spool.books import finished_balance, read_books
from shipper.spool.folder import spool_size
from shipper.spool.ledger import Balance

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from shipper.settings import Settings

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_TEXTFILE_INTERVAL_S = 15.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What is measured at one moment, over all processes of a home."""

    balance: Balance
    spool_bytes: int
    spool_max_bytes: int
    oldest_pending_s: float
    """Age of the oldest segment that waits, seconds; 0 when nothing does."""
    processes: int
    paused: bool
    """Whether sending waits for the store or a repair."""
    unknown_answers: int
    """Tries that a store answered as no rule covers, in this process."""


def measure(settings: Settings, *, paused: bool, unknown_answers: int) -> Reading:
    """Measure the home's spool: reads all that waits in it, once.

    Raises:
        OSError: the spool can't be read.
    """
    books = read_books(settings.spool_dir)
    waiting = [one.oldest_pending_at for one in books if one.oldest_pending_at is not None]
    return Reading(
        balance=Balance.total([finished_balance(settings.spool_dir), *(one.balance for one in books)]),
        spool_bytes=spool_size(settings.spool_dir),
        spool_max_bytes=settings.spool_max_bytes,
        oldest_pending_s=max(0.0, time.time() - min(waiting)) if waiting else 0.0,
        processes=len(books),
        paused=paused,
        unknown_answers=unknown_answers,
    )


class Seldom:
    """Measures at most a twentieth of the time: a full spool takes a while, and scrapes come as they like."""

    def __init__(self, read: Callable[[], Reading]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._last: Reading | None = None
        self._again_at = 0.0

    def __call__(self) -> Reading:
        """The last reading while it is fresh enough, else a new one. Thread-safe. Raises OSError as `measure`."""
        with self._lock:
            began = time.monotonic()
            if self._last is None or began >= self._again_at:
                self._last = self._read()
                ended = time.monotonic()
                self._again_at = ended + 20 * (ended - began)
            return self._last


def exposition(reading: Reading) -> str:
    """The reading in Prometheus's text format. Pure; never raises."""
    balance = reading.balance
    decided = {
        "delivered": balance.delivered,
        "duplicate": balance.duplicate,
        "conflicting": balance.conflicting,
        "dead_lettered": balance.dead_lettered,
    }
    lines = [
        *_family(
            "llm_shipper_accepted_total", "counter", "Log calls that were accepted.", {"": balance.accepted}
        ),
        *_family(
            "llm_shipper_events_total",
            "counter",
            "Events by what became of them.",
            {f'{{outcome="{name}"}}': count for name, count in decided.items()},
        ),
        *_family(
            "llm_shipper_dropped_total",
            "counter",
            "Events given up, by reason.",
            {f'{{reason="{_label(reason)}"}}': count for reason, count in sorted(balance.dropped.items())},
        ),
        *_family("llm_shipper_pending", "gauge", "Events that wait in the spool.", {"": balance.pending}),
        *_family(
            "llm_shipper_unaccounted",
            "gauge",
            "Accepted events that no column accounts for.",
            {"": balance.difference},
        ),
        *_family("llm_shipper_spool_bytes", "gauge", "Bytes in the spool.", {"": reading.spool_bytes}),
        *_family(
            "llm_shipper_spool_max_bytes", "gauge", "Bound of the spool.", {"": reading.spool_max_bytes}
        ),
        *_family(
            "llm_shipper_oldest_pending_seconds",
            "gauge",
            "Age of the oldest waiting segment.",
            {"": round(reading.oldest_pending_s, 3)},
        ),
        *_family(
            "llm_shipper_processes", "gauge", "Processes with a folder in the spool.", {"": reading.processes}
        ),
        *_family(
            "llm_shipper_paused", "gauge", "1 while sending waits for the store.", {"": int(reading.paused)}
        ),
        *_family(
            "llm_shipper_unknown_answers_total",
            "counter",
            "Tries that were answered as no rule covers; sent again.",
            {"": reading.unknown_answers},
        ),
    ]
    return "\n".join(lines) + "\n"


def write_textfile(path: Path, reading: Reading) -> None:
    """Replace a file for node_exporter's textfile collector, at once.

    Raises:
        OSError: it can't be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(exposition(reading), "utf-8")
    temporary.replace(path)


@contextmanager
def publish(read: Callable[[], Reading], *, port: int | None, textfile: Path | None) -> Generator[None]:
    """Publish readings for the length of a `with` block, by a server, a file, both or neither.

    Args:
        read: measures.
        port: of the server on 127.0.0.1. None: no server.
        textfile: is written every 15 seconds, and at the end. None: no file.

    Raises:
        SettingsError: the port is taken.
    """
    with ExitStack() as running:
        if port is not None:
            try:
                server = running.enter_context(MetricsServer(port, read))
            except OSError as error:
                raise SettingsError(f"Metrics can't be published on port {port}: {error.strerror}.") from None
            notice.LOGGER.info("Metrics: http://127.0.0.1:%d/metrics", server.port)
        if textfile is not None:
            running.enter_context(_TextfileWriter(textfile, read))
        yield


class _TextfileWriter:
    """A thread that replaces the file now and then."""

    def __init__(self, path: Path, read: Callable[[], Reading]) -> None:
        self._path = path
        self._read = read
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="shipper-metrics-file", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        self._write()
        while not self._stop.wait(_TEXTFILE_INTERVAL_S):
            self._write()
        self._write()

    def _write(self) -> None:
        try:
            write_textfile(self._path, self._read())
        except OSError as error:
            notice.warn("metrics", f"The metrics can't be written to {self._path}: {error}.")


class MetricsServer:
    """Answers `GET /metrics` on this machine; a context manager."""

    def __init__(self, port: int, read: Callable[[], Reading], host: str = "127.0.0.1") -> None:
        """Listen; requests are answered once it is entered.

        Args:
            port: 0 lets the system choose.
            read: measures anew for each request, in the server's thread.
            host: the address to listen on.

        Raises:
            OSError: the port is taken.
        """
        self._server = ThreadingHTTPServer((host, port), _handler(read))
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="shipper-metrics", daemon=True
        )

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(read: Callable[[], Reading]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.partition("?")[0] != "/metrics":
                self.send_error(404)
                return
            try:
                body = exposition(read()).encode()
            except OSError as error:
                notice.warn("metrics", f"The spool can't be measured: {error}.")
                self.send_error(503)
                return
            self.send_response(200)
            self.send_header("content-type", CONTENT_TYPE)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """A scrape is no news."""

    return Handler


def _family(name: str, kind: str, meaning: str, samples: dict[str, float]) -> list[str]:
    return [
        f"# HELP {name} {meaning}",
        f"# TYPE {name} {kind}",
        *(f"{name}{label} {value}" for label, value in samples.items()),
    ]


def _label(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
