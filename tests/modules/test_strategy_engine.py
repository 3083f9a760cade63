"""Strategies behind their walls."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from tests.modules.acting import Acting
from tests.modules.desk import ABC, ONE, START, TWO, XYZ, Desk
from tradingd.core.log import LogEvent
from tradingd.core.market import MINUTE_NS, NS_PER_SECOND, PriceBar
from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import DenialCode, OrderDenied, TimeInForce

D = Decimal


def fail(strategy: Acting) -> None:
    raise RuntimeError("division by cucumber")


def bid(strategy: Acting) -> None:
    strategy.buy(ABC, D(10), limit_price=D(99), time_in_force=TimeInForce.GTC)


def past_bar(minute: int) -> PriceBar:
    at = START - minute * MINUTE_NS
    return PriceBar(
        symbol=ABC,
        interval_ns=MINUTE_NS,
        ts_open=at,
        open=1,
        high=1,
        low=1,
        close=1,
        volume=1,
        ts_event=at + MINUTE_NS,
        ts_recv=at + MINUTE_NS,
    )


def test_a_strategy_that_raises_is_quarantined_alone_and_its_orders_are_cancelled(desk: Desk) -> None:
    desk.act(bid)
    desk.act(bid, TWO)
    desk.strategy(ONE).on_next["tick"] = fail
    desk.quote(99.4, 100.4)
    assert desk.order(0).status is OrderStatus.CANCELED
    assert desk.order(1).status is OrderStatus.ACCEPTED
    (line,) = desk.said(LogEvent.STRATEGY_QUARANTINED)
    assert line.strategy_id == ONE
    assert "division by cucumber" in line.message
    heard_one, heard_two = len(desk.strategy(ONE).heard), len(desk.strategy(TWO).heard)
    desk.quote(99.3, 100.3)
    assert len(desk.strategy(ONE).heard) == heard_one
    assert len(desk.strategy(TWO).heard) == heard_two + 1
    desk.act(lambda strategy: strategy.buy(ABC, D(1)), TWO)
    assert desk.order().status is OrderStatus.FILLED


def test_signals_that_came_before_the_error_do_not_leave(desk: Desk) -> None:
    def buy_and_fail(strategy: Acting) -> None:
        strategy.buy(ABC, D(1))
        fail(strategy)

    desk.strategy().on_next["tick"] = buy_and_fail
    desk.quote(99.4, 100.4)
    assert desk.broker.seen == []
    assert desk.said(LogEvent.ORDER_DENIED)[0].details["codes"] == [DenialCode.STRATEGY_QUARANTINED]


def test_a_quarantine_lasts_over_a_restart_until_an_operator_resumes(desk: Desk) -> None:
    desk.strategy().on_next["tick"] = fail
    desk.quote(99.4, 100.4)
    first = desk.strategy()
    second = desk.again().open()
    assert ONE in second.books.quarantined
    second.modules.strategies.warm_up(ABC, MINUTE_NS, [past_bar(2)])
    assert second.strategy() is first, "it has not been started"
    second.modules.risk.resume("cli")
    second.modules.strategies.resume()
    second.quote(99.3, 100.3)
    assert second.strategy() is not first
    assert second.strategy().kinds() == ["history", "tick"]
    assert second.books.quarantined == {}
    desk.books = second.books


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("a quantity that is an int", lambda s: s.buy(ABC, 10)),
        ("a quantity that is a float", lambda s: s.sell(ABC, 1.5)),
        ("a price that is a float", lambda s: s.buy(ABC, D(1), limit_price=99.5)),
        ("a trail that is a float", lambda s: s.sell(ABC, D(1), trail_amount=1.5)),
        ("a trail in percent that is an int", lambda s: s.sell(ABC, D(1), trail_percent=2)),
        ("an end that is no number of ns", lambda s: s.buy(ABC, D(1), expires=1.5)),
        ("a new quantity that is an int", lambda s: s.modify("x", quantity=5)),
        ("a new trail that is a float", lambda s: s.modify("x", trail_percent=0.5)),
        ("a state that the journal cannot give back", lambda s: s.state.update(bars=[1, 2])),
        ("a state with a set in it", lambda s: s.state.update(bars={1})),
        ("a state that is no number", lambda s: s.state.update(mean=float("nan"))),
        ("a state of bytes", lambda s: s.state.update(name=b"x")),
        ("a timer without a step", lambda s: s.set_timer("x", 5, every_ns=0)),
        ("a timer without a time", lambda s: s.set_timer("x", None)),
        ("a log detail that cannot be shown", lambda s: s.log("x", bad=_Unshowable())),
    ],
)
def test_a_slip_of_a_strategy_quarantines_it_and_nothing_else(
    desk: Desk, name: str, action: Callable[[Acting], None]
) -> None:
    desk.strategy().on_next["timer now"] = action
    desk.strategy().set_timer("now", desk.clock.now_ns())
    desk.wait(1)
    assert list(desk.books.quarantined) == [ONE], name
    desk.check()
    desk.act(lambda strategy: strategy.buy(ABC, D(1)), TWO)
    assert desk.order().status is OrderStatus.FILLED


class _Unshowable:
    def __str__(self) -> str:
        raise RuntimeError("not to be shown")


def test_state_is_saved_with_a_fill_and_found_again_after_a_crash(desk: Desk) -> None:
    desk.strategy().on_next["fill"] = lambda s: s.state.update(turns=1, armed=True, note=None, level=0.25)
    desk.act(lambda strategy: strategy.buy(ABC, D(1)))
    second = desk.again()
    assert second.strategy().state == {"turns": 1, "armed": True, "note": None, "level": 0.25}
    assert second.strategy(TWO).state == {}
    desk.books = second.books


def test_state_is_saved_at_the_stop(desk: Desk) -> None:
    desk.strategy().on_next["stop"] = lambda s: s.state.update(last="stop")
    desk.stop()
    second = desk.again()
    assert second.strategy().state == {"last": "stop"}
    desk.books = second.books


def test_state_that_did_not_change_is_not_written_again(desk: Desk) -> None:
    desk.strategy().on_next["fill"] = lambda s: s.state.update(turns=1)
    for _ in range(3):
        desk.act(lambda strategy: strategy.buy(ABC, D(1)))
    content = b"".join(path.read_bytes() for path in desk.journal.glob("*.jsonl"))
    assert content.count(b'"type":"strategy_state"') == 1


def test_a_timer_fires_once_or_in_steps_and_never_twice_for_what_was_missed(desk: Desk) -> None:
    strategy = desk.strategy()
    strategy.set_timer("once", START + 5 * NS_PER_SECOND)
    strategy.set_timer("steps", START + 2 * NS_PER_SECOND, every_ns=2 * NS_PER_SECOND)
    strategy.set_timer("never", START + 3 * NS_PER_SECOND)
    strategy.cancel_timer("never")
    assert desk.modules.strategies.next_timer_ns() == START + 2 * NS_PER_SECOND
    desk.wait(6)
    timers = [(kind, what) for kind, what in strategy.heard if kind.startswith("timer")]
    seconds = [(kind, (int(str(what)) - START) // NS_PER_SECOND) for kind, what in timers]
    assert seconds == [("timer steps", 2), ("timer steps", 4), ("timer once", 5), ("timer steps", 6)]
    desk.clock.advance_to(START + 61 * NS_PER_SECOND)
    desk.wait(1)
    assert [kind for kind in strategy.kinds() if kind == "timer steps"] == ["timer steps"] * 4
    assert desk.modules.strategies.next_timer_ns() == START + 64 * NS_PER_SECOND


def test_a_timer_that_another_one_cancels_in_the_same_beat_does_not_fire(desk: Desk) -> None:
    strategy = desk.strategy()
    strategy.on_next["timer a"] = lambda s: s.cancel_timer("b")
    for name in "ab":
        strategy.set_timer(name, START + 1)
    desk.wait(1)
    assert [kind for kind in strategy.kinds() if kind.startswith("timer")] == ["timer a"]
    assert desk.books.quarantined == {}


def test_a_timer_that_sets_itself_anew_lets_time_pass(desk: Desk) -> None:
    strategy = desk.strategy()

    def again(one: Acting) -> None:
        one.on_next["timer go"] = again
        one.set_timer("go", one.now)

    again(strategy)
    due = desk.modules.strategies.next_timer_ns()
    assert due is not None and due == desk.clock.now_ns() + 1_000_000
    desk.wait(3)
    assert strategy.kinds().count("timer go") == 3


def test_a_target_across_zero_goes_in_two_orders(desk: Desk) -> None:
    desk.act(lambda strategy: strategy.target_position(ABC, D(10)))
    desk.act(lambda strategy: strategy.target_position(ABC, D(-5)))
    assert [order.side.sign * order.quantity for order, _ in desk.broker.seen] == [D(10), D(-10), D(-5)]
    assert desk.strategy().position(ABC) == D(-5)


def test_a_target_across_zero_that_was_refused_is_not_revived_by_a_later_fill(desk: Desk) -> None:
    desk.act(lambda strategy: strategy.target_position(ABC, D(10)))
    desk.modules.risk.halt("enough", "cli")
    desk.act(lambda strategy: strategy.target_position(ABC, D(-5)))
    desk.modules.risk.resume("cli")
    desk.modules.execution.flatten()
    desk.pump()
    assert desk.strategy().position(ABC) == 0
    assert desk.books.orders.open_count == 0


def test_a_strategy_that_sells_by_itself_gives_its_target_up(desk: Desk) -> None:
    desk.act(lambda strategy: strategy.target_position(ABC, D(10)))
    desk.broker.held = []
    desk.act(lambda strategy: strategy.target_position(ABC, D(-5)))
    desk.act(lambda strategy: strategy.sell(ABC, D(1)))
    desk.broker.release()
    desk.pump()
    assert desk.strategy().position(ABC) == D(-1)


def test_history_fills_indicators_and_gives_no_decisions(desk: Desk) -> None:
    engine, strategy = desk.modules.strategies, desk.strategy()
    assert set(engine.wanted_history()) == {(ABC, MINUTE_NS, 3), (XYZ, MINUTE_NS, 3)}
    engine.warm_up(ABC, MINUTE_NS, [past_bar(3), past_bar(2)])
    assert strategy.kinds().count("history") == 2
    assert "bar" not in strategy.kinds()
    assert [bar.ts_open for bar in strategy.bars(ABC, 5)] == [START - 3 * MINUTE_NS, START - 2 * MINUTE_NS]
    assert len(strategy.bars(ABC, 1)) == 1
    assert list(strategy.bars(XYZ, 5)) == []


def test_bars_go_to_those_who_read_their_symbol_and_length(desk: Desk) -> None:
    before = {strategy: desk.strategy(strategy).kinds().count("bar") for strategy in (ONE, TWO)}
    desk.modules.strategies.handle(msgspec.structs.replace(past_bar(0), symbol=XYZ))
    desk.modules.strategies.handle(msgspec.structs.replace(past_bar(0), interval_ns=5 * MINUTE_NS))
    assert desk.strategy(ONE).kinds().count("bar") == before[ONE] + 1
    assert desk.strategy(TWO).kinds().count("bar") == before[TWO]


def test_a_target_counts_what_is_under_way(desk: Desk) -> None:
    desk.broker.held = []
    for _ in range(3):
        desk.act(lambda strategy: strategy.target_position(ABC, D(10)))
    assert [order.quantity for order, _ in desk.broker.seen] == [D(10)]
    assert desk.strategy().working(ABC) == D(10)
    desk.act(lambda strategy: strategy.target_position(ABC, D(3)))
    assert (len(desk.broker.seen), desk.strategy().working(ABC)) == (1, D(3))  # it waits for what is under way
    desk.broker.release()
    desk.pump()
    assert desk.broker.seen[-1][0].side.sign * desk.broker.seen[-1][0].quantity == D(-7)
    assert desk.strategy().position(ABC) == D(3)


@pytest.mark.parametrize("figure", ["NaN", "Infinity", "1E+40"])
def test_a_target_that_is_no_figure_stops_the_strategy_that_asked(desk: Desk, figure: str) -> None:
    desk.strategy().on_next["timer go"] = lambda strategy: strategy.target_position(ABC, D(figure))
    desk.strategy().set_timer("go", START + 1)
    desk.wait(1)
    assert "a target position is a number" in desk.books.quarantined[ONE].reason


def test_a_hold_is_recorded_and_nothing_more(desk: Desk) -> None:
    desk.act(lambda strategy: strategy.hold(ABC, reason="spread too wide"))
    assert desk.said(LogEvent.STRATEGY_SIGNAL)[-1].details["reason"] == "spread too wide"
    assert desk.broker.seen == []


def test_what_a_strategy_says_is_as_it_was_when_it_said_it(desk: Desk) -> None:
    seen = [1]
    desk.act(lambda strategy: strategy.log("levels", seen=seen, price=D("1.50"), at=Path("x")))
    seen.append(2)
    assert desk.said(LogEvent.STRATEGY_MESSAGE)[-1].details == {"seen": [1], "price": "1.50", "at": "x"}


def test_a_refusal_reaches_the_strategy_that_was_refused(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "[risk]\nmax_order_value = 1\n").open()
    desk.act(lambda strategy: strategy.buy(ABC, D(1)), TWO)
    assert isinstance(desk.strategy(TWO).heard[-1][1], OrderDenied)
    assert "OrderDenied" not in desk.strategy(ONE).kinds()
