"""Where the library's decoder puts what it reads: every message is copied at once, and handed on after its packet.

Owns: the names that the decoder calls. Emits: records to one listener, pieces of answers to the questions. Never:
decides.
"""
# ruff: noqa: N802, N815, PLR0917 - the names and their arguments are those of the protocol, which the decoder calls

from collections.abc import Callable
from datetime import UTC, tzinfo
from types import SimpleNamespace
from typing import Any, TypeAlias

from tradingd.brokers.ib.codes import Command, Verdict, is_read_only, judge
from tradingd.brokers.ib.questions import FIRST_NUMBER, Questions
from tradingd.brokers.ib.ticks import (
    MarketRecord,
    WireBar,
    WireDataType,
    WirePrint,
    WireQuote,
    WireStamp,
    WireTick,
)
from tradingd.brokers.ib.wire import (
    Record,
    WireError,
    WirePosition,
    WireStatus,
    WireValue,
    copy_commission,
    copy_contract,
    copy_execution,
    copy_margin,
    copy_order,
    number,
)
from tradingd.core.orders import ZERO

AnyRecord: TypeAlias = Record | MarketRecord
OPEN_ORDERS, COMPLETED_ORDERS, POSITIONS, CURRENT_TIME = "open orders", "completed orders", "positions", "time"
_LAST_STAMPS = (45, 88)


def rule_key(rule_id: int) -> str:
    """The name of the question about a market rule."""
    return f"market rule {rule_id}"


class Inbox:
    """The decoder's other side for one connection (the `wrapper` of its client)."""

    ib = SimpleNamespace(TimezoneTWS=None)
    """Asked for the zone of times that carry none, which servers before version 174 send: those are read as local."""
    defaultTimezone: tzinfo = UTC

    def __init__(
        self,
        listener: Callable[[AnyRecord], None],
        on_lost: Callable[[], None],
        after_packet: Callable[[], None] | None = None,
    ) -> None:
        self.questions = Questions()
        self.accounts: tuple[str, ...] = ()
        self.next_valid_id = 0
        self.client_id_taken = False
        self.reads = 0
        """Packets read so far."""
        self._listener = listener
        self._on_lost = on_lost
        self._after = after_packet
        self._records: list[AnyRecord] = []

    # -- the connection -----------------------------------------------------------------------------------------------

    def connectAck(self) -> None:
        """The version is agreed."""

    def setEventsDone(self) -> None:
        """Nobody listens to the library's own events."""

    def connectionClosed(self) -> None:
        """The socket is closed; not called when this side closed it."""
        self._on_lost()

    def nextValidId(self, order_id: int) -> None:
        """The floor of order ids."""
        self.next_valid_id = max(self.next_valid_id, order_id)

    def managedAccounts(self, accounts: str) -> None:
        """The accounts of the login."""
        self.accounts = tuple(name for name in accounts.split(",") if name)

    def tcpDataProcessed(self) -> None:
        """A packet is decoded to its end: hand on what was in it.

        Outside of the decoder, which would swallow what a listener raises.
        """
        self.reads += 1
        while self._records:
            records, self._records = self._records, []
            for record in records:
                self._listener(record)
        if self._after is not None:
            self._after()

    def error(self, req_id: int, code: int, text: str, _advanced: str = "") -> None:
        """An error, a warning or news; of one about a question that question is answered."""
        if code == 326:
            self.client_id_taken = True
        if is_read_only(code, text) and req_id < 0:
            self.questions.refuse_unnumbered(code, text)
        if req_id >= FIRST_NUMBER and self.questions.is_open(req_id):
            if judge(Command.QUERY, code) is not Verdict.NOTHING:
                self.questions.refuse(req_id, code, text)
            return
        if self.questions.is_open(what_if_key(req_id)) and judge(Command.SUBMIT, code) is not Verdict.NOTHING:
            self.questions.refuse(what_if_key(req_id), code, text)
            return
        self._records.append(WireError(req_id=req_id, code=code, text=text))

    def currentTime(self, seconds: int) -> None:
        """The answer to a probe."""
        self.questions.add(CURRENT_TIME, seconds)
        self.questions.end(CURRENT_TIME)

    # -- orders -------------------------------------------------------------------------------------------------------

    def openOrder(self, order_id: int, contract: Any, order: Any, state: Any) -> None:
        """An order as it stands, or the answer to a what-if order."""
        if order.whatIf:
            self.questions.add(what_if_key(order_id), copy_margin(state))
            self.questions.end(what_if_key(order_id))
            return
        wire = copy_order(contract, order, state, is_answer=self.questions.is_open(OPEN_ORDERS))
        self.questions.add(OPEN_ORDERS, wire)
        self._records.append(wire)

    def openOrderEnd(self) -> None:
        """The list of open orders is over."""
        self.questions.end(OPEN_ORDERS)

    def completedOrder(self, contract: Any, order: Any, state: Any) -> None:
        """An order of the day that is over."""
        self.questions.add(COMPLETED_ORDERS, copy_order(contract, order, state, is_completed=True))

    def completedOrdersEnd(self) -> None:
        """The list of finished orders is over."""
        self.questions.end(COMPLETED_ORDERS)

    def orderStatus(
        self,
        order_id: int,
        status: str,
        filled: float,
        _remaining: float,
        average_price: float,
        perm_id: int,
        _parent_id: int,
        _last_price: float,
        client_id: int,
        why_held: str,
        _cap_price: float = 0.0,
    ) -> None:
        """A word about an order."""
        self._records.append(
            WireStatus(
                order_id=order_id,
                client_id=client_id,
                perm_id=perm_id,
                status=status,
                filled=number(filled) or ZERO,
                average_price=number(average_price) or None,
                why_held=why_held,
            )
        )

    def execDetails(self, req_id: int, contract: Any, execution: Any) -> None:
        """An execution, live or as part of an answer."""
        wire = copy_execution(contract, execution, is_live=req_id < FIRST_NUMBER)
        self.questions.add(req_id, wire)
        self._records.append(wire)

    def execDetailsEnd(self, req_id: int) -> None:
        """The list of executions is over."""
        self.questions.end(req_id)

    def commissionReport(self, report: Any) -> None:
        """What an execution cost."""
        self._records.append(copy_commission(report))

    # -- the account --------------------------------------------------------------------------------------------------

    def position(self, account: str, contract: Any, quantity: float, average_cost: float) -> None:
        """A position."""
        self.questions.add(
            POSITIONS,
            WirePosition(
                account=account,
                contract=copy_contract(contract),
                quantity=number(quantity) or ZERO,
                average_cost=number(average_cost) or ZERO,
            ),
        )

    def positionEnd(self) -> None:
        """The list of positions is over."""
        self.questions.end(POSITIONS)

    def accountUpdateMulti(self, req_id: int, account: str, _model: str, tag: str, value: str, currency: str) -> None:
        """A figure of the account."""
        self.questions.add(req_id, WireValue(account=account, tag=tag, value=value, currency=currency))

    def accountUpdateMultiEnd(self, req_id: int) -> None:
        """The figures are all told."""
        self.questions.end(req_id)

    # -- contracts and history ----------------------------------------------------------------------------------------

    def contractDetails(self, req_id: int, details: Any) -> None:
        """A contract that a description fits."""
        self.questions.add(req_id, details)

    def contractDetailsEnd(self, req_id: int) -> None:
        """All that fit are told."""
        self.questions.end(req_id)

    def marketRule(self, rule_id: int, increments: list[Any]) -> None:
        """Ticks by price."""
        for increment in increments:
            self.questions.add(rule_key(rule_id), (number(increment.lowEdge), number(increment.increment)))
        self.questions.end(rule_key(rule_id))

    def historicalData(self, req_id: int, bar: Any) -> None:
        """A bar of the past."""
        self.questions.add(
            req_id, WireBar(req_id, str(bar.date), bar.open, bar.high, bar.low, bar.close, float(bar.volume))
        )

    def historicalDataEnd(self, req_id: int, _start: str, _end: str) -> None:
        """The bars are all told."""
        self.questions.end(req_id)

    # -- market data --------------------------------------------------------------------------------------------------

    def priceSizeTick(self, req_id: int, kind: int, price: float, size: float) -> None:
        """A price with its size."""
        self._records.append(WireTick(req_id, kind, price, size))

    def tickSize(self, req_id: int, kind: int, size: float) -> None:
        """A size alone."""
        self._records.append(WireTick(req_id, kind, None, size))

    def tickString(self, req_id: int, kind: int, value: str) -> None:
        """A text; of interest is the time of the last trade alone."""
        if kind in _LAST_STAMPS and value.isdecimal():
            self._records.append(WireStamp(req_id, int(value)))

    def tickByTickAllLast(
        self, req_id: int, _kind: int, seconds: int, price: float, size: float, _attributes: Any, *_where: str
    ) -> None:
        """A trade."""
        self._records.append(WirePrint(req_id, seconds, price, size))

    def tickByTickBidAsk(
        self, req_id: int, seconds: int, bid: float, ask: float, bid_size: float, ask_size: float, _attributes: Any
    ) -> None:
        """A quote."""
        self._records.append(WireQuote(req_id, seconds, bid, ask, bid_size, ask_size))

    def realtimeBar(
        self,
        req_id: int,
        seconds: int,
        open_: float,
        high: float,
        low: float,
        close: float,
        volume: float,
        _average: float = 0.0,
        _count: int = 0,
    ) -> None:
        """A bar of five seconds."""
        self._records.append(WireBar(req_id, str(seconds), open_, high, low, close, volume))

    def marketDataType(self, req_id: int, kind: int) -> None:
        """Whether the data of a subscription is live."""
        self._records.append(WireDataType(req_id, kind))


def what_if_key(order_id: int) -> str:
    """The name of the question that a what-if order is."""
    return f"what if {order_id}"
