"""Plans at the desk: every kind from the strategy's call to the venue and back, and a restart between any two steps."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from tests.modules.acting import Acting
from tests.modules.desk import ABC, ONE, Desk
from tradingd.brokers.alpaca.model import paper_venue_model
from tradingd.core.broker_model import BrokerModel
from tradingd.core.identifiers import ClientOrderId, StrategyId
from tradingd.core.instruments import AssetClass
from tradingd.core.log import LogEvent
from tradingd.core.market import NS_PER_SECOND, QuoteTick, TradeTick
from tradingd.core.order_state import OrderState, OrderStatus
from tradingd.core.orders import DenialCode, OrderDenied, OrderTerms, OrderType, Side, TimeInForce
from tradingd.core.signals import FollowUp, Remainder, Reprice, Twap

D = Decimal
S = OrderStatus
RISK = "[risk]\nprice_collar_pct = 50\nmax_position_value = 100000\nmax_order_value = 100000\n"
ALPACA = paper_venue_model(always_open=True)

Action = Callable[[Acting], None]


@pytest.fixture(params=[False, True], ids=["one run", "a new run after each step"])
def restarts(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


class Trading:
    """A desk that may be restarted after each step, and what its orders are."""

    def __init__(
        self, folder: Path, *, restarts: bool = False, model: BrokerModel = ALPACA, config: str = RISK
    ) -> None:
        self.desk = Desk(folder, config)
        self.desk.broker.model = model
        self.desk.open()
        self.restarts = restarts
        self.market: list[QuoteTick | TradeTick] = []
        """The last quote and the last print: what a feed shows first after a restart."""
        self.see(quote_of(self.desk, 99.5, 100.5))

    def step(self) -> None:
        self.desk.check()
        if self.restarts:
            self.desk = self.desk.again()
            self.desk.stream_up()
            for event in self.market:
                self.desk.modules.data.ingest(event)
            self.desk.pump()
            self.desk.wait(1)
            self.desk.check()

    def act(self, action: Action) -> None:
        self.desk.act(action)
        self.step()

    def see(self, event: QuoteTick | TradeTick) -> None:
        if not isinstance(event, TradeTick) or event.size >= 1000:  # a small one would fill again
            self.market = [other for other in self.market if type(other) is not type(event)] + [event]
        self.desk.modules.data.ingest(event)
        self.desk.pump()

    def quote(self, bid: float, ask: float) -> None:
        self.see(quote_of(self.desk, bid, ask))
        self.step()

    def print(self, price: float, size: float = 1000) -> None:
        now = self.desk.clock.now_ns()
        self.see(TradeTick(symbol=ABC, price=float(price), size=float(size), ts_event=now, ts_recv=now))
        self.step()

    def wait(self, seconds: float) -> None:
        self.desk.wait(seconds)
        self.step()

    @property
    def legs(self) -> list[tuple[str, str, str, OrderStatus]]:
        """Each order of a plan: its leg, its quantity, what of it filled, its status."""
        return [
            (state.order.leg, plain(state.quantity), plain(state.filled_quantity), state.status)
            for state in self.desk.books.orders
            if state.order.plan_id
        ]

    def leg(self, name: str) -> OrderState:
        return [state for state in self.desk.books.orders if state.order.leg == name][-1]

    @property
    def now(self) -> int:
        return self.desk.clock.now_ns()

    @property
    def position(self) -> Decimal:
        return self.desk.books.portfolio.quantity_of(ONE, ABC)

    @property
    def is_over(self) -> bool:
        """True when nothing is held and nothing is being worked on."""
        return self.position == 0 and self.plans == 0

    @property
    def plans(self) -> int:
        return len(self.desk.books.plans)

    def alarms(self) -> list[str]:
        return [line.message for line in self.desk.said(LogEvent.PLAN_ALARM)]

    def denials(self) -> list[DenialCode]:
        kind, report = self.desk.strategy().heard[-1]
        assert isinstance(report, OrderDenied), kind
        return [breach.code for breach in report.breaches]


def plain(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}"


def quote_of(desk: Desk, bid: float, ask: float) -> QuoteTick:
    now = desk.clock.now_ns()
    return QuoteTick(
        symbol=ABC, bid=float(bid), ask=float(ask), bid_size=1000, ask_size=1000, ts_event=now, ts_recv=now
    )


@pytest.fixture
def trading(tmp_path: Path, restarts: bool) -> Trading:
    return Trading(tmp_path, restarts=restarts)


def bracket(strategy: Acting) -> None:
    strategy.buy(ABC, D(10), take_profit=D(110), stop_loss=D(95))


# -- brackets ---------------------------------------------------------------------------------------------------------


def test_a_bracket_rests_its_stop_and_leaves_at_it(trading: Trading) -> None:
    trading.act(bracket)
    assert trading.legs == [("entry", "10", "10", S.FILLED), ("stop", "10", "0", S.ACCEPTED)]
    assert (trading.leg("stop").terms.stop_price, trading.leg("stop").order.side) == (D(95), Side.SELL)
    trading.quote(94, 95)
    assert trading.legs[1:] == [("stop", "10", "10", S.FILLED)]
    assert trading.is_over


def test_a_bracket_leaves_at_its_target_after_the_stop_was_cancelled(trading: Trading) -> None:
    trading.act(bracket)
    trading.quote(110, 111)
    assert trading.legs[1:] == [("stop", "10", "0", S.CANCELED), ("target", "10", "10", S.FILLED)]
    assert trading.leg("target").average_price == D(110)
    assert trading.is_over


def test_a_target_that_was_only_touched_gives_way_to_the_stop_again(trading: Trading) -> None:
    trading.act(bracket)
    trading.print(100)
    trading.print(110)  # the quote stays below: the limit order rests
    assert trading.legs[1:] == [("stop", "10", "0", S.CANCELED), ("target", "10", "0", S.ACCEPTED)]
    trading.print(108)
    trading.wait(4)
    assert trading.legs[-1] == ("stop", "10", "0", S.ACCEPTED)
    trading.print(94)
    assert trading.is_over
    assert len(trading.legs) == 4


def test_a_stop_that_is_reached_while_the_target_is_out_leaves_at_market(trading: Trading) -> None:
    trading.act(bracket)
    trading.print(100)
    trading.print(110)
    trading.print(94)
    assert trading.legs[2:] == [("target", "10", "0", S.CANCELED), ("exit", "10", "10", S.FILLED)]
    assert trading.is_over


def test_the_legs_grow_with_each_fill_of_the_entry(trading: Trading) -> None:
    trading.act(lambda one: one.buy(ABC, D(10), limit_price=D(98), take_profit=D(110), stop_loss=D(95)))
    assert trading.legs == [("entry", "10", "0", S.ACCEPTED)]
    for size, filled in ((4, 4), (3, 7)):
        trading.print(97.9, size)
        trading.wait(2)
        assert trading.legs == [("entry", "10", str(filled), S.ACCEPTED), ("stop", str(filled), "0", S.ACCEPTED)]
    entry = trading.leg("entry").client_order_id
    trading.act(lambda one: one.cancel(entry))
    assert trading.legs == [("entry", "10", "7", S.CANCELED), ("stop", "7", "0", S.ACCEPTED)]
    trading.print(94)
    assert trading.is_over


def test_a_stop_that_fills_ends_what_is_left_of_the_entry(trading: Trading) -> None:
    trading.act(lambda one: one.buy(ABC, D(10), limit_price=D(98), stop_loss=D(95)))
    trading.desk.quote(98.5, 99)
    trading.print(97.9, 4)
    assert trading.legs == [("entry", "10", "4", S.ACCEPTED), ("stop", "4", "0", S.ACCEPTED)]
    trading.print(95, 0.5)
    trading.wait(2)
    assert trading.leg("entry").is_terminal
    assert trading.is_over


def test_a_trailing_bracket_moves_its_stop_and_never_back(trading: Trading) -> None:
    trading.act(lambda one: one.buy(ABC, D(10), take_profit=D(120), stop_trail_amount=D(5)))
    trading.print(100)
    trading.wait(2)
    assert trading.leg("stop").terms.order_type is OrderType.STOP
    trading.print(106)
    trading.wait(2)
    assert trading.leg("stop").terms.stop_price == D(101)
    trading.print(103)
    trading.wait(2)
    assert trading.leg("stop").terms.stop_price == D(101)
    trading.print(101)
    assert trading.is_over


def test_a_trail_alone_is_left_to_a_venue_that_can(trading: Trading) -> None:
    trading.act(lambda one: one.buy(ABC, D(10), stop_trail_percent=D(5)))
    assert trading.leg("stop").terms.order_type is OrderType.TRAILING_STOP
    assert trading.legs[1:] == [("stop", "10", "0", S.ACCEPTED)]


def test_a_short_position_is_protected_the_other_way_round(trading: Trading) -> None:
    trading.act(lambda one: one.sell(ABC, D(10), take_profit=D(90), stop_loss=D(105)))
    assert trading.leg("stop").order.side is Side.BUY
    trading.quote(89, 90)
    assert trading.leg("target").status is S.FILLED
    assert trading.is_over


def test_what_an_exit_needs_passes_a_halt(trading: Trading) -> None:
    trading.act(bracket)
    trading.desk.modules.risk.halt("enough", "operator")
    trading.quote(110, 111)
    assert trading.is_over


def test_an_entry_that_is_refused_ends_its_plan(trading: Trading) -> None:
    trading.desk.modules.risk.halt("enough", "operator")
    trading.desk.act(bracket)
    assert trading.denials() == [DenialCode.HALTED]
    assert (trading.plans, trading.legs) == (0, [])


def stumble(strategy: Acting) -> None:
    raise ZeroDivisionError(strategy.id)


@pytest.mark.parametrize("how", ["cancel-all", "flatten", "quarantine", "plan", "leg"])
def test_who_cancels_ends_the_plan_first(tmp_path: Path, how: str) -> None:
    trading = Trading(tmp_path)
    trading.act(bracket)
    stop, engine = trading.leg("stop").client_order_id, trading.desk.modules.execution
    match how:
        case "cancel-all":
            engine.cancel_all()
        case "flatten":
            engine.flatten()
        case "quarantine":
            trading.desk.strategy().on_next["tick"] = stumble
            trading.desk.quote(99.5, 100.5)
        case "plan":
            (plan,) = trading.desk.strategy().plans(ABC)
            trading.desk.act(lambda one: one.cancel(plan))
        case _:
            trading.desk.act(lambda one: one.cancel(stop))
    trading.desk.pump()
    assert (trading.plans, trading.leg("stop").status) == (0, S.CANCELED)
    assert trading.position == (0 if how == "flatten" else 10)
    trading.wait(5)
    assert len(trading.legs) == 2


def test_a_plan_counts_as_what_it_will_still_buy_and_its_exits_do_not_count(trading: Trading) -> None:
    trading.act(lambda one: one.buy(ABC, D(12), algorithm=Twap(duration_s=30, slices=3), stop_loss=D(95)))
    assert trading.desk.strategy().working(ABC) == 8
    assert trading.position == 4
    trading.act(lambda one: one.target_position(ABC, D(12)))
    assert [state for state in trading.desk.books.orders if not state.order.plan_id] == []


# -- protection of what is held ---------------------------------------------------------------------------------------


def test_a_position_is_protected_as_wished_and_as_wished_again(trading: Trading) -> None:
    trading.act(lambda one: one.buy(ABC, D(10)))
    trading.act(lambda one: one.protect(ABC, take_profit=D(110), stop_loss=D(95)))
    assert trading.legs == [("stop", "10", "0", S.ACCEPTED)]
    trading.act(lambda one: one.protect(ABC, take_profit=D(108), stop_loss=D(97)))
    assert trading.legs == [("stop", "10", "0", S.CANCELED), ("stop", "10", "0", S.ACCEPTED)]
    trading.quote(108, 109)
    assert trading.leg("target").terms.limit_price == D(108)
    assert trading.is_over


def test_protection_shrinks_with_the_position_and_ends_with_it(tmp_path: Path) -> None:
    trading = Trading(tmp_path, model=msgspec.structs.replace(ALPACA, splits_zero_crossing=False))
    trading.act(lambda one: one.buy(ABC, D(10)))
    trading.act(lambda one: one.protect(ABC, stop_loss=D(95)))
    trading.act(lambda one: one.sell(ABC, D(4)))
    trading.wait(2)
    assert trading.leg("stop").quantity == 6
    trading.act(lambda one: one.sell(ABC, D(6)))
    trading.wait(2)
    assert trading.leg("stop").status is S.CANCELED
    assert trading.is_over


def test_there_is_nothing_to_protect_without_a_position(tmp_path: Path) -> None:
    trading = Trading(tmp_path)
    trading.act(lambda one: one.protect(ABC, stop_loss=D(95)))
    assert trading.denials() == [DenialCode.ORDER_TERMS]


def test_a_second_order_follows_once_the_first_has_filled(trading: Trading) -> None:
    follow = FollowUp(side=Side.SELL, quantity=D(5), terms=OrderTerms(order_type=OrderType.LIMIT, limit_price=D(105)))
    trading.act(lambda one: one.buy(ABC, D(10), limit_price=D(98), then=follow))
    assert trading.legs == [("entry", "10", "0", S.ACCEPTED)]
    trading.quote(97, 98)
    assert trading.legs == [("entry", "10", "10", S.FILLED), ("then", "5", "0", S.ACCEPTED)]
    assert trading.plans == 0
    trading.wait(3)
    assert len(trading.legs) == 2


# -- what the venue does not offer ------------------------------------------------------------------------------------


def without(*kinds: OrderType) -> BrokerModel:
    rules = ALPACA.by_class[AssetClass.EQUITY]
    pairs = frozenset(pair for pair in rules.pairs if pair[0] not in kinds)
    equity = msgspec.structs.replace(rules, pairs=pairs)
    return msgspec.structs.replace(ALPACA, by_class={**ALPACA.by_class, AssetClass.EQUITY: equity})


def test_a_stop_is_watched_where_the_venue_has_none(tmp_path: Path, restarts: bool) -> None:
    trading = Trading(tmp_path, restarts=restarts, model=without(OrderType.STOP))
    trading.act(lambda one: one.buy(ABC, D(10), stop_price=D(105)))
    assert (trading.legs, trading.plans) == ([], 1)
    trading.print(104)
    assert trading.legs == []
    trading.print(105)
    assert trading.legs == [("entry", "10", "10", S.FILLED)]
    assert trading.plans == 0


def test_a_trailing_stop_is_watched_where_the_venue_has_none(tmp_path: Path, restarts: bool) -> None:
    trading = Trading(tmp_path, restarts=restarts, model=without(OrderType.TRAILING_STOP))
    trading.act(lambda one: one.buy(ABC, D(10)))
    trading.act(lambda one: one.sell(ABC, D(10), trail_amount=D(2)))
    trading.print(100)
    trading.wait(2)
    trading.print(104)
    trading.wait(2)
    trading.print(102.5)
    assert trading.position == 10
    trading.print(102)
    assert trading.is_over


def test_protection_is_watched_where_no_stop_can_rest(tmp_path: Path, restarts: bool) -> None:
    trading = Trading(tmp_path, restarts=restarts, model=without(OrderType.STOP))
    trading.act(bracket)
    assert trading.legs == [("entry", "10", "10", S.FILLED)]
    trading.quote(94, 95)
    assert trading.legs[1:] == [("exit", "10", "10", S.FILLED)]
    assert trading.is_over


def test_an_order_good_till_a_time_is_cancelled_then(trading: Trading) -> None:
    until = trading.desk.clock.now_ns() + 20 * NS_PER_SECOND
    trading.act(lambda one: one.buy(ABC, D(10), limit_price=D(90), expires=until))
    assert trading.leg("entry").terms.time_in_force is TimeInForce.GTC
    trading.wait(10)
    assert trading.legs == [("entry", "10", "0", S.ACCEPTED)]
    trading.wait(11)
    assert trading.legs == [("entry", "10", "0", S.CANCELED)]
    assert trading.plans == 0


def test_an_order_across_zero_goes_in_two(trading: Trading) -> None:
    trading.act(lambda one: one.buy(ABC, D(10)))
    trading.act(lambda one: one.sell(ABC, D(15), limit_price=D(101)))
    assert trading.legs == [("part1", "10", "0", S.ACCEPTED)]
    trading.quote(101, 102)
    assert trading.legs[0] == ("part1", "10", "10", S.FILLED)
    assert trading.legs[1:] == [("part2", "5", "5", S.FILLED)]
    assert (trading.position, trading.plans) == (D(-5), 0)


# -- patience ---------------------------------------------------------------------------------------------------------

PATIENT = RISK + '[[strategies]]\nid = "patient"\nclass = "tests.modules.acting:Acting"\nsymbols = ["ABC"]\n'


@pytest.mark.parametrize("action", ["cancel", "reprice", "market"])
def test_a_limit_order_does_not_work_for_ever(tmp_path: Path, action: str, restarts: bool) -> None:
    config = PATIENT + f'unfilled_timeout_s = 10\nunfilled_action = "{action}"\n'
    trading = Trading(tmp_path, restarts=restarts, config=config)
    trading.desk.act(lambda one: one.buy(ABC, D(10), limit_price=D(98)), trading_id("patient"))
    trading.step()
    trading.wait(5)
    assert trading.legs == [("entry", "10", "0", S.ACCEPTED)]
    trading.see(TradeTick(symbol=ABC, price=97.9, size=4.0, ts_event=trading.now, ts_recv=trading.now))
    trading.wait(16)
    match action:
        case "cancel":
            assert trading.legs == [("entry", "10", "4", S.CANCELED)]
        case "reprice":
            assert trading.legs == [("entry", "10", "4", S.ACCEPTED)]
            assert trading.leg("entry").terms.limit_price == D("99.5")
        case _:
            assert trading.legs == [("entry", "10", "4", S.CANCELED), ("rest", "6", "6", S.FILLED)]
    assert trading.plans == (1 if action == "reprice" else 0)


def trading_id(name: str) -> StrategyId:
    return StrategyId(name)


# -- algorithms -------------------------------------------------------------------------------------------------------


def test_a_twap_sends_its_slices_over_its_time(trading: Trading) -> None:
    trading.act(lambda one: one.buy(ABC, D(10), algorithm=Twap(duration_s=30, slices=3)))
    assert trading.legs == [("slice1", "3", "3", S.FILLED)]
    trading.wait(10)
    trading.wait(10)
    assert [state.filled_quantity for state in trading.desk.books.orders] == [3, 3, 4]
    assert trading.plans == 0


def test_a_twap_that_missed_slices_does_not_hurry(tmp_path: Path) -> None:
    trading = Trading(tmp_path)
    trading.act(lambda one: one.buy(ABC, D(10), algorithm=Twap(duration_s=50, slices=5, remainder=Remainder.CANCEL)))
    trading.desk.stream_down()
    trading.desk.wait(25)
    trading.desk.stream_up()
    trading.wait(30)
    assert [state.quantity for state in trading.desk.books.orders] == [2, 2, 2, 2]
    assert (trading.position, trading.plans) == (D(8), 0)


def test_repricing_follows_the_touch_within_its_bound(trading: Trading) -> None:
    algorithm = Reprice(interval_s=1, max_chase_pct=D(1), timeout_s=60, remainder=Remainder.MARKET)
    trading.act(lambda one: one.buy(ABC, D(10), algorithm=algorithm))
    assert trading.leg("entry").terms.limit_price == D("99.5")
    trading.wait(2)
    trading.quote(100, 101)
    trading.wait(2)
    assert trading.leg("entry").terms.limit_price == D(100)
    trading.quote(102, 103)
    trading.wait(2)
    assert trading.leg("entry").terms.limit_price == D(101)  # one percent above where it began
    trading.wait(60)
    assert trading.legs == [("entry", "10", "0", S.CANCELED), ("rest", "10", "10", S.FILLED)]
    assert trading.plans == 0


# -- doubts -----------------------------------------------------------------------------------------------------------


def test_an_entry_in_doubt_is_not_sent_again(trading: Trading) -> None:
    trading.desk.broker.loses_orders = True
    trading.desk.act(bracket)
    trading.step()
    assert [leg[0] for leg in trading.legs] == ["entry"]
    trading.wait(1)
    assert trading.legs[0][3] in (S.UNKNOWN, S.REJECTED)
    assert len(trading.legs) == 1


def test_a_stop_in_doubt_holds_the_target_back(tmp_path: Path) -> None:
    trading = Trading(tmp_path)
    trading.act(bracket)
    trading.desk.broker.loses_commands = True
    trading.quote(110, 111)
    assert trading.leg("stop").status is S.UNKNOWN
    assert len(trading.legs) == 2
    trading.desk.broker.loses_commands = False
    trading.wait(10)
    assert trading.is_over


def test_a_cancel_that_is_refused_because_the_stop_filled_changes_nothing(tmp_path: Path) -> None:
    trading = Trading(tmp_path)
    trading.act(bracket)
    trading.desk.broker.held = []
    trading.desk.quote(94, 95)  # the stop fills, and nobody hears of it yet
    trading.desk.quote(110, 111)
    trading.desk.broker.release()
    trading.desk.pump()
    trading.wait(5)
    assert [leg[0] for leg in trading.legs] == ["entry", "stop"]
    assert trading.is_over


# -- what cannot be ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wish",
    [
        lambda one: one.buy(ABC, D(10), take_profit=D(90)),
        lambda one: one.buy(ABC, D(10), stop_loss=D(110)),
        lambda one: one.buy(ABC, D(10), take_profit=D(101), stop_loss=D(102)),
        lambda one: one.buy(ABC, D(10), stop_trail_amount=D(1), stop_trail_percent=D(1)),
        lambda one: one.buy(ABC, D(10), stop_loss=D(90), stop_trail_percent=D(1)),
        lambda one: one.buy(ABC, D(10), stop_loss_limit=D(90)),
        lambda one: one.buy(ABC, D(10), stop_loss=D("NaN")),
        lambda one: one.buy(ABC, D(10), algorithm=Twap(duration_s=10, slices=0)),
        lambda one: one.buy(ABC, D(10), algorithm=Twap(duration_s=-1, slices=2)),
        lambda one: one.buy(ABC, D(10), algorithm=Twap(duration_s=5, slices=3)),
        lambda one: one.buy(ABC, D(10), algorithm="VWAP"),
        lambda one: one.buy(ABC, D(10), algorithm=Reprice(timeout_s=float("nan"))),
        lambda one: one.buy(ABC, D(10), limit_price=D(99), algorithm=Reprice(timeout_s=5)),
        lambda one: one.buy(ABC, D(10), then=FollowUp(side=Side.SELL, quantity=D(0))),
        lambda one: one.protect(ABC),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(tmp_path: Path, wish: Action) -> None:
    trading = Trading(tmp_path)
    if "protect" in wish.__code__.co_names:
        trading.act(lambda one: one.buy(ABC, D(10)))
    trading.act(wish)
    assert set(trading.denials()) == {DenialCode.ORDER_TERMS}
    assert trading.plans == 0


def test_names_of_nobody_cancel_nothing(tmp_path: Path) -> None:
    trading = Trading(tmp_path)
    assert not trading.desk.modules.execution.cancel_order(ClientOrderId("nobody"))
