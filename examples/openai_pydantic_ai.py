"""Pydantic AI with a recording client: hand it over with the provider."""

from __future__ import annotations

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from shipper.openai import AsyncOpenAI, CaptureConfig


def main() -> str:
    """Ask one question."""
    client = AsyncOpenAI(shipper=CaptureConfig(application="weather-bot", version="1.0.0"))
    model = OpenAIChatModel("gpt-4o-mini", provider=OpenAIProvider(openai_client=client))
    return Agent(model, instructions="Be brief.").run_sync("What colour is the sky?").output


if __name__ == "__main__":
    print(main())
