"""The compose files: valid by the specification's own schema, and safe by default."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.resources import files
from typing import Any

import click
import jsonschema
import pytest
import yaml

from shipper import __version__
from shipper.cli import _shipper as verbs
from shipper.stack.certificates import SERVICES
from shipper.stack.environment import VARIABLES, complete, example
from tests.unit.stack.compose import FILES, REPOSITORY, VARIABLE, MissingVariableError, load, resolve

SECRETS = {variable.name for variable in VARIABLES if variable.secret}
ENVIRONMENT = dict(
    re.findall(
        r"^([A-Z_]+)=(.*)$", complete("", iter(f"secret{n:02}" for n in range(99)).__next__), re.MULTILINE
    )
)


@pytest.fixture(params=FILES)
def name(request: pytest.FixtureRequest) -> str:
    """Each compose file in turn."""
    return request.param


@pytest.fixture
def compose(name: str) -> dict[str, Any]:
    """The file as it runs with the `.env` that `shipper stack init` writes."""
    return resolve(load(name), ENVIRONMENT)


def one_shots(compose: dict[str, Any]) -> set[str]:
    """Services that run to their end."""
    return {service for service, body in compose["services"].items() if body.get("restart") == "no"}


def environment_of(service: dict[str, Any]) -> dict[str, str]:
    """Variables of a service, as text."""
    return {key: str(value) for key, value in service.get("environment", {}).items()}


def faults(compose: dict[str, Any]) -> list[str]:
    """What a file breaks of the rules for every service: users, images, limits, ports, health, order."""
    found: list[str] = []
    services: dict[str, dict[str, Any]] = compose["services"]
    adopted = {
        wanted
        for body in services.values()
        for wanted, how in body.get("depends_on", {}).items()
        if how["condition"] == "service_completed_successfully"
    }
    for service, body in services.items():
        user = str(body.get("user", "root")).partition(":")[0]
        tag = body.get("image", "").rpartition(":")[2]
        rules = {
            "runs as root": user in ("root", "0"),
            "is privileged": bool(body.get("privileged") or body.get("cap_add")),
            "may gain privileges": "no-new-privileges:true" not in body.get("security_opt", []),
            "keeps capabilities": body.get("cap_drop") != ["ALL"],
            "has no pinned image": not re.fullmatch(r"\d+\.\d+\.\d+(-[a-z]+)?", tag),
            "has no memory limit": "mem_limit" not in body,
            "has no end of its log": "max-size" not in body.get("logging", {}).get("options", {}),
            "opens a port to the network": any(
                not str(port).startswith("127.0.0.1:") for port in body.get("ports", [])
            ),
            "is not checked": "test" not in body.get("healthcheck", {}) and service not in one_shots(compose),
            "is adopted by nobody, so that `up --wait` fails": service in one_shots(compose) - adopted,
            "waits for no more than a start": any(
                how["condition"] == "service_started" for how in body.get("depends_on", {}).values()
            ),
            "depends on something that has no health": any(
                how["condition"] == "service_healthy"
                and "test" not in services[wanted].get("healthcheck", {})
                for wanted, how in body.get("depends_on", {}).items()
            ),
            "mounts an undeclared volume": any(
                not str(mount).startswith("./") and str(mount).partition(":")[0] not in compose["volumes"]
                for mount in body.get("volumes", [])
            ),
            "speaks without TLS": any(
                re.search(r"http://(?!localhost)", value) for value in environment_of(body).values()
            ),
        }
        found += [f"{service} {rule}" for rule, broken in rules.items() if broken]
    return found


def test_the_file_is_a_compose_file(compose: dict[str, Any]) -> None:
    """The Compose specification's own schema finds nothing wrong."""
    schema = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    jsonschema.validate(compose, json.loads(schema.read_text("utf-8")))


def test_the_schema_check_finds_a_slip() -> None:
    """A misspelt key is refused, so that the test above says something."""
    compose = resolve(load(FILES[0]), ENVIRONMENT)
    compose["services"]["kibana"]["healtcheck"] = {}
    schema = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    with pytest.raises(jsonschema.ValidationError, match="healtcheck"):
        jsonschema.validate(compose, json.loads(schema.read_text("utf-8")))


def test_every_service_follows_the_rules(compose: dict[str, Any]) -> None:
    """No root, no open port, no floating image, nothing without limit, health or order."""
    assert faults(compose) == []


@pytest.mark.parametrize(
    ("service", "change", "fault"),
    [
        ("kibana", {"user": "0:0"}, "runs as root"),
        ("kibana", {"image": "kibana:latest"}, "pinned"),
        ("kibana", {"ports": ["5601:5601"]}, "port"),
        ("kibana", {"ports": ["0.0.0.0:5601:5601"]}, "port"),
        ("kibana", {"healthcheck": {}}, "checked"),
        ("elasticsearch", {"healthcheck": {}}, "no health"),
        ("logstash", {"cap_drop": []}, "capabilities"),
        ("logstash", {"environment": {"LLM_ELASTICSEARCH_HOSTS": "http://elasticsearch:9200"}}, "TLS"),
        ("maintenance", {"depends_on": {}}, "adopted"),
        ("logstash", {"volumes": ["gone:/data"]}, "undeclared"),
    ],
)
def test_breaking_a_rule_is_found(service: str, change: dict[str, Any], fault: str) -> None:
    """Each rule fails on a file that breaks it."""
    compose = resolve(load(FILES[0]), ENVIRONMENT)
    compose["services"][service].update(change)
    assert any(fault in one for one in faults(compose))


def test_no_secret_has_a_default(name: str) -> None:
    """Each secret stops Compose with a hint when it is missing, and none stands in the file."""
    text = (REPOSITORY / name).read_text("utf-8")
    used = {found["name"]: found for found in VARIABLE.finditer(text) if found["name"]}
    for secret in SECRETS & set(used):
        every = [found for found in VARIABLE.finditer(text) if found["name"] == secret]
        assert {found["kind"] for found in every} == {":?"}
        assert all("shipper stack init" in found["other"] for found in every)
        without = {**ENVIRONMENT, secret: ""}
        with pytest.raises(MissingVariableError, match=secret):
            resolve(load(name), without)
    literal = re.findall(
        r"^\s*[\w.]*(?:PASSWORD|_KEY|SECRET|ENCRYPTIONKEY): (?!\$\{)(.+)$", text, re.MULTILINE
    )
    assert [value for value in literal if not value.startswith("/usr/share/")] == ["config/certs/tls.key"]
    assert "changeme" not in text


def test_every_variable_is_known_or_has_a_default(name: str) -> None:
    """Nothing is read that `shipper stack init` doesn't write and that has no default."""
    text = (REPOSITORY / name).read_text("utf-8")
    known = {variable.name for variable in VARIABLES}
    for found in VARIABLE.finditer(text):
        assert found["escaped"] or found["name"] in known or found["kind"] == ":-", found[0]
    assert SECRETS - {found["name"] for found in VARIABLE.finditer(text)} <= {"KAFKA_PASSWORD"}


def test_one_variable_pins_the_whole_stack(compose: dict[str, Any]) -> None:
    """Every image of Elastic's has STACK_VERSION; ours has the package's version."""
    images = {body["image"] for body in compose["services"].values()}
    elastic = {image for image in images if image.startswith("docker.elastic.co/")}
    assert {image.rpartition(":")[2] for image in elastic} == {"9.5.3"}
    assert len(elastic) == 3
    assert f"llm-shipper:{__version__}" in images


def test_the_small_profile_has_two_gigabytes_of_heap() -> None:
    """The defaults of the three services add up to 2 GB, and each has room beside its heap."""
    compose = resolve(load(FILES[0]), ENVIRONMENT)
    services = compose["services"]
    heaps = {
        "elasticsearch": int(
            services["elasticsearch"]["environment"]["ES_JAVA_OPTS"].rpartition("-Xmx")[2].removesuffix("m")
        ),
        "logstash": int(
            services["logstash"]["environment"]["LS_JAVA_OPTS"].rpartition("-Xmx")[2].removesuffix("m")
        ),
        "kibana": int(services["kibana"]["environment"]["NODE_OPTIONS"].rpartition("=")[2]),
    }
    assert sum(heaps.values()) == 2048
    for service, heap in heaps.items():
        assert int(services[service]["mem_limit"].removesuffix("m")) >= 1.9 * heap


def test_everything_between_the_services_is_encrypted(compose: dict[str, Any]) -> None:
    """Elasticsearch, Kibana and Logstash each have a certificate and the authority's; addresses are https."""
    for service, body in compose["services"].items():
        environment = environment_of(body)
        if "elasticsearch/elasticsearch" in body["image"]:
            for layer in ("http", "transport"):
                assert environment[f"xpack.security.{layer}.ssl.enabled"] == "true"
            assert environment["xpack.security.enabled"] == "true"
        if "/kibana:" in body["image"]:
            assert environment["SERVER_SSL_ENABLED"] == "true"
            keys = [value for key, value in environment.items() if key.endswith("ENCRYPTIONKEY")]
            assert len(set(keys)) == 3
        hosts = [value for key, value in environment.items() if key.endswith(("_HOSTS", "_URL", "BASEURL"))]
        for address in re.findall(r"[^\s,\[\]\"']+", ",".join(hosts)):
            assert address.startswith("https://"), f"{service}: {address}"


def test_certificates_reach_only_their_service(compose: dict[str, Any]) -> None:
    """No service but the one that makes them mounts another's key; the names in them are the services'."""
    holders: dict[str, set[str]] = {}
    for service, body in compose["services"].items():
        for mount in body.get("volumes", []):
            source, target, *mode = str(mount).split(":")
            if source.startswith("certs-") or source in ("authority", "trust"):
                holders.setdefault(source, set()).add(service)
                assert service == "certificates" or mode == ["ro"], f"{service} may write {source}"
                assert not (source == "trust" and target.endswith("certs"))
    assert holders.pop("authority") == {"certificates"}
    holders.pop("trust")
    for volume, services in holders.items():
        party = volume.removeprefix("certs-")
        assert party in SERVICES
        named = {service for service in services - {"certificates"} if service != "to-kafka"}
        assert named <= set(SERVICES[party]), volume


def test_our_commands_exist(compose: dict[str, Any]) -> None:
    """Each command of ours is one that the command line knows, with options that it takes."""
    for service, body in compose["services"].items():
        if not body["image"].startswith("llm-shipper:"):
            continue
        commands = [body["command"]]
        if "healthcheck" in body:
            kind, program, *checked = body["healthcheck"]["test"]
            assert (kind, program) == ("CMD", "shipper")
            commands.append(checked)
        for verb, *arguments in commands:
            found = verbs.get_command(click.Context(verbs), verb)
            if isinstance(found, click.Group):
                found = found.commands[arguments.pop(0)]
            assert found, service
            options = {option for one in found.params for option in one.opts}
            assert {one for one in arguments if one.startswith("--")} <= options, service


def test_maintenance_has_its_hour(compose: dict[str, Any]) -> None:
    """A new index waits up to an hour for its aliases: that is no failure, or `up --wait` would fail meanwhile."""
    check = compose["services"]["maintenance"]["healthcheck"]
    minutes = int(check["interval"].removesuffix("m"))
    assert minutes * check["retries"] > 60


def test_the_image_has_what_the_package_is_built_from(compose: dict[str, Any]) -> None:
    """Every folder that the wheel takes in is copied into the build."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
    wanted = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]) | {"shipper"}
    recipe = compose["services"]["setup"]["build"]["dockerfile_inline"]
    copied = {word for line in re.findall(r"^COPY (.+) \S+$", recipe, re.MULTILINE) for word in line.split()}
    assert wanted <= {one.removesuffix("/") for one in copied}
    for one in copied:
        assert (REPOSITORY / one).exists(), one
    assert re.search(r"^USER 1000", recipe, re.MULTILINE)


def test_what_is_mounted_from_the_repository_is_there(compose: dict[str, Any]) -> None:
    """Compose would make an empty folder of a path that is missing."""
    for body in compose["services"].values():
        for mount in body.get("volumes", []):
            if str(mount).startswith("./"):
                assert (REPOSITORY / str(mount).partition(":")[0]).exists(), mount
                assert str(mount).endswith(":ro")


def test_logstash_gets_every_variable_that_has_no_default() -> None:
    """What the default pipelines read without a default is set, and so is what Kafka's read."""
    text = "".join(
        (REPOSITORY / "logstash" / path).read_text("utf-8")
        for path in (
            "config/logstash.yml",
            "config/pipelines.yml",
            "pipeline/intake-http.conf",
            "pipeline/intake-kafka.conf",
            "pipeline/records.conf",
            "pipeline/refused.conf",
            "pipeline/store-password.conf",
        )
    )
    required = set(re.findall(r"\$\{(LLM_[A-Z_]+)\}", text))
    given = set(resolve(load(FILES[0]), ENVIRONMENT)["services"]["logstash"]["environment"])
    assert required <= given
    scale = resolve(load(FILES[1]), ENVIRONMENT)["services"]["logstash01"]["environment"]
    assert {one for one in required if "KAFKA" not in one} <= set(scale)


def test_both_files_start_the_same_pipelines_with_the_same_users() -> None:
    """The larger stack differs in addresses and sizes only."""
    small = resolve(load(FILES[0]), ENVIRONMENT)["services"]
    large = resolve(load(FILES[1]), ENVIRONMENT)["services"]
    sizes = {"LS_JAVA_OPTS", "LLM_ELASTICSEARCH_HOSTS"}
    for key, value in large["logstash01"]["environment"].items():
        assert key in sizes or small["logstash"]["environment"][key] == value
    assert large["logstash01"]["environment"] == large["logstash02"]["environment"]
    for key, value in small["elasticsearch"]["environment"].items():
        if key not in ("ES_JAVA_OPTS", "cluster.name", "node.name", "discovery.type"):
            assert large["es02"]["environment"][key] == value
    assert small["setup"]["build"] == large["setup"]["build"]


def test_the_example_is_read_by_compose() -> None:
    """`.env.example` has the form NAME=value, with comments on lines of their own."""
    for line in example().splitlines():
        assert re.fullmatch(r"#.*|[A-Z_]+=[^\s#]*", line), line


def test_the_balancer_checks_what_it_sends_to() -> None:
    """Both Logstash nodes are behind it, by TLS that is verified, and it fails when none is left."""
    raw = yaml.safe_load((REPOSITORY / FILES[1]).read_text("utf-8"))["configs"]["balancer"]["content"]
    servers = re.findall(r"server (\w+) (\w+):8080 check-sni (\w+) verifyhost (\w+)", raw)
    assert servers == [(one,) * 4 for one in ("logstash01", "logstash02")]
    assert "verify required" in raw
    assert "monitor fail if none_left" in raw
