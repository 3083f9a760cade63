"""What one operation changes, written in one transaction before anybody hears of it.

Owns the pending changes between two commits. Emits trade updates, each with the order as it was after that event, only
after the transaction that they announce of.
"""

from collections.abc import Callable
from decimal import Decimal
from uuid import uuid4

from tradingd.core.accounting import Position
from tradingd.core.identifiers import Symbol
from tradingd.errors import JournalError
from tradingd.venue.account import Account
from tradingd.venue.assets import AssetDirectory
from tradingd.venue.records import Execution, OrderEvent, OrderRecord
from tradingd.venue.store import VenueStore
from tradingd.venue.wire import activity_stamp, decimal_text, order_json, trade_update_json

UpdateSink = Callable[[dict[str, object]], None]
"""Takes the `data` of one trade_updates message."""


def new_id() -> str:
    """A fresh id in the only form that Alpaca's clients can read."""
    return str(uuid4())


class Changes:
    """The unit of work of the order desk."""

    def __init__(self, store: VenueStore, account: Account, assets: AssetDirectory, publish: UpdateSink) -> None:
        self._store = store
        self._account = account
        self._assets = assets
        self._publish = publish
        self._orders: dict[str, OrderRecord] = {}
        self._executions: list[Execution] = []
        self._positions: dict[Symbol, Position] = {}
        self._updates: list[dict[str, object]] = []
        self.failed = False
        """True once a commit failed: memory is then ahead of the file and must not be shown to anybody."""

    def touch(self, record: OrderRecord) -> None:
        """Note that an order changed without an event."""
        self._orders[record.id] = record

    def announce(self, event: OrderEvent, record: OrderRecord, ts: int, execution: Execution | None = None) -> None:
        """Note that an order changed, and the event that says so."""
        self.touch(record)
        order = order_json(record, self._assets.of(record.symbol).id)
        self._updates.append(trade_update_json(event, order, ts, new_id(), execution))

    def book(
        self, record: OrderRecord, quantity: Decimal, price: Decimal, ts: int, *, short: bool, position: Position
    ) -> None:
        """Note an execution of an order that already counts it, the position after it, and the event that says so."""
        execution_id = new_id()
        execution = Execution(
            id=execution_id,
            activity_id=f"{activity_stamp(ts)}::{execution_id}",
            order_id=record.id,
            symbol=record.symbol,
            side=record.side,
            short=short,
            qty=quantity,
            price=price,
            cum_qty=record.filled_qty,
            leaves_qty=record.leaves,
            position_qty=position.quantity,
            order_status=record.status,
            ts=ts,
        )
        self._executions.append(execution)
        self._positions[execution.symbol] = position
        self.announce(OrderEvent.PARTIAL_FILL if record.leaves else OrderEvent.FILL, record, ts, execution)

    def commit(self) -> None:
        """Write everything noted, then publish it; does nothing when nothing was noted."""
        if not self._orders:
            return
        orders, executions, positions, updates = self._orders, self._executions, self._positions, self._updates
        self._orders, self._executions, self._positions, self._updates = {}, [], {}, []
        try:
            self._store.commit(
                orders=orders.values(),
                executions=executions,
                positions=positions,
                meta={"cash": str(self._account.cash)} if executions else None,
                marks={execution.symbol: decimal_text(execution.price) for execution in executions},
            )
        except JournalError:
            self.failed = True
            raise
        for update in updates:
            self._publish(update)
