"""Questions to TWS and their answers, which come in pieces with an end, or never. No I/O.

Owns: what was asked and is not answered. Never: gives part of an answer: one without its end is none.
"""

import asyncio
from typing import Any, TypeAlias

from tradingd.errors import VenueUnavailable

Key: TypeAlias = int | str
"""The number of a question, or the name of one that carries no number."""

FIRST_NUMBER = 1 << 30
"""Questions count from here, so that no error about a question can be taken for one about an order."""


class QuestionRefused(VenueUnavailable):
    """The venue answered with an error."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


class Questions:
    """The open questions of one connection."""

    def __init__(self) -> None:
        self._futures: dict[Key, asyncio.Future[list[Any]]] = {}
        self._pieces: dict[Key, list[Any]] = {}
        self._number = FIRST_NUMBER

    def next_number(self) -> int:
        """A number that no question had before."""
        self._number += 1
        return self._number

    def begin(self, key: Key) -> asyncio.Future[list[Any]]:
        """Open a question; its future holds the pieces of the answer once that has ended."""
        future: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._futures[key], self._pieces[key] = future, []
        return future

    def is_open(self, key: Key) -> bool:
        """True while a question waits for the end of its answer."""
        return key in self._futures

    def add(self, key: Key, piece: Any) -> None:
        """Take a piece of an answer."""
        if key in self._pieces:
            self._pieces[key].append(piece)

    def end(self, key: Key) -> None:
        """Take the end of an answer."""
        future, pieces = self._futures.pop(key, None), self._pieces.pop(key, [])
        if future is not None and not future.done():
            future.set_result(pieces)

    def refuse(self, key: Key, code: int, text: str) -> None:
        """Take an error for an answer."""
        self._fail(key, QuestionRefused(code, text))

    def refuse_unnumbered(self, code: int, text: str) -> None:
        """Take an error that names no question for the answer to every question without a number."""
        for key in [key for key in self._futures if isinstance(key, str)]:
            self.refuse(key, code, text)

    def fail_all(self, reason: str) -> None:
        """End every question without an answer."""
        for key in list(self._futures):
            self._fail(key, VenueUnavailable(reason))

    def drop(self, key: Key) -> None:
        """Forget a question."""
        self._futures.pop(key, None)
        self._pieces.pop(key, None)

    def _fail(self, key: Key, error: VenueUnavailable) -> None:
        future = self._futures.pop(key, None)
        self._pieces.pop(key, None)
        if future is not None and not future.done():
            future.set_exception(error)
