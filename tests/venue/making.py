"""Times of a session."""

from datetime import UTC, datetime

from tradingd.core.market import NS_PER_SECOND


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp()) * NS_PER_SECOND
