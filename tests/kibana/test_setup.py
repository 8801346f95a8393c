"""Data views, searches and dashboards into a scripted Kibana, old and new."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from click.testing import CliRunner

from shipper.cli.setup import setup
from shipper.errors import StoreError, StoreTooOld, StoreUnauthorised, StoreUnreachable
from shipper.panels.catalogue import DASHBOARDS, SEARCHES
from shipper.panels.sources import SOURCES
from shipper.stack.furnish import differs, furnish
from shipper.stack.kibana import Kibana, api_key, basic
from tests.kibana.server import ScriptedKibana
from tests.loopback import Answer, Loopback

if TYPE_CHECKING:
    import ssl

FILES = Path(__file__).resolve().parents[2] / "kibana"
USER = basic("elastic", "hidden-secret")


def test_everything_is_put_and_a_second_run_changes_nothing() -> None:
    """Views, then searches, then dashboards by the API, whatever Kibana adds to what it stores."""
    server = ScriptedKibana(authorization=USER)
    with Loopback(server) as loopback:
        steps = furnish(Kibana(loopback.url, USER), FILES)
        writes = len(server.writes)
        again = furnish(Kibana(loopback.url, USER), FILES)
    assert [(step.kind, step.action) for step in steps] == [
        *[("data view", "created")] * len(SOURCES),
        ("saved objects", "created"),
        *[("dashboard", "created")] * len(DASHBOARDS),
    ]
    assert {step.action for step in again} == {"unchanged"}
    assert len(server.writes) == writes
    assert set(server.dashboards) == {one.id for one in DASHBOARDS}
    assert {name for kind, name in server.objects if kind == "search"} == {one.id for one in SEARCHES}
    assert {name: view["title"] for name, view in server.views.items()} == {
        one.id: one.pattern for one in SOURCES
    }
    assert all(view["allowNoIndex"] for view in server.views.values())


def test_what_people_changed() -> None:
    """A dashboard of ours is put back; fields and formats that people gave a data view stay, lost ones return."""
    server = ScriptedKibana()
    with Loopback(server) as loopback:
        furnish(Kibana(loopback.url, USER), FILES)
        server.dashboards["llm-cost"]["title"] = "Mine"
        server.objects["search", "llm-errors"]["attributes"]["columns"] = ["message"]
        formats = server.views["llm-completions"]["fieldFormats"]
        del formats["event.duration"]
        formats["llm.latency_ms"] = {"id": "number"}
        server.views["llm-completions"]["runtimeFieldMap"] = {"mine": {}}
        seen = furnish(Kibana(loopback.url, USER), FILES, change=False)
        assert server.dashboards["llm-cost"]["title"] == "Mine"
        steps = furnish(Kibana(loopback.url, USER), FILES)
    changed = {(step.kind, step.name) for step in steps if step.action == "updated"}
    assert changed == {
        ("dashboard", "llm-cost"),
        ("saved objects", "llm-library.ndjson"),
        ("data view", "llm-completions"),
    }
    assert seen == steps
    assert server.dashboards["llm-cost"]["title"] == "LLM cost"
    view = server.views["llm-completions"]
    assert view["fieldFormats"]["event.duration"]["id"] == "duration"
    assert view["fieldFormats"]["llm.latency_ms"] == {"id": "number"}
    assert view["runtimeFieldMap"] == {"mine": {}}


def test_credentials_stay_with_the_address_that_they_are_for() -> None:
    """Whoever answers with another host's address does not get them sent there."""
    with (
        Loopback(Answer(200, {"version": {"number": "9.5.3"}})) as elsewhere,
        Loopback(Answer(302, b"", {"location": f"{elsewhere.url}/api/status"})) as loopback,
        pytest.raises(StoreError, match=r"\(302\)"),
    ):
        Kibana(loopback.url, USER).version()
    assert elsewhere.requests == []


@pytest.mark.parametrize("version", ["8.19.7", "9.4.1"])
def test_a_kibana_without_the_api_gets_the_import(version: str) -> None:
    """It says so in a sentence; the data views are not imported, so that people's changes to them stay."""
    server = ScriptedKibana(version)
    with Loopback(server) as loopback:
        steps = furnish(Kibana(loopback.url, USER), FILES)
        again = furnish(Kibana(loopback.url, USER), FILES)
    [said] = [step.reason for step in steps if step.action == "skipped"]
    assert said == (f"Kibana {version[:-2]} has no dashboards API for us: they are imported as saved objects")
    assert {name for kind, name in server.objects if kind == "dashboard"} == {one.id for one in DASHBOARDS}
    assert "index-pattern" not in {kind for kind, _ in server.objects}
    assert {step.action for step in again} == {"unchanged", "skipped"}


def test_a_kibana_that_does_not_take_the_form_gets_the_import() -> None:
    """A later Kibana may want another form: then the older one, which every Kibana brings up to date, is imported."""
    server = ScriptedKibana("9.9.0", takes_form=False)
    with Loopback(server) as loopback:
        steps = furnish(Kibana(loopback.url, USER), FILES)
    [skipped] = [step for step in steps if step.action == "skipped"]
    assert "does not take its form (400)" in skipped.reason
    assert "all are imported instead" in skipped.reason
    assert {name for kind, name in server.objects if kind == "dashboard"} == {one.id for one in DASHBOARDS}


def test_an_old_kibana_is_refused() -> None:
    """Before 8.19 it would refuse the files object by object; nothing is put."""
    server = ScriptedKibana("8.18.2")
    with (
        Loopback(server) as loopback,
        pytest.raises(StoreTooOld, match=r"is 8\.18; 8\.19 or newer is needed"),
    ):
        furnish(Kibana(loopback.url, USER), FILES)
    assert server.writes == []


def test_what_answers_is_no_kibana() -> None:
    """An address of something else is told from a Kibana that refuses."""
    with (
        Loopback(Answer(200, "<html>")) as loopback,
        pytest.raises(StoreError, match="does not tell Kibana's version"),
    ):
        furnish(Kibana(loopback.url, USER), FILES)


def test_an_import_that_half_worked_is_a_failure() -> None:
    """Kibana answers 200 also when it took nothing; its errors are shown."""
    server = ScriptedKibana()
    line = {"type": "search", "id": "x", "references": [{"type": "index-pattern", "id": "lost", "name": "n"}]}
    with (
        Loopback(server) as loopback,
        pytest.raises(StoreError, match=r"did not take all of a\.ndjson.*lost"),
    ):
        Kibana(loopback.url, USER).import_objects("a.ndjson", json.dumps(line).encode())


def test_a_name_that_is_taken_is_told() -> None:
    """Somebody's data view of the same name, under another id."""
    server = ScriptedKibana()
    server.views["other"] = {"id": "other", "name": "LLM calls", "title": "x"}
    with (
        Loopback(server) as loopback,
        pytest.raises(StoreError, match=r"refuses data view llm-completions.*Duplicate"),
    ):
        furnish(Kibana(loopback.url, USER), FILES)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(401, {"message": "no"}), StoreUnauthorised),
        (Answer(403, {"message": "no"}), StoreUnauthorised),
        (Answer(503, "Kibana server is not ready yet"), StoreUnreachable),
        (Answer(200, cut="before"), StoreUnreachable),
    ],
)
def test_refusals_are_our_errors_and_show_no_password(answer: Answer, error: type[Exception]) -> None:
    """Each kind of failure has its class and exit code."""
    with Loopback(answer) as loopback, pytest.raises(error) as raised:
        furnish(Kibana(loopback.url, USER), FILES)
    assert "hidden-secret" not in str(raised.value)
    assert USER not in repr(Kibana(loopback.url, USER))


def test_the_command_puts_them_into_a_space_with_a_key_over_tls(
    tmp_path: Path, tls: tuple[ssl.SSLContext, Path]
) -> None:
    """`shipper setup --kibana`, looked at first: what is missing, then what was made, then that all is well."""
    context, authority = tls
    server = ScriptedKibana(space="team-a", authorization=api_key("id:secret"))
    with Loopback(server, tls=context) as loopback:
        words = ["--kibana", loopback.url, "--space", "team-a", "--kibana-ca", str(authority)]
        words += ["--kibana-api-key", "id:secret"]
        before = run(*words, "--check")
        made = run(*words)
        after = run(*words, "--check")
        as_json = run(*words, "--json")
    assert before.exit_code == 1
    assert "missing: dashboard llm-overview" in before.output
    assert "created: dashboard llm-overview" in made.output
    assert (after.exit_code, after.output) == (0, "Everything is as it should be.\n")
    assert {json.loads(line)["action"] for line in as_json.output.splitlines()} == {"unchanged"}
    assert set(server.dashboards) == {one.id for one in DASHBOARDS}


def test_the_command_asks_who_you_are() -> None:
    """Without any credentials Kibana isn't asked at all."""
    done = run("--kibana", "http://127.0.0.1:9")
    assert done.exit_code == 2
    assert "--kibana-api-key" in done.output


def test_the_command_takes_the_stores_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of Elasticsearch opens Kibana, too."""
    monkeypatch.setenv("SHIPPER_ELASTICSEARCH_API_KEY", "id:secret")
    server = ScriptedKibana(authorization=api_key("id:secret"))
    with Loopback(server) as loopback:
        assert run("--kibana", loopback.url).exit_code == 0
    monkeypatch.delenv("SHIPPER_ELASTICSEARCH_API_KEY")
    monkeypatch.setenv("SHIPPER_ELASTICSEARCH_USERNAME", "elastic")
    monkeypatch.setenv("SHIPPER_ELASTICSEARCH_PASSWORD", "hidden-secret")
    server.authorization = USER
    with Loopback(server) as loopback:
        assert run("--kibana", loopback.url).exit_code == 0


@pytest.mark.parametrize(
    ("wanted", "stored", "expected"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": 1}, {"a": 2}, True),
        ({"a": {"b": [1]}}, {"a": {"b": [1], "c": 0}}, False),
        ({"a": [1]}, {"a": [1, 2]}, True),
        ({"a": []}, {}, True),
        ({"a": '{"b": 1}'}, {"a": '{"c":0,"b":1}'}, False),
        ({"a": '{"b": 1}'}, {"a": '{"b":2}'}, True),
        ({"a": "{{value}}"}, {"a": "{{value}}"}, False),
        ({"a": {}}, {"a": None}, True),
    ],
)
def test_only_what_we_want_is_compared(wanted: Any, stored: Any, expected: bool) -> None:
    """Kibana's own additions are no difference, and neither is another writing of JSON within a text."""
    assert differs(wanted, stored) is expected


def run(*words: str) -> Any:
    return CliRunner().invoke(setup, words)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    """A server's context, and the authority that signed its certificate."""
    import ssl

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return context, path
