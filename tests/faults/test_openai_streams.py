"""Many streams: abandoned ones leave nothing behind, and concurrent ones don't mix."""

from __future__ import annotations

import asyncio
import gc
import os
import tracemalloc

import pytest

from shipper.openai import AsyncOpenAI, OpenAI
from shipper.openai.capture import _open as open_exchanges
from shipper.testing import OpenAIServer, capture_completions, stream
from tests.fixtures.openai_api import BLUE, CHAT, chunk

pytestmark = pytest.mark.slow

STREAMS = int(os.environ.get("SHIPPER_TEST_STREAMS", "1000"))
OUTSTANDING = 50  # of the thousand connections that openai's client may have


def test_streams_abandoned_half_way_leave_nothing_behind() -> None:
    """Each makes one record, gives its connection back, and memory ends where it began.

    openai's Stream refers to itself by its generator, so that a collection has to free it. One that begins while
    httpcore holds the lock of its pool would wait for that lock for ever: here they are made between two calls.
    """
    with OpenAIServer(stream(BLUE)) as server, capture_completions() as captured:
        client = OpenAI(base_url=server.url, api_key="test", max_retries=0, timeout=10)

        def abandon(count: int) -> int:
            for number in range(count):
                answered = client.chat.completions.create(**CHAT, stream=True)
                next(answered), next(answered)
                del answered
                if number % OUTSTANDING == 0:
                    gc.collect(0)
                    server.requests.clear()
            gc.collect()
            captured.entries.clear()
            return tracemalloc.get_traced_memory()[0]

        gc.collect()
        gc.disable()
        tracemalloc.start()
        try:
            before = abandon(STREAMS // 4)
            after = abandon(STREAMS - STREAMS // 4)
        finally:
            tracemalloc.stop()
            gc.enable()
        assert len(captured.entries) == STREAMS
        assert len(open_exchanges) == 0
    assert after - before < 100 * STREAMS  # bytes: an exchange that is kept has thousands


def test_a_thousand_concurrent_streams_make_a_record_each() -> None:
    """Interleaved in one event loop, each is complete for the caller and in its record."""
    parts = [*(chunk(f"word{number} ") for number in range(20)), chunk(finish="stop")]

    async def read(client: AsyncOpenAI) -> int:
        return len([part async for part in await client.chat.completions.create(**CHAT, stream=True)])

    async def all_of_them(url: str) -> list[int]:
        async with AsyncOpenAI(base_url=url, api_key="test", max_retries=2, timeout=120) as client:
            return await asyncio.gather(*[read(client) for _ in range(1_000)])

    with OpenAIServer(stream(parts)) as server, capture_completions() as captured:
        counts = asyncio.run(all_of_them(server.url))
        documents = captured.documents
    assert counts == [21] * 1_000
    assert len(documents) == 1_000
    assert all(one["llm"]["stream"] == {"chunks": 21, "completed": True} for one in documents)
