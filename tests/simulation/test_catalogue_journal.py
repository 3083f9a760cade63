"""G. Journal and disk: what the fault catalogue says of writes that fail, dying processes, and files that are lost."""

import shutil
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from tests.acceptance.conftest import WriteConfig, file_feed
from tests.acceptance.markets import from_the_open
from tests.acceptance.running import Program
from tests.journal.making import Bench
from tests.journal.story import story as journal_story
from tests.modules.desk import ABC, Desk
from tests.modules.making import bid
from tests.simulation import staging
from tests.simulation.faults import FaultKind
from tests.simulation.plans import Verb
from tests.simulation.staging import Story, codes, entries, everything, fault, wish
from tradingd.core.entries import HaltEngaged, OrderIntended, RunStopped
from tradingd.core.log import LogEvent
from tradingd.core.order_state import NOT_AT_VENUE, OrderStatus
from tradingd.core.orders import OrderDenied, OrderFilled
from tradingd.errors import JournalError
from tradingd.journal.manifest import run_manifest
from tradingd.journal.reserve import DiskReserve
from tradingd.journal.segments import load, segment_paths

D = Decimal
F = FaultKind
S = OrderStatus
LOSES_THE_INTENT = (F.KILL_BEFORE_WRITE, F.TORN_LINE, F.POWER_LOSS_BEFORE_COMMIT, F.POWER_LOSS_IN_COMMIT)
RESTLESS = """
[[strategies]]
id = "restless"
class = "tests.acceptance.restless:Restless"
symbols = ["IBM"]
on_stop = "cancel"
params = {{ every = {every}, quantity = 10 }}
"""


def buying(folder: Path, *kinds: FaultKind, seconds: float = 7.05, size: float = 0.5) -> Story:
    """One order of seven, with faults that wait for it."""
    folder.mkdir(exist_ok=True)
    return Story(
        folder,
        staging.quote(5, 50.0),
        wish(7, Verb.BUY, 7),
        *(fault(seconds, kind, size) for kind in kinds),
        staging.quote(7.1, 50.0),
        seconds=20,
    )


def test_F69_what_the_journal_does_not_take_is_not_sent_and_what_it_misses_after_the_send_is_found_again(
    tmp_path: Path,
) -> None:
    """What the journal does not take is not sent, and what it misses after the send is found again by the next
    process."""
    unsent = buying(tmp_path / "first", F.JOURNAL_FAILS)
    assert unsent.tell().restarts == 1
    assert (unsent.sent(), unsent.entries(OrderIntended)) == ([], [])
    found = 0
    for step in range(40):
        told = buying(tmp_path / str(step), F.JOURNAL_FAILS, seconds=7.101 + step * 0.004)
        outcome = told.tell()
        assert len(told.sent()) == len(told.entries(OrderIntended)) == len(told.entries(OrderFilled))
        if outcome.restarts and told.entries(OrderIntended):
            found += 1
            assert told.books.portfolio.quantity(ABC) == 7
    assert found > 0


def test_F70_a_disk_that_is_short_lets_no_order_leave_and_every_brake_still_works(tmp_path: Path) -> None:
    """A disk that is short lets no order leave, and every brake still works: cancels, a halt, and what is out is
    booked."""
    desk = Desk(tmp_path).open()
    desk.act(bid)
    desk.act(lambda strategy: strategy.buy(ABC, D(10), limit_price=D(98)))
    more_than_any_disk = DiskReserve(desk.journal, 1 << 60)
    more_than_any_disk.look()
    desk.writer.reserve = more_than_any_disk
    before = len(everything(desk.journal))
    desk.act(lambda strategy: strategy.buy(ABC, D(1)))
    assert codes(desk) == ["DISK_SPACE"]
    assert entries(desk.journal, OrderDenied) == []  # what room there is belongs to orders that are out
    assert len(desk.broker.seen) == 2
    desk.act(lambda strategy: strategy.cancel(desk.order().client_order_id))
    assert desk.order().status is S.CANCELED
    desk.quote(98.5, 99.0)
    assert desk.strategy().position(ABC) == D(10)
    desk.modules.risk.halt("no room", "anna")
    assert len(entries(desk.journal, HaltEngaged)) == 1
    assert len(everything(desk.journal)) > before
    desk.writer.reserve = DiskReserve(desk.journal, 0)
    desk.modules.risk.resume("anna")
    desk.act(lambda strategy: strategy.buy(ABC, D(1)))
    assert desk.order().status is S.FILLED
    desk.check()


@pytest.mark.parametrize(
    ("kind", "arrives"),
    [
        (F.KILL_BEFORE_WRITE, False),
        (F.TORN_LINE, False),
        (F.KILL_AFTER_WRITE, False),
        (F.POWER_LOSS_BEFORE_COMMIT, False),
        (F.POWER_LOSS_IN_COMMIT, False),
        (F.COMMIT_FAILS, False),
        (F.KILL_AFTER_COMMIT, False),
        (F.KILL_BEFORE_SEND, False),
        (F.KILL_AFTER_SEND, True),
    ],
    ids=str,
)
def test_F71_a_process_killed_around_a_send_finds_what_became_of_the_intent_and_never_sends_it_again(
    tmp_path: Path, kind: FaultKind, arrives: bool
) -> None:
    """A process killed around a send finds out at its next start what became of the intent, and never sends it
    again."""
    story = buying(tmp_path / "kill", kind)
    assert story.tell().restarts == 1
    intended = story.entries(OrderIntended)
    assert len(story.sent()) == int(arrives)
    assert len(intended) == (0 if kind in LOSES_THE_INTENT else 1)
    if arrives:
        assert (story.order().status, story.books.portfolio.quantity(ABC)) == (S.FILLED, D(7))
    elif intended:
        assert (story.order().status, story.order().reject_code) == (S.REJECTED, NOT_AT_VENUE)
    assert story.books.orders.open_count == 0


def test_F72_a_journal_put_back_to_an_older_state_is_held_against_the_venue_and_no_id_is_used_again(
    tmp_path: Path,
) -> None:
    """A journal put back to an older state is held against the venue: what it misses is taken in before anything is
    sent, and no id is used again."""
    desk = Desk(tmp_path).open()
    desk.act(lambda strategy: strategy.buy(ABC, D(10)))
    old = tmp_path / "old"
    shutil.copytree(desk.journal, old)
    desk.act(lambda strategy: strategy.buy(ABC, D(5)))
    desk.act(bid)
    shutil.rmtree(desk.journal)
    shutil.copytree(old, desk.journal)
    back = desk.again()
    back.quote(99.5, 100.5)
    back.act(lambda strategy: strategy.buy(ABC, D(1)))
    assert codes(back) == ["NOT_RECONCILED"]
    back.stream_up()
    back.wait(5)
    assert back.books.portfolio.quantity(ABC) == back.broker._positions[ABC].quantity == D(15)
    assert back.books.portfolio.cash == back.broker.account().cash
    assert back.books.portfolio.open_exposure(ABC).buy_quantity == D(10)
    assert back.said(LogEvent.RECONCILE_CORRECTED)
    back.act(lambda strategy: strategy.buy(ABC, D(1)))
    assert back.order().status is S.FILLED
    names = [order.client_order_id for order, _ in back.broker.seen]
    assert len(names) == len(set(names)) == 4
    back.check()


async def test_F73_rows_that_the_database_loses_are_made_again_for_the_journal_alone_is_the_truth(
    tmp_path: Path,
) -> None:
    """Rows that the database loses are made again, for the journal alone is the truth; the version of SQLite is in
    it."""
    bench = Bench(tmp_path)
    whole = journal_story(orders=6)
    async with bench.opened() as projection:
        bench.append(projection, *whole[:8])
        await projection.flush()
    shutil.copy(bench.path, tmp_path / "older.db")
    async with bench.opened() as projection:
        bench.append(projection, *whole[8:])
        await projection.flush()
    right = bench.contents()
    for suffix in ("", "-wal", "-shm"):
        bench.path.with_name(bench.path.name + suffix).unlink(missing_ok=True)
    shutil.copy(tmp_path / "older.db", bench.path)  # the last commits are gone
    assert bench.contents() != right
    async with bench.opened():
        assert bench.contents() == right
    page = bytearray(bench.path.read_bytes())
    page[4096:12_288] = b"\xff" * 8_192
    bench.path.write_bytes(page)
    async with bench.opened():
        assert bench.contents() == right
    assert len(bench.rebuilt) == 1
    started = run_manifest(bench.written.books, bench.written.tail, version="1", config_hash="", broker="paper")
    assert started.sqlite == sqlite3.sqlite_version


def test_F74_a_last_line_that_was_altered_is_set_aside_whole_and_what_it_said_is_had_from_the_venue(
    tmp_path: Path,
) -> None:
    """A last line that was altered is set aside whole, and what it said is had from the venue; damage before it is
    refused."""
    desk = Desk(tmp_path).open()
    desk.act(lambda strategy: strategy.buy(ABC, D(10)))
    (segment,) = segment_paths(desk.journal)
    whole = segment.read_bytes()
    last = whole[whole.rindex(b"\n", 0, -1) + 1 :]
    assert b'"filled"' in last
    altered = last.replace(b'"quantity":"10"', b'"quantity":"90"')
    assert altered != last
    segment.write_bytes(whole[: -len(last)] + altered)
    assert load(desk.journal)[0].portfolio.quantity(ABC) == 0
    second = desk.again().open()
    assert [path.read_bytes() for path in desk.journal.glob("quarantine-*.bin")] == [altered]
    assert (second.order().status, second.strategy().position(ABC)) == (S.FILLED, D(10))
    assert [fill.quantity for fill in entries(desk.journal, OrderFilled)] == [D(10)]
    second.check()
    content = segment.read_bytes()
    segment.write_bytes(content.replace(b'"quantity":"10"', b'"quantity":"90"', 1))
    with pytest.raises(JournalError, match=f"{segment.name}:"):
        Desk(tmp_path, venue=desk.broker)


def test_F75_a_stop_takes_every_step_though_the_database_fails_orders_first_files_last(
    tmp_path: Path, write_config: WriteConfig
) -> None:
    """A stop takes every step though the database fails: orders first, files last, and the journal says how it
    ended."""
    config = write_config(
        file_feed(from_the_open(tmp_path), "IBM", "quotes", 200), RESTLESS.format(every=5), daemon="stop_timeout_s = 5"
    )
    state = tmp_path / "state-daemon"
    with Program("run", "-c", str(config), log=tmp_path / "daemon.log") as daemon:
        daemon.wait_event("order.filled", count=10)
        with closing(sqlite3.connect(state / "tradingd.db", isolation_level=None)) as foreign:
            foreign.execute("BEGIN IMMEDIATE")
            assert daemon.stop() == 0
    books, _ = load(state / "journal")
    assert books.orders.open_count == 0
    last = everything(state / "journal")[-1]
    assert isinstance(last, RunStopped)
    assert last.orders_left == ()
    assert len(daemon.events("daemon.stopped")) == 1
    assert "caught up at the next start" in daemon.text()
