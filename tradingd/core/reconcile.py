"""Reconciliation as a pure difference between the books and a venue's snapshot.

The answer is a plan: reports that enter the books like any other, adoptions of orders that are not ours, and
adjustments of positions and cash. It never invents an execution: where the venue says that more filled than its own
history lists, the order stays open in the plan and is asked for again. Applying a plan twice changes nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

import msgspec

from tradingd.core.accounting import Position, apply_trade, value_of
from tradingd.core.books import CASH, Books
from tradingd.core.coin_fees import COIN_FEE_CAUSE, SALE_FEE_CAUSE, is_fee_of, shares_of_fee
from tradingd.core.entries import CashAdjusted, OrderAdopted, PositionAdjusted
from tradingd.core.executions import execution_names
from tradingd.core.flows import SPLIT_CAUSE
from tradingd.core.identifiers import EXTERNAL, ClientOrderId, StrategyId, Symbol, TraceId, VenueOrderId
from tradingd.core.market import MINUTE_NS
from tradingd.core.order_findings import Findings, fill_report, judge_order, never_arrived, strays_of
from tradingd.core.orders import (
    ZERO,
    ExecutionReport,
    FeeReported,
    Order,
    OrderFilled,
)
from tradingd.core.venue_view import VenueFill, VenueOrder, VenueOrderStatus, VenueSnapshot

CASH_TOLERANCE = Decimal("0.01")
"""A venue that shows cash in cents differs from exact books by less than this."""
POSITION_CAUSE = "the venue's position differs from the books"
CASH_CAUSE = "the venue's cash differs from the books"
FEE_GRACE_NS = 5 * MINUTE_NS
"""How long a fee may be pending before a difference of cash is corrected all the same."""
_SPLITS = frozenset(
    Decimal(text) for text in ("1.25", "1.5", "2", "3", "4", "5", "6", "7", "8", "10", "15", "20", "25", "50")
)


class Cadence(msgspec.Struct, frozen=True, kw_only=True):
    """How often the venue is asked, in ns; 0 switches a timer off."""

    in_flight_ns: int
    open_orders_ns: int
    everything_ns: int
    max_queries: int
    """Orders asked for one by one in one round of the first timer."""


NEVER = Cadence(in_flight_ns=0, open_orders_ns=0, everything_ns=0, max_queries=1)


class ReconciliationPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What has to enter the books so that they say what the venue says."""

    reports: tuple[ExecutionReport, ...]
    adoptions: tuple[OrderAdopted, ...]
    adjustments: tuple[PositionAdjusted | CashAdjusted, ...]
    unresolved: tuple[ClientOrderId, ...]
    """Open orders of ours that the snapshot does not show: to be asked for one by one."""
    incomplete: tuple[ClientOrderId, ...]
    """Orders of which the venue has filled more than its history lists so far."""
    strays: tuple[VenueOrderId, ...] = ()
    """Orders of ours that work and should not: beside a later one for the same intent, or after the intent's end."""

    @property
    def empty(self) -> bool:
        """True when the books and the venue agree and nothing is left to ask."""
        return not (
            self.reports or self.adoptions or self.adjustments or self.unresolved or self.incomplete or self.strays
        )


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Whose the things are that no order of ours explains."""

    claims: Mapping[Symbol, StrategyId] = {}
    """Strategies that take positions and orders in a symbol for theirs; else they are external."""
    only: frozenset[Symbol] | None = None
    """The symbols that are looked at; others are left out of the books. None looks at all."""

    def owner(self, symbol: Symbol) -> StrategyId:
        """Who holds what nobody here traded."""
        return self.claims.get(symbol, EXTERNAL)

    def covers(self, symbol: Symbol) -> bool:
        """True for a symbol that is looked at."""
        return self.only is None or symbol in self.only


EVERYTHING = Scope()


def diff(
    books: Books,
    venue: VenueSnapshot,
    *,
    now_ns: int,
    not_found: Collection[ClientOrderId] = (),
    settled: Collection[ClientOrderId] = (),
    scope: Scope = EVERYTHING,
) -> ReconciliationPlan:
    """Compare the books with a snapshot.

    `not_found` names orders that the venue, asked for each by our id after the grace time, does not know: together with
    their absence from the snapshot's list that is evidence that they never arrived. `settled` names orders whose cancel
    or replace the venue has had the time to show: one that it does not show is taken for lost. While a command can be
    under way its own answer settles it.
    """
    ours = _match_orders(books, venue.orders)
    fills = _match_fills(books, ours, venue.fills)
    reports: list[ExecutionReport] = [*_late_fees(books, venue.fills, now_ns)]
    unresolved: list[ClientOrderId] = []
    incomplete: list[ClientOrderId] = []
    strays: list[VenueOrderId] = []
    seen: dict[ClientOrderId, list[VenueOrder]] = {}
    for order in venue.orders:
        if (owner := ours.get(order.venue_order_id)) is not None:
            seen.setdefault(owner, []).append(order)
    for owner in dict.fromkeys([*seen, *fills, *(s.client_order_id for s in books.orders.open)]):
        state = books.orders.get(owner)
        assert state is not None
        legs = seen.get(owner, [])
        missing = fills.get(owner, [])
        if not legs and not state.is_terminal:
            if owner in not_found and not missing:
                reports.append(never_arrived(owner, now_ns))
                continue
            unresolved.append(owner)
        findings = judge_order(state, legs, missing, now_ns=now_ns, settled=owner in settled)
        reports += findings.reports
        if findings.incomplete:
            incomplete.append(owner)
        strays += strays_of(state, legs, findings)
    adoptions = tuple(
        _adopt(order, scope.owner(order.symbol))
        for order in venue.orders
        if order.status is VenueOrderStatus.WORKING and order.venue_order_id not in ours and scope.covers(order.symbol)
    )
    adjustments: tuple[PositionAdjusted | CashAdjusted, ...] = ()
    if not unresolved and not incomplete:
        adjustments = _adjust(books, venue, reports, scope, now_ns)
    return ReconciliationPlan(
        reports=tuple(reports),
        adoptions=adoptions,
        adjustments=adjustments,
        unresolved=tuple(unresolved),
        incomplete=tuple(incomplete),
        strays=tuple(strays),
    )


def match_working(
    books: Books, orders: tuple[VenueOrder, ...], *, now_ns: int, settled: Collection[ClientOrderId]
) -> tuple[dict[ClientOrderId, Findings], tuple[VenueOrder, ...]]:
    """What a list of working orders says about ours, and the orders on it that are nobody's here.

    The list tells nothing about orders that are not on it: they may have ended, or may not have arrived.
    """
    ours = _match_orders(books, orders)
    seen: dict[ClientOrderId, list[VenueOrder]] = {}
    for order in orders:
        if (owner := ours.get(order.venue_order_id)) is not None:
            seen.setdefault(owner, []).append(order)
    findings: dict[ClientOrderId, Findings] = {}
    for owner, legs in seen.items():
        state = books.orders.get(owner)
        assert state is not None
        found = judge_order(state, legs, [], now_ns=now_ns, settled=owner in settled)
        if strays_of(state, legs, found):
            found = msgspec.structs.replace(found, incomplete=True)
        findings[owner] = found
    foreign = tuple(
        order for order in orders if order.venue_order_id not in ours and order.status is VenueOrderStatus.WORKING
    )
    return findings, foreign


def looks_like_split(before: Decimal, after: Decimal) -> bool:
    """True when a quantity jumped by a ratio that share splits have (2:1 to 50:1, 3:2, 5:4, and back).

    Only beside unchanged cash is it a sign of one: trades cost money.
    """
    if not before or not after or (before > 0) != (after > 0) or before == after:
        return False
    ratio = after / before if abs(after) > abs(before) else before / after
    return ratio in _SPLITS


def _match_orders(books: Books, orders: tuple[VenueOrder, ...]) -> dict[VenueOrderId, ClientOrderId]:
    """Which venue ids are legs of which of our orders, following replaces back to an id that we know."""
    ours: dict[VenueOrderId, ClientOrderId] = {}
    for order in orders:
        known = books.orders.by_venue_id(order.venue_order_id) or books.orders.get(order.client_order_id)
        if known is not None:
            ours[order.venue_order_id] = known.client_order_id
        elif order.replaces is not None:
            parent = books.orders.by_venue_id(order.replaces)
            owner = parent.client_order_id if parent is not None else ours.get(order.replaces)
            if owner is not None:
                ours[order.venue_order_id] = owner
    return ours


def _match_fills(
    books: Books, ours: Mapping[VenueOrderId, ClientOrderId], fills: tuple[VenueFill, ...]
) -> dict[ClientOrderId, list[VenueFill]]:
    """Executions of our orders that the books do not have, oldest first."""
    missing: dict[ClientOrderId, list[VenueFill]] = {}
    before_adoption = {state.client_order_id: state.filled_before for state in books.orders if state.filled_before}
    for fill in fills:
        state = books.orders.by_venue_id(fill.venue_order_id)
        owner = state.client_order_id if state is not None else ours.get(fill.venue_order_id)
        if owner is None:
            continue
        state = books.orders.get(owner)
        assert state is not None
        if any(name in state.executions for name in execution_names(fill_report(owner, fill, 0))):
            continue
        # The oldest executions of an adopted order came in with the venue's position.
        if fill.quantity <= before_adoption.get(owner, ZERO):
            before_adoption[owner] -= fill.quantity
        else:
            missing.setdefault(owner, []).append(fill)
    return missing


def _late_fees(books: Books, fills: tuple[VenueFill, ...], now_ns: int) -> list[FeeReported]:
    """Fees of executions in the books that the venue has told since, or has told anew."""
    late: list[FeeReported] = []
    for fill in fills:
        state = books.orders.by_venue_id(fill.venue_order_id)
        if state is None or fill.fee_pending:
            continue
        told = state.reported_fees.get(fill.execution_id, fill.fee)
        if fill.execution_id in state.fees_pending or told != fill.fee:
            late.append(
                FeeReported(
                    client_order_id=state.client_order_id,
                    execution_id=fill.execution_id,
                    fee=fill.fee,
                    ts_event=fill.ts_event,
                    ts_recv=now_ns,
                )
            )
    return late


def _awaits_fees(books: Books, reports: Sequence[ExecutionReport], now_ns: int) -> bool:
    """True while cash cannot be compared, since the venue may have taken fees that it has not told yet."""
    if any(isinstance(report, OrderFilled) and report.fee_pending for report in reports):
        return True
    told = {report.execution_id for report in reports if isinstance(report, FeeReported)}
    return any(
        not told.issuperset(state.fees_pending) and now_ns - state.ts_updated < FEE_GRACE_NS
        for state in books.orders
        if state.fees_pending
    )


def _adopt(order: VenueOrder, strategy_id: StrategyId) -> OrderAdopted:
    price = order.terms.limit_price or order.terms.stop_price or order.average_fill_price or ZERO
    return OrderAdopted(
        order=Order(
            client_order_id=order.client_order_id,
            strategy_id=strategy_id,
            symbol=order.symbol,
            side=order.side,
            quantity=order.quantity,
            terms=order.terms,
            trace_id=TraceId(f"external-{order.venue_order_id}"),
            ts_created=order.ts_submitted,
            reference_price=price,
            contract=order.contract,
        ),
        venue_order_id=order.venue_order_id,
        already_filled=order.filled_quantity,
    )


def _adjust(
    books: Books, venue: VenueSnapshot, reports: list[ExecutionReport], scope: Scope, now_ns: int
) -> tuple[PositionAdjusted | CashAdjusted, ...]:
    """What positions and cash still differ by once the plan's own fills are counted."""
    quantities = dict(books.portfolio.net)
    cash = books.portfolio.settled_cash
    coin_trades = books.portfolio.coin_trades.copy()
    margined: dict[tuple[StrategyId, Symbol], Position] = {}
    for report in reports:
        if isinstance(report, OrderFilled):
            state = books.orders.get(report.client_order_id)
            assert state is not None
            order = state.order
            signed = report.quantity * order.side.sign
            quantities[order.symbol] = quantities.get(order.symbol, ZERO) + signed
            if not report.fee and not report.fee_pending:
                coin_trades.add(order.strategy_id, order.symbol, order.side, report.quantity, report.price)
            if order.contract.margined:
                key = (order.strategy_id, order.symbol)
                before = margined.get(key) or books.portfolio.lines.get(key, Position())
                after = apply_trade(before, order.side, report.quantity, report.price, ZERO, contract=order.contract)
                margined[key] = after
                cash += after.realised_pnl - before.realised_pnl - report.fee
            else:
                cash -= value_of(order.contract, signed, report.price) + report.fee
        elif isinstance(report, FeeReported):
            state = books.orders.get(report.client_order_id)
            assert state is not None
            cash -= report.fee - state.reported_fees.get(report.execution_id, ZERO)
    cash_difference = venue.account.cash - cash
    cash_differs = abs(cash_difference) >= CASH_TOLERANCE
    held = {position.symbol: position for position in venue.positions}
    adjustments: list[PositionAdjusted | CashAdjusted] = []
    symbols: list[Symbol] = sorted({*quantities, *held})
    for symbol in symbols:
        position = held.get(symbol)
        here, there = quantities.get(symbol, ZERO), position.quantity if position else ZERO
        difference = there - here
        if difference and (here or scope.covers(symbol)):
            price = position.average_price if position else (books.portfolio.price(symbol) or ZERO)
            split = not cash_differs and looks_like_split(here, there)
            shares = shares_of_fee(-difference, coin_trades.bought.get(symbol, {}))
            for owner, share in shares.items():
                adjustments.append(
                    PositionAdjusted(
                        strategy_id=owner,
                        symbol=symbol,
                        quantity=-share,
                        price=price,
                        cause=COIN_FEE_CAUSE,
                        adjustment_id=_adjustment_id(books, symbol, here, here - share),
                    )
                )
                here -= share
            if shares:
                continue
            adjustments.append(
                PositionAdjusted(
                    strategy_id=scope.owner(symbol),
                    symbol=symbol,
                    quantity=difference,
                    price=ZERO if split else price,  # a split brings no value
                    cause=SPLIT_CAUSE if split else POSITION_CAUSE,
                    adjustment_id=_adjustment_id(books, symbol, here, there),
                    contract=position.contract if position else books.portfolio.contract(symbol),
                )
            )
    if cash_differs and not _awaits_fees(books, reports, now_ns):
        adjustments.append(
            CashAdjusted(
                amount=cash_difference,
                cause=SALE_FEE_CAUSE if is_fee_of(-cash_difference, coin_trades.sold) else CASH_CAUSE,
                adjustment_id=_adjustment_id(books, CASH, cash, venue.account.cash),
            )
        )
    return tuple(adjustments)


def at_market(adjustment: PositionAdjusted | CashAdjusted, books: Books) -> PositionAdjusted | CashAdjusted:
    """Price a difference of a position at the last good price, so that booking it is neither profit nor loss.

    Without one, the venue's average price stays; fees and splits keep theirs.
    """
    if isinstance(adjustment, CashAdjusted) or adjustment.cause != POSITION_CAUSE:
        return adjustment
    mark = books.portfolio.marks.get(adjustment.symbol)
    return adjustment if mark is None else msgspec.structs.replace(adjustment, price=Decimal(repr(mark)))


def same_difference(one: PositionAdjusted | CashAdjusted, other: PositionAdjusted | CashAdjusted) -> bool:
    """True when two answers show the same difference; prices may have moved between them."""
    if isinstance(one, PositionAdjusted) and isinstance(other, PositionAdjusted):
        return msgspec.structs.replace(one, price=other.price) == other
    return one == other


def _adjustment_id(books: Books, name: str, here: Decimal, there: Decimal) -> str:
    """The difference's own name: found again before it is booked, or after a crash, it is the same one."""
    return f"{name}#{books.corrections.get(name, 0) + 1}:{here.normalize():f}->{there.normalize():f}"
