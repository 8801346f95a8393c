"""Who is told: once when it begins, once when it is over, by webhook and mail."""

from __future__ import annotations

import socketserver
import threading
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from shipper.alerts.notify import NotTold, news, tell
from shipper.errors import SettingsError
from tests.loopback import Answer, Loopback

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipper.settings import Settings
    from tests.loopback import Request


class _Mailbox(socketserver.StreamRequestHandler):
    """As much of SMTP as one message needs."""

    def handle(self) -> None:
        self._say("220 ready")
        while line := self.rfile.readline().decode().strip():
            verb = line[:4].upper()
            if verb == "DATA":
                self._say("354 go on")
                lines: list[str] = []
                while (text := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                    lines.append(text)
                self.server.mails.append("\n".join(lines))  # type: ignore[attr-defined]
                self._say("250 taken")
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 fine")

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")


@pytest.fixture
def mailbox() -> Iterator[Any]:
    """A mail server on this machine; `mails` is what it got."""
    with socketserver.TCPServer(("127.0.0.1", 0), _Mailbox) as server:
        server.mails = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_news() -> None:
    """What goes on is not told again."""
    assert news({"a": "A", "b": "B"}, {"b": "B", "c": "C"}) == (["A"], ["Over: C"])


def test_a_webhook_is_told_once(settings: Settings) -> None:
    """In Slack's form, with its special characters as text; told again only when it is over."""
    got: list[Any] = []

    def answer(request: Request) -> Answer:
        got.append(request.json)
        return Answer(200, b"ok")

    with Loopback(answer) as loopback:
        here = settings.replace(alerts_webhook=SecretStr(loopback.url))
        assert tell(here, {"x": "Calls of <!channel> fail & fail"}) == ["Calls of <!channel> fail & fail"]
        assert tell(here, {"x": "Calls of <!channel> fail & fail"}) == []
        assert tell(here, {}) == ["Over: Calls of <!channel> fail & fail"]
    assert got[0] == {"text": "Calls of &lt;!channel&gt; fail &amp; fail"}
    assert len(got) == 2


def test_who_answers_with_another_address_was_not_told(settings: Settings) -> None:
    """Followed, it would become a request without the alert, and whoever answers that would count as told."""

    def answer(request: Request) -> Answer:
        return Answer(302, b"", {"location": "/elsewhere"}) if request.method == "POST" else Answer(200, b"")

    with Loopback(answer) as loopback:
        here = settings.replace(alerts_webhook=SecretStr(loopback.url))
        with pytest.raises(NotTold, match="302"):
            tell(here, {"x": "X"})


def test_who_could_not_be_told_is_told_later(settings: Settings) -> None:
    """A failure is an error without the address, and the alert stays news."""
    refusing = [True]

    def answer(_request: Request) -> Answer:
        return Answer(500 if refusing[0] else 200, b"")

    with Loopback(answer) as loopback:
        here = settings.replace(alerts_webhook=SecretStr(f"{loopback.url}/secret-path"))
        with pytest.raises(NotTold) as raised:
            tell(here, {"x": "X"})
        assert "500" in str(raised.value)
        assert "secret-path" not in str(raised.value)
        refusing[0] = False
        assert tell(here, {"x": "X"}) == ["X"]


def test_mail(settings: Settings, mailbox: Any) -> None:
    """One message with all that is new; a line break in a name can't make a header."""
    here = settings.replace(
        alerts_smtp=SecretStr(f"smtp://127.0.0.1:{mailbox.server_address[1]}"),
        alerts_mail_from="shipper@example.org",
        alerts_mail_to="a@example.org, b@example.org",
    )
    assert tell(here, {"x": "Many calls fail: shop", "y": "Calls are slow: shop"})
    (mail,) = mailbox.mails
    assert "Subject: [llm-shipper] Many calls fail: shop and 1 more" in mail
    assert "To: a@example.org, b@example.org" in mail
    assert "Calls are slow: shop" in mail


def test_a_password_is_not_sent_in_the_open(settings: Settings, mailbox: Any) -> None:
    """A server without TLS does not get it."""
    here = settings.replace(
        alerts_smtp=SecretStr(f"smtp://me:hidden@127.0.0.1:{mailbox.server_address[1]}"),
        alerts_mail_from="shipper@example.org",
        alerts_mail_to="a@example.org",
    )
    with pytest.raises(NotTold, match="no TLS") as raised:
        tell(here, {"x": "X"})
    assert "hidden" not in str(raised.value)
    assert mailbox.mails == []


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"alerts_webhook": SecretStr("file:///etc/passwd")},
        {"alerts_smtp": SecretStr("smtp://127.0.0.1:9")},
        {"alerts_smtp": SecretStr("mail.example.org"), "alerts_mail_from": "a@b", "alerts_mail_to": ("c@d",)},
    ],
)
def test_settings_that_tell_nobody(settings: Settings, options: dict[str, Any]) -> None:
    """Each is refused with a sentence, before anything is sent."""
    with pytest.raises(SettingsError):
        tell(settings.replace(**options), {"x": "X"})
