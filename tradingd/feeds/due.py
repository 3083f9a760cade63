"""Whether market data are due, so that silence is strange. Never reads a clock of its own."""

from collections.abc import Callable

from tradingd.core.calendar import Calendar, NewYorkStockExchange
from tradingd.core.sessions import is_weekday_session
from tradingd.settings.feeds import AlpacaFeedSettings, FeedSettings

_OTHER_HOURS = frozenset({"boats", "overnight", "test"})
"""Streams that do not keep the exchange's hours."""


def data_due(settings: FeedSettings, clock: Callable[[], int]) -> Callable[[], bool]:
    """Return what tells whether a feed should be heard now: pairs at any time, shares in the regular session.

    Of feeds that are no stream of Alpaca's nothing is ever due. `clock` tells the time, ns UTC. The first question put
    within the hours of a weekday loads the exchange's calendar, which takes a moment: not to be put where orders wait.
    """
    if not isinstance(settings, AlpacaFeedSettings):
        return lambda: False
    if any("/" in symbol for symbol in settings.symbols):
        return lambda: True
    if settings.url.rstrip("/").rsplit("/", 1)[-1] in _OTHER_HOURS:
        return lambda: False
    calendar: Calendar = NewYorkStockExchange()

    def in_session() -> bool:
        now = clock()
        return is_weekday_session(now) and calendar.is_open(now)

    return in_session
