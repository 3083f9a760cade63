"""The manifest of a run: the first thing that it writes, and what seals a run before it that had no end.

Nothing in it is of the machine's own making but the process id, by which a line of the system's log finds its run.
"""

import os
import platform
import sqlite3

from tradingd.core.books import Books
from tradingd.core.entries import Declaration, RunEnd, RunStarted
from tradingd.journal.segments import Tail


def run_manifest(
    books: Books, tail: Tail, *, version: str, config_hash: str, broker: str, declared: Declaration | None = None
) -> RunStarted:
    """Make the manifest of the run that takes over a journal as `load` has found it.

    Where entries may have been lost, as many run numbers are skipped: one of them may have been a run whose orders
    are at the venue, and their ids must never be given out again.
    """
    account = books.account
    return RunStarted(
        run=books.run + 1 + tail.lost,
        version=version,
        config_hash=config_hash,
        previous=_how_it_ended(books, tail),
        broker=broker,
        account_id="" if account is None else account.account_id,
        python=platform.python_version(),
        sqlite=sqlite3.sqlite_version,
        pid=os.getpid(),
        recovered_from_ts=max(tail.ts, 1) if tail.lost else 0,
        declared=declared,
    )


def _how_it_ended(books: Books, tail: Tail) -> RunEnd:
    if tail.lost:
        return RunEnd.QUARANTINED
    if tail.seq == 0:
        return RunEnd.NONE
    return RunEnd.CLEAN if books.run_ended else RunEnd.KILLED
