"""Replacing the database by one that is projected from the whole journal.

Owns: the order of the renames. The new database is complete before it takes the name. Needs the journal's lock.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from tradingd.journal.projection import Projection
from tradingd.service.structured_log import render_json
from tradingd.settings.paths import StatePaths

_SUFFIXES = ("", "-wal", "-shm")


async def rebuild_database(paths: StatePaths, *, history_days: int) -> tuple[int, str]:
    """Build, carry over what only the former database has, and swap; give the last entry and a note, if any."""
    database = paths.database
    fresh = database.with_name(f"{database.name}.new")
    replaced = database.with_name(f"{database.name}.replaced")
    _remove(fresh)
    projection = Projection(
        fresh,
        paths.journal,
        order_of=lambda order_id: None,
        render_line=render_json,
        history_days=history_days,
        on_rebuilt=lambda reason: None,
    )
    try:
        await projection.open()
    finally:
        await projection.close()
    note = _carry_over(database, fresh) if database.exists() else ""
    if database.exists():
        _remove(replaced)
        for suffix in _SUFFIXES:
            part = database.with_name(database.name + suffix)
            if part.exists():
                part.rename(replaced.with_name(replaced.name + suffix))
    fresh.rename(database)
    return projection.seq, note


def _carry_over(former: Path, fresh: Path) -> str:
    """Copy bars and log lines; give a note when the former database cannot be read."""
    with closing(sqlite3.connect(fresh, isolation_level=None)) as connection:
        try:
            connection.execute("ATTACH ? AS former", (str(former),))
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT OR IGNORE INTO main.bars SELECT * FROM former.bars")
            connection.execute("INSERT INTO main.log SELECT * FROM former.log")
            connection.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            return f"bars and log lines of the former database are lost, it cannot be read: {error}"
    return ""


def _remove(database: Path) -> None:
    for suffix in _SUFFIXES:
        database.with_name(database.name + suffix).unlink(missing_ok=True)
