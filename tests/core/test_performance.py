"""Performance figures against hand-checked cases, and what must not change them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.making_performance import D, trade
from tests.core.measuring import measured
from tradingd.core.account_history import utc_day
from tradingd.core.equity_curve import Drawdown, EquityPoint, daily_points, max_drawdown, without_flows
from tradingd.core.market import DAY_NS
from tradingd.core.orders import Side
from tradingd.core.performance import YEAR_NS
from tradingd.core.round_trips import fold_trades, time_in_market

HOUR_NS = DAY_NS // 24
BUY, SELL = Side.BUY, Side.SELL


def points(*equity: int | str, step: int = DAY_NS) -> list[EquityPoint]:
    return [EquityPoint(number * step, D(value)) for number, value in enumerate(equity)]


# -- drawdown ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("equity", "expected"),
    [
        ((), None),
        ((100, 110, 110, 120), None),
        ((100, 80, 100), (0.2, 20, 0, 1, 2)),
        ((100, 80, 99), (0.2, 20, 0, 1, None)),
        ((100, 120, 90, 130, 104, 140), (0.25, 30, 1, 2, 3)),
        ((100, 90, 100, 90, 100), (0.1, 10, 0, 1, 2)),  # the earliest of equals
        ((100, 100, 50), (0.5, 50, 1, 2, None)),  # the peak is where the fall began
        ((0, -5, 10, 9), (0.1, 1, 2, 3, None)),
    ],
)
def test_the_deepest_fall_with_its_dates(
    equity: tuple[int, ...], expected: tuple[float, int, int, int, int | None] | None
) -> None:
    found = max_drawdown(points(*equity))
    if expected is None:
        assert found is None
        return
    fraction, amount, peak, trough, recovery = expected
    assert found == Drawdown(
        fraction=fraction,
        amount=D(amount),
        ts_peak=peak * DAY_NS,
        ts_trough=trough * DAY_NS,
        ts_recovery=None if recovery is None else recovery * DAY_NS,
    )


def test_a_day_counts_by_its_last_point() -> None:
    series = points(1, 2, 3, 4, 5, step=DAY_NS // 2)
    assert [point.equity for point in daily_points(series, utc_day)] == [D(2), D(4), D(5)]


# -- round trips ------------------------------------------------------------------------------------------------------


def test_closings_are_at_average_cost_with_their_share_of_the_entry_fees() -> None:
    history = fold_trades(
        [
            trade(BUY, "10", "100", "2", ts=1),
            trade(BUY, "10", "110", "2", ts=2),
            trade(SELL, "5", "115", "1", ts=3),
            trade(SELL, "15", "95", "3", ts=4),
        ]
    )
    first, second = history.round_trips
    assert (first.gross, first.fees, first.net) == (D(50), D(2), D(48))  # 5 × (115 - 105); 4 × 5/20 + 1
    assert (second.gross, second.fees, second.net) == (D(-150), D(6), D(-156))
    assert (first.side, first.ts_opened, first.ts_closed) == (BUY, 1, 3)
    assert (first.entry_price, first.exit_price) == (D(105), D(115))
    assert sum((trip.net for trip in history.round_trips), D(0)) == D(-108)


def test_a_turn_around_closes_the_old_side_and_opens_the_rest() -> None:
    history = fold_trades(
        [trade(BUY, "2", "100", "0.2", ts=1), trade(SELL, "5", "110", "0.5", ts=2), trade(BUY, "3", "100", "0.3", ts=3)]
    )
    long, short = history.round_trips
    assert (long.side, long.quantity, long.gross, long.fees) == (BUY, D(2), D(20), D("0.4"))
    assert (short.side, short.quantity, short.gross, short.fees) == (SELL, D(3), D(30), D("0.6"))
    assert [(one.ts_start, one.ts_end) for one in history.intervals] == [(1, 2), (2, 3)]


def test_strategies_and_symbols_do_not_close_one_another() -> None:
    history = fold_trades(
        [
            trade(BUY, "1", "100", ts=1),
            trade(SELL, "1", "110", ts=2, strategy="s2"),
            trade(SELL, "1", "120", ts=3, symbol="MSFT"),
        ]
    )
    assert history.round_trips == ()
    assert [one.ts_end for one in history.intervals] == [None, None, None]


def test_time_in_the_market_is_counted_once() -> None:
    history = fold_trades(
        [
            trade(BUY, "1", "100", ts=10),
            trade(BUY, "1", "100", ts=20, symbol="MSFT"),
            trade(SELL, "1", "100", ts=30),
            trade(SELL, "1", "100", ts=40, symbol="MSFT"),
            trade(BUY, "1", "100", ts=90),
        ]
    )
    assert time_in_market(history.intervals, 0, 100) == 40
    assert time_in_market(history.intervals, 15, 95) == 30
    assert time_in_market(history.intervals, 50, 80) == 0


# -- the account ------------------------------------------------------------------------------------------------------


def test_figures_of_a_hand_checked_account() -> None:
    # Daily returns +10 %, -10 %, +20 %: mean 1/15, sample variance 7/300.
    report = measured(points(100, 110, 99, "118.8"), [], annualisation_days=252, risk_free_rate=0.0252)
    account = report.account
    period_rate = 0.0001
    deviation = math.sqrt(7 / 300)
    assert (account.starting_equity, account.ending_equity, account.profit) == (D(100), D("118.8"), D("18.8"))
    assert account.total_return == pytest.approx(0.188)
    assert account.cagr == pytest.approx(1.188 ** (365.25 / 3) - 1)
    assert account.volatility == pytest.approx(deviation * math.sqrt(252))
    assert account.sharpe == pytest.approx((1 / 15 - period_rate) / deviation * math.sqrt(252))
    downside = math.sqrt((0.1 + period_rate) ** 2 / 3)
    assert account.sortino == pytest.approx((1 / 15 - period_rate) / downside * math.sqrt(252))
    assert account.drawdown is not None
    assert account.drawdown.fraction == pytest.approx(0.1)
    assert account.calmar is not None
    assert account.calmar == pytest.approx((1.188 ** (365.25 / 3) - 1) / 0.1)
    assert (report.ts_from, report.ts_to) == (0, 3 * DAY_NS)


def test_a_short_span_has_no_yearly_figures_and_says_why() -> None:
    report = measured(points(100, 110, 99, step=10 * DAY_NS), [], min_days=30)
    assert report.not_annualised == "yearly figures need 30 days, and these are 20.0"
    account = report.account
    assert (account.cagr, account.volatility, account.sharpe, account.sortino, account.calmar) == (None,) * 5
    assert account.total_return == pytest.approx(-0.01)
    assert account.drawdown is not None
    assert measured(points(100, 110, 99, step=15 * DAY_NS), [], min_days=30).not_annualised == ""


# -- flows ------------------------------------------------------------------------------------------------------------


def test_a_deposit_is_no_return_and_a_withdrawal_no_loss() -> None:
    series = [
        EquityPoint(0, D(100)),
        EquityPoint(DAY_NS, D(210), flow=D(100)),  # +10 %
        EquityPoint(2 * DAY_NS, D(63), flow=D(-126)),  # -10 %
        EquityPoint(3 * DAY_NS, D("75.6")),  # +20 %
    ]
    report = measured(series, [])
    account = report.account
    assert (account.starting_equity, account.flows, account.ending_equity) == (D(100), D(-26), D("75.60"))
    assert account.profit == D("1.60")
    assert account.total_return == pytest.approx(0.188)
    assert account.drawdown is not None
    assert account.drawdown.fraction == pytest.approx(0.1)
    plain = measured(points(100, 110, 99, "118.8"), []).account
    assert account.volatility == pytest.approx(plain.volatility)
    assert account.sharpe == pytest.approx(plain.sharpe)


def test_a_curve_without_flows_is_itself() -> None:
    series = points(100, 110)
    assert without_flows(series) is series


@pytest.mark.parametrize(
    "series",
    [
        [],
        points(100),
        points(0, 0, 0),
        points(-5, 10, 20, 30),
        points(100, 0, 0, 0),
        points(100, 100, 100, 100),
        [EquityPoint(5, D(1)), EquityPoint(5, D(2))],
    ],
    ids=["nothing", "one point", "no money", "debt", "ruin", "constant", "one instant"],
)
def test_what_is_not_defined_is_none(series: list[EquityPoint]) -> None:
    account = measured(series, []).account
    for name in ("total_return", "cagr", "volatility", "sharpe", "sortino", "calmar", "turnover"):
        value = getattr(account, name)
        assert value is None or math.isfinite(value), name
    assert account.sharpe is None or series[-1].equity == 0
    assert (account.statistics.win_rate, account.statistics.profit_factor, account.statistics.expectancy) == (
        None,
        None,
        None,
    )


def test_a_year_is_a_year() -> None:
    series = [EquityPoint(0, D(100)), EquityPoint(YEAR_NS // 2, D(105)), EquityPoint(YEAR_NS, D(110))]
    assert measured(series, []).account.cagr == pytest.approx(0.1)


# -- trades -----------------------------------------------------------------------------------------------------------

TRADES = [
    trade(BUY, "10", "10", "1", ts=1 * DAY_NS),
    trade(SELL, "10", "12", "1", ts=2 * DAY_NS),  # +18
    trade(BUY, "10", "10", "1", ts=2 * DAY_NS + HOUR_NS, strategy="s2", symbol="MSFT"),
    trade(SELL, "5", "8", "0.5", ts=3 * DAY_NS, strategy="s2", symbol="MSFT"),  # -11
]


def test_trade_statistics_of_all_and_of_each_strategy() -> None:
    report = measured(points(1000, 1000, 1018, 1004, 1004), TRADES)
    every = report.account.statistics
    assert (every.trades, every.round_trips, every.wins, every.losses) == (4, 2, 1, 1)
    assert (every.win_rate, every.expectancy, every.fees) == (0.5, D("3.5"), D("3.5"))
    assert (every.average_win, every.average_loss) == (D(18), D(-11))
    assert every.profit_factor == pytest.approx(18 / 11)
    assert every.traded_value == D(360)
    assert every.realised_pnl == D("6.5")  # also the half of the entry fee that is not closed yet
    assert (report.account.realised, report.account.fees) == (D(10), D("3.5"))
    assert report.account.turnover == pytest.approx(360 / 1005.2)
    assert report.account.exposure_time == pytest.approx((3 - HOUR_NS / DAY_NS) / 4)
    assert [section.name for section in report.strategies] == ["s1", "s2"]
    assert report.strategies[0].statistics.profit_factor is None


def test_trades_without_equity_are_still_counted() -> None:
    report = measured([], TRADES)
    assert report.account.profit is None
    assert report.account.statistics.round_trips == 2
    assert report.strategies[0].total_return is None
    assert (report.ts_from, report.ts_to) == (DAY_NS, 3 * DAY_NS)


# -- what must not change the figures ---------------------------------------------------------------------------------

EQUITY = st.lists(st.integers(1_000, 1_000_000), min_size=4, max_size=30)


@given(EQUITY, st.integers(2, 1000))
def test_ratios_do_not_depend_on_the_size_of_the_account(equity: list[int], factor: int) -> None:
    small = measured(points(*equity), []).account
    large = measured(points(*(value * factor for value in equity)), []).account
    for name in ("total_return", "cagr", "volatility", "sharpe", "sortino", "calmar"):
        one, other = getattr(small, name), getattr(large, name)
        assert one == other if one is None or other is None else one == pytest.approx(other, rel=1e-6)


@given(EQUITY)
def test_every_figure_is_finite_and_a_drawdown_is_a_share(equity: list[int]) -> None:
    account = measured(points(*equity), []).account
    for name in ("total_return", "cagr", "volatility", "sharpe", "sortino", "calmar"):
        value = getattr(account, name)
        assert value is None or math.isfinite(value)
    assert account.drawdown is None or 0 < account.drawdown.fraction < 1


@given(
    st.lists(
        st.tuples(st.sampled_from([BUY, SELL]), st.integers(1, 9), st.integers(1, 500), st.integers(0, 5)),
        min_size=1,
        max_size=30,
    )
)
def test_closings_and_open_entry_fees_add_up_to_the_books(rows: list[tuple[Side, int, int, int]]) -> None:
    trades = [
        trade(side, str(quantity), str(price), str(fee), ts=number)
        for number, (side, quantity, price, fee) in enumerate(rows)
    ]
    net = sum((1 if side is BUY else -1) * quantity for side, quantity, _, _ in rows)
    if net:  # flatten, so that no entry fee is left over
        trades.append(trade(SELL if net > 0 else BUY, str(abs(net)), "100", ts=len(rows)))
    history = fold_trades(trades)
    cash = -sum((one.quantity * one.price * one.side.sign + one.fee for one in trades), D(0))
    assert sum((trip.net for trip in history.round_trips), D(0)) == cash
    assert all(interval.ts_end is not None for interval in history.intervals)
