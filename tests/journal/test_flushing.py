"""Committing beside the event loop: what leaves when, in which order, and what a disk that fails holds back."""

import asyncio
import errno
import os
from pathlib import Path

import pytest
from tests.journal.story import HandDisk, Written, story
from tradingd.core.market import DAY_NS
from tradingd.errors import JournalError
from tradingd.journal.flushing import FlushThread
from tradingd.journal.segments import load
from tradingd.journal.writer import Committed, Durability


def power(folder: Path, disk: HandDisk) -> Written:
    return Written(folder, durability=Durability.POWER, flusher=disk)


def into(told: list[str], name: str) -> Committed:
    return lambda error: told.append(name if error is None else f"{name}: {error}")


def test_who_waits_is_called_when_the_disk_has_the_line_and_not_before(tmp_path: Path) -> None:
    disk, told = HandDisk(), list[str]()
    writer = power(tmp_path, disk).writer
    writer.append(1, story()[0], durable=True)
    writer.after_commit(into(told, "a"))
    assert (told, writer.synced_seq) == ([], 0)
    disk.finish()
    assert (told, writer.synced_seq) == (["a"], 1)
    writer.after_commit(into(told, "b"))
    assert told == ["a", "b"]


def test_lines_that_come_while_the_disk_is_busy_share_the_next_flush_and_leave_in_order(tmp_path: Path) -> None:
    disk, told = HandDisk(), list[str]()
    writer = power(tmp_path, disk).writer
    for number, entry in enumerate(story()[:4]):
        writer.append(1, entry, durable=True)
        writer.after_commit(into(told, str(number)))
    disk.finish()
    assert (told, disk.begun) == (["0"], 2)
    disk.finish()
    assert (told, disk.begun) == (["0", "1", "2", "3"], 2)
    assert not disk.under_way


def test_who_asks_while_others_wait_is_not_called_before_them(tmp_path: Path) -> None:
    """The books may be on the disk already, by the flush of a new day."""
    disk, told = HandDisk(), list[str]()
    writer = power(tmp_path, disk).writer
    writer.append(1, story()[0], durable=True)
    writer.after_commit(into(told, "first"))
    writer.append(DAY_NS + 1, story()[1])
    assert writer.synced_seq >= 1
    writer.after_commit(into(told, "second"))
    assert told == []
    disk.finish()
    assert told == ["first", "second"]


def test_a_line_that_asks_for_nothing_waits_for_nothing(tmp_path: Path) -> None:
    disk, told = HandDisk(), list[str]()
    writer = power(tmp_path, disk).writer
    writer.append(1, story()[0])
    writer.after_commit(into(told, "a"))
    assert (told, disk.begun) == (["a"], 0)


def test_a_disk_that_fails_holds_back_all_that_waits_and_the_journal_takes_nothing_more(tmp_path: Path) -> None:
    disk, told = HandDisk(), list[str]()
    writer = power(tmp_path, disk).writer
    for name in ("a", "b"):
        writer.append(1, story()[0], durable=True)
        writer.after_commit(into(told, name))
    with pytest.raises(JournalError, match="the disk did not take the journal: Input/output error"):
        disk.finish(OSError(errno.EIO, os.strerror(errno.EIO)))
    assert [line.partition(":")[0] for line in told] == ["a", "b"]
    assert all("Input/output error" in line for line in told)
    with pytest.raises(JournalError, match="closed"):
        writer.append(1, story()[1])


def test_nothing_leaves_any_more_once_the_journal_is_closed(tmp_path: Path) -> None:
    disk, told = HandDisk(), list[str]()
    writer = power(tmp_path, disk).writer
    writer.append(1, story()[0], durable=True)
    writer.after_commit(into(told, "a"))
    writer.close()
    disk.finish()
    assert told == []


async def test_the_thread_commits_real_lines_over_a_change_of_days(tmp_path: Path) -> None:
    loop, failures, told = asyncio.get_running_loop(), list[BaseException](), list[str]()
    written = Written(tmp_path, durability=Durability.POWER)
    writer = written.writer
    writer.flusher = FlushThread(loop.call_soon_threadsafe, failures.append)
    last: asyncio.Future[None] = loop.create_future()
    entries = story(40)
    for number, entry in enumerate(entries):
        writer.append(1 + number // 30 * DAY_NS, entry, durable=True)
        written.books.apply(entry)
        writer.after_commit(into(told, str(number)))
        if number % 10 == 0:
            await asyncio.sleep(0)
    writer.after_commit(lambda error: last.set_result(None))
    assert len(told) < len(entries)  # the loop has gone on meanwhile
    await last
    assert told == [str(number) for number in range(len(entries))]
    assert (writer.synced_seq, failures) == (writer.seq, [])
    writer.close()
    assert load(tmp_path)[1].bad is None


async def test_the_thread_tells_what_the_disk_said_and_hands_on_what_is_raised_then(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    failed: asyncio.Future[BaseException] = loop.create_future()
    thread = FlushThread(loop.call_soon_threadsafe, failed.set_result)
    unforceable, other = os.pipe()

    def done(error: OSError | None) -> None:
        raise JournalError(f"the disk said {error and error.strerror}")

    thread.begin(unforceable, done)
    thread.wait()
    assert str(await failed) == "the disk said Invalid argument"
    os.close(unforceable)
    os.close(other)
