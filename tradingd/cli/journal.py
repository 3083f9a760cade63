"""`journal …`: proving, exporting and copying the journal, and making the database anew from it."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradingd.cli.exit_codes import ExitCode
from tradingd.cli.options import ConfigOption, FromOption, JsonOption, ToOption

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tradingd.journal.verify import JournalProof


class ExportFormat(StrEnum):
    """How entries are written."""

    JSONL = "jsonl"
    CSV = "csv"


def verify(config: ConfigOption, as_json: JsonOption = False) -> None:
    """Prove every line of the journal.

    The chain over all segments, the numbers, and each segment's snapshot against the fold of what came before. The
    daemon may run. Exit codes: 0 whole; 1 damaged, with file, line and reason.
    """
    from tradingd.cli.loading import state_paths
    from tradingd.cli.render import show_json
    from tradingd.journal.segments import is_locked
    from tradingd.journal.verify import verify as prove

    folder = state_paths(config).journal
    proof = prove(folder, is_written=is_locked(folder))
    if as_json:
        show_json(proof)
    else:
        _show_proof(proof)
    if not proof.whole:
        raise typer.Exit(ExitCode.NOT_RIGHT)


def _show_proof(proof: "JournalProof") -> None:
    from tradingd.cli.render import Column, show_table

    columns = (
        Column("segment"),
        Column("entries", is_figure=True),
        Column("first", is_figure=True),
        Column("last", is_figure=True),
        Column("state after it"),
    )
    rows = [
        [segment.file, str(segment.entries), str(segment.first_seq), str(segment.last_seq), segment.state]
        for segment in proof.segments
    ]
    show_table(columns, rows, empty="")
    for name in proof.set_aside:
        typer.echo(f"set aside: {name}")
    if proof.unproved:
        typer.echo(f"not proved: {proof.unproved}")
    for damage in proof.damage:
        typer.echo(f"{damage.file}:{damage.line}: {damage.reason}")
    typer.echo(f"{'whole' if proof.whole else 'DAMAGED'}: {proof.entries} entries, state {proof.state}")


def export(
    config: ConfigOption,
    *,
    start: FromOption = None,
    end: ToOption = None,
    order: Annotated[
        str | None, typer.Option("--order", metavar="ID", help="Entries about this order alone, by its id or short id.")
    ] = None,
    trace: Annotated[
        str | None, typer.Option("--trace", metavar="ID", help="Entries with this trace id alone.")
    ] = None,
    output_format: Annotated[ExportFormat, typer.Option("--format", help="How to write them.")] = ExportFormat.JSONL,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="PATH", help="Write to this file instead of stdout.")
    ] = None,
) -> None:
    """Write the journal's entries for other programs.

    One JSON object a line, or CSV; times are RFC 3339 UTC. The daemon may run. Snapshots are left out: they repeat
    what stands before them.
    """
    import sys

    from tradingd.cli.loading import state_paths
    from tradingd.cli.moments import parse_span
    from tradingd.errors import UsageError
    from tradingd.journal.export import Wanted, as_csv, as_json_lines, export_rows

    start_ns, end_ns = parse_span(start, end)
    wanted = Wanted(start_ns=start_ns, end_ns=end_ns, order=order, trace=trace)
    rows = _noting_none(export_rows(state_paths(config).journal, wanted))
    lines = as_csv(rows) if output_format is ExportFormat.CSV else as_json_lines(rows)
    if output is None:
        sys.stdout.writelines(lines)
        return
    try:
        file = output.open("w")
    except OSError as error:
        raise UsageError(f"{output}: the entries cannot be written: {error.strerror}") from error
    with file:
        file.writelines(lines)


def _noting_none(rows: "Iterator[dict[str, object]]") -> "Iterator[dict[str, object]]":
    """The same rows; that there are none is said on stderr, where no program takes it for an entry."""
    first = next(rows, None)
    if first is None:
        typer.echo("note: no entry of the journal is of what was asked for", err=True)
        return
    yield first
    yield from rows


def backup(
    config: ConfigOption,
    target: Annotated[
        Path, typer.Argument(metavar="DEST", help="A new folder, or a new file whose name ends in .tar.gz.")
    ],
) -> None:
    """Copy the journal, proved whole, to a new folder or archive.

    The daemon may run. To restore: stop the daemon, move STATE/journal away, put the copy in its place.
    """
    from tradingd.cli.loading import state_paths
    from tradingd.journal.backup import back_up

    proof = back_up(state_paths(config).journal, target)
    typer.echo(f"{target}: {proof.entries} entries in {len(proof.segments)} segments, state {proof.state}")


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
