"""Journals in the state folders beside one's own: whether one of them has what a new journal knows nothing of.

An edit of `daemon.state_dir` begins a new journal: strategies would find nothing of theirs and buy everything again.
Never: changes anything, or waits for a journal that cannot be read.
"""

from pathlib import Path

from tradingd.core.conflicts import describe, holders
from tradingd.errors import TradingdError
from tradingd.journal.segments import load, segment_paths


def held_elsewhere(journal: Path, broker: str, account_id: str) -> str | None:
    """What another journal beside this one's state folder holds of an account, in words; None where there is none."""
    for folder in sorted(journal.parent.parent.glob("*/journal")):
        try:
            if folder.resolve() == journal.resolve() or not segment_paths(folder):
                continue
            books, _ = load(folder)
        except (TradingdError, OSError):
            continue
        account = books.account
        if account is None or (account.broker, account.account_id) != (broker, account_id):
            continue
        if held := [f"{name} {describe(books, name)}" for name in holders(books)]:
            return f"{folder}: {'; '.join(held)}"
    return None
