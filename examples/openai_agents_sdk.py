"""OpenAI's Agents SDK with a recording client: give it to the model, or to all with `set_default_openai_client`."""

from __future__ import annotations

from agents import Agent, OpenAIChatCompletionsModel, Runner, set_tracing_disabled

from shipper.openai import AsyncOpenAI, CaptureConfig


def main() -> str:
    """Ask one question."""
    set_tracing_disabled(True)
    client = AsyncOpenAI(shipper=CaptureConfig(application="weather-bot", version="1.0.0"))
    model = OpenAIChatCompletionsModel("gpt-4o-mini", openai_client=client)
    agent = Agent("sky", instructions="Be brief.", model=model)
    return Runner.run_sync(agent, "What colour is the sky?").final_output


if __name__ == "__main__":
    print(main())
