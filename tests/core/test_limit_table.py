"""Every limit beside what it limits."""

from decimal import Decimal

from tests.core.making import S1, order
from tradingd.core.identifiers import Symbol
from tradingd.core.limit_table import LimitTable, LimitUse, limit_table
from tradingd.core.order_state import intend
from tradingd.core.orders import Side
from tradingd.core.portfolio import PortfolioState
from tradingd.core.risk import OrderLimits, RiskRules
from tradingd.core.risk_metrics import RiskInputs, RiskLimits, assess

D = Decimal
ABC, XYZ = Symbol("ABC"), Symbol("XYZ")
LIMITS = RiskLimits(max_daily_loss=D(100), max_drawdown_pct=D(10))


def rules(**changes: object) -> RiskRules:
    terms: dict[str, object] = {
        "account": OrderLimits(max_order_value=D(5000), max_position_value=D(2000)),
        "by_symbol": {ABC: OrderLimits(max_position_quantity=D(30))},
        "by_strategy": {S1: OrderLimits(max_position_value=D(1500))},
        "max_gross_exposure": D(1000),
        "max_leverage": D(2),
        "price_collar_pct": D(5),
        "max_orders_per_minute": 10,
        "allow_short": True,
        "allowed_symbols": frozenset({ABC, XYZ}),
        "stale_after_ns": 0,
    }
    return RiskRules(**(terms | changes))  # type: ignore[arg-type]  # the terms of one rule set, some of them changed


def holding(quantity: str, *, mark: float | None = 100.0) -> PortfolioState:
    portfolio = PortfolioState()
    portfolio.open_account(D(10_000))
    portfolio.adjust_position(S1, ABC, D(quantity), D(100))
    if mark is not None:
        portfolio.mark(ABC, mark)
    return portfolio


def judged(portfolio: PortfolioState, set_of_rules: RiskRules, *states: object) -> LimitTable:
    gross, net = portfolio.exposure()
    equity = portfolio.equity()
    inputs = RiskInputs(
        ts=0, equity=equity, peak_equity=equity, day_open_equity=equity, gross_exposure=gross, net_exposure=net
    )
    return limit_table(
        portfolio,
        set_of_rules,
        LIMITS,
        assess(inputs, LIMITS).metrics,
        open_orders=states,  # type: ignore[arg-type]  # states of orders
        sent_last_minute=3,
    )


def use(table: LimitTable, name: str, scope: str) -> LimitUse:
    (found,) = [one for one in table.limits if (one.name, one.scope) == (name, scope)]
    return found


def test_exposure_at_three_times_its_limit_is_broken_and_stands_first() -> None:
    table = judged(holding("30"), rules())
    assert not table.within_limits
    assert [one.name for one in table.limits if one.broken] == [
        "max_gross_exposure",
        "max_position_value",
        "max_position_value",
    ]
    assert all(one.broken for one in table.limits[:3])
    gross = use(table, "max_gross_exposure", "account")
    assert (gross.value, gross.limit, gross.headroom) == (D(3000), D(1000), D(-2000))


def test_a_limit_has_the_scope_that_it_holds_in() -> None:
    table = judged(holding("5"), rules())
    assert table.within_limits
    assert use(table, "max_position_value", "ABC").headroom == D(1500)
    assert use(table, "max_position_value", f"{S1} ABC").headroom == D(1000)
    assert use(table, "max_position_quantity", "ABC").value == D(5)
    assert use(table, "max_position_value", "XYZ").value == 0
    assert use(table, "max_orders_per_minute", "account").headroom == D(7)
    assert use(table, "max_leverage", "account").value == D("0.047619")


def test_open_orders_use_up_headroom_and_break_nothing() -> None:
    portfolio = holding("5")
    state = intend(order("s1-1", Side.BUY, "4", limit="100"))
    portfolio.reserve(state)
    table = judged(portfolio, rules(), state)
    gross = use(table, "max_gross_exposure", "account")
    assert (gross.value, gross.headroom, gross.broken) == (D(500), D(100), False)
    assert use(table, "max_position_quantity", "ABC").headroom == D(21)
    assert use(table, "max_order_value", "account").value == D(400)


def test_before_the_first_price_a_position_counts_at_its_cost_and_is_named() -> None:
    table = judged(holding("30", mark=None), rules())
    assert table.unpriced == (ABC,)
    assert use(table, "max_gross_exposure", "account").broken


def test_a_short_position_breaks_allow_short() -> None:
    assert use(judged(holding("-1"), rules(allow_short=False)), "allow_short", "ABC").broken


def test_without_equity_nothing_may_be_held() -> None:
    portfolio = holding("5")
    portfolio.adjust_cash(D(-20_000))
    leverage = use(judged(portfolio, rules()), "max_leverage", "account")
    assert (leverage.broken, leverage.limit) == (True, D(0))
