"""Data views and dashboards into a scripted Kibana."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shipper.errors import StoreError, StoreUnauthorised, StoreUnreachable
from shipper.stack.kibana import DATA_VIEWS, Kibana, furnish
from tests.loopback import Answer, Loopback

if TYPE_CHECKING:
    from pathlib import Path

    from tests.loopback import Request


class Kibanas:
    """Enough of Kibana's API to be furnished."""

    def __init__(self) -> None:
        self.views: dict[str, Any] = {}
        self.dashboards: dict[str, Any] = {}
        self.imported: list[bytes] = []

    def __call__(self, request: Request) -> Answer:
        name = request.path.rpartition("/")[2]
        if request.headers.get("kbn-xsrf") != "true":
            return Answer(400, {"message": "Request must contain a kbn-xsrf header."})
        if request.path == "/api/saved_objects/_import":
            self.imported.append(request.body)
            return Answer(200, {"success": b"broken" not in request.body, "errors": [{"id": "x"}]})
        if request.method == "PUT":
            self.dashboards[name] = request.json
            return Answer(200, {"id": name})
        if request.method == "GET":
            return Answer(200, {"data_view": self.views[name]}) if name in self.views else Answer(404, {})
        view = request.json["data_view"]
        self.views[view["id"]] = view
        return Answer(200, {"data_view": view})


def test_it_is_furnished_once(tmp_path: Path) -> None:
    """Data views first; the second run leaves them, with what people added."""
    kibana = Kibanas()
    (tmp_path / "dashboards").mkdir()
    (tmp_path / "dashboards" / "llm-overview.json").write_text('{"title": "Overview"}', "utf-8")
    (tmp_path / "searches.ndjson").write_text('{"type": "search"}\n', "utf-8")
    with Loopback(kibana) as server:
        steps = furnish(Kibana(server.url, "elastic", "secret"), tmp_path)
        assert [(step.kind, step.action) for step in steps] == [
            *[("data view", "created")] * 4,
            ("saved objects", "updated"),
            ("dashboard", "updated"),
        ]
        kibana.views["llm-completions"]["fieldFormats"] = {"by": "hand"}
        again = furnish(Kibana(server.url, "elastic", "secret"), tmp_path)
    assert [step.action for step in again[:4]] == ["unchanged"] * 4
    assert kibana.views["llm-completions"]["fieldFormats"] == {"by": "hand"}
    assert {name: view["title"] for name, view in kibana.views.items()} == {
        name: pattern for name, (pattern, _) in DATA_VIEWS.items()
    }
    assert all(view["allowNoIndex"] for view in kibana.views.values())
    assert kibana.dashboards == {"llm-overview": {"title": "Overview"}}
    assert b'{"type": "search"}' in kibana.imported[0]


def test_an_import_that_half_worked_is_a_failure(tmp_path: Path) -> None:
    """Kibana answers 200 also when it took nothing; its errors are shown."""
    (tmp_path / "a.ndjson").write_text("broken", "utf-8")
    with Loopback(Kibanas()) as server, pytest.raises(StoreError, match=r"did not take all of a\.ndjson"):
        furnish(Kibana(server.url, "elastic", "secret"), tmp_path)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(401, {"message": "no"}), StoreUnauthorised),
        (Answer(403, {"message": "no"}), StoreUnauthorised),
        (Answer(503, "Kibana server is not ready yet"), StoreUnreachable),
        (Answer(400, {"message": "bad"}), StoreError),
        (Answer(200, cut="before"), StoreUnreachable),
    ],
)
def test_refusals_are_our_errors_and_show_no_password(
    tmp_path: Path, answer: Answer, error: type[Exception]
) -> None:
    """Each kind of failure has its class and exit code."""
    with Loopback(answer) as server, pytest.raises(error) as raised:
        furnish(Kibana(server.url, "elastic", "hidden-secret"), tmp_path)
    assert "hidden-secret" not in str(raised.value)
