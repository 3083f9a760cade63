"""The paper venue of a drill: the same venue, whose wire can be cut and whose account others can use.

Owns: what only a drill may do to a venue. Never: serves a user; `tradingd venue` has no such commands.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

from aiohttp import web

from tradingd.core.accounting import Position, apply_trade
from tradingd.core.identifiers import Symbol
from tradingd.core.matching import to_decimal
from tradingd.core.orders import ZERO, Side
from tradingd.settings.venue import VenueSettings
from tradingd.venue.fault_frames import FrameFaults
from tradingd.venue.faults import FaultLayer
from tradingd.venue.intake import OrderBody
from tradingd.venue.log_sink import LogSink
from tradingd.venue.server import PaperVenue


class FaultyVenue(PaperVenue):
    """A paper venue with a fault layer, and the means to act on it from outside."""

    def __init__(
        self,
        settings: VenueSettings,
        *,
        database: Path,
        symbols: Sequence[Symbol],
        clock: Callable[[], int],
        log: LogSink,
        faults: FaultLayer,
    ) -> None:
        super().__init__(settings, database=database, symbols=symbols, clock=clock, log=log, faults=faults)
        self.symbols = tuple(symbols)

    @property
    def stream_faults(self) -> FrameFaults:
        """The part of the fault layer that the order stream passes through."""
        faults = self._trade_updates.faults
        assert faults is not None, "a faulty venue has a fault layer"
        return faults

    def cut_streams(self) -> None:
        """Reset the connection of everybody who listens to orders."""
        self._trade_updates.cut()

    async def cut_link(self) -> None:
        """Reset every connection and take no new one."""
        assert self._runner is not None and self._runner.server is not None, "the venue has started"
        for site in tuple(self._runner.sites):
            await site.stop()
        for connection in tuple(self._runner.server.connections):
            if connection.transport is not None:
                connection.transport.abort()

    async def restore_link(self) -> None:
        """Take connections again, at the same port."""
        if self._runner is not None and not self._runner.sites:
            host, port = self._address
            await web.TCPSite(self._runner, host, port, reuse_address=True).start()

    async def held_commands(self) -> None:
        """Wait until every command that was held back is carried out."""
        if self._requests is not None:
            await self._requests.settled()

    def price_of(self, symbol: Symbol) -> Decimal | None:
        """The last price, None before the first or for a symbol that is not traded here."""
        if symbol not in self.symbols:
            return None
        mark = self._desk.market.book(symbol).mark
        return to_decimal(mark) if mark else None

    def submit(self, body: OrderBody) -> None:
        """Place an order on the account by hand; raises a `Refusal`."""
        self._desk.submit(body)

    def transfer(self, symbol: Symbol, quantity: Decimal, price: Decimal) -> None:
        """Bring shares into the account that nobody bought."""
        held = self._account.positions.get(symbol, Position())
        position = apply_trade(held, Side.BUY, quantity, price, ZERO)
        if position.quantity:
            self._account.positions[symbol] = position
        else:
            self._account.positions.pop(symbol, None)
        self._store.commit(positions={symbol: position})
