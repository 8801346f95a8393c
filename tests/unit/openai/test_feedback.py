"""Feedback by the client that made the call, Libretto's way."""

from __future__ import annotations

import asyncio

import openai
import pytest

from shipper.errors import UsageError
from shipper.openai import AsyncOpenAI, CaptureConfig, OpenAI, instrument
from shipper.testing import Captured, OpenAIServer, answer
from tests.fixtures.openai_api import CHAT, COMPLETION


def test_a_rating_and_a_better_response(captured: Captured) -> None:
    """Sent by the key that the answer carries, under the client's application."""
    with OpenAIServer(answer(COMPLETION)) as server:
        client = OpenAI(api_key="k", base_url=server.url, shipper=CaptureConfig(application="libretto"))
        completion = client.chat.completions.create(**CHAT)
        assert completion.model_extra is not None
        key = completion.model_extra["shipper_feedback_key"]
        event_id = client.send_feedback(feedback_key=key, rating=0.2, better_response="Azure.")
    [document] = captured.of("llm.feedback")
    assert document["event"]["id"] == event_id
    assert document["llm"]["join"]["key"] == [key]
    assert document["llm"]["application"]["name"] == "libretto"
    assert document["gen_ai"]["evaluation"] == {"name": "rating", "score": {"value": 0.2}}
    assert document["llm"]["feedback"]["better_response"] == "Azure."


@pytest.mark.parametrize("said", [{}, {"rating": 5}, {"better_response": ""}])
def test_what_can_not_be_meant_is_an_error(captured: Captured, said: dict[str, object]) -> None:
    """Either or both, and a rating from 0 to 1."""
    with pytest.raises(UsageError, match="Nothing was logged"):
        OpenAI(api_key="k").send_feedback("key", **said)  # type: ignore[arg-type]
    assert captured.documents == []


def test_every_kind_of_client_has_it(captured: Captured) -> None:
    """Async ones and instrumented ones too; it only writes to the spool, so that nothing is awaited."""

    async def judge() -> None:
        async with AsyncOpenAI(api_key="k") as client:
            client.send_feedback("a", rating=1)

    asyncio.run(judge())
    instrument(openai.OpenAI(api_key="k")).send_feedback("b", rating=0)  # type: ignore[attr-defined]
    assert [one["llm"]["join"]["key"] for one in captured.documents] == [["a"], ["b"]]
