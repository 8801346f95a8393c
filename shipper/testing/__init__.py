"""Doubles for the tests of programs that use shipper: a server that speaks OpenAI's protocol, and a store in memory.

::

    with OpenAIServer(answer({"id": "chatcmpl-1", …})) as server, capture_completions() as captured:
        client = OpenAI(base_url=server.url, api_key="test")
        …
    assert captured.documents[0]["llm"]["output"]["text"] == "Hello"
"""

from shipper.testing.captured import Captured, capture_completions
from shipper.testing.server import Answer, OpenAIServer, Request, answer, cut, error, stream

__all__ = [
    "Answer",
    "Captured",
    "OpenAIServer",
    "Request",
    "answer",
    "capture_completions",
    "cut",
    "error",
    "stream",
]
