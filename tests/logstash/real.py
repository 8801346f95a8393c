"""A real Logstash of the machine, run with the repository's own configuration on ports and folders of the test's."""

from __future__ import annotations

import base64
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import trustme
from elasticsearch import ApiError, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from elasticsearch import Elasticsearch

REPOSITORY = Path(__file__).resolve().parents[2]
USER, PASSWORD = "writer", "not-a-secret"
QUICK = "-Xms512m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1"  # starts sooner, runs slower
_START_S = 600.0  # on a machine that does much else


def free_port() -> int:
    """A port that nothing listens on at the moment."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def until(what: str, condition: Callable[[], Any], timeout_s: float = 60.0, step_s: float = 0.1) -> Any:
    """Wait until the condition gives something true, and return it; AssertionError with `what` at the deadline."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {timeout_s:g} s: {what}"
        time.sleep(step_s)


def stored(
    es: Elasticsearch, count: int, index: str = "llm-*", timeout_s: float = 90.0
) -> list[dict[str, Any]]:
    """The hits of an index, once there are so many."""
    patient = es.options(max_retries=0)

    def hits() -> list[dict[str, Any]] | None:
        try:
            patient.indices.refresh(index=index)
            found = patient.search(index=index, size=10_000, sort=["_doc"])["hits"]["hits"]
        except (ApiError, TransportError):  # an index that is being made can't be searched yet
            return None
        return found if len(found) >= count else None

    return until(f"{count} documents in {index}", hits, timeout_s)


@dataclass
class RealLogstash:
    """One Logstash and its folder; the folder stays when it is killed, so that `start` continues where it was."""

    home: Path
    folder: Path
    elasticsearch: str
    intakes: str = "http,http-plain"
    environment: Mapping[str, str] = field(default_factory=dict)
    java_options: str = QUICK

    def __post_init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.port, self.plain_port = free_port(), free_port()
        self.beats_port, self.tcp_port, self.api_port = free_port(), free_port(), free_port()
        self.settings, self.data = self.folder / "settings", self.folder / "data"
        self.settings.mkdir(parents=True)
        self.data.mkdir()
        for path in (REPOSITORY / "logstash" / "config").iterdir():
            shutil.copy(path, self.settings)
        shutil.copy(self.home / "config" / "jvm.options", self.settings)
        if os.geteuid() == 0:
            with (self.settings / "logstash.yml").open("a", encoding="utf-8") as file:
                file.write("\nallow_superuser: true\n")
        self._make_certificates()

    def _make_certificates(self) -> None:
        authority = trustme.CA()
        self.ca = self.folder / "ca.pem"
        authority.cert_pem.write_to_path(self.ca)
        for name in ("server", "client"):
            issued = authority.issue_cert("localhost", "127.0.0.1")
            issued.private_key_pem.write_to_path(self.folder / f"{name}.key")
            for position, part in enumerate(issued.cert_chain_pems):
                part.write_to_path(self.folder / f"{name}.crt", append=position > 0)

    @property
    def url(self) -> str:
        """Address of the HTTPS input."""
        return f"https://localhost:{self.port}"

    @property
    def plain_url(self) -> str:
        """Address of the HTTP input."""
        return f"http://127.0.0.1:{self.plain_port}"

    @property
    def files(self) -> Path:
        """Folder that the file input looks into."""
        return self.folder / "files"

    def variables(self) -> dict[str, str]:
        """The environment that it runs in."""
        return {
            **os.environ,
            "LS_JAVA_OPTS": self.java_options,
            "LLM_LOGSTASH_DIR": str(REPOSITORY / "logstash"),
            "LLM_DATA": str(self.data),
            "LLM_INTAKES": self.intakes,
            "LLM_HTTP_HOST": "127.0.0.1",
            "LLM_HTTP_PORT": str(self.port),
            "LLM_HTTP_PLAIN_PORT": str(self.plain_port),
            "LLM_HTTP_USER": USER,
            "LLM_HTTP_PASSWORD": PASSWORD,
            "LLM_HTTP_MAX_BYTES": str(4 * 1024 * 1024),
            "LLM_BEATS_HOST": "127.0.0.1",
            "LLM_BEATS_PORT": str(self.beats_port),
            "LLM_TCP_HOST": "127.0.0.1",
            "LLM_TCP_PORT": str(self.tcp_port),
            "LLM_FILES": str(self.files / "*.log"),
            "LLM_TLS_CERTIFICATE": str(self.folder / "server.crt"),
            "LLM_TLS_KEY": str(self.folder / "server.key"),
            "LLM_TLS_CA": str(self.ca),
            "LLM_ELASTICSEARCH_HOSTS": self.elasticsearch,
            "LLM_ELASTICSEARCH_USER": "logstash",
            "LLM_ELASTICSEARCH_PASSWORD": "not-a-secret",
            "LLM_ELASTICSEARCH_CA": str(self.ca),
            "LLM_API_PORT": str(self.api_port),
            "LLM_QUEUE_MAX_BYTES": "256mb",
            "LLM_REFUSED_MAX_BYTES": "64mb",
            "LLM_REFUSED_MAX_PAUSE_S": "1",
            **self.environment,
        }

    def start(self, *, wait: bool = True) -> Self:
        """Run it; returns when it listens, unless told not to wait."""
        self.files.mkdir(exist_ok=True)
        with (self.folder / "output.txt").open("ab") as output:
            self.process = subprocess.Popen(
                [
                    str(self.home / "bin" / "logstash"),
                    *("--path.settings", str(self.settings)),
                    *("--path.data", str(self.data)),
                    *("--path.logs", str(self.folder / "logs")),
                ],
                env=self.variables(),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        if wait:
            self.wait_until_listening()
        return self

    def wait_until_listening(self) -> None:
        """Wait for the HTTP input, and for all pipelines."""
        until("Logstash listens", self._listens, _START_S)
        configured = (self.settings / "pipelines.yml").read_text("utf-8").count("- pipeline.id:")
        until("the pipelines run", lambda: len(self.stats()["pipelines"]) >= configured, _START_S)

    def _listens(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"Logstash ended: {self.output()[-6000:]}"
        ports = {
            "http": self.port,
            "http-plain": self.plain_port,
            "beats": self.beats_port,
            "tcp": self.tcp_port,
        }
        try:
            for name in self.intakes.split(","):
                if name in ports:
                    socket.create_connection(("127.0.0.1", ports[name]), 1).close()
        except OSError:
            return False
        return True

    def stats(self) -> dict[str, Any]:
        """What its own API says about the pipelines; empty while it is not up."""
        connection = http.client.HTTPConnection("127.0.0.1", self.api_port, timeout=10)
        try:
            connection.request("GET", "/_node/stats/pipelines")
            return json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError):
            return {"pipelines": {}}
        finally:
            connection.close()

    def is_idle(self) -> bool:
        """Whether it runs and nothing waits in the queues of its pipelines."""
        pipelines = self.stats()["pipelines"].values()
        return bool(pipelines) and all(one["queue"]["events_count"] == 0 for one in pipelines)

    def output(self) -> str:
        """Everything that it printed."""
        return (self.folder / "output.txt").read_text("utf-8", "replace")

    def kill(self) -> None:
        """`kill -9`; nothing when it doesn't run."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def resident_mb(self) -> float:
        """Resident memory, MB."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text("utf-8")
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def post(
        self,
        body: str | bytes,
        content_type: str = "application/json",
        *,
        password: str = PASSWORD,
        headers: Mapping[str, str] | None = None,
        tls: bool = False,
    ) -> tuple[int, str]:
        """Status and text of the answer to one request."""
        if tls:
            context = ssl.create_default_context(cafile=self.ca)
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                "localhost", self.port, timeout=60, context=context
            )
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.plain_port, timeout=60)
        credentials = base64.b64encode(f"{USER}:{password}".encode()).decode()
        sent = {"authorization": f"Basic {credentials}", "content-type": content_type, **(headers or {})}
        try:
            connection.request("POST", "/", body.encode() if isinstance(body, str) else body, sent)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()
