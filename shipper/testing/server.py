"""A local HTTP server that speaks OpenAI's protocol: scripted answers, streams with pauses, errors, cut connections."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_TAIL_S = 30.0


@dataclass(frozen=True)
class Request:
    """What the server was asked; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ValueError: it is none.
        """
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What the server says to one request; made by `answer`, `stream`, `error` and `cut`."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    events: Sequence[bytes] | None = None
    pause_s: float = 0.0
    before: Callable[[int], object] | None = None
    cut_after: int | None = None


def answer(body: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer in one piece.

    Args:
        body: sent as it is (bytes), or as JSON.
        status: of HTTP.
        headers: more headers; `content-type` replaces that of JSON.
    """
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, content, {"content-type": "application/json", **(headers or {})})


def stream(
    events: Sequence[Any],
    *,
    done: bool = True,
    pause_s: float = 0.0,
    before: Callable[[int], object] | None = None,
    cut_after: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """An answer as server-sent events.

    Args:
        events: each sent as it is (bytes), or as JSON; one with a `type` is also named by it, as the Responses API does.
        done: end with `[DONE]`.
        pause_s: seconds to wait before each event but the first.
        before: called with each event's number before it is sent, to make the stream wait for the test.
        cut_after: break the connection after so many events.
        headers: more headers.
    """
    parts = [event if isinstance(event, bytes) else _event(event) for event in events]
    if done:
        parts.append(b"data: [DONE]\n\n")
    kind = {"content-type": "text/event-stream; charset=utf-8", **(headers or {})}
    return Answer(200, b"", kind, parts, pause_s, before, cut_after)


def error(
    status: int,
    message: str = "refused by the test",
    *,
    error_type: str = "invalid_request_error",
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """An error as OpenAI sends it. With status 429 and 5xx, openai's client tries again."""
    body = {"error": {"message": message, "type": error_type, "param": None, "code": code}}
    return answer(body, status=status, headers=headers)


def cut() -> Answer:
    """No answer: the connection breaks."""
    return Answer(cut_after=0)


class OpenAIServer:
    """The server, a context manager. It answers in the order given, the last one for ever, or by a function."""

    def __init__(self, *answers: Answer | Callable[[Request], Answer]) -> None:
        """Prepare.

        Args:
            answers: what to say, in this order; a function is asked with the request.
        """
        self.requests: list[Request] = []
        self._answers = list(answers)
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """The address, for `base_url`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def next_answer(self, request: Request) -> Answer:
        """The next answer; remembers the request."""
        with self._lock:
            self.requests.append(request)
            chosen = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return chosen if isinstance(chosen, Answer) else chosen(request)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what many tests are about."""


def _event(value: Any) -> bytes:
    kind = value.get("type") if isinstance(value, dict) else None
    name = f"event: {kind}\n" if isinstance(kind, str) else ""
    return f"{name}data: {json.dumps(value)}\n\n".encode()


def _handler(owner: OpenAIServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        timeout = _TAIL_S

        def serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            said = owner.next_answer(Request(self.command, urlsplit(self.path).path, headers, body))
            if said.events is None and said.cut_after is not None:
                self.close_connection = True
                return
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            if said.events is None:
                self.send_header("content-length", str(len(said.body)))
                self.end_headers()
                self.wfile.write(said.body)
            else:
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                self.send_events(said, said.events)

        def send_events(self, said: Answer, events: Sequence[bytes]) -> None:
            for number, event in enumerate(events):
                if said.cut_after == number:
                    self.close_connection = True
                    return
                if said.pause_s and number:
                    time.sleep(said.pause_s)
                if said.before is not None:
                    said.before(number)
                self.wfile.write(b"%x\r\n%b\r\n" % (len(event), event))
            self.wfile.write(b"0\r\n\r\n")

        do_GET = do_POST = do_DELETE = serve  # noqa: N815 - http.server's names

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
            """Silent."""

    return Handler
