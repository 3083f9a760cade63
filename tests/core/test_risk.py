"""Pre-trade rules: each at its limit and one unit past it."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.making import ABC, S1, S2, XYZ, D, market, order, rules, trade
from tradingd.core.identifiers import StrategyId, Symbol
from tradingd.core.instruments import default_instrument
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.order_state import intend
from tradingd.core.orders import DenialCode, Order, OrderType, Side
from tradingd.core.portfolio import PortfolioState
from tradingd.core.risk import MarketView, OrderLimits, OrderRate, RiskRules, reduces, reducible, validate

C = DenialCode
BUY, SELL = Side.BUY, Side.SELL


def holding(quantity: str = "0", *, working: tuple[Order, ...] = (), strategy: StrategyId = S1) -> PortfolioState:
    portfolio = PortfolioState()
    portfolio.open_account(D(100_000))
    if D(quantity):
        side = BUY if D(quantity) > 0 else SELL
        portfolio.apply(trade(side, str(abs(D(quantity))), "100", strategy=strategy))
    portfolio.mark(ABC, 100.0)
    for one in working:
        portfolio.reserve(intend(one))
    return portfolio


def codes(
    candidate: Order,
    portfolio: PortfolioState | None = None,
    limits: RiskRules | None = None,
    view: MarketView | None = None,
    *,
    rate_full: bool = False,
) -> list[DenialCode]:
    held = portfolio or holding()
    only_reduces = reduces(candidate, held)
    verdict = validate(
        candidate, held, limits or rules(), view or market(), rate_full=rate_full, only_reduces=only_reduces
    )
    assert verdict.approved is (not verdict.breaches)
    assert only_reduces or not verdict.waived
    return [breach.code for breach in verdict.breaches]


@pytest.mark.parametrize(
    ("name", "limits", "at_limit", "past_it", "code"),
    [
        ("quantity", OrderLimits(max_order_quantity=D(10)), "10", "10.000000001", C.ORDER_QUANTITY),
        ("value", OrderLimits(max_order_value=D(1000)), "10", "10.000000001", C.ORDER_VALUE),
        ("position", OrderLimits(max_position_quantity=D(10)), "10", "10.000000001", C.POSITION_LIMIT),
        ("position value", OrderLimits(max_position_value=D(1000)), "10", "10.000000001", C.POSITION_VALUE),
    ],
)
@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("scope", ["account", "symbol", "strategy"])
def test_a_limit_lets_its_own_figure_pass_and_one_unit_more_not(
    *, name: str, limits: OrderLimits, at_limit: str, past_it: str, code: DenialCode, side: Side, scope: str
) -> None:
    made = {
        "account": rules(limits),
        "symbol": rules(by_symbol={ABC: limits, XYZ: OrderLimits()}),
        "strategy": rules(by_strategy={S1: limits, S2: OrderLimits()}),
    }[scope]
    assert codes(order("a", side, at_limit), limits=made) == [], name
    assert codes(order("a", side, past_it), limits=made) == [code], name


def test_gross_exposure_counts_positions_and_every_open_order() -> None:
    portfolio = holding("10", working=(order("w1", quantity="5"), order("w2", SELL, "5", symbol=XYZ)))
    assert codes(order("a", quantity="5"), portfolio, rules(gross="2500")) == []
    assert codes(order("a", quantity="5.000000001"), portfolio, rules(gross="2500")) == [C.GROSS_EXPOSURE]


def test_buying_power_is_equity_times_leverage() -> None:
    assert codes(order("a", quantity="2000"), limits=rules(leverage="2")) == []
    assert codes(order("a", quantity="2000.000000001"), limits=rules(leverage="2")) == [C.BUYING_POWER]


def test_an_order_that_closes_needs_no_buying_power() -> None:
    portfolio = holding("3000")
    assert codes(order("a", SELL, "3000"), portfolio, rules(leverage="1", gross="1")) == []
    assert C.GROSS_EXPOSURE in codes(order("a", SELL, "3000.5"), portfolio, rules(leverage="1", gross="1"))


@pytest.mark.parametrize(
    ("held", "side", "quantity", "passes"),
    [
        ("100", SELL, "1", True),
        ("100", SELL, "100", True),
        ("100", SELL, "150", False),  # from 100 long to 50 short is a new position
        ("100", SELL, "200", False),
        ("100", BUY, "1", False),
        ("-100", BUY, "100", True),
        ("-100", BUY, "150", False),
        ("-100", SELL, "1", False),
    ],
)
def test_an_order_that_can_only_reduce_passes_position_limits(
    held: str, side: Side, quantity: str, passes: bool
) -> None:
    limits = rules(OrderLimits(max_position_quantity=D(5), max_position_value=D(500)))
    expected = [] if passes else [C.POSITION_LIMIT, C.POSITION_VALUE]
    assert codes(order("a", side, quantity), holding(held), limits) == expected


@pytest.mark.parametrize("side", Side)
def test_an_order_that_can_only_reduce_passes_every_limit_whatever_the_price_is_worth(side: Side) -> None:
    tight = OrderLimits(
        max_order_value=D(1), max_order_quantity=D(1), max_position_quantity=D(1), max_position_value=D(1)
    )
    limits = rules(tight, gross="1", leverage="0.000001", allow_short=False, stale_after_ns=1)
    held = holding("10" if side is SELL else "-10")
    for view in (market(age_ns=2), market(None)):
        verdict = validate(order("a", side, "10", limit="50"), held, limits, view, rate_full=False, only_reduces=True)
        assert verdict.approved
        assert verdict.waived
    assert not codes(order("a", side, "10", limit="50"), held, limits, market(age_ns=2))
    assert codes(order("a", side, "10.5", limit="50"), held, limits, market(age_ns=2))


def test_a_reduction_is_counted_in_the_worst_case_of_everything_that_rests() -> None:
    tight = rules(OrderLimits(max_order_quantity=D(1)))
    resting = (order("w1", SELL, "6", limit="120"), order("w2", BUY, "50", limit="80"))
    held = holding("10", working=resting)
    assert codes(order("a", SELL, "4"), held, tight) == []
    assert codes(order("a", SELL, "4.5"), held, tight) == [C.ORDER_QUANTITY]
    replaced = reducible(SELL, D(10), held.open_exposure(ABC), D(6))
    assert (reducible(SELL, D(10), held.open_exposure(ABC)), replaced) == (D(4), D(10))
    assert reducible(BUY, D(10), held.open_exposure(ABC)) == 0


def test_a_limit_of_one_strategy_holds_where_its_own_position_grows_though_the_accounts_does_not() -> None:
    held = holding("50", strategy=S2)
    limits = rules(by_strategy={S1: OrderLimits(max_position_quantity=D(10))})
    assert codes(order("a", SELL, "11"), held, limits) == [C.POSITION_LIMIT]
    assert codes(order("a", SELL, "10"), held, limits) == []
    tight = rules(by_strategy={S2: OrderLimits(max_position_quantity=D(1), max_order_quantity=D(1))})
    assert codes(order("a", SELL, "50", strategy=S2), held, tight) == []


@pytest.mark.parametrize("quantity", ["NaN", "sNaN", "Infinity", "-Infinity", "1E+400"])
def test_a_quantity_that_is_no_figure_reduces_nothing(quantity: str) -> None:
    assert not reduces(order("a", SELL, quantity), holding("10"))


def test_what_the_venue_forbids_is_refused_to_a_reduction_too() -> None:
    stopped = market(instrument=msgspec.structs.replace(default_instrument(ABC), tradable=False))
    assert codes(order("a", SELL, "10"), holding("10"), view=stopped) == [C.SYMBOL_NOT_ALLOWED]
    assert codes(order("a", SELL, "10", limit="-1"), holding("10")) == [C.PRICE_INVALID]


def test_a_symbol_that_is_no_longer_allowed_can_be_left() -> None:
    closed = msgspec.structs.replace(rules(), allowed_symbols=frozenset({XYZ}))
    assert codes(order("a", SELL, "10"), holding("10"), closed) == []
    assert codes(order("a", BUY, "1"), holding("10"), closed) == [C.SYMBOL_NOT_ALLOWED]


@pytest.mark.parametrize(
    ("candidate", "limits", "view"),
    [
        (order("a", quantity="11"), rules(OrderLimits(max_order_quantity=D(10))), market()),
        (order("a", quantity="11"), rules(OrderLimits(max_order_value=D(10))), market()),
        (order("a", quantity="11"), rules(OrderLimits(max_position_quantity=D(10))), market()),
        (order("a", quantity="11"), rules(OrderLimits(max_position_value=D(10))), market()),
        (order("a", quantity="11"), rules(gross="10"), market()),
        (order("a", quantity="11"), rules(leverage="0.0001"), market()),
        (order("a", limit="120"), rules(), market()),
        (order("a"), rules(stale_after_ns=NS_PER_SECOND), market(age_ns=90 * NS_PER_SECOND)),
    ],
)
def test_a_refusal_names_value_and_limit_in_its_sentence(candidate: Order, limits: RiskRules, view: MarketView) -> None:
    (breach,) = validate(candidate, holding(), limits, view, rate_full=False).breaches

    def figure(text: str) -> str:
        return text.replace(",", "").removesuffix(" s").removesuffix(" %").split(".")[0]

    said = breach.message.replace(",", "")
    assert figure(breach.value) in said
    assert figure(breach.limit) in said


def test_open_orders_on_the_same_side_count_and_those_on_the_other_do_not() -> None:
    limits = rules(OrderLimits(max_position_quantity=D(20)))
    working = (order("w1", quantity="8"), order("w2", SELL, "8"))
    assert codes(order("a", quantity="2"), holding("10", working=working), limits) == []
    assert codes(order("a", quantity="2.5"), holding("10", working=working), limits) == [C.POSITION_LIMIT]


def test_a_limit_of_one_strategy_does_not_count_the_others() -> None:
    limits = rules(by_strategy={S1: OrderLimits(max_position_quantity=D(10))})
    crowded = holding("50", strategy=S2, working=(order("w", quantity="50", strategy=S2),))
    assert codes(order("a", quantity="10"), crowded, limits) == []
    assert codes(order("a", quantity="11"), crowded, limits) == [C.POSITION_LIMIT]


@pytest.mark.parametrize("quantity", ["NaN", "-NaN", "sNaN", "Infinity", "-Infinity", "0", "-1", "-0"])
def test_a_quantity_that_is_no_positive_number_is_refused(quantity: str) -> None:
    assert codes(order("a", quantity=quantity)) == [C.QUANTITY_INVALID]


def test_a_quantity_below_the_venues_minimum_is_refused() -> None:
    view = market(instrument=msgspec.structs.replace(default_instrument(ABC), min_quantity=D(1)))
    assert codes(order("a", quantity="1"), view=view) == []
    assert codes(order("a", quantity="0.5"), view=view) == [C.QUANTITY_INVALID]


@pytest.mark.parametrize("price", ["NaN", "sNaN", "Infinity", "0", "-1"])
def test_a_price_that_is_no_positive_number_is_refused(price: str) -> None:
    assert codes(order("a", limit=price)) == [C.PRICE_INVALID]
    assert codes(order("a", stop=price)) == [C.PRICE_INVALID]


@pytest.mark.parametrize(
    ("order_type", "limit", "stop", "count"),
    [
        (OrderType.MARKET, None, None, 0),
        (OrderType.MARKET, "100", None, 1),
        (OrderType.LIMIT, None, None, 1),
        (OrderType.LIMIT, "100", "100", 1),
        (OrderType.STOP, "100", None, 2),
        (OrderType.STOP_LIMIT, None, None, 2),
        (OrderType.STOP_LIMIT, "100", "100", 0),
    ],
)
def test_prices_are_there_exactly_where_the_type_needs_them(
    order_type: OrderType, limit: str | None, stop: str | None, count: int
) -> None:
    assert codes(order("a", limit=limit, stop=stop, order_type=order_type)) == [C.PRICE_INVALID] * count


@pytest.mark.parametrize(
    ("price", "refused"), [("105", False), ("105.01", True), ("95", False), ("94.99", True), ("1000", True)]
)
def test_the_collar_is_a_band_around_the_last_good_price(price: str, refused: bool) -> None:
    expected = [C.PRICE_COLLAR] if refused else []
    assert codes(order("a", limit=price)) == expected
    assert codes(order("a", stop=price)) == expected


def test_a_stale_price_takes_no_orders() -> None:
    limits = rules(stale_after_ns=30 * NS_PER_SECOND)
    assert codes(order("a"), limits=limits, view=market(age_ns=30 * NS_PER_SECOND)) == []
    assert codes(order("a"), limits=limits, view=market(age_ns=30 * NS_PER_SECOND + 1)) == [C.PRICE_STALE]
    assert codes(order("a"), view=market(age_ns=10**18)) == []


def test_without_a_price_nothing_leaves() -> None:
    assert codes(order("a"), view=market(None)) == [C.PRICE_MISSING]


def test_only_named_symbols_that_the_venue_trades_are_traded() -> None:
    other = Symbol("NOPE")
    assert codes(order("a", symbol=other), view=market(symbol=other)) == [C.SYMBOL_NOT_ALLOWED]
    halted = msgspec.structs.replace(default_instrument(ABC), tradable=False)
    assert codes(order("a"), view=market(instrument=halted)) == [C.SYMBOL_NOT_ALLOWED]


@pytest.mark.parametrize(
    ("held", "working", "quantity", "refused"),
    [("10", "0", "10", False), ("10", "0", "10.5", True), ("10", "6", "4", False), ("10", "6", "5", True)],
)
def test_a_short_that_is_not_allowed_is_refused(held: str, working: str, quantity: str, refused: bool) -> None:
    open_orders = (order("w", SELL, working),) if D(working) else ()
    portfolio = holding(held, working=open_orders)
    expected = [C.SHORT_NOT_ALLOWED] if refused else []
    assert codes(order("a", SELL, quantity), portfolio, rules(allow_short=False)) == expected
    unborrowable = market(instrument=msgspec.structs.replace(default_instrument(ABC), shortable=False))
    assert codes(order("a", SELL, quantity), portfolio, rules(), unborrowable) == expected


def test_every_broken_rule_is_named_at_once() -> None:
    tight = OrderLimits(
        max_order_value=D(1), max_order_quantity=D(1), max_position_quantity=D(1), max_position_value=D(1)
    )
    limits = rules(tight, gross="1", leverage="0.000001", allow_short=False, stale_after_ns=1)
    got = codes(order("a", SELL, "10", limit="50"), limits=limits, view=market(age_ns=2), rate_full=True)
    assert set(got) == {
        C.PRICE_STALE,
        C.PRICE_COLLAR,
        C.ORDER_QUANTITY,
        C.ORDER_VALUE,
        C.POSITION_LIMIT,
        C.POSITION_VALUE,
        C.SHORT_NOT_ALLOWED,
        C.GROSS_EXPOSURE,
        C.BUYING_POWER,
        C.ORDER_RATE,
    }


def test_a_breach_tells_the_figure_and_the_limit() -> None:
    verdict = validate(
        order("a", quantity="11"),
        holding(),
        rules(OrderLimits(max_order_quantity=D(10))),
        market(),
        rate_full=False,
    )
    (breach,) = verdict.breaches
    assert (breach.value, breach.limit) == ("11", "10")
    assert "account" in breach.message


def test_the_order_rate_is_a_sliding_minute() -> None:
    rate = OrderRate(3)
    for second in (0, 10, 20):
        assert not rate.full(second * NS_PER_SECOND)
        rate.count(second * NS_PER_SECOND)
    assert rate.full(59 * NS_PER_SECOND)
    assert not rate.full(60 * NS_PER_SECOND)
    rate.count(60 * NS_PER_SECOND)
    assert rate.full(69 * NS_PER_SECOND)


def test_reductions_have_as_much_of_the_order_rate_again() -> None:
    rate = OrderRate(3)
    for _ in range(3):
        rate.count(0)
    assert (rate.full(0), rate.full(0, only_reduces=True)) == (True, False)
    for _ in range(3):
        rate.count(0)
    assert rate.full(0, only_reduces=True)
    assert codes(order("a", SELL, "1"), holding("10"), rate_full=True) == [C.ORDER_RATE]


wishes = st.lists(
    st.tuples(st.sampled_from([S1, S2]), st.sampled_from(Side), st.decimals("0.1", "60", places=1), st.booleans()),
    max_size=30,
)


@given(wishes)
@settings(max_examples=150)
def test_strategies_that_race_for_the_last_of_a_limit_never_pass_it(
    made: list[tuple[StrategyId, Side, Decimal, bool]],
) -> None:
    limits = rules(
        OrderLimits(max_position_quantity=D(100)),
        by_strategy={S1: OrderLimits(max_position_quantity=D(70))},
        gross="9000",
    )
    portfolio = holding()
    working: list[Order] = []
    for number, (strategy, side, quantity, fills) in enumerate(made):
        candidate = order(f"o{number}", side, str(quantity), strategy=strategy)
        if not codes(candidate, portfolio, limits):
            portfolio.reserve(intend(candidate))
            working.append(candidate)
        if fills and working:
            done = working.pop(0)
            state = intend(done)
            portfolio.reserve(msgspec.structs.replace(state, filled_quantity=state.quantity))
            portfolio.apply(trade(done.side, str(done.quantity), "100", strategy=done.strategy_id))
        for subset in (BUY, SELL):
            reached = portfolio.quantity(ABC) + sum(
                (one.side.sign * one.quantity for one in working if one.side is subset), D(0)
            )
            assert abs(reached) <= 100
            of_first = portfolio.quantity_of(S1, ABC) + sum(
                (one.side.sign * one.quantity for one in working if one.side is subset and one.strategy_id == S1), D(0)
            )
            assert abs(of_first) <= 70
        assert portfolio.exposure()[0] <= 9000
