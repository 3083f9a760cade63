"""One plan, its orders and a market in memory: a plan's wishes become orders, a test's words become reports."""

from decimal import Decimal

import msgspec
from tradingd.core.identifiers import ClientOrderId, ExecutionId, PlanId, StrategyId, Symbol, TraceId, VenueOrderId
from tradingd.core.instruments import AssetClass, Instrument
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.order_state import OrderState, OrderStatus, apply_report, intend
from tradingd.core.orders import (
    ZERO,
    CancelRefused,
    CancelRequested,
    ExecutionReport,
    Order,
    OrderAccepted,
    OrderCanceled,
    OrderFilled,
    OrderModification,
    OrderRejected,
    OrderReplaced,
    OrderType,
    OrderUnknown,
    ReplaceRequested,
    Side,
    TimeInForce,
)
from tradingd.core.plans.records import Bracket, EntryMethod, Plan, PlanState, UnfilledTimeout
from tradingd.core.plans.step import step
from tradingd.core.plans.view import (
    Cancel,
    CloseEntry,
    End,
    Modify,
    Move,
    Place,
    PlanAction,
    PlanView,
    PriceRange,
    Prices,
    ReachStop,
    WatchStop,
)
from tradingd.core.signals import FollowUp, Protection

D = Decimal
S = OrderStatus
STARTED = 1_000 * NS_PER_SECOND
SHARES = Instrument(
    symbol=Symbol("ABC"),
    asset_class=AssetClass.EQUITY,
    price_increment=D("0.01"),
    quantity_increment=D(1),
    min_quantity=D(1),
)


def guard(
    target: str | None = "110",
    stop: str | None = "95",
    *,
    trail: str | None = None,
    limit: str | None = None,
    rests: bool = True,
    trails_there: bool = False,
    waits: bool = False,
) -> Bracket:
    """How a long position is left."""

    def number(text: str | None) -> Decimal | None:
        return None if text is None else D(text)

    return Bracket(
        protection=Protection(
            take_profit=number(target), stop_loss=number(stop), stop_limit=number(limit), trail_amount=number(trail)
        ),
        stop_rests=rests,
        trails_there=trails_there,
        waits=waits,
        time_in_force=TimeInForce.GTC,
        fraction_time_in_force=TimeInForce.DAY,
    )


class Bench:
    """Drives one plan by hand; orders are named by their legs."""

    def __init__(
        self,
        method: EntryMethod,
        *,
        side: Side = Side.BUY,
        quantity: str = "10",
        protection: Bracket | None = None,
        patience: UnfilledTimeout | None = None,
        then: FollowUp | None = None,
        until: int = 0,
        held: str = "0",
        account: str | None = None,
    ) -> None:
        self.plan = Plan(
            plan_id=PlanId("p"),
            strategy_id=StrategyId("one"),
            symbol=Symbol("ABC"),
            side=side,
            quantity=D(quantity),
            method=method,
            until_ns=until,
            patience=patience,
            guard=protection,
            then=then,
            trace_id=TraceId("t"),
            ts_started=STARTED,
        )
        self.state = PlanState(plan=self.plan)
        self.orders: dict[str, OrderState] = {}
        self.now = STARTED
        self.held = D(held)
        self.account = D(account or held)
        self.others = ZERO
        self.prices = Prices()
        self.ended: End | None = None
        self.alarms: list[str] = []
        self.executions = 0

    # -- the world ----------------------------------------------------------------------------------------------------

    def at(self, *prints: float, bid: float | None = None, ask: float | None = None) -> "Bench":
        """Let the market print some prices, or quote."""
        self.prices = Prices(trade=lane(*prints), bid=lane(bid), ask=lane(ask))
        return self

    def after(self, seconds: float) -> "Bench":
        """Let time pass."""
        self.now += round(seconds * NS_PER_SECOND)
        return self

    def view(self) -> PlanView:
        return PlanView(
            now=self.now,
            prices=self.prices,
            held=self.held,
            others=self.others,
            account=self.account,
            instrument=SHARES,
        )

    # -- the plan -----------------------------------------------------------------------------------------------------

    def ask(self) -> list[PlanAction]:
        """What the plan asks for now."""
        return list(step(self.state, self.orders.values(), self.view()))

    def go(self) -> "Bench":
        """Do what it asks for, until it waits; a question is put twice, as a restart would put it."""
        for _ in range(6):
            if self.ended is not None:
                return self
            actions = self.ask()
            assert actions == self.ask()
            if not actions:
                return self
            for action in actions:
                self._do(action)
            self.prices = self.prices.settled()
        return self

    def _do(self, action: PlanAction) -> None:
        match action:
            case Place():
                self._place(action)
            case Cancel(order_id=order_id):
                self.report(order_id, CancelRequested(client_order_id=order_id, ts_event=self.now, ts_recv=self.now))
            case Modify(order_id=order_id, details=details):
                self._ask_new_terms(order_id, details)
            case Move(entry_mark=entry_mark, stop_mark=stop_mark):
                self.state = msgspec.structs.replace(
                    self.state,
                    entry_mark=entry_mark or self.state.entry_mark,
                    stop_mark=stop_mark or self.state.stop_mark,
                )
            case CloseEntry():
                self.state = msgspec.structs.replace(self.state, entry_over=True)
            case ReachStop():
                self.state = msgspec.structs.replace(self.state, stop_reached=True)
            case WatchStop():
                self.state = msgspec.structs.replace(self.state, stop_watched=True)
            case End():
                self.ended = action

    def _place(self, action: Place) -> None:
        number = sum(name.split("#")[0] == action.leg for name in self.orders)
        name = f"{action.leg}#{number + 1}" if number else action.leg
        if action.alarm:
            self.alarms.append(action.alarm)
        order = Order(
            client_order_id=ClientOrderId(name),
            strategy_id=self.plan.strategy_id,
            symbol=self.plan.symbol,
            side=action.side,
            quantity=action.quantity,
            terms=action.terms,
            trace_id=self.plan.trace_id,
            ts_created=self.now,
            reference_price=D(100),
            plan_id=self.plan.plan_id,
            leg=action.leg,
        )
        self.orders[name] = intend(order)

    def _ask_new_terms(self, order_id: ClientOrderId, details: OrderModification) -> None:
        state = self.orders[order_id]
        terms = state.terms
        self.report(
            order_id,
            ReplaceRequested(
                client_order_id=order_id,
                quantity=details.quantity or state.quantity,
                limit_price=details.limit_price or terms.limit_price,
                stop_price=details.stop_price or terms.stop_price,
                ts_event=self.now,
                ts_recv=self.now,
            ),
        )

    # -- the venue ----------------------------------------------------------------------------------------------------

    def report(self, name: str, report: ExecutionReport) -> None:
        """Take a report in, as the engine does."""
        transition = apply_report(self.orders[name], report)
        self.orders[name] = transition.state
        if transition.trade is not None:
            signed = transition.trade.quantity * transition.trade.side.sign
            self.held += signed
            self.account += signed

    def _at_venue(self, name: str) -> VenueOrderId:
        return self.orders[name].venue_order_id or VenueOrderId(name)

    def accept(self, name: str) -> "Bench":
        order_id = ClientOrderId(name)
        self.report(
            name,
            OrderAccepted(
                client_order_id=order_id, venue_order_id=VenueOrderId(name), ts_event=self.now, ts_recv=self.now
            ),
        )
        return self.go()

    def fill(self, name: str, quantity: str, *, go: bool = True) -> "Bench":
        self.executions += 1
        self.report(
            name,
            OrderFilled(
                client_order_id=ClientOrderId(name),
                venue_order_id=self._at_venue(name),
                execution_id=ExecutionId(f"e{self.executions}"),
                quantity=D(quantity),
                price=D(100),
                ts_event=self.now,
                ts_recv=self.now,
            ),
        )
        return self.go() if go else self

    def cancel(self, name: str) -> "Bench":
        self.report(
            name,
            OrderCanceled(
                client_order_id=ClientOrderId(name),
                venue_order_id=self._at_venue(name),
                ts_event=self.now,
                ts_recv=self.now,
            ),
        )
        return self.go()

    def refuse_cancel(self, name: str) -> "Bench":
        self.report(
            name,
            CancelRefused(client_order_id=ClientOrderId(name), reason="filled", ts_event=self.now, ts_recv=self.now),
        )
        return self

    def reject(self, name: str) -> "Bench":
        self.report(
            name,
            OrderRejected(
                client_order_id=ClientOrderId(name), code="422", reason="no", ts_event=self.now, ts_recv=self.now
            ),
        )
        return self.go()

    def doubt(self, name: str) -> "Bench":
        self.report(
            name,
            OrderUnknown(client_order_id=ClientOrderId(name), reason="timeout", ts_event=self.now, ts_recv=self.now),
        )
        return self.go()

    def replace(self, name: str) -> "Bench":
        """Confirm the new terms that were asked for."""
        state = self.orders[name]
        stops = state.terms.order_type in (OrderType.STOP, OrderType.STOP_LIMIT)
        self.report(
            name,
            OrderReplaced(
                client_order_id=ClientOrderId(name),
                venue_order_id=VenueOrderId(f"{name}/{len(state.venue_order_ids)}"),
                replaces=state.venue_order_ids[-1],
                quantity=state.requested_quantity,
                limit_price=None if stops else state.requested_price,
                stop_price=state.requested_price if stops else None,
                ts_event=self.now,
                ts_recv=self.now,
            ),
        )
        return self.go()

    # -- what came of it ----------------------------------------------------------------------------------------------

    @property
    def story(self) -> dict[str, OrderStatus]:
        """Every order's status."""
        return {name: state.status for name, state in self.orders.items()}

    def quantity(self, name: str) -> Decimal:
        """An order's quantity, or the one that it is to have."""
        state = self.orders[name]
        return state.requested_quantity or state.quantity


def lane(*prices: float | None) -> PriceRange | None:
    """The prices of one kind, the latest last; None for none."""
    known = [D(str(price)) for price in prices if price is not None]
    return PriceRange(min(known), max(known), known[-1]) if known else None
