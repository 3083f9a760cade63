"""A journal written for one test, and the books that it should fold to."""

from collections import deque
from pathlib import Path

import msgspec
from tests.core.making import accepted, account_opened, filled, order
from tradingd.core.books import Books
from tradingd.core.entries import EquitySampled, JournalEntry, OrderIntended, RunEnd, RunStarted, Snapshot
from tradingd.core.orders import ZERO
from tradingd.journal.flushing import Flushed, Flusher
from tradingd.journal.reserve import DiskReserve
from tradingd.journal.segments import Tail, load
from tradingd.journal.writer import Durability, JournalWriter


def story(orders: int = 2) -> list[JournalEntry]:
    """A run with some orders, each acknowledged and filled."""
    entries: list[JournalEntry] = [
        RunStarted(run=1, version="0", config_hash="c", previous=RunEnd.NONE),
        account_opened(),
    ]
    for number in range(1, orders + 1):
        name = f"s1-{number}"
        entries += [
            OrderIntended(order=order(name)),
            accepted(name),
            filled("10", "100.25", order_id=name, execution=f"e{number}", cum="10", fee="0.07"),
        ]
    equity = EquitySampled(ts=1, equity=account_opened().cash, cash=ZERO, gross=ZERO, net=ZERO)
    return [*entries, equity]


def fold(entries: list[JournalEntry]) -> Books:
    books = Books()
    for entry in entries:
        books.apply(entry)
    return books


def encoded(books: Books) -> bytes:
    """The books as bytes: equal bytes are equal books."""
    return msgspec.json.encode(books.snapshot())


class HandDisk:
    """A flusher that is done when a test says so."""

    def __init__(self) -> None:
        self.under_way: deque[Flushed] = deque()
        self.begun = 0

    def begin(self, fd: int, done: Flushed) -> None:
        """Force what was written to `fd` so far."""
        assert not self.under_way, "at most one flush is under way"
        self.begun += 1
        self.under_way.append(done)

    def wait(self) -> None:
        """Be done at once; who asked hears of it at the next `finish`."""

    def finish(self, error: OSError | None = None) -> None:
        """End the flush that is under way."""
        self.under_way.popleft()(error)


class Written:
    """A journal's folder and its writer, with the books kept beside it as the daemon does."""

    def __init__(
        self,
        folder: Path,
        *,
        durability: Durability = Durability.PROCESS,
        reserve: int = 0,
        flusher: Flusher | None = None,
    ) -> None:
        self.folder = folder
        self.flusher = flusher
        self.reserve = reserve
        self.durability = durability
        folder.mkdir(parents=True, exist_ok=True)
        self.open()

    def open(self) -> None:
        self.books, self.tail = load(self.folder)
        self.writer = JournalWriter(
            self.folder,
            self.tail,
            durability=self.durability,
            take_snapshot=self.take_snapshot,
            flusher=self.flusher,
            reserve=DiskReserve(self.folder, self.reserve),
        )
        self.writer.reserve.prepare()

    def take_snapshot(self) -> Snapshot:
        return self.books.snapshot()

    def append(self, *entries: JournalEntry, ts: int = 1_000) -> None:
        for entry in entries:
            self.writer.append(ts, entry)
            self.books.apply(entry)

    def reopen(self) -> Tail:
        """Read it again as the next process would."""
        self.writer.close()
        self.open()
        return self.tail
