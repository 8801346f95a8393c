"""The very compose services, started by Docker: set-up, roles, restarts, certificates. Skipped without a daemon."""

from __future__ import annotations

import base64
import json
import logging
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from shipper import CompletionHandler, configure, flush
from shipper.panels.catalogue import DASHBOARDS, SEARCHES
from shipper.panels.kibana.files import EVERYTHING
from shipper.settings import Settings
from shipper.spool.books import finished_balance, read_books
from shipper.spool.ledger import Balance
from shipper.stack.environment import write_environment
from shipper.stack.furnish import furnish
from shipper.stack.kibana import Kibana, basic
from shipper.stack.roles import for_application, load_roles
from tests.faults.programs import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.xdist_group("stack")]

REPOSITORY = Path(__file__).resolve().parents[2]
PORTS = ("ELASTICSEARCH_PORT", "KIBANA_PORT", "INTAKE_PORT", "LOGSTASH_API_PORT", "KAFKA_INTAKE_PORT")


@dataclass(frozen=True)
class Stack:
    """A running stack of its own: project, ports, secrets and volumes that nobody else uses."""

    compose: Any
    command: list[str]
    variables: dict[str, str]
    ca: Path

    @property
    def elasticsearch(self) -> str:
        """Elasticsearch's address."""
        return f"https://localhost:{self.variables['ELASTICSEARCH_PORT']}"

    @property
    def kibana(self) -> str:
        """Kibana's address."""
        return f"https://localhost:{self.variables['KIBANA_PORT']}"

    def run(self, *arguments: str) -> str:
        """What a compose command prints; it has to succeed."""
        done = subprocess.run(
            [*self.command, *arguments],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ask(
        self, url: str, user: str, password: str, method: str = "GET", body: Any = None
    ) -> tuple[int, Any]:
        """Status and answer of one request."""
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        headers = {"authorization": f"Basic {token}", "content-type": "application/json", "kbn-xsrf": "true"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, headers, method=method)
        try:
            with urllib.request.urlopen(
                request, timeout=60, context=ssl.create_default_context(cafile=self.ca)
            ) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as refused:
            return refused.code, json.loads(refused.read() or b"null")

    def admin(self, path: str, method: str = "GET", body: Any = None) -> tuple[int, Any]:
        """A request to Elasticsearch by its superuser."""
        return self.ask(
            f"{self.elasticsearch}{path}", "elastic", self.variables["ELASTIC_PASSWORD"], method, body
        )

    def settings(self, home: Path) -> Settings:
        """Settings of an application that sends straight to Elasticsearch."""
        return Settings(
            home=home,
            elasticsearch_url=(self.elasticsearch,),
            elasticsearch_ca=self.ca,
            elasticsearch_username="elastic",
            elasticsearch_password=self.variables["ELASTIC_PASSWORD"],
            flush_interval_s=0.1,
            retry_max_interval_s=1.0,
        )


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The small stack, set up; removed with its volumes."""
    done = subprocess.run(["docker", "version"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"no Docker daemon: {(done.stderr.strip() or 'it does not answer').splitlines()[0]}")
    from testcontainers.compose import DockerCompose

    folder = tmp_path_factory.mktemp("stack")
    environment = folder / ".env"
    write_environment(environment)
    ports = "".join(f"{name}={free_port()}\n" for name in PORTS)
    project = f"llm-test-{free_port()}"
    environment.write_text(
        f"{environment.read_text('utf-8')}COMPOSE_PROJECT_NAME={project}\n{ports}", "utf-8"
    )
    variables = dict(
        line.split("=", 1)
        for line in environment.read_text("utf-8").splitlines()
        if "=" in line and line[0] != "#"
    )
    compose = DockerCompose(REPOSITORY, "docker-compose.yml", build=True, env_file=str(environment))
    command = ["docker", "compose", "-f", "docker-compose.yml", "--env-file", str(environment)]
    running = Stack(compose, command, variables, folder / "ca.crt")
    with compose:
        running.run("cp", "elasticsearch:/usr/share/elasticsearch/config/certs/ca.crt", str(running.ca))
        yield running


def test_a_second_set_up_changes_nothing(stack: Stack) -> None:
    """Each one-shot service says that everything is as it was."""
    assert "All certificates are as they should be" in stack.run("run", "--rm", "certificates")
    for line in stack.run("run", "--rm", "--no-deps", "setup").splitlines():
        assert line.split(":")[0] in ("unchanged", "kept", "skipped"), line
    for line in stack.run("run", "--rm", "--no-deps", "kibana-setup").splitlines():
        if "data view" in line:
            assert line.startswith("unchanged"), line


def test_every_dashboard_and_search_is_in_kibana(stack: Stack) -> None:
    """What `kibana-setup` put is there by its id, and Kibana took the API's form of it."""
    password = stack.variables["ELASTIC_PASSWORD"]
    for dashboard in DASHBOARDS:
        address = f"{stack.kibana}/api/dashboards/{dashboard.id}"
        status, said = stack.ask(address, "elastic", password)
        assert status == 200, said
        assert said["data"]["title"] == dashboard.title
        assert len(said["data"]["panels"]) > len(dashboard.searches)
    searches = [("search", search.id) for search in SEARCHES]
    assert set(Kibana(stack.kibana, basic("elastic", password), stack.ca).stored(searches)) == set(searches)


def test_the_import_by_hand_is_taken_too(stack: Stack) -> None:
    """The form for older versions: this Kibana brings it up to its own."""
    password = stack.variables["ELASTIC_PASSWORD"]
    kibana = Kibana(stack.kibana, basic("elastic", password), stack.ca)
    kibana.import_objects(EVERYTHING, (REPOSITORY / "kibana" / EVERYTHING).read_bytes())
    assert {step.action for step in furnish(kibana)} <= {"unchanged", "updated"}


def test_a_canary_from_logging_is_found_through_kibana(stack: Stack, home: Path) -> None:
    """One log record in, exactly one document out, as people see it."""
    configure(stack.settings(home))
    logger = logging.getLogger("canary")
    logger.setLevel(logging.INFO)
    handler = CompletionHandler("canary", version="1")
    logger.addHandler(handler)
    logger.info(
        "sang",
        extra={"completion": {"request": {"model": "gpt-4o-mini"}, "response": "tweet", "event_id": "c-1"}},
    )
    logger.removeHandler(handler)
    assert flush(60)
    stack.admin("/llm-completions-canary@*/_refresh", "POST")
    path = quote("llm-completions-canary/_search?q=event.id:c-1", safe="")
    status, found = stack.ask(
        f"{stack.kibana}/api/console/proxy?path={path}&method=GET",
        "elastic",
        stack.variables["ELASTIC_PASSWORD"],
        "POST",
    )
    assert status == 200
    assert found["hits"]["total"]["value"] == 1
    assert found["hits"]["hits"][0]["_source"]["llm"]["output"]["text"] == "tweet"


FORBIDDEN = {
    "shipper_writer": [
        ("GET", "/{index}/_search", None),
        ("GET", "/{index}/_doc/1", None),
        ("PUT", "/{index}/_doc/1", {"a": 2}),
        ("DELETE", "/{index}/_doc/1", None),
        ("DELETE", "/{index}", None),
        ("PUT", "/{other}/_create/1", {"a": 1}),
        ("GET", "/_security/user", None),
    ],
    "shipper_reader": [
        ("PUT", "/{index}/_create/2", {"a": 1}),
        ("DELETE", "/{index}", None),
        ("GET", "/{other}/_search", None),
        ("GET", "/_security/user", None),
    ],
    "shipper_joiner": [
        ("DELETE", "/{index}/_doc/1", None),
        ("DELETE", "/{index}", None),
        ("GET", "/{other}/_search", None),
        ("PUT", "/_index_template/mine", {"index_patterns": ["mine"]}),
    ],
}
ALLOWED = {
    "shipper_writer": ("PUT", "/{index}/_create/writer", {"a": 1}),
    "shipper_reader": ("GET", "/{index}/_search", None),
    "shipper_joiner": ("PUT", "/{index}/_doc/1", {"a": 3}),
}


@pytest.mark.parametrize("role", FORBIDDEN)
def test_what_a_role_may_not_is_refused(stack: Stack, role: str) -> None:
    """Each forbidden request answers 403, and the role's own work does not."""
    index, other = "llm-completions-roles@1-2026.11", "llm-completions-my-roles@1-2026.11"
    for name in (index, other):
        stack.admin(f"/{quote(name)}/_doc/1?refresh=true", "PUT", {"a": 1})
    name, password = f"only-{role}", "a-password-of-the-test"
    assert (
        stack.admin(f"/_security/role/{name}", "PUT", for_application(load_roles()[role], "roles"))[0] == 200
    )
    assert stack.admin(f"/_security/user/{name}", "PUT", {"password": password, "roles": [name]})[0] == 200
    for method, path, body in FORBIDDEN[role]:
        url = stack.elasticsearch + path.format(index=quote(index), other=quote(other))
        assert stack.ask(url, name, password, method, body)[0] == 403, (method, path)
    method, path, body = ALLOWED[role]
    url = stack.elasticsearch + path.format(index=quote(index))
    assert stack.ask(url, name, password, method, body)[0] in (200, 201)


LOAD = """
import itertools, sys
from pathlib import Path
import shipper
app = shipper.get_application(sys.argv[2], version="1")
print("ready", flush=True)
stop = Path(sys.argv[1])
for number in itertools.count():
    app.log_completion({"model": "gpt-4o-mini"}, "x" * 1000, event_id=f"r-{number}")
    if number % 50 == 0 and stop.exists():
        break
assert shipper.flush(300)
"""


@pytest.mark.parametrize("service", ["elasticsearch", "logstash", "kibana", "maintenance"])
def test_a_restart_under_load_loses_and_doubles_nothing(
    stack: Stack, home: Path, tmp_path: Path, service: str
) -> None:
    """The ledger balances afterwards, and the store holds as many documents as calls were accepted."""
    application = f"restart-{service}"
    stop = tmp_path / "stop"
    settings = stack.settings(home)
    environment = {
        "PATH": "/usr/bin:/bin",
        "SHIPPER_HOME": str(home),
        "SHIPPER_ELASTICSEARCH_URL": stack.elasticsearch,
        "SHIPPER_ELASTICSEARCH_CA": str(stack.ca),
        "SHIPPER_ELASTICSEARCH_USERNAME": "elastic",
        "SHIPPER_ELASTICSEARCH_PASSWORD": stack.variables["ELASTIC_PASSWORD"],
    }
    with subprocess.Popen(
        [sys.executable, "-c", LOAD, str(stop), application],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as load:
        assert load.stdout
        assert load.stdout.readline() == "ready\n"
        stack.run("restart", service)
        stack.run("up", "--wait", "--no-recreate", service)
        stop.touch()
        assert load.wait(400) == 0
    books = Balance.total(
        [finished_balance(settings.spool_dir), *(one.balance for one in read_books(settings.spool_dir))]
    )
    assert books.difference == books.pending == 0
    stack.admin(f"/llm-completions-{application}@*/_refresh", "POST")
    assert stack.admin(f"/llm-completions-{application}@*/_count")[1]["count"] == books.accepted > 0


def test_certificates_are_rotated_without_losing_trust(stack: Stack, tmp_path: Path) -> None:
    """A new authority is trusted first and used second; Elasticsearch takes new certificates by itself."""
    old_ca = stack.ca.read_text("ascii")
    assert "ca" in stack.run(
        "run", "--rm", "certificates", "stack", "certificates", "/certs", "--new-authority"
    )
    stack.run("cp", "elasticsearch:/usr/share/elasticsearch/config/certs/ca.crt", str(stack.ca))
    assert stack.ca.read_text("ascii").count("BEGIN") == 2
    assert stack.admin("/")[0] == 200
    stack.run("run", "--rm", "certificates", "stack", "certificates", "/certs", "--renew")
    alone = tmp_path / "old.crt"
    alone.write_text(old_ca, "ascii")

    def uses_the_new_one() -> bool:
        try:
            with (
                socket.create_connection(
                    ("localhost", int(stack.variables["ELASTICSEARCH_PORT"])), 10
                ) as plain,
                ssl.create_default_context(cafile=alone).wrap_socket(plain, server_hostname="localhost"),
            ):
                return False
        except ssl.SSLCertVerificationError:
            return True

    assert wait_until(uses_the_new_one, 60)
    stack.run("restart", "kibana", "logstash")
    stack.run("up", "--wait", "--no-recreate")
    assert stack.admin("/")[0] == 200
    assert stack.ask(f"{stack.kibana}/api/status", "elastic", stack.variables["ELASTIC_PASSWORD"])[0] == 200
