"""A response's byte stream that somebody reads along with: whatever reads it, however it ends."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


class Reader(Protocol):
    """Who reads along. None of its methods raises."""

    is_behind: bool
    """Much of what arrived was not looked at yet."""

    def catch_up(self) -> None:
        """The caller wants more: time to look at what it has got already. Only called when `is_behind`."""

    def took(self, data: bytes) -> bytes:
        """Bytes arrived; returns what the caller is to see of them."""
        ...

    def broke(self, error: BaseException) -> None:
        """Reading failed."""

    def closed(self, reason: BaseException | None) -> None:
        """The stream was closed, because it was over or because of the exception under way."""

    def dropped(self) -> None:
        """The stream is being destroyed. Called from anywhere, even within a garbage collection: take no lock."""


def tapped(stream: Any, reader: Reader) -> Any:
    """The byte stream of an httpx (or httpx2) response, read along with.

    Raises:
        TypeError: it is no byte stream of a library that we know.
    """
    for base in type(stream).__mro__:
        if base.__name__ in ("SyncByteStream", "AsyncByteStream"):
            return _tap_class(base)(stream, reader)
    raise TypeError(f"{type(stream).__name__} is no byte stream")


@lru_cache
def _tap_class(base: type) -> type:
    """The tap that the library's own check takes for its stream."""
    ours = _Tap if base.__name__ == "SyncByteStream" else _AsyncTap
    return type(ours.__name__, (ours, base), {})


class _Tapped:
    def __init__(self, inner: Any, reader: Reader) -> None:
        self._inner = inner
        self._reader = reader

    def __del__(self) -> None:
        self._reader.dropped()


class _Tap(_Tapped):
    def __iter__(self) -> Iterator[bytes]:
        reader = self._reader
        took = reader.took
        try:
            for data in self._inner:
                yield took(data)
                if reader.is_behind:
                    reader.catch_up()
        except GeneratorExit:  # nobody wants the rest
            raise
        except BaseException as error:
            reader.broke(error)
            raise

    def close(self) -> None:
        try:
            self._inner.close()
        finally:
            self._reader.closed(sys.exception())


class _AsyncTap(_Tapped):
    def __aiter__(self) -> AsyncIterator[bytes]:
        return _AsyncBytes(aiter(self._inner), self._reader)

    async def aclose(self) -> None:
        try:
            await self._inner.aclose()
        finally:
            self._reader.closed(sys.exception())


class _AsyncBytes:
    def __init__(self, inner: AsyncIterator[bytes], reader: Reader) -> None:
        self._inner = inner
        self._reader = reader

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._reader.is_behind:
            self._reader.catch_up()
        try:
            data = await anext(self._inner)
        except StopAsyncIteration:
            raise
        except BaseException as error:
            self._reader.broke(error)
            raise
        return self._reader.took(data)
