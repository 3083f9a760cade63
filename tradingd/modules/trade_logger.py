"""Trade logger: the one writer of the journal, and the way into the structured log and the database.

Owns: the journal's tail. Reads: the journal, for trade history. Emits: rows to the database projection and lines to
the log's sinks, both behind the trading path. Never: renders or projects anything before the caller goes on.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from tradingd.core.entries import JournalEntry, OrderAdopted, OrderIntended
from tradingd.core.identifiers import ClientOrderId, StrategyId, Symbol
from tradingd.core.log import SEVERITY, Level, LogEntry, LogEvent
from tradingd.core.numbers import plain
from tradingd.core.order_state import OrderState
from tradingd.core.order_words import Fill, signal_in_words
from tradingd.core.orders import Order, OrderDenied, Trade
from tradingd.core.plans.records import PlanStarted
from tradingd.core.signals import TradingSignal
from tradingd.journal.projection import JournalRow
from tradingd.journal.writer import Committed, JournalWriter
from tradingd.runtime.clock import Clock
from tradingd.runtime.inbox import Inbox, Outlet
from tradingd.runtime.module import Module

LoggedEvent: TypeAlias = JournalRow | LogEntry | TradingSignal
OrderOf: TypeAlias = Callable[[ClientOrderId], OrderState | None]
"""The books' state of an order."""

MIN_REMEMBERED = 1024
"""Orders whose last entry is remembered before any is forgotten."""


class TradeLogger(Module[LoggedEvent]):
    """The daemon's memory."""

    name = "trade_logger"

    def __init__(
        self,
        inbox: Inbox[LoggedEvent],
        *,
        journal: JournalWriter,
        clock: Clock,
        write_line: Callable[[LogEntry], None],
        read_trades: Callable[[int, int], Sequence[Trade]],
        database: Outlet[JournalRow | LogEntry] | None = None,
        order_of: OrderOf | None = None,
        last_about: Mapping[ClientOrderId, int] | None = None,
        min_level: Level = Level.DEBUG,
    ) -> None:
        super().__init__(inbox)
        self._order_of: OrderOf = order_of or (lambda order_id: None)
        self._last_about: dict[ClientOrderId, int] = dict(last_about or {})
        self._forget_at = MIN_REMEMBERED
        self._journal = journal
        self._clock = clock
        self._write_line = write_line
        self._database = database
        self._read_trades = read_trades
        self._silent = frozenset(level for level in Level if SEVERITY[level] < SEVERITY[min_level])

    @property
    def shortage(self) -> str | None:
        """Why no new order may leave for want of room on the journal's disk; None while there is room."""
        return self._journal.reserve.shortage

    def record(self, entry: JournalEntry, *, durable: bool = False, cause: int | None = None) -> int:
        """Append an entry to the journal and return its number; `durable` asks for what the durability promises.

        `cause` is the number of the entry that this one follows from, 0 for none; left out, it is the last entry about
        the same order. Raises `JournalError`: what the entry was about must then not happen.
        """
        ts = self._clock.now_ns()
        order_id: ClientOrderId | None
        if isinstance(entry, _WITH_ORDER):
            order = entry.order
            seq = self._journal.append(ts, entry, durable=durable, cause=cause or 0, trace=order.trace_id)
            self._last_about[order.client_order_id] = seq
            if len(self._last_about) > self._forget_at:
                self._forget()
        elif (order_id := getattr(entry, "client_order_id", None)) is not None:
            state = self._order_of(order_id)
            if cause is None:
                cause = self._last_about.get(order_id, 0)
            trace = "" if state is None else state.order.trace_id
            seq = self._journal.append(ts, entry, durable=durable, cause=cause, trace=trace)
            self._last_about[order_id] = seq
        else:
            trace = entry.plan.trace_id if isinstance(entry, PlanStarted) else ""
            seq = self._journal.append(ts, entry, durable=durable, cause=cause or 0, trace=trace)
        if self._database is not None:
            self.inbox.put(JournalRow(seq=seq, ts=ts, entry=entry))
        return seq

    def after_commit(self, then: Committed) -> None:
        """Call `then` once the last durable entry is as durable as promised, at once where it already is."""
        self._journal.after_commit(then)

    def _forget(self) -> None:
        """Forget the orders that ended or were never let out, now that there are many."""
        for order_id in list(self._last_about):
            state = self._order_of(order_id)
            if state is None or state.is_terminal:
                del self._last_about[order_id]
        self._forget_at = max(MIN_REMEMBERED, 2 * len(self._last_about))

    def log_event(
        self,
        level: Level,
        message: str,
        details: Mapping[str, object] | None = None,
        *,
        event: LogEvent,
        module: str,
        strategy_id: StrategyId | None = None,
        client_order_id: ClientOrderId | None = None,
        symbol: Symbol | None = None,
    ) -> None:
        """Queue one line of the structured log; ids among the details stand where ids stand in every line."""
        if level in self._silent:
            return
        details = dict(details or {})
        self.inbox.put(
            LogEntry(
                ts=self._clock.now_ns(),
                level=level,
                event=event,
                module=module,
                message=message,
                strategy_id=strategy_id,
                client_order_id=client_order_id,
                venue_order_id=_taken(details, "venue_order_id"),
                execution_id=_taken(details, "execution_id"),
                symbol=symbol,
                details=details,
            )
        )

    def log_order(self, level: Level, event: LogEvent, message: str, order: Order, **details: object) -> None:
        """Queue a line about an order, with its ids."""
        if level in self._silent:
            return
        self.inbox.put(
            LogEntry(
                ts=self._clock.now_ns(),
                level=level,
                event=event,
                module="execution_engine",
                message=message,
                strategy_id=order.strategy_id,
                client_order_id=order.client_order_id,
                venue_order_id=_taken(details, "venue_order_id"),
                execution_id=_taken(details, "execution_id"),
                symbol=order.symbol,
                trace_id=order.trace_id,
                details=details,
            )
        )

    def log_trade(self, trade: Trade, state: OrderState, fill: Fill) -> None:
        """Queue a line about an execution."""
        if Level.INFO in self._silent:
            return
        self.inbox.put(
            LogEntry(
                ts=self._clock.now_ns(),
                level=Level.INFO,
                event=LogEvent.ORDER_FILLED,
                module="execution_engine",
                message=fill.in_words(),
                strategy_id=trade.strategy_id,
                client_order_id=trade.client_order_id,
                venue_order_id=trade.venue_order_id,
                execution_id=trade.execution_id,
                symbol=trade.symbol,
                trace_id=trade.trace_id,
                details={
                    "quantity": trade.quantity,
                    "price": trade.price,
                    "fee": "pending" if trade.fee_pending else trade.fee,
                    **fill.details(),
                    "filled": state.filled_quantity,
                    "of": state.quantity,
                    "status": state.status.value,
                },
            )
        )

    def log_signal(self, signal: TradingSignal) -> None:
        """Queue a line about a strategy's decision; it is put into words later, since an order is about to leave."""
        if Level.INFO not in self._silent:
            self.inbox.put(signal)

    def get_trade_history(self, start_date: int, end_date: int) -> Sequence[Trade]:
        """Trades with `start_date <= ts_event < end_date` (ns UTC), in order; reads the journal's files."""
        return self._read_trades(start_date, end_date)

    def handle(self, event: LoggedEvent) -> None:
        """Pass one row or line on to where it is kept."""
        if isinstance(event, TradingSignal):
            event = _signal_line(event)
        if isinstance(event, LogEntry):
            self._write_line(event)
        if self._database is not None:
            self._database.put(event)

    def stop(self) -> None:
        """Write what is still queued, then close the journal."""
        while len(self.inbox):
            self.handle(self.inbox.get_nowait())
        self._journal.close()


def _taken(details: dict[str, object], name: str) -> Any:
    """Take an id out of the details of a line."""
    return details.pop(name, None)


_WITH_ORDER = (OrderIntended, OrderAdopted, OrderDenied)
"""Entries that bring their order along."""


def _wish(signal: TradingSignal) -> str:
    if signal.target is None:
        return signal_in_words(signal)
    missing = f"{signal.action} {plain(signal.quantity)}" if signal.quantity else "nothing"
    return f"target {plain(signal.target)} {signal.symbol}, {missing} to go"


def _signal_line(signal: TradingSignal) -> LogEntry:
    return LogEntry(
        ts=signal.ts_event,
        level=Level.INFO,
        event=LogEvent.STRATEGY_SIGNAL,
        module="strategy_engine",
        message=_wish(signal),
        strategy_id=signal.strategy_id,
        symbol=signal.symbol,
        trace_id=signal.trace_id,
        details={"reason": signal.reason, "order_type": signal.terms.order_type.value},
    )
