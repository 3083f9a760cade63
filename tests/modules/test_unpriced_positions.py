"""What is held without a fresh price says so, alarms once, and counts in limits at the worst that is known."""

from decimal import Decimal
from pathlib import Path

import pytest
from tests.modules.desk import ABC, ONE, START, XYZ, Desk
from tests.modules.planning import RISK
from tests.settings.writing import load
from tradingd.control.views import position_views
from tradingd.core.entries import PositionAdjusted
from tradingd.core.identifiers import EXTERNAL, Symbol
from tradingd.core.log import Level, LogEvent
from tradingd.core.market import MINUTE_NS, NS_PER_SECOND
from tradingd.core.symbol_plan import SymbolPlan
from tradingd.modules.data_handler import DataConfig, DataHandler
from tradingd.runtime.clock import SimulatedClock
from tradingd.runtime.inbox import LocalInbox
from tradingd.settings.to_core import price_due

D = Decimal
HOUR_NS = 60 * MINUTE_NS


def holding(folder: Path) -> Desk:
    desk = Desk(folder, RISK, stale_after_s=30).open()
    desk.act(lambda one: one.buy(ABC, D(10)))
    return desk


def test_a_position_whose_price_grows_old_alarms_once_and_says_so_until_there_is_a_price(tmp_path: Path) -> None:
    desk = holding(tmp_path)
    desk.wait(29)
    assert desk.books.portfolio.unpriced == {}
    desk.wait(30)
    assert desk.books.portfolio.unpriced[ABC].startswith("no price for ")
    [line] = desk.said(LogEvent.PORTFOLIO_UNPRICED)
    assert (line.level, line.symbol) == (Level.ERROR, ABC)
    assert "10 ABC are held without a fresh price (no price for 31 s)" in line.message
    assert [view.unpriced[:12] for view in position_views(desk.books)] == ["no price for"]
    desk.quote(99, 100)
    desk.wait(1)
    assert desk.books.portfolio.unpriced == {}
    assert [view.unpriced for view in position_views(desk.books)] == [""]


def test_a_symbol_that_comes_and_goes_alarms_once_in_ten_minutes(tmp_path: Path) -> None:
    desk = holding(tmp_path)
    for _ in range(5):
        desk.wait(60)
        desk.quote(99, 100)
        desk.wait(1)
    assert len(desk.said(LogEvent.PORTFOLIO_UNPRICED)) == 1
    desk.wait(600)
    desk.quote(99, 100)
    desk.wait(60)
    assert len(desk.said(LogEvent.PORTFOLIO_UNPRICED)) == 2


def test_a_position_that_no_price_came_for_since_the_start_alarms_too(tmp_path: Path) -> None:
    desk = holding(tmp_path).again()
    desk.stream_up()
    desk.quote(49.5, 50.5, XYZ)
    desk.wait(31)
    [line] = desk.said(LogEvent.PORTFOLIO_UNPRICED)
    assert "no price since the start 31 s ago" in line.message


def test_a_position_that_no_feed_delivers_alarms_at_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path, RISK, stale_after_s=30).open()
    found = PositionAdjusted(strategy_id=EXTERNAL, symbol=Symbol("NEW"), quantity=D(5), price=D(10), cause="x")
    desk.logger.record(found)
    desk.books.apply(found)
    desk.wait(1)
    [line] = desk.said(LogEvent.PORTFOLIO_UNPRICED)
    assert "5 NEW are held without a fresh price (no feed delivers it): counted at 10.00" in line.message


def test_it_counts_at_the_worse_of_the_last_price_and_what_was_paid(tmp_path: Path) -> None:
    desk = holding(tmp_path)  # bought at 100.5
    desk.quote(79.5, 80.5)
    portfolio = desk.books.portfolio
    assert portfolio.counted_gross() == D(800)
    desk.wait(40)
    assert portfolio.counted_gross() == D(1005)
    assert portfolio.exposure()[0] == D(800)
    assert desk.modules.risk.assess_portfolio_risk(portfolio).metrics.gross_exposure == D(1005)
    desk.quote(119.5, 120.5)
    desk.quote(119.5, 120.5)
    desk.wait(40)
    assert portfolio.counted_gross() == D(1200)
    assert portfolio.quantity_of(ONE, ABC) == D(10)


def test_where_bars_alone_are_delivered_one_in_each_interval_is_all_that_is_due(tmp_path: Path) -> None:
    clock = SimulatedClock(START)
    bars = SymbolPlan(symbol=ABC, intervals=(), ticks=False, trades=False, bar_interval=MINUTE_NS, realtime=True)
    data = DataHandler(
        LocalInbox(),
        DataConfig(plans=[bars], max_move_pct=20, stale_after_ns=30 * NS_PER_SECOND),
        market_sinks=(),
        strategies=LocalInbox(),
        bar_store=None,
        histories=(),
        until_quiescent=nothing_to_wait_for,
        log=Desk(tmp_path).logger,
        clock=clock,
    )
    clock.advance_to(START + 80 * NS_PER_SECOND)
    assert data.unpriced(ABC) is None
    clock.advance_to(START + 91 * NS_PER_SECOND)
    assert data.unpriced(ABC) == "no price since the start 91 s ago"


async def nothing_to_wait_for() -> None:
    """There is room."""


@pytest.mark.parametrize(
    ("hours", "feed", "due"),
    [
        (0, "alpaca", True),  # noon in New York
        (8, "alpaca", False),
        (8, "synthetic", True),
    ],
)
def test_shares_at_a_real_venue_are_due_in_the_exchanges_hours_alone(
    tmp_path: Path, hours: int, feed: str, due: bool
) -> None:
    text = f'[[data.feeds]]\nkind = "{feed}"\nsymbols = ["AAPL"]\n'
    keys = 'api_key = "k"\napi_secret = "s"\n' if feed == "alpaca" else ""
    settings = load(tmp_path, text + keys).settings
    assert price_due(settings, lambda: START + hours * HOUR_NS)(Symbol("AAPL")) is due
    assert price_due(settings, lambda: START + 8 * HOUR_NS)(Symbol("BTC/USD"))
    assert START % NS_PER_SECOND == 0
