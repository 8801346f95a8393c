"""The examples for frameworks that take a client: the framework's answer is the same, and its call is recorded."""

from __future__ import annotations

import runpy
import warnings
from pathlib import Path

import pytest

from shipper.testing import OpenAIServer, answer, capture_completions
from tests.fixtures.openai_api import COMPLETION

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.mark.parametrize(
    ("example", "package"),
    [
        ("openai_pydantic_ai", "pydantic_ai"),
        ("openai_agents_sdk", "agents"),
        ("openai_langchain", "langchain_openai"),
        ("openai_llama_index", "llama_index.llms.openai"),
        ("openai_litellm", "litellm"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_a_frameworks_call_is_recorded(example: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One call, with the framework's messages and the model's answer, under the application's name."""
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # else it asks the network when it is imported
    pytest.importorskip(package)
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    with (
        OpenAIServer(answer(COMPLETION)) as server,
        capture_completions() as captured,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        said = runpy.run_path(str(EXAMPLES / f"{example}.py"))["main"]()
        documents = captured.documents
    assert said == "Blue."
    assert len(documents) == 1
    assert documents[0]["llm"]["application"]["name"] == "weather-bot"
    assert "What colour is the sky?" in documents[0]["llm"]["input"]["text"]
    assert documents[0]["llm"]["output"]["text"] == "Blue."
