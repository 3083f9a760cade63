"""Executions as TWS told them, with their fees and corrections. No I/O.

Owns: what each execution was booked as, and what corrections have made of it. Never: counts one twice.
"""

from collections import OrderedDict
from decimal import Decimal

import msgspec

from tradingd.core.identifiers import ClientOrderId, ExecutionId
from tradingd.core.orders import ZERO

_REMEMBERED = 20_000


class ReportedExecution(msgspec.Struct):
    """One execution: the message that told it last, and what it cost as far as that is known."""

    exec_id: str
    quantity: Decimal
    price: Decimal
    fee: Decimal | None = None
    owner: ClientOrderId | None = None
    ts_event: int = 0
    last_quantity: Decimal = ZERO
    """The quantity that its last correction gave it; what is booked under its name is `quantity` at `price`."""
    last_price: Decimal = ZERO
    added: tuple[tuple[ExecutionId, Decimal, Decimal], ...] = ()
    """What corrections added: an execution of its own each, name, quantity and price. What they take away, or change of
    the price, the comparison of positions and cash finds."""


class Executions:
    """Executions by their lasting name; the oldest are forgotten, and by then are in the books or never were."""

    def __init__(self) -> None:
        self._by_name: OrderedDict[ExecutionId, ReportedExecution] = OrderedDict()
        self._fees: OrderedDict[ExecutionId, Decimal] = OrderedDict()

    def get(self, name: ExecutionId) -> ReportedExecution | None:
        """What is known of an execution."""
        return self._by_name.get(name)

    def put(self, name: ExecutionId, told: ReportedExecution) -> None:
        """Take note of an execution; a fee that came before it is its own."""
        told.fee = self._fees.pop(name, None)
        told.last_quantity, told.last_price = told.quantity, told.price
        self._by_name[name] = told
        if len(self._by_name) > _REMEMBERED:
            self._by_name.popitem(last=False)

    def fee_before(self, name: ExecutionId, fee: Decimal) -> None:
        """Keep a fee whose execution was not told yet."""
        self._fees[name] = fee
        if len(self._fees) > _REMEMBERED:
            self._fees.popitem(last=False)
