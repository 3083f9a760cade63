"""A recorder of what an adapter or a feed says, that can be waited for."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Failed(Exception):
    """A case does not hold; the text says what was seen and what should have been."""


class Recorder(Generic[T]):
    """Keeps everything in order."""

    def __init__(self) -> None:
        self.all: list[T] = []
        self._changed = asyncio.Event()

    def put(self, item: T) -> None:
        """Keep one more."""
        self.all.append(item)
        self._changed.set()

    def wake(self) -> None:
        """Let those who wait look again, at something that is not kept here."""
        self._changed.set()

    async def until(self, condition: Callable[[], bool], patience_s: float, wanted: Callable[[], str]) -> None:
        """Wait until what was kept makes the condition true; raises `Failed` with what was wanted."""
        try:
            async with asyncio.timeout(patience_s):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise Failed(f"within {patience_s:g} s: {wanted()}") from None


def check(holds: bool, otherwise: str) -> None:
    """Raise `Failed` unless it holds; `otherwise` says what is wrong."""
    if not holds:
        raise Failed(otherwise)


def same(actual: object, expected: object, what: str) -> None:
    """Raise `Failed` unless two values are equal."""
    if actual != expected:
        raise Failed(f"{what} is {actual}, and should be {expected}")
