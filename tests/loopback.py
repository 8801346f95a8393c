"""A small real HTTP server for tests: it answers what the test tells it to and remembers what it was asked.

::

    with Loopback(Answer(503), Answer(200, {"ok": True})) as server:
        ...                       # first request gets 503, the second and all later ones 200
        server.requests[0].json

    with Loopback(lambda request: Answer(200, {"path": request.path})) as server: ...

`elasticsearch(...)` is such a function: enough of a cluster's manners for a sink, with any part replaced.
"""

from __future__ import annotations

import gzip
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.served import Served

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

PRODUCT = {"x-elastic-product": "Elasticsearch"}


@dataclass(frozen=True)
class Request:
    """What the server was asked; header names in lower case."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> bytes:
        """The body, decompressed."""
        return gzip.decompress(self.raw) if self.headers.get("content-encoding") == "gzip" else self.raw

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def lines(self) -> list[Any]:
        """The body as newline-delimited JSON."""
        return [json.loads(line) for line in self.body.splitlines()]


@dataclass(frozen=True)
class Answer:
    """What the server says.

    `body` is sent as it is (bytes, text) or as JSON (anything else). `cut` closes the connection before the answer
    ("before") or in the middle of its body ("during"). `wait_for` holds the answer back until the event is set.
    """

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: str = ""
    wait_for: threading.Event | None = None

    def encoded(self) -> tuple[bytes, str]:
        """The body's bytes and its content type."""
        if isinstance(self.body, bytes):
            return self.body, "application/octet-stream"
        if isinstance(self.body, str):
            return self.body.encode(), "text/html; charset=utf-8"
        return json.dumps(self.body).encode(), "application/json"


class Loopback(Served):
    """The server; a context manager. Answers in the order given, the last one for ever, or by a function."""

    def __init__(
        self, *answers: Answer | Callable[[Request], Answer], tls: ssl.SSLContext | None = None
    ) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self._answers = list(answers)
        self._lock = threading.Lock()
        super().__init__(_handler(self))
        self._tls = tls is not None
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)

    @property
    def url(self) -> str:
        """Address of the server; by name under TLS, since certificates are for names."""
        return super().url.replace("http://127.0.0.1", "https://localhost") if self._tls else super().url

    def asked(self, method: str, path: str) -> list[Request]:
        """The requests for a path so far."""
        return [one for one in self.requests if one.method == method and one.path == path]

    def answer(self, request: Request) -> Answer:
        """The next answer; remembers the request."""
        with self._lock:
            self.requests.append(request)
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return answer if isinstance(answer, Answer) else answer(request)


def _handler(owner: Loopback) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            owner.connections += 1

        def _serve(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            raw = self.rfile.read(length)
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, unquote(parts.path), parse_qs(parts.query), headers, raw)
            answer = owner.answer(request)
            if answer.wait_for is not None:
                answer.wait_for.wait(30)
            if answer.cut == "before":
                self.close_connection = True
                return
            body, content_type = answer.encoded()
            self.send_response(answer.status)
            sent = {"content-type": content_type, **{k.lower(): v for k, v in answer.headers.items()}}
            for name, value in sent.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            if answer.cut == "during":
                self.wfile.write(body[: len(body) // 2])
                self.close_connection = True
            elif self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _serve  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            """Silent."""

    return Handler


def elasticsearch(
    version: str = "9.5.3",
    *,
    bulk: Callable[[Request], Answer] | None = None,
    templates: tuple[str, ...] = (
        "llm-completions-*@*",
        "llm-feedback-*@*",
        "llm-deadletter-*@*",
        "llm-delivery-*@*",
    ),
    replaced: Mapping[tuple[str, str], Answer | Callable[[Request], Answer]] | None = None,
) -> Callable[[Request], Answer]:
    """A function that answers as a cluster would.

    Args:
        version: what `GET /` says; before 9 the newer media type is refused as 8.19 does.
        bulk: answers `POST /_bulk`; None: everything is created.
        templates: index patterns of the templates that are there.
        replaced: answers by (method, path) that go before everything else; `*` as path means all paths.
    """

    def answer(request: Request) -> Answer:
        said = (replaced or {}).get((request.method, request.path)) or (replaced or {}).get(
            (request.method, "*")
        )
        if said is not None:
            return said if isinstance(said, Answer) else said(request)
        if int(version.partition(".")[0]) < 9 and "compatible-with=9" in request.headers.get("accept", ""):
            return error(400, "media_type_header_exception", "Invalid media-type value on headers [Accept]")
        if request.path == "/_bulk":
            return bulk(request) if bulk else created(request)
        if request.path.startswith("/_index_template"):
            named = [{"name": "t", "index_template": {"index_patterns": list(templates)}}]
            return ok({"index_templates": named if templates else []})
        if request.path == "/":
            return ok({"cluster_name": "loopback", "cluster_uuid": "u", "version": {"number": version}})
        if request.method == "GET" and request.path.startswith("/llm-") and request.path.count("/") == 1:
            return ok({})  # no index matches
        return ok({"acknowledged": True})

    return answer


def ok(body: Any) -> Answer:
    """A 200 of Elasticsearch."""
    return Answer(200, body, PRODUCT)


def error(status: int, error_type: str, reason: str = "because") -> Answer:
    """A refusal in Elasticsearch's format."""
    return Answer(status, {"error": {"type": error_type, "reason": reason}, "status": status}, PRODUCT)


def created(request: Request) -> Answer:
    """Every document of a `_bulk` request was created."""
    count = len(request.body.splitlines()) // 2
    return items(*[{"status": 201}] * count)


def items(*said: Mapping[str, Any]) -> Answer:
    """The answer to a `_bulk` request, item by item: `{"status": 400, "error": {...}}`."""
    return ok(
        {"errors": any("error" in one for one in said), "items": [{"create": dict(one)} for one in said]}
    )
