"""Proving, copying and exporting a journal of several days."""

import csv
import io
import json
import shutil
import tarfile
from pathlib import Path

import pytest
from tests.core.making import accepted, canceled, filled, order
from tests.journal.story import Written, encoded, story
from tradingd.core.entries import OrderIntended
from tradingd.core.market import DAY_NS
from tradingd.errors import JournalError, UsageError
from tradingd.journal.backup import back_up
from tradingd.journal.codec import encode
from tradingd.journal.export import COLUMNS, Wanted, as_csv, as_json_lines, export_rows
from tradingd.journal.segments import JournalLock, is_locked, journal_id, load, segment_paths
from tradingd.journal.verify import state_hash, verify


@pytest.fixture
def days(tmp_path: Path) -> Written:
    """Three days, each with an order, those of the first day forgotten by the last snapshot."""
    written = Written(tmp_path / "journal")
    journal_id(written.folder)
    written.append(*story(), ts=5)
    for day in (1, 2):
        written.books.orders.prune(day * 1_000_000_000 if day == 2 else 0)
        name = f"s1-1{day}"
        written.append(OrderIntended(order=order(name)), accepted(name), ts=day * DAY_NS + 5)
        written.append(filled("4", order_id=name, execution=f"d{day}", cum="4"), canceled(name), ts=day * DAY_NS + 6)
    return written


def test_a_whole_journal_is_proved_segment_by_segment(days: Written) -> None:
    proof = verify(days.folder)
    assert (proof.whole, proof.damage, proof.unproved, proof.set_aside) == (True, (), "", ())
    assert [segment.entries for segment in proof.segments] == [9, 5, 5]
    assert proof.entries == days.writer.seq
    assert len({segment.state for segment in proof.segments}) == 3
    assert len(days.books.orders) < 4
    assert proof.state == state_hash(days.books)


def test_a_byte_that_is_changed_in_any_segment_is_found(days: Written) -> None:
    for number, path in enumerate(segment_paths(days.folder)):
        content = path.read_bytes()
        for at in range(number, len(content), 37):
            changed = bytearray(content)
            changed[at] ^= 0x04
            path.write_bytes(changed)
            damage = verify(days.folder).damage
            assert damage, (path.name, at)
            # A change of a segment's last hash shows at the line that should follow it.
            assert damage[0].file in [str(found) for found in segment_paths(days.folder)[number : number + 2]]
        path.write_bytes(content)
    assert verify(days.folder).whole


def test_a_missing_segment_is_found_and_missing_oldest_ones_are_said(days: Written) -> None:
    first, second, _ = segment_paths(days.folder)
    kept = second.read_bytes()
    second.unlink()
    assert "segment 00000002 is missing" in verify(days.folder).damage[0].reason
    second.write_bytes(kept)
    first.unlink()
    proof = verify(days.folder)
    assert proof.whole
    assert second.name in proof.unproved
    second.unlink()
    assert verify(days.folder).state == state_hash(days.books)


def test_a_snapshot_that_is_not_the_fold_is_found_although_its_hash_holds(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.append(*story(), ts=5)
    written.books.last_fill_ts += 1
    written.append(story()[-1], ts=DAY_NS)
    (damage,) = verify(tmp_path).damage
    assert damage.reason == "the snapshot is not the fold of what came before it: last_fill_ts"
    assert (Path(damage.file).name, damage.line) == ("00000002-1970-01-02.jsonl", 1)


def test_a_line_on_its_way_is_damage_only_when_nobody_writes(days: Written) -> None:
    path = segment_paths(days.folder)[-1]
    with path.open("ab") as file:
        file.write(b'{"seq":')
    assert verify(days.folder, is_written=True).whole
    assert verify(days.folder).damage[0].line == 6
    assert not is_locked(days.folder)
    lock = JournalLock(days.folder)
    assert is_locked(days.folder)
    lock.release()


def test_a_copy_is_a_journal_that_can_be_gone_on_with(days: Written, tmp_path: Path) -> None:
    with segment_paths(days.folder)[-1].open("ab") as file:
        file.write(b'{"seq":20,"ts":half a line')
    (days.folder / "RESERVE").write_bytes(b"\0" * 100)
    proof = back_up(days.folder, tmp_path / "copy")
    assert proof.entries == days.writer.seq
    assert sorted(path.name for path in (tmp_path / "copy").iterdir()) == sorted(
        [*(path.name for path in segment_paths(days.folder)), "ID"]
    )
    assert journal_id(tmp_path / "copy") == journal_id(days.folder)
    books, tail = load(tmp_path / "copy")
    assert (encoded(books), tail.bad) == (encoded(days.books), None)
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "copy").rglob("*"))


def test_an_archive_holds_the_same(days: Written, tmp_path: Path) -> None:
    back_up(days.folder, tmp_path / "days.tar.gz")
    assert (tmp_path / "days.tar.gz").stat().st_mode & 0o077 == 0
    with tarfile.open(tmp_path / "days.tar.gz") as archive:
        archive.extractall(tmp_path / "out", filter="data")
    assert verify(tmp_path / "out" / "days").state == state_hash(days.books)


@pytest.mark.parametrize("name", ["copy", "copy.tar.gz"])
def test_a_backup_overwrites_nothing_and_leaves_nothing_half_done(days: Written, tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    target.touch()
    with pytest.raises(UsageError, match="exists"):
        back_up(days.folder, target)
    target.unlink()
    path = segment_paths(days.folder)[1]
    path.write_bytes(path.read_bytes().replace(b"ABC", b"ABD", 1))
    with pytest.raises(JournalError, match=rf"{days.folder}/{path.name}:\d+: .*no backup of a damaged journal"):
        back_up(days.folder, target)
    assert sorted(found.name for found in tmp_path.iterdir()) == ["journal"]
    shutil.rmtree(days.folder)
    with pytest.raises(UsageError, match="no journal yet"):
        back_up(days.folder, target)


def test_entries_are_exported_with_times_for_people_and_without_snapshots(days: Written) -> None:
    rows = [json.loads(line) for line in as_json_lines(export_rows(days.folder, Wanted()))]
    assert len(rows) == days.writer.seq - 2
    assert "snapshot" not in {row["type"] for row in rows}
    assert rows[0]["ts"] == "1970-01-01T00:00:00.000000005Z"
    assert rows[-1]["entry"]["ts_event"].startswith("1970-01-01T00:00:00.0000")
    table = list(csv.DictReader(io.StringIO("".join(as_csv(export_rows(days.folder, Wanted()))))))
    assert tuple(table[0]) == COLUMNS
    assert [json.loads(row["entry"]) for row in table] == [row["entry"] for row in rows]


def test_an_export_is_narrowed_by_time_order_and_trace(days: Written) -> None:
    def seqs(wanted: Wanted) -> list[object]:
        return [row["seq"] for row in export_rows(days.folder, wanted)]

    assert seqs(Wanted(order="s1-11")) == [11, 12, 13, 14]
    assert seqs(Wanted(start_ns=2 * DAY_NS, end_ns=2 * DAY_NS + 6)) == [16, 17]
    trace = order("s1-11").trace_id
    assert set(seqs(Wanted(order="s1-11"))) <= set(seqs(Wanted(trace=trace)))
    assert seqs(Wanted(order="s1-11", end_ns=DAY_NS)) == []


def test_cause_and_trace_stand_on_the_line() -> None:
    line, _ = encode(3, 5, story()[0], b"0" * 24, 2, 'a "quoted" trace')
    assert line.startswith(b'{"seq":3,"ts":5,"cause":2,"trace":"a \\"quoted\\" trace","entry":{')
