"""The base of every strategy: what it may override, and what it may ask for.

A strategy is one class and a pydantic model of its parameters. It runs unchanged in replay, on paper and live, and sees
nothing of which it is: it is called back with what happened and answers with signals. It never waits, and it keeps what
must outlive the process in `self.state`.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import ClassVar, Generic, Protocol, TypeAlias, TypedDict, TypeVar, Unpack

from pydantic import BaseModel, ConfigDict

from tradingd.core.identifiers import ClientOrderId, PlanId, StrategyId, Symbol
from tradingd.core.market import PriceBar, TickData
from tradingd.core.orders import (
    ZERO,
    ExecutionReport,
    OrderDenied,
    OrderModification,
    OrderTerms,
    OrderType,
    SignalAction,
    TimeInForce,
    Trade,
)
from tradingd.core.signals import PLAIN, Algorithm, FollowUp, Protection, Work

StateValue: TypeAlias = str | int | float | bool | None


class Params(BaseModel):
    """Base of a strategy's parameters: strict, and an unknown one is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class OrderOptions(TypedDict, total=False):
    """What `buy` and `sell` take beside symbol and quantity; without any an order is at market and for the day."""

    limit_price: Decimal | None
    stop_price: Decimal | None
    """Alone it makes a stop order, with a limit price a stop-limit order."""
    trail_amount: Decimal | None
    """A trail in money makes a trailing stop."""
    trail_percent: Decimal | None
    """A trail in percent makes a trailing stop."""
    time_in_force: TimeInForce
    expires: int | None
    """Time in ns UTC until which a day order is good."""
    extended_hours: bool
    take_profit: Decimal | None
    """A target, or a stop beside it, makes a bracket: what fills is left at whichever comes first."""
    stop_loss: Decimal | None
    stop_loss_limit: Decimal | None
    stop_trail_amount: Decimal | None
    stop_trail_percent: Decimal | None
    algorithm: Algorithm | None
    """Works the quantity off over time."""
    then: FollowUp | None
    """Follows once all of the order has filled."""
    reduce_only: bool
    """Cuts the order to what can only bring the position nearer to zero, and refuses it where that is nothing."""
    reason: str
    """Why, for the log and the journal."""


class StrategyContext(Protocol):
    """What the strategy engine does for a strategy."""

    def now(self) -> int:
        """Time of day in ns UTC; the data's own time in replay."""
        ...

    def position(self, symbol: Symbol) -> Decimal:
        """This strategy's filled quantity."""
        ...

    def working(self, symbol: Symbol) -> Decimal:
        """Signed quantity of this strategy's signals and orders that have not filled yet."""
        ...

    def bars(self, symbol: Symbol, count: int) -> Sequence[PriceBar]:
        """The last closed bars, oldest first."""
        ...

    def plans(self, symbol: Symbol) -> Sequence[PlanId]:
        """What the daemon is still working on for this strategy."""
        ...

    def emit(
        self,
        symbol: Symbol,
        action: SignalAction,
        quantity: Decimal,
        terms: OrderTerms,
        reason: str,
        *,
        work: Work = PLAIN,
    ) -> None:
        """Send a signal."""
        ...

    def protect(self, symbol: Symbol, protection: Protection) -> None:
        """Have the position that is held protected."""
        ...

    def set_target(self, symbol: Symbol, quantity: Decimal, reason: str) -> None:
        """Signal what is missing to hold a quantity, in two steps when it lies across zero."""
        ...

    def cancel(self, client_order_id: ClientOrderId) -> None:
        """Ask for a cancel of one of this strategy's orders."""
        ...

    def modify(self, client_order_id: ClientOrderId, details: OrderModification) -> None:
        """Ask for new terms of one of this strategy's orders."""
        ...

    def set_timer(self, name: str, at_ns: int, every_ns: int | None) -> None:
        """Have `on_timer` called at a time, and then again in fixed steps."""
        ...

    def cancel_timer(self, name: str) -> None:
        """Forget a timer."""
        ...

    def say(self, message: str, details: dict[str, object]) -> None:
        """Write a line to the structured log."""
        ...


P = TypeVar("P", bound=BaseModel)


class Strategy(Generic[P]):
    """Override the `on_*` methods; call the others."""

    Params: ClassVar[type[BaseModel]] = Params
    """The model of this strategy's parameters."""

    def __init__(self, strategy_id: StrategyId, symbols: Sequence[Symbol], params: P) -> None:
        self.id = strategy_id
        self.symbols = tuple(symbols)
        self.params = params
        self.state: dict[str, StateValue] = {}
        """Kept across restarts: saved with each fill, order event, timer and at the stop when it has changed."""
        self._context: StrategyContext

    def bind(self, context: StrategyContext, state: dict[str, StateValue]) -> None:
        """Connect to the engine and to the state of the run before; called once, before `on_start`."""
        self._context = context
        self.state = state

    # -- what to override ---------------------------------------------------------------------------------------------

    @property
    def warmup(self) -> int:
        """How many closed bars of each symbol to have before the first decision."""
        return 0

    def on_start(self) -> None:
        """Begin; history has not been loaded yet."""

    def on_history(self, bar: PriceBar) -> None:
        """Take in a bar from before the start: update indicators, decide nothing."""

    def on_bar(self, bar: PriceBar) -> None:
        """React to a bar that has just closed."""

    def on_tick(self, tick: TickData) -> None:
        """React to a quote or a trade of the market."""

    def on_fill(self, trade: Trade) -> None:
        """React to an execution of one of this strategy's orders; the position already counts it."""

    def on_order(self, report: ExecutionReport | OrderDenied) -> None:
        """React to anything else that happens to one of this strategy's orders, a refusal included."""

    def on_timer(self, name: str, now: int) -> None:
        """React to a timer that was set."""

    def on_stop(self) -> None:
        """End; signals from here on are refused."""

    # -- what to call -------------------------------------------------------------------------------------------------

    def buy(self, symbol: Symbol, quantity: Decimal, **options: Unpack[OrderOptions]) -> None:
        """Signal a purchase: at market, or as the prices given make it (see `OrderOptions`)."""
        self._order(SignalAction.BUY, symbol, quantity, **options)

    def sell(self, symbol: Symbol, quantity: Decimal, **options: Unpack[OrderOptions]) -> None:
        """Signal a sale: at market, or as the prices given make it (see `OrderOptions`)."""
        self._order(SignalAction.SELL, symbol, quantity, **options)

    def _order(
        self,
        action: SignalAction,
        symbol: Symbol,
        quantity: Decimal,
        *,
        limit_price: Decimal | None = None,
        stop_price: Decimal | None = None,
        trail_amount: Decimal | None = None,
        trail_percent: Decimal | None = None,
        time_in_force: TimeInForce = TimeInForce.DAY,
        expires: int | None = None,
        extended_hours: bool = False,
        take_profit: Decimal | None = None,
        stop_loss: Decimal | None = None,
        stop_loss_limit: Decimal | None = None,
        stop_trail_amount: Decimal | None = None,
        stop_trail_percent: Decimal | None = None,
        algorithm: Algorithm | None = None,
        then: FollowUp | None = None,
        reduce_only: bool = False,
        reason: str = "",
    ) -> None:
        terms = _terms(
            limit_price=limit_price,
            stop_price=stop_price,
            trail_amount=trail_amount,
            trail_percent=trail_percent,
            time_in_force=time_in_force,
            expires=expires,
            extended_hours=extended_hours,
        )
        protection = _protection(take_profit, stop_loss, stop_loss_limit, stop_trail_amount, stop_trail_percent)
        work = Work(protection=protection, algorithm=algorithm, then=then, reduce_only=reduce_only)
        self._context.emit(symbol, action, quantity, terms, reason, work=work)

    def protect(
        self,
        symbol: Symbol,
        *,
        take_profit: Decimal | None = None,
        stop_loss: Decimal | None = None,
        stop_loss_limit: Decimal | None = None,
        stop_trail_amount: Decimal | None = None,
        stop_trail_percent: Decimal | None = None,
    ) -> None:
        """Have the position that is held left at a target or at a stop; it takes the place of an earlier such wish."""
        protection = _protection(take_profit, stop_loss, stop_loss_limit, stop_trail_amount, stop_trail_percent)
        self._context.protect(symbol, protection or Protection())

    def target_position(self, symbol: Symbol, quantity: Decimal, *, reason: str = "") -> None:
        """Come to hold `quantity`, at market, and never pass it; 0 means flat.

        Orders of this strategy that could carry the position past it (resting entries, and resting exits where the
        position is to shrink) are cancelled first, and the order leaves once that is confirmed. Orders at market under
        way are counted; exits of `protect` and of brackets keep what is left protected. From long to short, or back, it
        goes in two orders. A later target takes the place of an earlier one, and so does a `buy` or `sell`.
        """
        self._context.set_target(symbol, quantity, reason)

    def hold(self, symbol: Symbol, *, reason: str) -> None:
        """Record the decision to do nothing."""
        self._context.emit(symbol, SignalAction.HOLD, ZERO, OrderTerms(), reason)

    def cancel(self, name: ClientOrderId | PlanId) -> None:
        """Ask for a cancel of one of this strategy's own orders, or of one of its plans with all that belongs to it."""
        self._context.cancel(ClientOrderId(name))

    def modify(
        self,
        client_order_id: ClientOrderId,
        *,
        quantity: Decimal | None = None,
        limit_price: Decimal | None = None,
        stop_price: Decimal | None = None,
        trail_amount: Decimal | None = None,
        trail_percent: Decimal | None = None,
    ) -> None:
        """Ask for new terms of one of this strategy's own orders; what is not given stays. `quantity` is its total."""
        details = OrderModification(
            quantity=quantity,
            limit_price=limit_price,
            stop_price=stop_price,
            trail_amount=trail_amount,
            trail_percent=trail_percent,
        )
        self._context.modify(client_order_id, details)

    def position(self, symbol: Symbol) -> Decimal:
        """This strategy's filled quantity, negative when short."""
        return self._context.position(symbol)

    def working(self, symbol: Symbol) -> Decimal:
        """Signed quantity that signals and orders under way would still add."""
        return self._context.working(symbol)

    def plans(self, symbol: Symbol) -> Sequence[PlanId]:
        """Names of what the daemon is still working on for this strategy: brackets, watched stops, algorithms."""
        return self._context.plans(symbol)

    def bars(self, symbol: Symbol, count: int) -> Sequence[PriceBar]:
        """The last `count` closed bars (fewer while there are fewer), oldest first."""
        return self._context.bars(symbol, count)

    @property
    def now(self) -> int:
        """Time of day in ns UTC; the data's own time in replay."""
        return self._context.now()

    def set_timer(self, name: str, at_ns: int, *, every_ns: int | None = None) -> None:
        """Have `on_timer(name, now)` called at `at_ns`, and then every `every_ns`; a millisecond from now or later."""
        self._context.set_timer(name, at_ns, every_ns)

    def cancel_timer(self, name: str) -> None:
        """Forget a timer."""
        self._context.cancel_timer(name)

    def log(self, message: str, **details: object) -> None:
        """Write a line to the structured log, under `strategy.message`."""
        self._context.say(message, details)


def _protection(
    take_profit: Decimal | None,
    stop_loss: Decimal | None,
    stop_limit: Decimal | None,
    trail_amount: Decimal | None,
    trail_percent: Decimal | None,
) -> Protection | None:
    protection = Protection(
        take_profit=take_profit,
        stop_loss=stop_loss,
        stop_limit=stop_limit,
        trail_amount=trail_amount,
        trail_percent=trail_percent,
    )
    return None if protection == Protection() else protection


def _terms(
    *,
    limit_price: Decimal | None,
    stop_price: Decimal | None,
    trail_amount: Decimal | None,
    trail_percent: Decimal | None,
    time_in_force: TimeInForce,
    expires: int | None,
    extended_hours: bool,
) -> OrderTerms:
    """Take every figure as it was given: what contradicts another is refused by name, not dropped here."""
    if trail_amount is not None or trail_percent is not None:
        order_type = OrderType.TRAILING_STOP
    elif limit_price is not None and stop_price is not None:
        order_type = OrderType.STOP_LIMIT
    elif limit_price is not None:
        order_type = OrderType.LIMIT
    elif stop_price is not None:
        order_type = OrderType.STOP
    else:
        order_type = OrderType.MARKET
    if expires is not None and time_in_force is TimeInForce.DAY:
        time_in_force = TimeInForce.GTD
    return OrderTerms(
        order_type=order_type,
        limit_price=limit_price,
        stop_price=stop_price,
        time_in_force=time_in_force,
        trail_amount=trail_amount,
        trail_percent=trail_percent,
        expires_ns=expires,
        extended_hours=extended_hours,
    )
