"""A forwarding proxy that answers `GET /`, which the embedded Elasticsearch doesn't have and Logstash asks first.

It can also refuse, hold or count what passes, so that tests can see what Logstash does about it.
"""

from __future__ import annotations

import http.client
import json
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.served import Served

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = {
    "name": "embedded",
    "cluster_name": "embedded",
    "cluster_uuid": "abcdefghijklmnopqrstuv",
    "version": {"number": "9.5.3", "build_flavor": "default", "lucene_version": "10.2.0"},
    "tagline": "You Know, for Search",
}
LICENCE = {"license": {"status": "active", "type": "basic", "uid": "x", "mode": "basic"}}
_KEPT = ("content-type", "content-encoding", "accept", "authorization")


class ForwardingProxy(Served):
    """Passes requests on to `target`; a context manager.

    `refuse` is asked about each request first, with method, path and size: a status and a JSON body are answered
    instead of passing it on. `target` may be changed while it runs: a node that was started again has another port.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self.refuse: Callable[[str, str, int], tuple[int, Any] | None] = lambda *_: None
        super().__init__(_handler(self))


def _handler(owner: ForwardingProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            self.upstream: http.client.HTTPConnection | None = None
            self.upstream_to = ""

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            path = urlsplit(self.path).path
            refusal = owner.refuse(self.command, path, len(body))
            if refusal is not None:
                self._answer(refusal[0], json.dumps(refusal[1]).encode(), "application/json")
            elif path == "/" and self.command in ("GET", "HEAD"):
                self._answer(200, json.dumps(ROOT).encode(), "application/json")
            elif path == "/_license":
                self._answer(200, json.dumps(LICENCE).encode(), "application/json")
            else:
                self._forward(body)

        def _forward(self, body: bytes) -> None:
            headers = {name: value for name, value in self.headers.items() if name.lower() in _KEPT}
            try:
                if self.upstream is None or self.upstream_to != owner.target:
                    self.upstream_to = owner.target
                    self.upstream = http.client.HTTPConnection(urlsplit(owner.target).netloc, timeout=60)
                self.upstream.request(self.command, self.path, body, headers)
                answer = self.upstream.getresponse()
                said = answer.read()
            except (OSError, http.client.HTTPException):
                self.upstream = None
                self._answer(503, b"{}", "application/json")
                return
            self._answer(answer.status, said, answer.getheader("content-type") or "application/json")

        def _answer(self, status: int, body: bytes, content_type: str) -> None:
            self.send_response(status)
            self.send_header("x-elastic-product", "Elasticsearch")
            self.send_header("content-type", content_type)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _serve  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            """Silent."""

    return Handler
