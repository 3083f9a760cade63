"""Round trips and trades as rows of a spreadsheet: one heading line, plain figures, times that it reads as times."""

import csv
import io
from collections.abc import Iterable, Sequence

from tradingd.core.numbers import plain
from tradingd.core.orders import Side, Trade
from tradingd.core.round_trips import RoundTrip
from tradingd.reporting.times import Times


def render_round_trips(trips: Sequence[RoundTrip], times: Times) -> str:
    """A row for each closing: what was bought and sold at, and what was left of it."""
    heads = ["opened", "closed", "strategy", "symbol", "side", "quantity", "entry", "exit", "gross", "fees", "net"]
    return _document(
        heads,
        (
            [
                times.spreadsheet(trip.ts_opened),
                times.spreadsheet(trip.ts_closed),
                trip.strategy_id,
                trip.symbol,
                "long" if trip.side is Side.BUY else "short",
                *map(plain, (trip.quantity, trip.entry_price, trip.exit_price, trip.gross, trip.fees, trip.net)),
            ]
            for trip in trips
        ),
    )


def render_trades(trades: Sequence[Trade], times: Times) -> str:
    """A row for each execution."""
    heads = ["time", "strategy", "symbol", "side", "quantity", "price", "fee", "order", "execution"]
    return _document(
        heads,
        (
            [
                times.spreadsheet(trade.ts_event),
                trade.strategy_id,
                trade.symbol,
                trade.side.value,
                *map(plain, (trade.quantity, trade.price)),
                "" if trade.fee_pending else plain(trade.fee),
                trade.client_order_id,
                trade.execution_id,
            ]
            for trade in trades
        ),
    )


def _document(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(heads)
    writer.writerows(rows)
    return text.getvalue()
