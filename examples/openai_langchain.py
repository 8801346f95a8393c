"""LangChain with a recording client: it takes the resource that makes the calls, and the client behind it."""

from __future__ import annotations

from langchain_openai import ChatOpenAI

from shipper.openai import CaptureConfig, OpenAI


def main() -> str:
    """Ask one question."""
    client = OpenAI(shipper=CaptureConfig(application="weather-bot", version="1.0.0"))
    model = ChatOpenAI(model="gpt-4o-mini", client=client.chat.completions, root_client=client)
    return str(model.invoke("What colour is the sky?").content)


if __name__ == "__main__":
    print(main())
