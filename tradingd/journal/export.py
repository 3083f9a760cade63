"""A journal's entries for other programs: JSON lines or CSV, times as RFC 3339."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tradingd.core.encoding import rfc3339, to_plain
from tradingd.core.entries import OrderAdopted, OrderIntended, Snapshot, order_named_by
from tradingd.core.identifiers import names_order
from tradingd.errors import UsageError
from tradingd.journal.codec import Record
from tradingd.journal.segments import read_records, segment_paths

COLUMNS = ("seq", "ts", "cause", "trace", "type", "client_order_id", "entry")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries: all that pass every test."""

    start_ns: int | None = None
    end_ns: int | None = None
    order: str | None = None
    """A client_order_id, or its end as tables show it."""
    trace: str | None = None


def export_rows(folder: Path, wanted: Wanted) -> Iterator[dict[str, object]]:
    """Yield the entries that are wanted, in the order in which they were written.

    Snapshots repeat what stands before them and are left out. Raises `UsageError` when there is no journal,
    `JournalError` where it is damaged.
    """
    if not segment_paths(folder):
        raise UsageError(f"{folder}: there is no journal yet (start the daemon first)")
    traces: dict[str, str] = {}
    for record in read_records(folder, whole=True):
        if isinstance(record.entry, Snapshot):
            traces.update((state.client_order_id, state.order.trace_id) for state in record.entry.orders)
            continue
        if isinstance(record.entry, OrderIntended | OrderAdopted):
            traces[record.entry.order.client_order_id] = record.entry.order.trace_id
        row = _row(record, traces)
        if _is_wanted(record, row, wanted):
            yield row


def _row(record: Record, traces: dict[str, str]) -> dict[str, object]:
    order_id = order_named_by(record.entry)
    entry = to_plain(record.entry)
    assert isinstance(entry, dict)
    return {
        "seq": record.seq,
        "ts": rfc3339(record.ts),
        "cause": record.cause,
        # Journals of earlier versions have no trace of their own; an order's does.
        "trace": record.trace or ("" if order_id is None else traces.get(order_id, "")),
        "type": entry["type"],
        "client_order_id": order_id or "",
        "entry": entry,
    }


def _is_wanted(record: Record, row: dict[str, object], wanted: Wanted) -> bool:
    return (
        (wanted.start_ns is None or record.ts >= wanted.start_ns)
        and (wanted.end_ns is None or record.ts < wanted.end_ns)
        and (wanted.order is None or names_order(wanted.order, order_named_by(record.entry)))
        and (wanted.trace is None or row["trace"] == wanted.trace)
    )


def as_json_lines(rows: Iterator[dict[str, object]]) -> Iterator[str]:
    """One JSON object a line."""
    for row in rows:
        yield msgspec.json.encode(row).decode() + "\n"


def as_csv(rows: Iterator[dict[str, object]]) -> Iterator[str]:
    """A heading and one line each; the entry itself as JSON in the last column."""
    yield ",".join(COLUMNS) + "\n"
    for row in rows:
        text = io.StringIO()
        cells = [*(row[name] for name in COLUMNS[:-1]), msgspec.json.encode(row["entry"]).decode()]
        csv.writer(text, lineterminator="\n").writerow(cells)
        yield text.getvalue()
