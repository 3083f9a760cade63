"""The judge of drills, for tests: fail on whatever it finds."""

from pathlib import Path

from tradingd.tools.drills.judge import JournalView, judge_books
from tradingd.tools.drills.truth import VenueTruth, ask_venue

__all__ = ["VenueTruth", "ask_venue", "compare"]


def compare(venue: VenueTruth, journal: Path) -> dict[str, int]:
    """Fail on any difference; return how much was compared."""
    breaches = judge_books(venue, journal)
    assert not breaches, "\n".join(map(str, breaches))
    first_legs = [order for order in venue.orders if not order["replaces"]]
    return {"orders": len(first_legs), "fills": len(venue.fills), "intents": len(JournalView(journal).intents)}
