"""LlamaIndex with a recording client: hand it over with the model."""

from __future__ import annotations

from llama_index.llms.openai import OpenAI as Model

from shipper.openai import CaptureConfig, OpenAI


def main() -> str:
    """Ask one question."""
    client = OpenAI(shipper=CaptureConfig(application="weather-bot", version="1.0.0"))
    return str(Model(model="gpt-4o-mini", openai_client=client).complete("What colour is the sky?"))


if __name__ == "__main__":
    print(main())
