"""What an operator asked to see: the same options for every command that lists something. Pure."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import msgspec

from tradingd.cli.moments import parse_since
from tradingd.core.timestamps import parse_timestamp
from tradingd.errors import UsageError
from tradingd.reporting.times import Times


class Listed(Protocol):
    """Something that belongs to a strategy and a symbol."""

    @property
    def strategy_id(self) -> str:
        """Whose it is."""
        ...

    @property
    def symbol(self) -> str:
        """What is traded."""
        ...


V = TypeVar("V", bound=Listed)


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which of the things are wanted; None asks for nothing in particular."""

    since_ns: int | None = None
    until_ns: int | None = None
    symbol: str | None = None
    strategy: str | None = None
    limit: int | None = None

    @property
    def asks(self) -> bool:
        """True when anything is left out."""
        return self != Selection()

    def covers(self, ts: int) -> bool:
        """True for a time within the span."""
        return (self.since_ns is None or ts >= self.since_ns) and (self.until_ns is None or ts < self.until_ns)

    def pick(self, views: Sequence[V], time_of: Callable[[V], str] | None = None) -> list[V]:
        """The wanted ones, in their order; without `time_of` the span says nothing."""
        found = [
            view
            for view in views
            if self.symbol in (None, view.symbol)
            and self.strategy in (None, view.strategy_id)
            and (time_of is None or self.covers(parse_timestamp(time_of(view))))
        ]
        return found if self.limit is None else found[-self.limit :]

    def empty(self, what: str, *, of_all: int) -> str:
        """A sentence for an empty answer: nothing there at all, or nothing of what was asked for."""
        if not self.asks or not of_all:
            return f"no {what}"
        asked = [
            f"of strategy {self.strategy}" if self.strategy is not None else "",
            f"in {self.symbol}" if self.symbol is not None else "",
            "in that time" if self.since_ns is not None or self.until_ns is not None else "",
        ]
        return " ".join(["no", what, *filter(None, asked), f"({of_all} others)"])


def read_selection(
    *,
    since: str | None = None,
    until: str | None = None,
    symbol: str | None = None,
    strategy: str | None = None,
    limit: int | None = None,
    times: Times,
    now_ns: int,
    names: tuple[str, str] = ("--since", "--until"),
) -> Selection:
    """Read the options; a date is its midnight in the zone that times are shown in."""
    since_ns = parse_since(since, now_ns, times=times, option=names[0])
    until_ns = parse_since(until, now_ns, times=times, option=names[1])
    if since_ns is not None and until_ns is not None and since_ns >= until_ns:
        raise UsageError(f"{names[0]} {since} does not come before {names[1]} {until}")
    return Selection(since_ns=since_ns, until_ns=until_ns, symbol=symbol, strategy=strategy, limit=limit)
