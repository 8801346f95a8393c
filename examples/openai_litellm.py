"""LiteLLM with a recording client, for OpenAI's protocol; `shipper.callbacks.litellm` records those of every provider."""

from __future__ import annotations

import litellm

from shipper.openai import CaptureConfig, OpenAI


def main() -> str:
    """Ask one question."""
    client = OpenAI(shipper=CaptureConfig(application="weather-bot", version="1.0.0"))
    question = [{"role": "user", "content": "What colour is the sky?"}]
    answer = litellm.completion(model="openai/gpt-4o-mini", messages=question, client=client)
    return answer.choices[0].message.content


if __name__ == "__main__":
    print(main())
