"""Tell people: a webhook in Slack's form (Mattermost and others take it too), and mail.

Each alert is told once when it begins and once when it is over; what is going on is kept in the home folder.
"""

from __future__ import annotations

import smtplib
import ssl
import urllib.error
import urllib.request
from email.message import EmailMessage
from http.client import HTTPException
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

import orjson

from shipper.errors import SettingsError, ShipperError
from shipper.spool.ledger import load_json, save_json
from shipper.store.web import ask

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from shipper.settings import Settings

_TIMEOUT_S: Final = 20.0
_SUBJECT_MAX: Final = 120


class NotTold(ShipperError):
    """Nobody could be told of an alert."""

    exit_code = 69  # EX_UNAVAILABLE


def news(firing: Mapping[str, str], told: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """What has begun, and what is over. Pure.

    Args:
        firing: messages of what fires now, by key.
        told: those that were told and not yet taken back.
    """
    begun = [message for key, message in firing.items() if key not in told]
    over = [f"Over: {message}" for key, message in told.items() if key not in firing]
    return begun, over


def tell(settings: Settings, firing: Mapping[str, str]) -> list[str]:
    """Tell what is new, by each way that is set.

    Args:
        settings: where to.
        firing: messages of what fires now, by key.

    Returns:
        What was told.

    Raises:
        SettingsError: no way is set, or one of them can't be meant.
        NotTold: a way did not work; it is tried again next time.
        OSError: the home folder can't be written.
    """
    if settings.alerts_webhook is None and settings.alerts_smtp is None:
        raise SettingsError(
            "Nobody can be told: set SHIPPER_ALERTS_WEBHOOK, or SHIPPER_ALERTS_SMTP with SHIPPER_ALERTS_MAIL_FROM and "
            "SHIPPER_ALERTS_MAIL_TO."
        )
    path = _state(settings)
    stored = load_json(path).get("told")
    told = {str(key): str(message) for key, message in stored.items()} if isinstance(stored, dict) else {}
    begun, over = news(firing, told)
    lines = [*begun, *over]
    if lines:
        if settings.alerts_webhook is not None:
            _post(settings.alerts_webhook.get_secret_value(), lines)
        if settings.alerts_smtp is not None:
            _mail(settings, settings.alerts_smtp.get_secret_value(), lines)
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        save_json(path, {"told": dict(firing)})
    return lines


def _state(settings: Settings) -> Path:
    return settings.home / "alerts.json"


def _post(url: str, lines: list[str]) -> None:
    if urlsplit(url).scheme not in ("http", "https"):
        raise SettingsError("SHIPPER_ALERTS_WEBHOOK has to be an http or https address.")
    text = "\n".join(_slack(line) for line in lines)
    request = urllib.request.Request(  # noqa: S310 - the operator's own address, http or https
        url, orjson.dumps({"text": text}), {"content-type": "application/json"}, method="POST"
    )
    try:
        with ask(request, _TIMEOUT_S) as answer:
            answer.read()
    except (OSError, HTTPException, ValueError) as error:
        status = f" ({error.code})" if isinstance(error, urllib.error.HTTPError) else ""
        raise NotTold(  # without the address: it is a secret
            f"The webhook did not take the alert{status}: {getattr(error, 'reason', None) or type(error).__name__}."
        ) from None


def _slack(line: str) -> str:
    """Slack's three characters that mean something, as text: a name must not mention everybody."""
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _mail(settings: Settings, address: str, lines: list[str]) -> None:
    server = urlsplit(address)
    if server.scheme not in ("smtp", "smtps") or not server.hostname:
        raise SettingsError("SHIPPER_ALERTS_SMTP has to be smtp://host:port or smtps://host:port.")
    if not settings.alerts_mail_from or not settings.alerts_mail_to:
        raise SettingsError("SHIPPER_ALERTS_SMTP needs SHIPPER_ALERTS_MAIL_FROM and SHIPPER_ALERTS_MAIL_TO.")
    message = EmailMessage()
    more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
    message["Subject"] = f"[llm-shipper] {lines[0][:_SUBJECT_MAX]}{more}"
    message["From"] = settings.alerts_mail_from
    message["To"] = ", ".join(settings.alerts_mail_to)
    message.set_content("\n\n".join(lines) + "\n")
    context = ssl.create_default_context()
    try:
        if server.scheme == "smtps":
            connection = smtplib.SMTP_SSL(
                server.hostname, server.port or 465, timeout=_TIMEOUT_S, context=context
            )
        else:
            connection = smtplib.SMTP(server.hostname, server.port or 25, timeout=_TIMEOUT_S)
        with connection:
            if server.scheme == "smtp" and connection.has_extn("starttls"):
                connection.starttls(context=context)
            if server.username:
                if server.scheme == "smtp" and not isinstance(connection.sock, ssl.SSLSocket):
                    raise NotTold("The mail server offers no TLS: the password is not sent to it.")
                connection.login(unquote(server.username), unquote(server.password or ""))
            connection.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        raise NotTold(f"The mail server {server.hostname} did not take the alert: {error}.") from None
