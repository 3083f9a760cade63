"""What each journal entry becomes in the database: pure functions from entries to named statements and their values."""

from collections.abc import Callable
from typing import TypeAlias

from tradingd.core.entries import EquitySampled, JournalEntry, Snapshot, StrategyTransferred, order_named_by
from tradingd.core.executions import trade_of
from tradingd.core.identifiers import ClientOrderId
from tradingd.core.order_state import OrderState
from tradingd.core.orders import FeeReported, OrderDenied, OrderFilled, Trade

UPSERT_ORDER = "INSERT OR REPLACE INTO orders VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
INSERT_TRADE = "INSERT OR IGNORE INTO trades VALUES (?,?,?,?,?,?,?,?,?,?,?,?)"
_TRANSFER = "SET strategy_id = ? WHERE strategy_id = ? AND symbol = coalesce(?, symbol)"
TRANSFERS = tuple(f"UPDATE {table} {_TRANSFER}" for table in ("orders", "trades", "denials"))
UPDATE_FEE = "UPDATE trades SET fee = ?, fee_pending = 0 WHERE client_order_id = ? AND execution_id = ?"
INSERT_DENIAL = "INSERT OR IGNORE INTO denials VALUES (?,?,?,?,?,?)"
INSERT_EQUITY = "INSERT OR REPLACE INTO equity VALUES (?,?,?,?,?)"
INSERT_BAR = "INSERT OR REPLACE INTO bars VALUES (?,?,?,?,?,?,?,?)"
INSERT_LOG = "INSERT INTO log (ts, level, event, strategy_id, client_order_id, line) VALUES (?,?,?,?,?,?)"
SET_META = "INSERT OR REPLACE INTO meta VALUES (?,?)"

Row: TypeAlias = tuple[str | int | float | None, ...]
OrderOf: TypeAlias = Callable[[ClientOrderId], OrderState | None]


def order_row(state: OrderState) -> Row:
    """An order as the `orders` table keeps it."""
    order, terms = state.order, state.terms
    return (
        order.client_order_id,
        state.venue_order_id,
        order.strategy_id,
        order.symbol,
        order.side.value,
        format(state.quantity, "f"),
        terms.order_type.value,
        None if terms.limit_price is None else format(terms.limit_price, "f"),
        None if terms.stop_price is None else format(terms.stop_price, "f"),
        terms.time_in_force.value,
        state.status.value,
        format(state.filled_quantity, "f"),
        None if state.average_price is None else format(state.average_price, "f"),
        format(state.fees, "f"),
        state.reject_reason,
        order.ts_created,
        state.ts_updated,
    )


def trade_row(trade: Trade) -> Row:
    """A trade as the `trades` table keeps it."""
    return (
        trade.client_order_id,
        trade.execution_id,
        trade.venue_order_id,
        trade.strategy_id,
        trade.symbol,
        trade.side.value,
        format(trade.quantity, "f"),
        format(trade.price, "f"),
        format(trade.fee, "f"),
        trade.trace_id,
        trade.ts_event,
        int(trade.fee_pending),
    )


def project(entries: list[JournalEntry], order_of: OrderOf) -> dict[str, list[Row]]:
    """The statements that take a batch of entries into the database; each order is written once, as it is now.

    What a strategy hands over is what stands in the database by then: a transfer is the first of its batch.
    """
    statements: dict[str, list[Row]] = {}
    for entry in entries:
        if isinstance(entry, StrategyTransferred):
            for statement in TRANSFERS:
                statements.setdefault(statement, []).append((entry.target, entry.source, entry.symbol))
    touched: dict[ClientOrderId, OrderState] = {}
    fees: list[Row] = []
    for entry in entries:
        match entry:
            case OrderDenied(order=order, breaches=breaches):
                codes = ",".join(breach.code.value for breach in breaches)
                message = "; ".join(breach.message for breach in breaches)
                row: Row = (order.client_order_id, order.strategy_id, order.symbol, codes, message, entry.ts_event)
                statements.setdefault(INSERT_DENIAL, []).append(row)
            case EquitySampled():
                figures = (entry.equity, entry.cash, entry.gross, entry.net)
                row = (entry.ts, *(format(figure, "f") for figure in figures))
                statements.setdefault(INSERT_EQUITY, []).append(row)
            case Snapshot(orders=orders):
                touched.update({state.client_order_id: state for state in orders})
            case _:
                order_id = order_named_by(entry)
                state = None if order_id is None else order_of(order_id)
                if state is None:
                    continue
                touched[state.client_order_id] = state
                if isinstance(entry, OrderFilled):
                    statements.setdefault(INSERT_TRADE, []).append(trade_row(trade_of(state.order, entry)))
                elif isinstance(entry, FeeReported):
                    fees.append((format(entry.fee, "f"), entry.client_order_id, entry.execution_id))
    if fees:
        statements[UPDATE_FEE] = fees  # after the trades that they belong to
    if touched:
        statements[UPSERT_ORDER] = [order_row(state) for state in touched.values()]
    return statements
