"""What is copied out of the library's objects the moment it is decoded. No I/O.

The library's records are mutable and typed as floats; ours are frozen, and money and quantities are `Decimal` from here
on. A float has come from the text of a message with fewer than 16 digits, so that its shortest text is what was sent.
"""

import math
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from tradingd.core.identifiers import ExecutionId
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.orders import ZERO

_UNSET = 1e300
"""Figures that are not there come as the largest double."""


class WireContract(msgspec.Struct, frozen=True, kw_only=True):
    """The contract of a message."""

    con_id: int
    symbol: str
    sec_type: str
    expiry: str = ""
    multiplier: str = ""
    exchange: str = ""
    currency: str = ""
    local_symbol: str = ""


class WireOrder(msgspec.Struct, frozen=True, kw_only=True):
    """openOrder or completedOrder."""

    contract: WireContract
    order_id: int
    client_id: int
    perm_id: int
    ref: str
    account: str
    action: str
    quantity: Decimal
    order_type: str
    limit_price: Decimal | None
    aux_price: Decimal | None
    trail_stop: Decimal | None
    trail_percent: Decimal | None
    tif: str
    good_till: str
    outside_rth: bool
    status: str
    filled: Decimal | None = None
    """Told of completed orders alone."""
    completed_time: str = ""
    is_completed: bool = False
    is_answer: bool = False
    """True for one that came while open orders were being listed: what is nobody's here is then no news."""


class WireStatus(msgspec.Struct, frozen=True, kw_only=True):
    """orderStatus: a hint, which may be repeated, late, or never come."""

    order_id: int
    client_id: int
    perm_id: int
    status: str
    filled: Decimal
    average_price: Decimal | None
    why_held: str


class WireExecution(msgspec.Struct, frozen=True, kw_only=True):
    """execDetails: a fact."""

    contract: WireContract
    exec_id: str
    order_id: int
    client_id: int
    perm_id: int
    ref: str
    account: str
    side: str
    quantity: Decimal
    price: Decimal
    cum_quantity: Decimal
    liquidation: int
    ts_event: int
    is_live: bool
    """False for one that a question was answered with."""


class WireCommission(msgspec.Struct, frozen=True, kw_only=True):
    """commissionReport; `fee` None where the figure was not there."""

    exec_id: str
    fee: Decimal | None
    currency: str


class WireError(msgspec.Struct, frozen=True, kw_only=True):
    """error: a refusal, a warning, or news of the connection; `req_id` -1 where it is about nothing of ours."""

    req_id: int
    code: int
    text: str


class WireMargin(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a what-if order."""

    initial: Decimal | None
    """How much the initial margin would change by."""
    maintenance: Decimal | None
    initial_after: Decimal | None
    equity_after: Decimal | None
    commission: Decimal | None
    currency: str
    warning: str


class WirePosition(msgspec.Struct, frozen=True, kw_only=True):
    """position; `average_cost` counts the multiplier and commissions in."""

    account: str
    contract: WireContract
    quantity: Decimal
    average_cost: Decimal


class WireValue(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of an account."""

    account: str
    tag: str
    value: str
    currency: str


Record: TypeAlias = WireOrder | WireStatus | WireExecution | WireCommission | WireError
"""What is told without having been asked for."""


def number(value: Any) -> Decimal | None:
    """A figure as a decimal; None for one that is not there."""
    try:
        figure = float(value)
    except (TypeError, ValueError):
        return None
    if not math.isfinite(figure) or abs(figure) >= _UNSET:
        return None
    return Decimal(int(figure)) if figure.is_integer() else Decimal(repr(figure))


def copy_contract(contract: Any) -> WireContract:
    """Copy the library's contract."""
    return WireContract(
        con_id=int(contract.conId),
        symbol=contract.symbol,
        sec_type=contract.secType,
        expiry=contract.lastTradeDateOrContractMonth,
        multiplier=str(contract.multiplier or ""),
        exchange=contract.exchange,
        currency=contract.currency,
        local_symbol=contract.localSymbol,
    )


def copy_order(
    contract: Any, order: Any, state: Any, *, is_completed: bool = False, is_answer: bool = False
) -> WireOrder:
    """Copy what openOrder or completedOrder told."""
    filled = number(order.filledQuantity) if is_completed else None
    quantity = number(order.totalQuantity) or ZERO
    return WireOrder(
        contract=copy_contract(contract),
        order_id=int(order.orderId),
        client_id=int(order.clientId),
        perm_id=int(order.permId),
        ref=order.orderRef,
        account=order.account,
        action=order.action,
        # Of a filled order the whole quantity is told as 0.
        quantity=max(quantity, filled or ZERO),
        order_type=order.orderType,
        limit_price=number(order.lmtPrice),
        aux_price=number(order.auxPrice),
        trail_stop=number(order.trailStopPrice),
        trail_percent=number(order.trailingPercent),
        tif=order.tif,
        good_till=order.goodTillDate,
        outside_rth=bool(order.outsideRth),
        status=state.status,
        filled=filled,
        completed_time=state.completedTime,
        is_completed=is_completed,
        is_answer=is_answer,
    )


def copy_execution(contract: Any, execution: Any, *, is_live: bool) -> WireExecution:
    """Copy an execution; of one without a sensible quantity or price `ValueError` is raised."""
    quantity, price = number(execution.shares), number(execution.price)
    if quantity is None or price is None or quantity <= 0:
        raise ValueError(f"execution {execution.execId} without quantity or price")
    moment: datetime = execution.time
    # Executions of orders that were typed in come with the largest integer for an id.
    order_id = int(execution.orderId)
    return WireExecution(
        contract=copy_contract(contract),
        exec_id=execution.execId,
        order_id=0 if order_id >= 2**31 - 1 else order_id,
        client_id=int(execution.clientId),
        perm_id=int(execution.permId),
        ref=execution.orderRef,
        account=execution.acctNumber,
        side=execution.side,
        quantity=quantity,
        price=price,
        cum_quantity=number(execution.cumQty) or quantity,
        liquidation=int(execution.liquidation),
        ts_event=int(moment.timestamp()) * NS_PER_SECOND,
        is_live=is_live,
    )


def copy_commission(report: Any) -> WireCommission:
    """Copy a commission report. -1 stands for "not known" there; rebates are negative too, and never exactly that."""
    fee = number(report.commission)
    return WireCommission(exec_id=report.execId, fee=None if fee == -1 else fee, currency=report.currency)


def copy_margin(state: Any) -> WireMargin:
    """Copy the answer to a what-if order."""
    return WireMargin(
        initial=number(state.initMarginChange),
        maintenance=number(state.maintMarginChange),
        initial_after=number(state.initMarginAfter),
        equity_after=number(state.equityWithLoanAfter),
        commission=number(state.commission),
        currency=state.commissionCurrency,
        warning=state.warningText,
    )


def execution_name(exec_id: str) -> ExecutionId:
    """The name of an execution for ever: a correction differs in its last part alone, and has the name of the first."""
    base, dot, last = exec_id.rpartition(".")
    return ExecutionId(f"{base}.01" if dot and last.isdecimal() else exec_id)


def read_time(text: str) -> int | None:
    """Nanoseconds of a time as TWS writes it: `20260131 09:30:00 US/Eastern`, or `20260131-14:30:00`, which is UTC."""
    day, _, rest = text.replace("-", " ", 1).partition(" ")
    clock, _, zone = rest.strip().partition(" ")
    try:
        moment = datetime.strptime(f"{day} {clock}", "%Y%m%d %H:%M:%S").replace(
            tzinfo=ZoneInfo(zone.strip()) if zone.strip() else UTC
        )
    except (ValueError, ZoneInfoNotFoundError):
        return None
    return int(moment.timestamp()) * NS_PER_SECOND


def write_time(ts_ns: int) -> str:
    """A time as TWS reads it, in UTC, to the second."""
    return f"{datetime.fromtimestamp(ts_ns // NS_PER_SECOND, UTC):%Y%m%d-%H:%M:%S}"
