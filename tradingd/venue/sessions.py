"""When equities trade at the paper venue, and how Alpaca's calendar says so. Crypto always does and asks nobody."""

from datetime import timedelta

from tradingd.core.calendar import AlwaysOpen, Calendar, NewYorkStockExchange, SessionDay
from tradingd.settings.venue import VenueSession

_DAY = timedelta(days=1)


def build_calendar(session: VenueSession) -> Calendar:
    """The calendar that the settings name."""
    return NewYorkStockExchange() if session is VenueSession.XNYS else AlwaysOpen()


def session_json(session: SessionDay) -> dict[str, object]:
    """Describe a trading day as Alpaca's calendar does."""
    return {
        "date": session.day.isoformat(),
        "open": f"{session.open:%H:%M}",
        "close": f"{session.close:%H:%M}",
        "session_open": f"{session.extended_open:%H%M}",
        "session_close": f"{session.extended_close:%H%M}",
        "settlement_date": (session.day + _DAY).isoformat(),
    }
