"""A scripted Kibana: as much of its API as `shipper setup --kibana` uses, and as strict as its documentation says."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import jsonschema

from tests.kibana import schemas
from tests.loopback import Answer

if TYPE_CHECKING:
    from tests.loopback import Request

Json = dict[str, Any]
_API = (9, 5)
_BODY = jsonschema.Draft202012Validator(schemas.API_DASHBOARD)


class ScriptedKibana:
    """One Kibana and one of its spaces; a function for `Loopback`."""

    def __init__(
        self, version: str = "9.5.3", *, space: str = "", authorization: str = "", takes_form: bool = True
    ):
        self.version, self.space, self.authorization, self.takes_form = (
            version,
            space,
            authorization,
            takes_form,
        )
        self.views: dict[str, Json] = {}
        self.objects: dict[tuple[str, str], Json] = {}
        self.dashboards: dict[str, Json] = {}
        self.rules: dict[str, Json] = {}
        self.writes: list[str] = []

    def __call__(self, request: Request) -> Answer:
        if self.authorization and request.headers.get("authorization") != self.authorization:
            return Answer(401, {"statusCode": 401, "error": "Unauthorized", "message": "Unauthorized"})
        if request.method != "GET" and request.headers.get("kbn-xsrf") != "true":
            return Answer(400, {"statusCode": 400, "message": "Request must contain a kbn-xsrf header."})
        prefix = f"/s/{self.space}" if self.space else ""
        if not request.path.startswith(prefix + "/api/"):
            return Answer(404, {"statusCode": 404, "error": "Not Found", "message": "Not Found"})
        path = request.path.removeprefix(prefix + "/api/")
        if request.method != "GET" and path != "saved_objects/_export":
            self.writes.append(path)
        name = unquote(path.rpartition("/")[2])
        if path == "status":
            return Answer(200, {"name": "kibana", "version": {"number": self.version}})
        if path.startswith("data_views/data_view"):
            return self.data_view(request, name)
        if path == "saved_objects/_export":
            return self.export(request.json["objects"])
        if path == "saved_objects/_import":
            return self.take(request)
        if path.startswith("alerting/rule/"):
            return self.rule(request, name)
        if path.startswith("dashboards/") and self.has_api():
            return self.dashboard(request, name)
        return Answer(404, {"statusCode": 404, "error": "Not Found", "message": "Not Found"})

    def has_api(self) -> bool:
        return tuple(int(one) for one in self.version.split(".")[:2]) >= _API

    def data_view(self, request: Request, name: str) -> Answer:
        if request.method == "GET":
            found = self.views.get(name)
            return Answer(200, {"data_view": found}) if found else Answer(404, {"message": "not found"})
        body = request.json["data_view"]
        if name != "data_view":
            self.views[name] = {**self.views[name], **body}
        elif any(one["name"] == body["name"] for one in self.views.values()):
            return Answer(400, {"message": f"Duplicate data view: {body['name']}"})
        else:
            self.views[body["id"]] = body
        return Answer(200, {"data_view": body})

    def export(self, wanted: list[Json]) -> Answer:
        keys = [(one["type"], one["id"]) for one in wanted]
        if not set(keys) <= set(self.objects):
            return Answer(400, {"statusCode": 400, "message": "Error fetching objects to export"})
        lines = "\n".join(json.dumps(self.objects[key]) for key in keys)
        return Answer(200, lines.encode(), {"content-type": "application/ndjson"})

    def take(self, request: Request) -> Answer:
        boundary = re.search("boundary=(.+)", request.headers["content-type"])
        assert boundary
        assert request.query == {"overwrite": ["true"]}
        part = request.body.split(f"--{boundary[1]}".encode())[1].split(b"\r\n\r\n", 1)[1]
        objects = [json.loads(line) for line in part.splitlines() if line.strip()]
        known = {("index-pattern", name) for name in self.views} | set(self.objects)
        known |= {(one["type"], one["id"]) for one in objects}
        errors = [
            {
                "type": one["type"],
                "id": one["id"],
                "error": {"type": "missing_references", "references": [lost]},
            }
            for one in objects
            for lost in one["references"]
            if (lost["type"], lost["id"]) not in known
        ]
        if not errors:
            self.objects |= {(one["type"], one["id"]): one for one in objects}
        return Answer(
            200, {"success": not errors, "successCount": 0 if errors else len(objects), "errors": errors}
        )

    def rule(self, request: Request, name: str) -> Answer:
        if request.method == "GET":
            found = self.rules.get(name)
            return Answer(200, {"id": name, **found}) if found else Answer(404, {"statusCode": 404})
        fixed = {"enabled", "rule_type_id", "consumer"}
        if request.method == "POST" and name in self.rules:
            return Answer(409, {"statusCode": 409, "message": "conflict"})
        if request.method == "PUT" and fixed & set(request.json):
            return Answer(400, {"statusCode": 400, "message": "definition for this key is missing"})
        missing = {"name", "schedule", "params"} - set(request.json)
        if missing:
            return Answer(400, {"statusCode": 400, "message": f"{sorted(missing)} is missing"})
        kept = {key: value for key, value in self.rules.get(name, {}).items() if key in fixed}
        self.rules[name] = {"actions": [], "tags": [], **kept, **request.json, "mute_all": False}
        return Answer(200, {"id": name, **self.rules[name]})

    def dashboard(self, request: Request, name: str) -> Answer:
        if request.method == "GET":
            found = self.dashboards.get(name)
            return Answer(200, {"id": name, "data": found, "meta": {}}) if found else Answer(404, {})
        errors = [error.message for error in _BODY.iter_errors(request.json)]
        if errors or not self.takes_form:
            return Answer(
                400, {"statusCode": 400, "message": f"[request body]: {(errors or ['no'])[0]:.100}"}
            )
        is_new = name not in self.dashboards
        defaults = {"refresh_interval": {"pause": True, "value": 60000}, "access_control": {}}
        panels = [{**panel, "config": {"sampling": 1, **panel["config"]}} for panel in request.json["panels"]]
        self.dashboards[name] = {**request.json, **defaults, "panels": panels}
        return Answer(201 if is_new else 200, {"id": name, "data": self.dashboards[name], "meta": {}})
