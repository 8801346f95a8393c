"""Kibana's HTTP API, as far as we use it."""

from __future__ import annotations

import base64
import re
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson

from shipper.errors import StoreError, StoreUnauthorised, StoreUnreachable
from shipper.store.web import ask

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_TIMEOUT_S = 60.0
_REASON_MAX = 500
_BOUNDARY = "llm-shipper-saved-objects"


@dataclass(frozen=True, slots=True)
class Kibana:
    """Where Kibana is, and as whom it is asked."""

    url: str
    authorization: str = field(repr=False)
    """The header: see `basic` and `api_key`."""
    ca: Path | None = None
    """Certificate that signed Kibana's."""
    space: str = ""
    """Id of the space; empty: the default one."""

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and decoded answer; a refusal below 500 is an answer.

        Args:
            method: of HTTP.
            path: below the space, from `/api/` on.
            body: sent as JSON; None: nothing.

        Raises:
            StoreUnreachable: no answer, or Kibana is not ready (5xx).
            StoreUnauthorised: the user is not accepted, or may not.
        """
        encoded = None if body is None else orjson.dumps(body)
        status, said = self._send(method, path, encoded, "application/json")
        return status, _decoded(said)

    def version(self) -> tuple[int, int]:
        """Kibana's version, such as (9, 5).

        Raises:
            StoreError: what answers tells none; and as `ask`.
        """
        status, said = self.ask("GET", "/api/status")
        number = said.get("version", {}).get("number", "") if isinstance(said, dict) else ""
        found = re.match(r"(\d+)\.(\d+)", str(number))
        if found is None:
            raise StoreError(
                f"What answers at {self.url} does not tell Kibana's version ({status}): {said!r:.200}. "
                "The address has to be Kibana's, without a space or a path of the application."
            )
        return int(found[1]), int(found[2])

    def stored(self, objects: Iterable[tuple[str, str]]) -> dict[tuple[str, str], dict[str, Any]]:
        """The attributes of saved objects, each by type and id; all of them, or none if one is missing.

        Raises:
            StoreUnreachable, StoreUnauthorised: as `ask`.
        """
        wanted = [{"type": kind, "id": name} for kind, name in objects]
        body = orjson.dumps({"objects": wanted, "includeReferencesDeep": False, "excludeExportDetails": True})
        status, said = self._send("POST", "/api/saved_objects/_export", body, "application/json")
        if status != 200:
            return {}
        found = [_decoded(line) for line in said.splitlines() if line.strip()]
        return {(one["type"], one["id"]): one["attributes"] for one in found if isinstance(one, dict)}

    def import_objects(self, name: str, content: bytes) -> None:
        """Put saved objects, over those that are there.

        Args:
            name: the file's, for messages.
            content: one object a line.

        Raises:
            StoreError: Kibana did not take all of them; and as `ask`.
        """
        body = (
            f'--{_BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="{name}"\r\n'
            "content-type: application/ndjson\r\n\r\n"
        ).encode() + content
        body += f"\r\n--{_BOUNDARY}--\r\n".encode()
        path = "/api/saved_objects/_import?overwrite=true"
        status, answer = self._send("POST", path, body, f"multipart/form-data; boundary={_BOUNDARY}")
        said = _decoded(answer)
        if status != 200 or not isinstance(said, dict):
            raise StoreError(f"Kibana refuses {name} ({status}): {shown(said)}")
        if not said.get("success"):
            raise StoreError(f"Kibana did not take all of {name}: {shown(said.get('errors'))}")

    def _send(self, method: str, path: str, body: bytes | None, content_type: str) -> tuple[int, bytes]:
        headers = {"kbn-xsrf": "true", "authorization": self.authorization, "accept": "application/json"}
        if body is not None:
            headers["content-type"] = content_type
        base = self.url.rstrip("/")
        if self.space not in ("", "default"):
            base += f"/s/{quote(self.space, safe='')}"
        request = urllib.request.Request(base + path, body, headers, method=method)  # noqa: S310 - the operator's own address
        try:
            context = ssl.create_default_context(cafile=self.ca) if base.startswith("https:") else None
            with ask(request, _TIMEOUT_S, context) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, said = error.code, error.read()
        except (OSError, HTTPException, ValueError) as error:
            raise StoreUnreachable(
                f"No answer from Kibana at {self.url}: {getattr(error, 'reason', error)}. Check the address and that "
                "Kibana is up."
            ) from None
        if status in (401, 403):
            raise StoreUnauthorised(
                f"Kibana at {self.url} refuses the credentials ({status}): {shown(_decoded(said))}"
            )
        if status >= 500:
            raise StoreUnreachable(f"Kibana at {self.url} is not ready ({status}): {shown(_decoded(said))}")
        return status, said


def basic(username: str, password: str) -> str:
    """The header of a user."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")


def api_key(key: str) -> str:
    """The header of an API key, as `id:key` or encoded."""
    return "ApiKey " + (base64.b64encode(key.encode()).decode("ascii") if ":" in key else key)


def shown(said: Any) -> str:
    """The beginning of an answer, for a message."""
    return orjson.dumps(said).decode()[:_REASON_MAX]


def _decoded(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode("utf-8", "replace")[:_REASON_MAX]
