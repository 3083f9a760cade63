"""Orders, reports and venue views with only what a test cares about spelled out."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec
from tradingd.core.books import Books
from tradingd.core.entries import (
    AccountOpened,
    CashAdjusted,
    JournalEntry,
    OrderIntended,
    PositionAdjusted,
    Snapshot,
)
from tradingd.core.identifiers import (
    ClientOrderId,
    ExecutionId,
    PlanId,
    StrategyId,
    Symbol,
    TraceId,
    VenueOrderId,
)
from tradingd.core.instruments import Instrument, default_instrument
from tradingd.core.orders import (
    Breach,
    CancelRefused,
    CancelRequested,
    CancelUnknown,
    DenialCode,
    Order,
    OrderAccepted,
    OrderCanceled,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderReplaced,
    OrderTerms,
    OrderType,
    OrderUnknown,
    ReplaceRefused,
    ReplaceRequested,
    ReplaceUnknown,
    Side,
    TimeInForce,
    Trade,
)
from tradingd.core.plans.records import Bracket, Plan, Single
from tradingd.core.risk import MarketView, OrderLimits, RiskRules
from tradingd.core.signals import FollowUp, Protection
from tradingd.core.statement import DayBook, Statement, compare
from tradingd.core.venue_view import AccountInfo, VenueFill, VenueOrder, VenueOrderStatus, VenuePosition, VenueSnapshot

D = Decimal
ABC = Symbol("ABC")
XYZ = Symbol("XYZ")
S1 = StrategyId("s1")
S2 = StrategyId("s2")
V1, V2, V3 = VenueOrderId("v1"), VenueOrderId("v2"), VenueOrderId("v3")


def order(
    order_id: str = "s1-1",
    side: Side = Side.BUY,
    quantity: str = "10",
    *,
    limit: str | None = None,
    stop: str | None = None,
    symbol: Symbol = ABC,
    strategy: StrategyId = S1,
    reference: str = "100",
    order_type: OrderType | None = None,
) -> Order:
    kinds = {(False, False): "MARKET", (True, False): "LIMIT", (False, True): "STOP", (True, True): "STOP_LIMIT"}
    return Order(
        client_order_id=ClientOrderId(order_id),
        strategy_id=strategy,
        symbol=symbol,
        side=side,
        quantity=D(quantity),
        terms=OrderTerms(
            order_type=order_type or OrderType(kinds[limit is not None, stop is not None]),
            limit_price=None if limit is None else D(limit),
            stop_price=None if stop is None else D(stop),
        ),
        trace_id=TraceId(f"trace-{order_id}"),
        ts_created=1_000,
        reference_price=D(reference),
    )


def _id(order_id: str) -> ClientOrderId:
    return ClientOrderId(order_id)


def accepted(order_id: str = "s1-1", venue_id: VenueOrderId = V1, ts: int = 2_000) -> OrderAccepted:
    return OrderAccepted(client_order_id=_id(order_id), venue_order_id=venue_id, ts_event=ts, ts_recv=ts)


def filled(
    quantity: str,
    price: str = "100",
    *,
    order_id: str = "s1-1",
    execution: str = "e1",
    cum: str | None = None,
    fee: str = "0",
    venue_id: VenueOrderId = V1,
    ts: int = 3_000,
) -> OrderFilled:
    return OrderFilled(
        client_order_id=_id(order_id),
        venue_order_id=venue_id,
        execution_id=ExecutionId(execution),
        quantity=D(quantity),
        price=D(price),
        fee=D(fee),
        cum_quantity=None if cum is None else D(cum),
        ts_event=ts,
        ts_recv=ts,
    )


def canceled(order_id: str = "s1-1", ts: int = 4_000) -> OrderCanceled:
    return OrderCanceled(client_order_id=_id(order_id), venue_order_id=V1, ts_event=ts, ts_recv=ts)


def expired(order_id: str = "s1-1", ts: int = 4_000) -> OrderExpired:
    return OrderExpired(client_order_id=_id(order_id), venue_order_id=V1, ts_event=ts, ts_recv=ts)


def rejected(order_id: str = "s1-1", ts: int = 4_000) -> OrderRejected:
    return OrderRejected(client_order_id=_id(order_id), code="403", reason="no", ts_event=ts, ts_recv=ts)


def unknown(order_id: str = "s1-1", ts: int = 2_000) -> OrderUnknown:
    return OrderUnknown(client_order_id=_id(order_id), reason="timeout", ts_event=ts, ts_recv=ts)


def cancel_requested(order_id: str = "s1-1", ts: int = 2_500) -> CancelRequested:
    return CancelRequested(client_order_id=_id(order_id), ts_event=ts, ts_recv=ts)


def cancel_refused(order_id: str = "s1-1", ts: int = 2_600) -> CancelRefused:
    return CancelRefused(client_order_id=_id(order_id), reason="filled", ts_event=ts, ts_recv=ts)


def replace_requested(quantity: str = "20", limit: str | None = None, order_id: str = "s1-1") -> ReplaceRequested:
    return ReplaceRequested(
        client_order_id=_id(order_id),
        quantity=D(quantity),
        limit_price=None if limit is None else D(limit),
        stop_price=None,
        ts_event=2_500,
        ts_recv=2_500,
    )


def replaced(
    quantity: str = "20",
    limit: str | None = None,
    *,
    new: VenueOrderId = V2,
    old: VenueOrderId = V1,
    order_id: str = "s1-1",
    ts: int = 2_700,
) -> OrderReplaced:
    return OrderReplaced(
        client_order_id=_id(order_id),
        venue_order_id=new,
        replaces=old,
        quantity=D(quantity),
        limit_price=None if limit is None else D(limit),
        stop_price=None,
        ts_event=ts,
        ts_recv=ts,
    )


def replace_refused(order_id: str = "s1-1", ts: int = 2_700) -> ReplaceRefused:
    return ReplaceRefused(client_order_id=_id(order_id), reason="no", ts_event=ts, ts_recv=ts)


def cancel_unknown(order_id: str = "s1-1", ts: int = 2_650) -> CancelUnknown:
    return CancelUnknown(client_order_id=_id(order_id), reason="timeout", ts_event=ts, ts_recv=ts)


def replace_unknown(order_id: str = "s1-1", ts: int = 2_750) -> ReplaceUnknown:
    return ReplaceUnknown(client_order_id=_id(order_id), reason="timeout", ts_event=ts, ts_recv=ts)


def denied(order_id: str) -> OrderDenied:
    return OrderDenied(
        client_order_id=ClientOrderId(order_id),
        ts_event=1,
        ts_recv=1,
        order=order(order_id),
        breaches=(Breach(code=DenialCode.HALTED, message="halted"),),
    )


def trade(
    side: Side, quantity: str, price: str, fee: str = "0", *, strategy: StrategyId = S1, symbol: Symbol = ABC
) -> Trade:
    return Trade(
        execution_id=ExecutionId("e"),
        client_order_id=ClientOrderId("c"),
        venue_order_id=V1,
        strategy_id=strategy,
        symbol=symbol,
        side=side,
        quantity=D(quantity),
        price=D(price),
        fee=D(fee),
        trace_id=TraceId("t"),
        ts_event=1,
        ts_recv=1,
    )


def account_opened(cash: str = "100000") -> AccountOpened:
    return AccountOpened(broker="paper", account_id="A", account_kind="paper", currency="USD", cash=D(cash))


def rules(
    account: OrderLimits | None = None,
    *,
    by_symbol: dict[Symbol, OrderLimits] | None = None,
    by_strategy: dict[StrategyId, OrderLimits] | None = None,
    gross: str | None = None,
    leverage: str = "2",
    collar: str = "5",
    allow_short: bool = True,
    stale_after_ns: int = 0,
) -> RiskRules:
    return RiskRules(
        account=account or OrderLimits(),
        by_symbol=by_symbol or {},
        by_strategy=by_strategy or {},
        max_gross_exposure=None if gross is None else D(gross),
        max_leverage=D(leverage),
        price_collar_pct=D(collar),
        max_orders_per_minute=3,
        allow_short=allow_short,
        allowed_symbols=frozenset({ABC, XYZ}),
        stale_after_ns=stale_after_ns,
    )


def market(
    price: str | None = "100", *, age_ns: int = 0, symbol: Symbol = ABC, instrument: Instrument | None = None
) -> MarketView:
    return MarketView(
        instrument=instrument or default_instrument(symbol), price=None if price is None else D(price), age_ns=age_ns
    )


# -- what a venue says ------------------------------------------------------------------------------------------------


def venue_order(
    order_id: str = "s1-1",
    venue_id: VenueOrderId = V1,
    status: VenueOrderStatus = VenueOrderStatus.WORKING,
    *,
    quantity: str = "10",
    filled_quantity: str = "0",
    side: Side = Side.BUY,
    limit: str | None = None,
    replaces: VenueOrderId | None = None,
    replaced_by: VenueOrderId | None = None,
) -> VenueOrder:
    return VenueOrder(
        client_order_id=ClientOrderId(order_id),
        venue_order_id=venue_id,
        symbol=ABC,
        side=side,
        quantity=D(quantity),
        filled_quantity=D(filled_quantity),
        average_fill_price=D(100) if D(filled_quantity) else None,
        terms=OrderTerms(
            order_type=OrderType.MARKET if limit is None else OrderType.LIMIT,
            limit_price=None if limit is None else D(limit),
        ),
        status=status,
        replaces=replaces,
        replaced_by=replaced_by,
        ts_submitted=1_500,
        ts_updated=5_000,
    )


def venue_fill(
    quantity: str,
    price: str = "100",
    *,
    execution: str = "e1",
    cum: str | None = None,
    venue_id: VenueOrderId = V1,
    side: Side = Side.BUY,
    ts: int = 3_000,
) -> VenueFill:
    return VenueFill(
        execution_id=ExecutionId(execution),
        venue_order_id=venue_id,
        symbol=ABC,
        side=side,
        quantity=D(quantity),
        price=D(price),
        fee=D(0),
        cum_quantity=None if cum is None else D(cum),
        ts_event=ts,
    )


def venue_snapshot(
    orders: tuple[VenueOrder, ...] = (),
    fills: tuple[VenueFill, ...] = (),
    positions: dict[str, str] | None = None,
    cash: str = "100000",
) -> VenueSnapshot:
    return VenueSnapshot(
        ts_requested=9_000,
        account=AccountInfo(
            account_id="A",
            account_kind="paper",
            currency="USD",
            cash=D(cash),
            equity=D(cash),
            buying_power=D(cash),
            multiplier=D(1),
            shorting_enabled=True,
        ),
        orders=orders,
        fills=fills,
        positions=tuple(
            VenuePosition(symbol=Symbol(symbol), quantity=D(quantity), average_price=D(100))
            for symbol, quantity in (positions or {}).items()
        ),
    )


PLAN = Plan(
    plan_id=PlanId("s1-5"),
    strategy_id=S1,
    symbol=ABC,
    side=Side.BUY,
    quantity=D(10),
    method=Single(terms=OrderTerms()),
    guard=Bracket(
        protection=Protection(take_profit=D(110), trail_percent=D(2)),
        stop_rests=True,
        trails_there=False,
        waits=False,
        time_in_force=TimeInForce.GTC,
        fraction_time_in_force=TimeInForce.DAY,
    ),
    then=FollowUp(side=Side.SELL, quantity=D(1)),
    trace_id=TraceId("t"),
    ts_started=5_000,
)


def fold(entries: list[JournalEntry]) -> Books:
    books = Books()
    for entry in entries:
        books.apply(entry)
    return books


def encoded(books: Books) -> bytes:
    return msgspec.json.encode(books.snapshot())


def reread(snapshot: Snapshot) -> Snapshot:
    return msgspec.json.decode(msgspec.json.encode(snapshot), type=Snapshot)


INTENDED = OrderIntended(order=order())


DONE = (INTENDED, accepted(), filled("10", "100", execution="e1", fee="0.5"))


def day_of(*entries: JournalEntry, opening: Mapping[Symbol, str] | None = None) -> DayBook:
    books = Books()
    for entry in (account_opened(), *entries):
        books.apply(entry)
    return DayBook(
        label="2026-01-05",
        start_ns=0,
        end_ns=1_000_000,
        books=books,
        fills=tuple(entry for entry in entries if isinstance(entry, OrderFilled)),
        corrections=tuple(entry for entry in entries if isinstance(entry, PositionAdjusted | CashAdjusted)),
        opening_cash=D(100_000),
        opening_positions={symbol: D(quantity) for symbol, quantity in (opening or {}).items()},
    )


def at_venue(
    *,
    orders: tuple[VenueOrder, ...] = (),
    fills: tuple[VenueFill, ...] = (),
    held: str = "0",
    cash: str = "100000",
    day: DayBook | None = None,
) -> Statement:
    positions = (VenuePosition(symbol=ABC, quantity=D(held), average_price=D(100)),) if D(held) else ()
    snapshot = venue_snapshot(orders, fills, cash=cash)
    return compare(day or day_of(*DONE), msgspec.structs.replace(snapshot, positions=positions))


FILLED = venue_order(status=VenueOrderStatus.FILLED, filled_quantity="10")


FILL = msgspec.structs.replace(venue_fill("10", "100", execution="e1"), fee=D("0.5"))
