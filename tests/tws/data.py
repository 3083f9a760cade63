"""The market data of one client: ticks, tick by tick, and five-second bars.

Owns the subscriptions of one session, which end with it. Reads the market store; emits tick messages. While a data
farm is down, another session competes or the link is lost, nothing is emitted.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from tradingd.core.identifiers import Symbol
from tradingd.core.market import NS_PER_SECOND, MarketDataEvent, PriceBar, QuoteTick, TradeTick

from tests.tws.contracts import Asked, IbContract, read_contract
from tests.tws.history import History
from tests.tws.market import Shown
from tests.tws.wire import Fields, Value, frame

if TYPE_CHECKING:
    from tests.tws.server import TwsEmulator
    from tests.tws.session import Session

_LIVE, _DELAYED = 1, 3
_BID_SIZE, _BID, _ASK, _ASK_SIZE, _LAST, _LAST_SIZE, _HIGH, _LOW, _VOLUME, _CLOSE, _OPEN = (
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    14,
)
_TIMESTAMP, _DELAYED_TIMESTAMP = 45, 88
_DELAYED_TICKS = {
    _BID: 66, _ASK: 67, _LAST: 68, _BID_SIZE: 69, _ASK_SIZE: 70, _LAST_SIZE: 71,
    _HIGH: 72, _LOW: 73, _VOLUME: 74, _CLOSE: 75, _OPEN: 76, _TIMESTAMP: _DELAYED_TIMESTAMP,
}  # fmt: skip
_BY_TICK_KINDS = {"Last": 1, "AllLast": 2, "BidAsk": 3, "MidPoint": 4}
_NOT_SUBSCRIBED = "Requested market data is not subscribed."
COMPETING = (10197, "No market data during competing live session")


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One subscription of ticks."""

    contract: IbContract
    delayed: bool = False


def number(value: float) -> Value:
    """A size as the protocol writes it: without a fraction where it has none."""
    return int(value) if value == int(value) else value


class DataStreams:
    """The market data that one client gets."""

    def __init__(self, session: "Session", tws: "TwsEmulator") -> None:
        self.history = History(session, tws)
        self._session = session
        self._tws = tws
        self._type = _LIVE
        self._lines: dict[int, Line] = {}
        self._by_tick: dict[int, tuple[int, IbContract]] = {}
        self._bars: dict[int, IbContract] = {}

    def acts(self) -> dict[int, Callable[[Fields], None]]:
        """The requests that this answers, by message number."""
        return {
            1: self._on_ticks,
            2: lambda fields: self._end(fields, self._lines),
            50: self._on_bars,
            51: lambda fields: self._end(fields, self._bars),
            59: self._on_type,
            97: self._on_by_tick,
            98: lambda fields: self._drop(self._by_tick.pop(fields.integer(), None)),
            **self.history.acts(),
        }

    def forget(self) -> None:
        """Lose all subscriptions, as after 1101."""
        self._lines.clear()
        self._by_tick.clear()
        self._bars.clear()
        self.history.forget()

    def on_competing_session(self) -> None:
        """Tell that another session takes the data."""
        for req_id in (*self._lines, *self._by_tick, *self._bars):
            self._session.error(req_id, *COMPETING)

    def on_market_data(self, event: MarketDataEvent) -> None:
        """Pass one event on to whoever asked for it."""
        for req_id, line in self._lines.items():
            if line.contract.local_symbol == event.symbol:
                self._tick(req_id, line, event)
        for req_id, (kind, contract) in self._by_tick.items():
            if contract.local_symbol == event.symbol:
                self._one_by_one(req_id, kind, event)
        self.history.on_market_data(event)

    def wanted_bars(self) -> set[Symbol]:
        """The symbols of which five-second bars are wanted."""
        return {Symbol(contract.local_symbol) for contract in self._bars.values()}

    def on_bar(self, bar: PriceBar) -> None:
        """Pass a five-second bar on."""
        for req_id, contract in self._bars.items():
            if contract.local_symbol == bar.symbol:
                average = (bar.high + bar.low + bar.close) / 3
                prices = (bar.open, bar.high, bar.low, bar.close)
                at = bar.ts_open // NS_PER_SECOND
                self._session.send(
                    frame(50, 3, req_id, at, *prices, number(bar.volume), average, 1 if bar.volume else 0)
                )

    # -- requests ---------------------------------------------------------------------------------------------------

    def resolve(self, req_id: int, asked: Asked) -> IbContract | None:
        """The one contract that is meant; None after telling that there is none, or more."""
        found = self._tws.catalogue.find(asked)
        if len(found) == 1:
            return found[0]
        if found:
            self._session.error(req_id, 200, f"The contract description specified for {asked.symbol} is ambiguous.")
        else:
            self._session.error(req_id, 200, "No security definition has been found for the request")
        return None

    def _on_type(self, fields: Fields) -> None:
        fields.skip(1)
        self._type = fields.integer()

    def _may_have_live(self, req_id: int) -> bool:
        if self._tws.competing_session:
            self._session.error(req_id, *COMPETING)
            return False
        if self._tws.faults.delayed_data:
            self._session.error(req_id, 354, f"{_NOT_SUBSCRIBED} Delayed market data is available.")
            return False
        return True

    def _on_ticks(self, fields: Fields) -> None:
        fields.skip(1)
        req_id = fields.integer()
        contract = self.resolve(req_id, read_contract(fields))
        if contract is None:
            return
        fields.skip(2)  # no delta-neutral contract, generic ticks
        is_snapshot = fields.flag()
        delayed = self._tws.faults.delayed_data and self._type >= _DELAYED and not self._tws.competing_session
        if delayed:
            self._session.error(req_id, 10167, f"{_NOT_SUBSCRIBED} Displaying delayed market data.")
        elif not self._may_have_live(req_id):
            return
        line = Line(contract=contract, delayed=delayed)
        self._session.send(frame(81, req_id, contract.min_tick, "9c0001", 3))
        self._session.send(frame(58, 1, req_id, _DELAYED if delayed else _LIVE))
        if self._tws.data_flows:
            self._first_ticks(req_id, line, self._tws.store.shown(Symbol(contract.local_symbol)))
        if is_snapshot:
            self._session.send(frame(57, 1, req_id))
        else:
            self._lines[req_id] = line

    def _on_by_tick(self, fields: Fields) -> None:
        req_id = fields.integer()
        contract = self.resolve(req_id, read_contract(fields))
        kind = _BY_TICK_KINDS.get(fields.text(), 0)
        if contract is None or not self._may_have_live(req_id):
            return
        if not kind:
            self._session.error(req_id, 321, "Error validating request.-'bX' : cause - Invalid tick-by-tick data type")
            return
        self._by_tick[req_id] = (kind, contract)

    def _on_bars(self, fields: Fields) -> None:
        fields.skip(1)
        req_id = fields.integer()
        contract = self.resolve(req_id, read_contract(fields))
        if contract is not None and self._may_have_live(req_id):
            self._bars[req_id] = contract
            # Bars that ended before anybody asked are not told.
            self._tws.store.close_buckets(Symbol(contract.local_symbol), self._tws.now())

    def _end(self, fields: Fields, requests: dict[int, Line] | dict[int, IbContract]) -> None:
        fields.skip(1)
        requests.pop(fields.integer(), None)

    def _drop(self, _: object) -> None:
        return

    # -- ticks ------------------------------------------------------------------------------------------------------

    def _first_ticks(self, req_id: int, line: Line, shown: Shown) -> None:
        if shown.quote is not None:
            self._tick(req_id, line, shown.quote)
        if shown.trade is not None:
            self._tick(req_id, line, shown.trade)
            for kind, price in ((_HIGH, shown.high), (_LOW, shown.low), (_OPEN, shown.open)):
                self._price(req_id, line, kind, price, 0)
        if shown.close:
            self._price(req_id, line, _CLOSE, shown.close, 0)

    def _tick(self, req_id: int, line: Line, event: MarketDataEvent) -> None:
        match event:
            case QuoteTick():
                for price_kind, size_kind, price, size in (
                    (_BID, _BID_SIZE, event.bid, event.bid_size),
                    (_ASK, _ASK_SIZE, event.ask, event.ask_size),
                ):
                    # A side that is not quoted is told as -1 with size 0.
                    self._price(req_id, line, price_kind, price or -1, size if price else 0)
                    self._size(req_id, line, size_kind, size if price else 0)
            case TradeTick():
                kind = _DELAYED_TICKS[_TIMESTAMP] if line.delayed else _TIMESTAMP
                self._session.send(frame(46, 6, req_id, kind, str(event.ts_event // NS_PER_SECOND)))
                self._price(req_id, line, _LAST, event.price, event.size)
                self._size(req_id, line, _LAST_SIZE, event.size)
                self._size(req_id, line, _VOLUME, self._tws.store.shown(event.symbol).volume)
            case PriceBar():
                pass

    def _price(self, req_id: int, line: Line, kind: int, price: float, size: float) -> None:
        told = _DELAYED_TICKS[kind] if line.delayed else kind
        self._session.send(frame(1, 6, req_id, told, price, number(size), 1))

    def _size(self, req_id: int, line: Line, kind: int, size: float) -> None:
        told = _DELAYED_TICKS[kind] if line.delayed else kind
        self._session.send(frame(2, 6, req_id, told, number(size)))

    def _one_by_one(self, req_id: int, kind: int, event: MarketDataEvent) -> None:
        at = event.ts_event // NS_PER_SECOND
        match event:
            case TradeTick() if kind in (1, 2):
                self._session.send(frame(99, req_id, kind, at, event.price, number(event.size), 0, "NASDAQ", ""))
            case QuoteTick() if kind == 3:
                sizes = (number(event.bid_size), number(event.ask_size))
                self._session.send(frame(99, req_id, kind, at, event.bid, event.ask, *sizes, 0))
            case QuoteTick() if kind == 4:
                self._session.send(frame(99, req_id, kind, at, (event.bid + event.ask) / 2))
            case _:
                pass
