"""What leaves the house without content, or redacted."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given

from shipper.export.private import figures, redacting, without_content
from shipper.record import build
from shipper.record.fields import DATASETS
from shipper.redact import Redactor
from tests.fixtures.record import payloads
from tests.fixtures.record.strategies import CALLS, unhurried
from tests.unit.stack.test_roles import CONTENT

Json = dict[str, Any]

PEOPLE = {
    "user.id",
    "llm.feedback.author",
}  # ids, which are no content, and still none of a figures reader's business


def test_content_is_what_the_figures_reader_must_not_see() -> None:
    """The registry's content fields are those that the role without content is not granted, but for ids of people."""
    marked = {info.name for model in DATASETS.values() for info in model.fields() if info.content}
    assert marked | PEOPLE | {"llm.choices"} == set(CONTENT.split())


def test_names_of_attributes_are_no_figures() -> None:
    """What says which attribute was amended, changed or cut bears the name that the caller gave it."""
    wanted = figures(["llm.completion"])
    assert not {"llm.amended", "llm.sanitised", "llm.truncated.field"} & {*wanted}
    assert "llm.amended.output" in wanted
    document = {
        "llm": {"amended": {"cost": {"event_id": "e"}, "attributes.ann@example.org": {"event_id": "f"}}}
    }
    assert redacting(Redactor("all"))(document)["llm"]["amended"] == {
        "cost": {"event_id": "e"},
        "<EMAIL_1>": {"event_id": "f"},
    }


def test_a_document_without_content_says_so() -> None:
    """Whoever reads it can tell that content was there and was left out."""
    assert without_content({"llm": {"privacy": {"redacted": True}}})["llm"]["privacy"] == {
        "redacted": True,
        "content_stored": False,
    }
    assert without_content({}) == {"llm": {"privacy": {"content_stored": False}}}


def test_redaction_finds_what_is_anywhere_in_the_content() -> None:
    """Prompts, answers, tags, attributes and what others have stored lose secrets; figures, ids and names stay."""
    secret = "jane.roe@example.org"
    document: Json = build(
        payloads.entry(
            {
                **payloads.CHAT,
                "user_id": secret,
                "tags": [secret],
                "request": {"model": "m", "messages": [{"role": "user", "content": f"I am {secret}"}]},
            }
        )
    )
    document["not_ours"] = {"deep": [f"<{secret}>"]}
    before = orjson.loads(orjson.dumps(document))
    redacted = redacting(Redactor("all"))(document)
    assert redacted["user"]["id"] == secret  # erasing a person finds it by this value
    redacted["user"] = {}
    redacted["llm"]["join"] = before["llm"]["join"]
    assert secret not in orjson.dumps(redacted).decode()
    assert redacted["llm"]["privacy"]["redacted"] is True
    assert redacted["llm"]["privacy"]["entities"] == ["EMAIL"]
    assert redacted["gen_ai"]["usage"] == before["gen_ai"]["usage"]
    assert redacted["llm"]["input"]["text"] == "I am <EMAIL_1>"
    assert redacted["gen_ai"]["input"]["messages"][0]["parts"][0]["content"] == "I am <EMAIL_1>"


@unhurried
@given(CALLS)
def test_redaction_without_findings_changes_nothing(call: Any) -> None:
    """A document that has nothing to hide is the same after, but for the note that it was looked at."""
    document = build(payloads.entry(call))
    before = orjson.loads(orjson.dumps(document))
    after = redacting(Redactor("none"))(document)
    noted = after["llm"].pop("privacy")
    privacy = before["llm"].pop("privacy", {})
    assert after == before
    assert {key: noted[key] for key in privacy if key not in ("engine", "redacted")} == {
        key: value for key, value in privacy.items() if key not in ("engine", "redacted")
    }
