"""Prompt templates in calls: name, version and variables in the record."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from shipper.openai import CallParams, CaptureConfig, OpenAI, TemplateChat, TemplateText, fill_prompt
from shipper.prompts import prompt_version
from shipper.testing import Captured, OpenAIServer, answer
from tests.fixtures.openai_api import COMPLETION, response

TEMPLATE: list[Any] = [{"role": "user", "content": "An emoji for {sport}"}]


def called(
    captured: Captured, params: CallParams | None = None, messages: Any = None, **config: Any
) -> dict[str, Any]:
    """The document of one call with a template."""
    messages = TemplateChat(TEMPLATE, {"sport": "soccer"}) if messages is None else messages
    with OpenAIServer(answer(COMPLETION)) as server:
        client = OpenAI(base_url=server.url, api_key="k", shipper=CaptureConfig(**config))
        client.chat.completions.create(model="m", messages=messages, shipper=params)
    return captured.documents[-1]


def test_a_named_template_is_recorded_with_its_version_and_variables(captured: Captured) -> None:
    """The template's content hash is the version, the filled text the prompt."""
    document = called(captured, CallParams(prompt_template_name="sport-emoji"))
    assert document["gen_ai"]["prompt"] == {"name": "sport-emoji", "version": prompt_version(TEMPLATE)}
    assert document["llm"]["prompt"]["template"] == TEMPLATE
    assert document["llm"]["prompt"]["variables"] == {"sport": "soccer"}
    assert document["llm"]["input"]["text"] == "An emoji for soccer"


def test_the_clients_name_is_taken_where_the_call_gives_none(captured: Captured) -> None:
    """Call, then client, then a name made of the content."""
    assert called(captured, prompt_template_name="default")["gen_ai"]["prompt"]["name"] == "default"
    own = called(captured, CallParams(prompt_template_name="own"), prompt_template_name="default")
    assert own["gen_ai"]["prompt"]["name"] == "own"
    made = called(captured, allow_unnamed_prompts=True)["gen_ai"]["prompt"]
    assert made["name"] == "unnamed-" + made["version"].removeprefix("b2:")[:12]


def test_a_template_without_a_name_costs_its_mention_and_one_warning(
    captured: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    """The call goes through and is recorded; the log says how to name it."""
    with caplog.at_level(logging.WARNING, "shipper"):
        documents = [called(captured), called(captured)]
    assert all("prompt" not in one["gen_ai"] for one in documents)
    assert (
        caplog.text.count("prompt_template_name")
        == caplog.text.count("shipper=CallParams(prompt_template_name") * 2
    )
    assert len(caplog.records) == 1


def test_inline_templates_do_the_same(captured: Captured) -> None:
    """template_chat and template_params describe messages that were filled already."""
    params = CallParams(prompt_template_name="p", template_chat=TEMPLATE, template_params={"sport": "soccer"})
    document = called(captured, params, [{"role": "user", "content": "An emoji for soccer"}])
    assert document["gen_ai"]["prompt"]["version"] == prompt_version(TEMPLATE)
    assert document["llm"]["prompt"]["variables"] == {"sport": "soccer"}


def test_texts_are_templates_of_completions_and_responses(captured: Captured) -> None:
    """TemplateText as prompt, as input, as instructions, and as one message's content."""
    text = TemplateText("Say {x}", {"x": "hi"})
    legacy = {
        **COMPLETION,
        "object": "text_completion",
        "choices": [{"index": 0, "text": "hi", "finish_reason": "stop"}],
    }
    with OpenAIServer(answer(legacy), answer(response())) as server:
        client = OpenAI(base_url=server.url, api_key="k", shipper=CaptureConfig(prompt_template_name="p"))
        client.completions.create(model="m", prompt=text)
        client.responses.create(model="m", input=text)
        client.responses.create(model="m", input="x", instructions=fill_prompt("Be {how}", {"how": "brief"}))
        client.responses.create(model="m", input=text, instructions=fill_prompt("Be {how}", {"how": "brief"}))
        sent = [request.json for request in server.requests]
    assert sent[0]["prompt"] == sent[1]["input"] == "Say hi"
    assert sent[2]["instructions"] == "Be brief"
    templates = [one["llm"]["prompt"]["template"] for one in captured.documents]
    assert templates == ["Say {x}", "Say {x}", "Be {how}", {"input": "Say {x}", "instructions": "Be {how}"}]
    assert captured.documents[3]["llm"]["prompt"]["variables"] == {"x": "hi", "how": "brief"}


def test_a_filled_text_within_a_message_is_recognised(captured: Captured) -> None:
    """`fill_prompt` for one message's content is enough."""
    message = {"role": "user", "content": fill_prompt("An emoji for {sport}", {"sport": "soccer"})}
    document = called(captured, CallParams(prompt_template_name="p"), [message])
    assert document["gen_ai"]["prompt"]["version"] == prompt_version(TEMPLATE)


def test_without_content_the_variables_stay_out(captured: Captured) -> None:
    """save=False keeps the prompt's name and version only."""
    document = called(captured, CallParams(prompt_template_name="p", save=False))
    assert document["gen_ai"]["prompt"]["name"] == "p"
    assert "soccer" not in str(captured.entries)
