"""The fault layer of the paper venue: the faults that it is to commit, and the record of those it did.

Owns: the armed faults, how often each has struck, and when. The venue asks it at a few places and passes them by where
there is no layer: a normal venue has none. Never: touches the books; what it breaks lies between them and the client.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import TypeAlias, TypeVar

import msgspec

from tradingd.core.matching import SimulatedMarket
from tradingd.venue.fault_rules import FaultRule, FillFault, OverfillFault, RaceFault
from tradingd.venue.records import OrderRecord

R = TypeVar("R")

Fill: TypeAlias = Callable[[OrderRecord, Decimal, Decimal], None]
"""Books a fill: order, quantity, price."""


class Injection(msgspec.Struct, frozen=True, kw_only=True):
    """One fault that was committed."""

    ts: int
    kind: str
    detail: str


class FaultLayer:
    """Armed faults; `rng` decides where a fault has a chance."""

    def __init__(self, clock: Callable[[], int], rng: random.Random) -> None:
        self.clock = clock
        self._rng = rng
        self._armed: list[tuple[FaultRule, list[int]]] = []
        self.injections: list[Injection] = []
        self.seen: Counter[str] = Counter()
        """Requests and events that went by, by name."""
        self.calm = asyncio.Event()
        """Set once the faults are over: what is held back is let go."""

    def arm(self, rule: FaultRule) -> None:
        """Commit a fault at the next occasions."""
        self.calm.clear()
        self._armed.append((rule, [rule.count]))

    def stop(self) -> None:
        """Commit no more, and let go of what is held back."""
        self._armed.clear()
        self.calm.set()

    @property
    def armed(self) -> int:
        """Faults that wait for an occasion."""
        return len(self._armed)

    def note(self, rule: FaultRule, detail: str) -> None:
        """Record a fault that was committed."""
        self.injections.append(Injection(ts=self.clock(), kind=rule.kind, detail=detail))

    def find(self, kind: type[R], fits: Callable[[R], bool] = lambda rule: True) -> R | None:
        """Draw the next armed fault of a type that fits the occasion, and count it as used; None most of the time."""
        for entry in self._armed:
            rule, left = entry
            if isinstance(rule, kind) and fits(rule) and (rule.chance == 1.0 or self._rng.random() < rule.chance):
                left[0] -= 1
                if left[0] == 0:
                    self._armed.remove(entry)
                return rule
        return None

    async def wait(self, seconds: float) -> None:
        """Wait, but not beyond the end of the faults."""
        try:
            async with asyncio.timeout(seconds):
                await self.calm.wait()
        except TimeoutError:
            return

    # -- what the order desk asks -------------------------------------------------------------------------------------

    def fills_of(self, record: OrderRecord, quantity: Decimal) -> tuple[Decimal, ...]:
        """Say in which parts an order fills instead of `quantity` at once."""
        if quantity == record.leaves and (over := self.find(OverfillFault)) is not None:
            self.note(over, f"{record.client_order_id} fills for {over.quantity} more")
            return (quantity + over.quantity,)
        half = quantity // 2 if quantity % 1 == 0 else quantity / 2
        if half and (split := self.find(FillFault)) is not None:
            self.note(split, f"{record.client_order_id} fills in two")
            return (half, quantity - half)
        return (quantity,)

    def fill_before(self, command: str, record: OrderRecord, market: SimulatedMarket, fill: Fill) -> None:
        """Fill a working order, or half of it, at its own price before a command about it is carried out."""
        price, leaves = record.limit_price, record.leaves
        if price is None:
            return
        race = self.find(RaceFault, lambda rule: rule.before == command and (rule.fills == "all" or leaves != 1))
        if race is None:
            return
        self.note(race, f"{record.client_order_id} fills ({race.fills}) before its {command}")
        if race.fills == "all":
            market.remove(record.symbol, record.id)
            fill(record, leaves, price)
            return
        half = leaves // 2 if leaves % 1 == 0 else leaves / 2
        market.reduce(record.symbol, record.id, leaves - half)
        fill(record, half, price)
