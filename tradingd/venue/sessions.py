"""When equities trade at the paper venue, and how Alpaca's calendar says so. Crypto always does and asks nobody."""

from datetime import timedelta

from tradingd.core.calendar import AlwaysOpen, Calendar, NewYorkStockExchange, SessionDay
from tradingd.core.market import DAY_NS
from tradingd.core.orders import TimeInForce
from tradingd.settings.venue import VenueSession
from tradingd.venue.records import OrderRecord

_DAY = timedelta(days=1)
_AGED_NS = 90 * DAY_NS


def build_calendar(session: VenueSession) -> Calendar:
    """The calendar that the settings name."""
    return NewYorkStockExchange() if session is VenueSession.XNYS else AlwaysOpen()


def expiry(record: OrderRecord, now: int, calendar: Calendar) -> int | None:
    """Say when an order taken now is over; None for one that is over at once or done."""
    match record.time_in_force:
        case TimeInForce.DAY:
            return calendar.day_end(now, record.extended_hours)
        case TimeInForce.GTC:
            return now + _AGED_NS
        case TimeInForce.OPG:
            assert record.auction_at is not None
            return calendar.day_end(record.auction_at)
        case TimeInForce.CLS:
            assert record.auction_at is not None
            return record.auction_at
        case TimeInForce.IOC | TimeInForce.FOK:
            return None
        case TimeInForce.GTD:
            raise AssertionError("the intake refuses what Alpaca does not have")


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
