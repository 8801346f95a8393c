"""Data views, and the dashboards that come with the package, into Kibana. Repeatable."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson

from shipper.errors import StoreError, StoreUnauthorised, StoreUnreachable
from shipper.stack.security import Step

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

DATA_VIEWS = {
    "llm-completions": ("llm-completions-*", "LLM calls"),
    "llm-feedback": ("llm-feedback-*", "LLM feedback"),
    "llm-delivery": ("llm-delivery-*", "LLM delivery"),
    "llm-deadletter": ("llm-deadletter-*", "LLM dead letters"),
}
"""Pattern and name of each data view, by its id."""

_TIMEOUT_S = 60.0
_REASON_MAX = 500


@dataclass(frozen=True, slots=True)
class Kibana:
    """Where Kibana is, and as whom it is asked."""

    url: str
    username: str
    password: str
    ca: Path | None = None

    def ask(
        self, method: str, path: str, body: bytes | None = None, content_type: str = ""
    ) -> tuple[int, Any]:
        """Status and decoded answer; a refusal below 500 is an answer.

        Raises:
            StoreUnreachable: no answer, or Kibana is not ready (5xx).
            StoreUnauthorised: the user is not accepted, or may not.
        """
        token = base64.b64encode(f"{self.username}:{self.password}".encode()).decode("ascii")
        headers = {"kbn-xsrf": "true", "authorization": f"Basic {token}", "accept": "application/json"}
        if body is not None:
            headers["content-type"] = content_type or "application/json"
        request = urllib.request.Request(self.url.rstrip("/") + path, body, headers, method=method)  # noqa: S310 - the operator's own address
        context = ssl.create_default_context(cafile=self.ca) if self.url.startswith("https:") else None
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S, context=context) as answer:  # noqa: S310
                return answer.status, _decoded(answer.read())
        except urllib.error.HTTPError as error:
            status, said = error.code, _decoded(error.read())
        except (OSError, HTTPException, ValueError) as error:
            raise StoreUnreachable(
                f"No answer from Kibana at {self.url}: {getattr(error, 'reason', error)}. Check the address and that "
                "Kibana is up."
            ) from None
        if status in (401, 403):
            raise StoreUnauthorised(f"Kibana at {self.url} refuses {self.username} ({status}): {said!r:.300}")
        if status >= 500:
            raise StoreUnreachable(f"Kibana at {self.url} is not ready ({status}): {said!r:.300}")
        return status, said


def furnish(kibana: Kibana, folder: Traversable | None = None) -> list[Step]:
    """Put the data views, then the saved objects and dashboards of the package, where there are any.

    Args:
        kibana: where to.
        folder: with `*.ndjson` and `dashboards/*.json`; None: the package's own.

    Raises:
        StoreError: Kibana did not answer, or refused one; what came before it is there.
    """
    steps = [_put_data_view(kibana, name, *view) for name, view in DATA_VIEWS.items()]
    source = folder or _assets()
    if source is not None:
        steps.extend(_import(kibana, file) for file in _of_kind(source, ".ndjson"))
        steps.extend(_put_dashboard(kibana, file) for file in _of_kind(source / "dashboards", ".json"))
    return steps


def _put_data_view(kibana: Kibana, identity: str, pattern: str, name: str) -> Step:
    status, said = kibana.ask("GET", f"/api/data_views/data_view/{identity}")
    if status == 200:
        stored = said.get("data_view", {})
        if stored.get("title") == pattern and stored.get("timeFieldName") == "@timestamp":
            return Step("data view", identity, "unchanged")  # people add fields and formats: theirs stay
    view = {
        "id": identity,
        "title": pattern,
        "name": name,
        "timeFieldName": "@timestamp",
        "allowNoIndex": True,  # there may be no such index before the first event
    }
    body = orjson.dumps({"data_view": view, "override": True})
    _must(kibana.ask("POST", "/api/data_views/data_view", body), f"data view {identity}")
    return Step("data view", identity, "updated" if status == 200 else "created")


def _import(kibana: Kibana, file: Traversable) -> Step:
    boundary = "llm-shipper-saved-objects"
    body = (
        f'--{boundary}\r\ncontent-disposition: form-data; name="file"; filename="{file.name}"\r\n'
        "content-type: application/ndjson\r\n\r\n"
    ).encode() + file.read_bytes()
    body += f"\r\n--{boundary}--\r\n".encode()
    said = _must(
        kibana.ask(
            "POST",
            "/api/saved_objects/_import?overwrite=true",
            body,
            f"multipart/form-data; boundary={boundary}",
        ),
        file.name,
    )
    if not said.get("success"):
        raise StoreError(
            f"Kibana did not take all of {file.name}: {json.dumps(said.get('errors'))[:_REASON_MAX]}"
        )
    return Step("saved objects", file.name, "updated")


def _put_dashboard(kibana: Kibana, file: Traversable) -> Step:
    identity = file.name.removesuffix(".json")
    _must(kibana.ask("PUT", f"/api/dashboards/{quote(identity)}", file.read_bytes()), f"dashboard {identity}")
    return Step("dashboard", identity, "updated")


def _must(answer: tuple[int, Any], what: str) -> dict[str, Any]:
    status, said = answer
    if status not in (200, 201):
        raise StoreError(f"Kibana refuses {what} ({status}): {json.dumps(said)[:_REASON_MAX]}")
    return said if isinstance(said, dict) else {}


def _decoded(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode("utf-8", "replace")[:_REASON_MAX]


def _of_kind(folder: Traversable, ending: str) -> Iterator[Traversable]:
    if folder.is_dir():
        yield from sorted(
            (file for file in folder.iterdir() if file.name.endswith(ending)), key=lambda file: file.name
        )


def _assets() -> Traversable | None:
    installed = files("shipper") / "_assets" / "kibana"
    if installed.is_dir():
        return installed
    repository = Path(__file__).resolve().parents[2] / "kibana"
    return repository if repository.is_dir() else None
