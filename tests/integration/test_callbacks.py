"""Callbacks for frameworks that make their calls themselves: answered, streamed and failed calls are logged once each."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from shipper.testing import Captured, OpenAIServer, answer, capture_completions, error, stream
from tests.fixtures.openai_api import BLUE, COMPLETION, USAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

QUESTION = "What colour is the sky?"
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def captured(monkeypatch: pytest.MonkeyPatch) -> Iterator[Captured]:
    """What is logged while a server answers once, streams once, and refuses from then on."""
    with (
        OpenAIServer(answer(COMPLETION), stream([*BLUE, USAGE]), error(400)) as server,
        capture_completions() as captured,
    ):
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "test")
        monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # else it asks the network when imported
        yield captured


def check(documents: list[dict[str, Any]], tokens: list[tuple[int, int]]) -> None:
    """One document for each of the three calls."""
    answered, streamed, failed = documents
    for one in documents:
        assert one["llm"]["application"] == {"name": "weather-bot"}
        assert one["service"]["version"] == "1.0.0"
        assert one["llm"]["input"]["text"] == QUESTION
        assert one["gen_ai"]["provider"]["name"] == "openai"
        assert one["llm"]["latency_ms"] > 0
    for one, (asked, said) in zip((answered, streamed), tokens, strict=True):
        assert one["llm"]["output"]["text"] == "Blue."
        assert one["gen_ai"]["response"]["finish_reasons"] == ["stop"]
        assert (one["gen_ai"]["usage"]["input_tokens"], one["gen_ai"]["usage"]["output_tokens"]) == (
            asked,
            said,
        )
        assert one["event"]["outcome"] == "success"
    assert answered["gen_ai"]["conversation"]["id"] == "s"
    assert answered["tags"] == ["t"]
    assert failed["event"]["outcome"] == "failure"
    assert "refused by the test" in failed["error"]["message"]


def call_back(litellm: Any, logged: threading.Semaphore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let LiteLLM call ours back, and say when a call was logged: it does so in threads of its own."""
    from shipper.callbacks.litellm import LiteLLMCallback

    class Told(LiteLLMCallback):
        def log_success_event(self, *told: Any, **named: Any) -> None:
            super().log_success_event(*told, **named)
            logged.release()

        def log_failure_event(self, *told: Any, **named: Any) -> None:
            super().log_failure_event(*told, **named)
            logged.release()

    for known in ("input_callback", "success_callback", "failure_callback"):
        monkeypatch.setattr(litellm, known, [])  # another test's, which it would take for this one
    monkeypatch.setattr(litellm, "callbacks", [Told("weather-bot", version="1.0.0")])


def test_litellm(captured: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own id of the call is a join key; the cost is what it says."""
    litellm = pytest.importorskip("litellm")
    logged = threading.Semaphore(0)
    call_back(litellm, logged, monkeypatch)
    asked: dict[str, Any] = {
        "model": "openai/gpt-4o-mini",
        "messages": [{"role": "user", "content": QUESTION}],
    }
    litellm.completion(**asked, metadata={"session_id": "s", "tags": ["t"]})
    assert logged.acquire(timeout=30)
    assert list(litellm.completion(**asked, stream=True))
    assert logged.acquire(timeout=30)
    with pytest.raises(litellm.BadRequestError):
        litellm.completion(**asked)
    assert logged.acquire(timeout=30)
    check(captured.documents, [(9, 2), (9, 3)])
    assert all(len(one["llm"]["join"]["key"]) >= 2 for one in captured.documents)
    assert captured.documents[0]["gen_ai"]["usage"]["cost"]["source"] == "caller"


def test_litellms_embeddings_and_text_completions_have_their_prompts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """LiteLLM tells both as messages, which they were not; a failed call says what it was."""
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    litellm = pytest.importorskip("litellm")
    logged = threading.Semaphore(0)
    vector = {"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}
    vectors = {
        "object": "list",
        "model": "m",
        "data": [vector],
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    }
    choice = {"text": "Blue.", "index": 0, "logprobs": None, "finish_reason": "stop"}
    text = {**COMPLETION, "object": "text_completion", "choices": [choice]}
    with OpenAIServer(answer(vectors), answer(text), error(400)) as server, capture_completions() as captured:
        call_back(litellm, logged, monkeypatch)
        asked: dict[str, Any] = {"api_base": server.url, "api_key": "k"}
        litellm.embedding(model="openai/text-embedding-3-small", input=[QUESTION], **asked)
        assert logged.acquire(timeout=30)
        litellm.text_completion(
            model="text-completion-openai/gpt-3.5-turbo-instruct", prompt=QUESTION, **asked
        )
        assert logged.acquire(timeout=30)
        with pytest.raises(litellm.BadRequestError):
            litellm.embedding(model="openai/own-model", input=QUESTION, **asked)
        assert logged.acquire(timeout=30)
        documents = captured.documents
    assert [one["openai"]["api"]["type"] for one in documents] == ["embeddings", "completions", "embeddings"]
    assert [one["llm"]["input"]["text"] for one in documents] == [QUESTION] * 3
    assert documents[1]["llm"]["output"]["text"] == "Blue."


def test_langchain(captured: Captured) -> None:
    """LangChain's run id is a join key."""
    package = pytest.importorskip("langchain_openai")
    from shipper.callbacks.langchain import LangChainCallback

    model = package.ChatOpenAI(model="gpt-4o-mini", max_retries=0)
    config = {
        "callbacks": [LangChainCallback("weather-bot", version="1.0.0")],
        "tags": ["t"],
        "metadata": {"session_id": "s"},
    }
    model.invoke(QUESTION, config=config)
    assert list(model.stream(QUESTION, config=config))
    with pytest.raises(Exception, match="refused by the test"):
        model.invoke(QUESTION, config=config)
    check(captured.documents, [(9, 2), (9, 3)])
    assert all(len(one["llm"]["join"]["key"]) >= 2 for one in captured.documents)


def test_langchain_tells_parts_of_the_tokens_and_the_first_piece() -> None:
    """Cached and reasoning tokens, whatever LangChain calls them; id and model of several choices; the stream's start."""
    package = pytest.importorskip("langchain_openai")
    from shipper.callbacks.langchain import LangChainCallback

    usage = {
        **COMPLETION["usage"],
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 1},
    }
    [choice] = COMPLETION["choices"]
    both = answer({**COMPLETION, "choices": [choice, {**choice, "index": 1}], "usage": usage})
    with (
        OpenAIServer(both, stream([*BLUE, {**USAGE, "usage": usage}])) as server,
        capture_completions() as captured,
    ):
        model = package.ChatOpenAI(model="gpt-4o-mini", base_url=server.url, api_key="k")
        config = {"callbacks": [LangChainCallback("weather-bot")]}
        model.invoke(QUESTION, config=config, n=2)
        assert list(model.stream(QUESTION, config=config))
        documents = captured.documents
    for one in documents:
        assert one["gen_ai"]["usage"]["cache_read"] == {"input_tokens": 4}
        assert one["gen_ai"]["usage"]["reasoning"] == {"output_tokens": 1}
        assert one["gen_ai"]["response"]["model"] == COMPLETION["model"]
    plain, streamed = documents
    assert plain["gen_ai"]["response"]["id"] == COMPLETION["id"]
    assert streamed["gen_ai"]["request"]["stream"] is True
    assert streamed["gen_ai"]["response"]["time_to_first_chunk"] > 0
