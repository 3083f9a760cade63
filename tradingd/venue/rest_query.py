"""Query strings as clients really send them: any case of booleans, dates or instants, comma lists."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from tradingd.core.market import DAY_NS, NS_PER_SECOND
from tradingd.core.sessions import NEW_YORK
from tradingd.venue.errors import Refusal, malformed
from tradingd.venue.intake import number

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST, _LATEST = date(1970, 1, 1), date(2200, 1, 1)


class Query:
    """The parameters of one request; what cannot be read is refused with 400."""

    def __init__(self, values: Mapping[str, str], with_code: bool = True) -> None:
        self._values = values
        self._with_code = with_code

    def text(self, name: str, default: str = "") -> str:
        """A parameter as it came."""
        return self._values.get(name) or default

    def flag(self, name: str) -> bool:
        """A boolean in any case; absent is false."""
        value = self.text(name, "false").lower()
        if value not in ("true", "false", "1", "0"):
            raise self._refuse(f"{name} must be true or false")
        return value in ("true", "1")

    def word(self, name: str, allowed: tuple[str, ...]) -> str:
        """One of a set of words, the first of them by default."""
        value = self.text(name, allowed[0]).lower()
        if value not in allowed:
            raise self._refuse(f"{name} must be one of {', '.join(allowed)}")
        return value

    def count(self, name: str, default: int, most: int) -> int:
        """A whole number from 1 to `most`."""
        text = self.text(name, str(default))
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= most and len(text) < 9):
            raise self._refuse(f"{name} must be a whole number from 1 to {most}")
        return int(text)

    def amount(self, name: str) -> Decimal | None:
        """A positive number, None when absent."""
        return number(self.text(name), name)

    def names(self, name: str) -> tuple[str, ...]:
        """A comma list."""
        return tuple(part.strip() for part in self.text(name).split(",") if part.strip())

    def instant(self, name: str, end_of_day: bool = False) -> int | None:
        """An RFC 3339 instant, or a New York date: its beginning, or its last nanosecond; None when absent."""
        text = self.text(name)
        if not text:
            return None
        try:
            if len(text) == len("2026-01-02"):
                day = datetime.combine(date.fromisoformat(text), datetime.min.time(), tzinfo=NEW_YORK)
                return _nanoseconds(day) + (DAY_NS - 1 if end_of_day else 0)
            # Python reads six digits of a second; the rest is added by hand. A plus sign may have become a space.
            moment = datetime.fromisoformat(text.replace(" ", "+"))
            fraction = text.partition(".")[2]
            digits = "".join(sign for sign in fraction if sign.isdigit()) if fraction.endswith("Z") else ""
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            beyond = int(digits[6:9].ljust(3, "0")) if len(digits) > 6 else 0
            return _nanoseconds(moment.astimezone(UTC)) + beyond
        except (ValueError, OverflowError) as error:
            raise self._refuse(f"{name} must be a date or an RFC 3339 time") from error

    def day(self, name: str, default: date) -> date:
        """A date, or the date of an instant."""
        text = self.text(name)
        if not text:
            return default
        try:
            return min(max(date.fromisoformat(text[:10]), _EARLIEST), _LATEST)
        except ValueError as error:
            raise self._refuse(f"{name} must be a date") from error

    def _refuse(self, message: str) -> Refusal:
        return malformed(message) if self._with_code else Refusal(400, None, message)


def _nanoseconds(moment: datetime) -> int:
    return (moment.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1) * (NS_PER_SECOND // 1_000_000)
