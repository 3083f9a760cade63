"""`journal rebuild`: the database made anew from the journal."""

import typer

from tradingd.cli.options import ConfigOption


def rebuild(config: ConfigOption) -> None:
    """Make the database anew from the journal.

    The daemon must be stopped. The former file stays beside it as tradingd.db.replaced; bars and log lines,
    which only it has, are copied over.
    """
    import asyncio

    from tradingd.cli.loading import load
    from tradingd.errors import UsageError
    from tradingd.journal.segments import JournalLock, segment_paths
    from tradingd.settings.paths import StatePaths

    settings = load(config).settings
    paths = StatePaths(settings.daemon.state_dir)
    if not segment_paths(paths.journal):
        raise UsageError(f"{paths.journal}: there is no journal yet (start the daemon first)")

    from tradingd.cli.rebuilding import rebuild_database

    lock = JournalLock(paths.journal)
    try:
        seq, note = asyncio.run(rebuild_database(paths, history_days=settings.data.history_days))
    finally:
        lock.release()
    typer.echo(f"{paths.database}: rebuilt from {paths.journal}, entry {seq}")
    if note:
        typer.echo(f"note: {note}", err=True)
