"""What the ticks of one symbol add up to, where they come one figure at a time."""

import pytest
from tests.brokers.ib.making import AAPL
from tradingd.brokers.ib.instruments import Described
from tradingd.brokers.ib.lines import FeedMode, Line
from tradingd.brokers.ib.ticks import WireStamp, WireTick
from tradingd.core.instruments import default_instrument
from tradingd.core.market import NS_PER_SECOND

NOW = 1_770_836_400 * NS_PER_SECOND
_BID, _ASK, _LAST = 1, 2, 4


class Asked:
    """Takes the requests of a line, as the library's client does."""

    def __init__(self) -> None:
        self.count = 0

    def reqMktData(self, *_: object) -> None:  # noqa: N802 - the library's name
        self.count += 1


@pytest.fixture
def line() -> Line:
    described = Described(
        instrument=default_instrument(AAPL),
        con_id=1,
        exchange="SMART",
        trading_hours=(),
        liquid_hours=(),
        contract=None,
    )
    made = Line(described, FeedMode.TICKS)
    made.ask(Asked(), lambda: 1)
    return made


def price(kind: int, value: float, size: float = 5.0) -> WireTick:
    return WireTick(1, kind, value, size)


def test_a_side_that_has_passed_the_other_waits_for_it(line: Line) -> None:
    line.take(price(_BID, 100.0), NOW)
    line.take(price(_ASK, 100.1), NOW)
    assert line.settle(NOW) is not None
    line.take(price(_BID, 100.2), NOW)
    assert line.settle(NOW) is None
    line.take(price(_ASK, 100.3), NOW)
    quote = line.settle(NOW)
    assert quote is not None
    assert (quote.bid, quote.ask) == (100.2, 100.3)


def test_a_market_that_stands_crossed_is_told_after_a_second(line: Line) -> None:
    line.take(price(_ASK, 100.1), NOW)
    line.take(price(_BID, 100.2), NOW)
    assert line.settle(NOW) is None
    assert line.settle(NOW + NS_PER_SECOND - 1) is None
    quote = line.settle(NOW + NS_PER_SECOND)
    assert quote is not None
    assert (quote.bid, quote.ask) == (100.2, 100.1)


def test_the_last_trade_is_not_told_again_when_the_requests_are_put_anew(line: Line) -> None:
    stamp = WireStamp(1, NOW // NS_PER_SECOND)
    line.take(stamp, NOW)
    assert len(line.take(price(_LAST, 100.0), NOW)) == 1
    line.ask(Asked(), lambda: 2)
    line.take(stamp, NOW)
    assert line.take(price(_LAST, 100.0), NOW) == []
    assert len(line.take(price(_LAST, 100.0), NOW)) == 1  # the next one of the same second, price and size is another


@pytest.mark.parametrize(
    ("stamp", "value", "size"),
    [(1, 100.0, 5.0), (0, 100.1, 5.0), (0, 100.0, 6.0)],
    ids=["later", "another price", "another size"],
)
def test_a_trade_of_meanwhile_is_told(line: Line, stamp: int, value: float, size: float) -> None:
    begin = NOW // NS_PER_SECOND
    line.take(WireStamp(1, begin), NOW)
    line.take(price(_LAST, 100.0), NOW)
    line.ask(Asked(), lambda: 2)
    line.take(WireStamp(1, begin + stamp), NOW)
    assert len(line.take(price(_LAST, value, size), NOW)) == 1
