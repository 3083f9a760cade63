"""How times read to a person: in the zone of whoever reads, with its name, or in UTC.

Owns: the zone of one answer. A document for programs has RFC 3339 UTC instead (`core.encoding`).
"""

from datetime import UTC, datetime, tzinfo

from tradingd.core.market import NS_PER_SECOND


class Times:
    """Times of one answer, all in one zone; None is the zone of this machine's user (`TZ`, else the system's)."""

    def __init__(self, zone: tzinfo | None = None) -> None:
        self._zone = zone

    @classmethod
    def of_operator(cls, *, utc: bool = False) -> "Times":
        """The operator's own zone, or UTC when asked for."""
        return cls(UTC if utc else None)

    def local(self, ts: int) -> datetime:
        """A time in nanoseconds as a date and time of the zone, cut to the second."""
        return datetime.fromtimestamp(ts // NS_PER_SECOND, UTC).astimezone(self._zone)

    def full(self, ts: int | None) -> str:
        """Date, time and name of the zone: 2026-03-02 14:30:05 CET."""
        return "-" if ts is None else f"{self.local(ts):%Y-%m-%d %H:%M:%S %Z}"

    def minute(self, ts: int | None) -> str:
        """Date and time to the minute: 2026-03-02 14:30."""
        return "-" if ts is None else f"{self.local(ts):%Y-%m-%d %H:%M}"

    def second(self, ts: int) -> str:
        """Date and time to the millisecond: 2026-03-02 14:30:05.123."""
        return f"{self.local(ts):%Y-%m-%d %H:%M:%S}.{ts // 1_000_000 % 1000:03d}"

    def spreadsheet(self, ts: int) -> str:
        """Date and time to the second, as spreadsheets read them: 2026-03-02 14:30:05."""
        return f"{self.local(ts):%Y-%m-%d %H:%M:%S}"

    def short(self, ts: int, now: int) -> str:
        """Time of day for today's, date and minute for what is older; both are narrow enough for a table."""
        then, today = self.local(ts), self.local(now)
        if then.date() == today.date():
            return f"{then:%H:%M:%S}"
        return f"{then:%m-%d %H:%M}" if then.year == today.year else f"{then:%Y-%m-%d}"

    def zone(self, ts: int) -> str:
        """Name of the zone at a time: CET, and CEST in summer."""
        return f"{self.local(ts):%Z}"

    def midnight(self, year: int, month: int, day: int) -> int:
        """Nanoseconds of a date's first instant."""
        if self._zone is None:
            return round(datetime(year, month, day).timestamp()) * NS_PER_SECOND  # noqa: DTZ001 - the machine's own zone
        return round(datetime(year, month, day, tzinfo=self._zone).timestamp()) * NS_PER_SECOND
