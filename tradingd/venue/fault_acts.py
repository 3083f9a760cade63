"""Faults that wait for nothing: the link is cut, the stream mute, somebody else trades on the account.

Owns: the tasks that end them. Reads and commands: one running venue with a fault layer.
"""

import asyncio
from typing import assert_never

from tradingd.core.identifiers import Symbol
from tradingd.errors import UsageError
from tradingd.venue.errors import Refusal
from tradingd.venue.fault_rules import (
    FaultRule,
    FillFault,
    FrameFault,
    HandFault,
    LagFault,
    LateFault,
    LateFrameFault,
    LinkFault,
    ListFault,
    OverfillFault,
    RaceFault,
    ReplayFault,
    RequestFault,
    StatusFault,
    StreamCutFault,
    StreamFault,
)
from tradingd.venue.faults import FaultLayer
from tradingd.venue.faulty import FaultyVenue
from tradingd.venue.intake import OrderBody

BY_HAND = "by-hand-"
"""How the client ids of orders begin that somebody else placed."""


class FaultPlayer:
    """Commits the faults of one venue, those that wait for an occasion through its layer."""

    def __init__(self, venue: FaultyVenue, layer: FaultLayer) -> None:
        self._venue = venue
        self._layer = layer
        self._by_hand = 0
        self._restoring: set[asyncio.Task[None]] = set()

    async def play(self, rule: FaultRule) -> None:
        """Commit a fault now, or arm it. Raises `UsageError` for one that this venue cannot commit."""
        match rule:
            case (
                RequestFault()
                | LateFault()
                | StatusFault()
                | LagFault()
                | ListFault()
                | FrameFault()
                | LateFrameFault()
                | ReplayFault()
                | FillFault()
                | OverfillFault()
                | RaceFault()
            ):
                self._layer.arm(rule)
            case StreamFault():
                self._layer.calm.clear()
                if rule.kind == "stream_mute":
                    self._venue.stream_faults.mute(rule.seconds)
                else:
                    self._venue.stream_faults.refuse(rule.seconds)
                self._layer.note(rule, f"{rule.seconds:g} s")
            case StreamCutFault():
                self._layer.note(rule, "")
                self._venue.cut_streams()
            case LinkFault():
                self._layer.calm.clear()
                self._layer.note(rule, f"{rule.seconds:g} s")
                await self._venue.cut_link()
                task = asyncio.create_task(self._restore_link(rule.seconds), name="venue-link")
                self._restoring.add(task)
                task.add_done_callback(self._restoring.discard)
            case HandFault():
                self._act(rule)
            case _:
                assert_never(rule)

    async def stop(self) -> None:
        """Commit no more, and wait until what was cut or held is as it should be."""
        self._layer.stop()
        await asyncio.gather(*self._restoring)
        await self._venue.held_commands()

    async def _restore_link(self, seconds: float) -> None:
        await self._layer.wait(seconds)
        await self._venue.restore_link()

    def _act(self, rule: HandFault) -> None:
        symbol = rule.symbol or self._venue.symbols[0]
        price = self._venue.price_of(symbol)
        if price is None:
            raise UsageError(f"{symbol}: the venue has no price yet, or does not trade it")
        self._by_hand += 1
        if rule.kind == "position_appears":
            self._venue.transfer(symbol, rule.quantity, price)
        else:
            body = OrderBody(
                symbol=symbol,
                qty=str(rule.quantity),
                side="buy",
                type="market" if rule.kind == "foreign_fill" else "limit",
                limit_price=None if rule.kind == "foreign_fill" else _far_below(symbol, float(price)),
                time_in_force="gtc",
                client_order_id=f"{BY_HAND}{self._layer.clock()}-{self._by_hand}",
            )
            try:
                self._venue.submit(body)
            except Refusal as refusal:
                raise UsageError(f"{symbol}: the venue refuses the order by hand: {refusal.message}") from refusal
        self._layer.note(rule, f"{rule.quantity} {symbol}")


def _far_below(symbol: Symbol, price: float) -> str:
    """A price that the market will not reach within a drill."""
    return f"{price * 0.6:.2f}" if price > 2 else f"{price * 0.6:.4f}"
