"""What the doctor makes of journals: whole, cut, changed, and in use."""

import threading
import time
from pathlib import Path

import pytest
from tests.cli.command_line import past
from tests.tools.doctor.journals import write_entries
from tradingd.errors import JournalError
from tradingd.journal.segments import JournalLock, segment_paths
from tradingd.settings.paths import StatePaths
from tradingd.tools.doctor.bounded import bounded
from tradingd.tools.doctor.findings import Finding, Verdict
from tradingd.tools.doctor.journal import check_journal


@pytest.fixture
def paths(tmp_path: Path) -> StatePaths:
    found = StatePaths(tmp_path / "state")
    write_entries(found, *past())
    return found


def segment(paths: StatePaths) -> Path:
    (path,) = segment_paths(paths.journal)
    return path


async def asked(paths: StatePaths) -> dict[str, Finding]:
    return {found.check: found for found in (await check_journal(paths, 10.0)).findings}


async def test_a_whole_journal_is_proved_and_its_account_known(paths: StatePaths) -> None:
    view = await check_journal(paths, 10.0)
    assert {found.verdict for found in view.findings} == {Verdict.OK}
    assert view.books is not None
    assert view.books.account is not None
    assert view.books.account.account_id == "A1"
    assert not view.is_running


async def test_no_journal_is_as_it_should_be_before_the_first_start(tmp_path: Path) -> None:
    view = await check_journal(StatePaths(tmp_path), 10.0)
    assert [found.verdict for found in view.findings] == [Verdict.OK]
    assert view.books is None


async def test_a_last_line_that_was_cut_is_a_warning_since_a_start_sets_it_aside(paths: StatePaths) -> None:
    whole = segment(paths).read_bytes()
    segment(paths).write_bytes(whole[:-9])
    told = await asked(paths)
    assert told["journal"].verdict is Verdict.WARNING
    assert told["proof"].verdict is Verdict.OK
    assert segment(paths).read_bytes() == whole[:-9]


async def test_a_line_that_was_changed_in_the_middle_fails(paths: StatePaths) -> None:
    lines = segment(paths).read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b"100000", b"900000")
    segment(paths).write_bytes(b"".join(lines))
    assert Verdict.FAILED in {found.verdict for found in (await asked(paths)).values()}


async def test_a_journal_in_use_is_a_warning_and_an_unfinished_line_is_none(paths: StatePaths) -> None:
    lock = JournalLock(paths.journal)
    segment(paths).write_bytes(segment(paths).read_bytes() + b'{"seq":')
    try:
        view = await check_journal(paths, 10.0)
    finally:
        lock.release()
    told = {found.check: found.verdict for found in view.findings}
    assert told == {"daemon": Verdict.WARNING, "journal": Verdict.OK, "proof": Verdict.OK}
    assert view.is_running


async def test_a_disk_that_hangs_is_waited_for_no_longer_than_told() -> None:
    hanging = threading.Event()
    began = time.monotonic()
    try:
        with pytest.raises(TimeoutError):
            await bounded(hanging.wait, 0.05)
    finally:
        hanging.set()
    assert time.monotonic() - began < 5


async def test_what_blocking_work_raises_is_raised_here() -> None:
    def fail() -> None:
        raise JournalError("torn")

    with pytest.raises(JournalError, match="torn"):
        await bounded(fail, 5.0)
