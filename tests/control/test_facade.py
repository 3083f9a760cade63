"""Covers: `control.facade`, where an operator is answered."""

import asyncio
import errno
import os
from pathlib import Path

import pytest
from tests.journal.story import HandDisk, Written, story
from tradingd.control.facade import committed
from tradingd.errors import JournalError
from tradingd.journal.writer import Durability, JournalWriter


@pytest.fixture
def disk() -> HandDisk:
    return HandDisk()


@pytest.fixture
def writer(tmp_path: Path, disk: HandDisk) -> JournalWriter:
    writer = Written(tmp_path, durability=Durability.POWER, flusher=disk).writer
    writer.append(1, story()[0], durable=True)
    return writer


async def test_an_operator_is_answered_once_the_disk_has_taken_the_command(
    writer: JournalWriter, disk: HandDisk
) -> None:
    answer = asyncio.create_task(committed(writer.after_commit, within_s=60))
    await asyncio.sleep(0)
    assert not answer.done()
    disk.finish()
    assert await answer


async def test_a_disk_that_hangs_does_not_keep_an_operator_waiting_for_ever(
    writer: JournalWriter, disk: HandDisk
) -> None:
    assert not await committed(writer.after_commit, within_s=0.01)
    disk.finish()  # comes later, and harms nobody


async def test_a_disk_that_fails_is_an_error_of_the_command(writer: JournalWriter, disk: HandDisk) -> None:
    answer = asyncio.create_task(committed(writer.after_commit, within_s=60))
    await asyncio.sleep(0)
    with pytest.raises(JournalError):
        disk.finish(OSError(errno.EIO, os.strerror(errno.EIO)))
    with pytest.raises(JournalError, match="Input/output error"):
        await answer
