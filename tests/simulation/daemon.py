"""One process of the daemon, started as the orchestrator starts one, with a journal and a disk that can fail.

The next process knows nothing but the journal's files, read by the same code as at any start.
"""

import errno
import os
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
from tests.simulation.editing import ConfigurationFile
from tests.simulation.faults import Armed, FaultKind
from tests.simulation.link import Killed, Link, PowerLost, Witness
from tests.simulation.plans import SYMBOLS, Plan
from tests.simulation.restless import Restless
from tests.simulation.venue import MS, Venue
from tradingd.assembly.modules import Edges, Inboxes, IsOurs, build
from tradingd.assembly.startup import take_over
from tradingd.brokers.base import BrokerAdapter, BrokerSink
from tradingd.control.desk import OperatorDesk
from tradingd.core.encoding import to_json
from tradingd.core.entries import JournalEntry, RunStopped
from tradingd.core.log import LogEntry
from tradingd.core.market import NS_PER_SECOND
from tradingd.errors import JournalError
from tradingd.journal.flushing import Flushed
from tradingd.journal.history import read_history
from tradingd.journal.manifest import run_manifest
from tradingd.journal.segments import load
from tradingd.journal.writer import Durability, JournalWriter
from tradingd.modules.trade_logger import TradeLogger
from tradingd.reporting.measure import measure_history
from tradingd.runtime.replay import drain, run_now
from tradingd.runtime.simulation import Agenda, SimulationClock, SimulationDriver, Tasks
from tradingd.settings.to_core import configuration_facts, trading_days, with_held_symbols

JOURNAL_ID = "simsim"


class FragileJournal(JournalWriter):
    """The real writer, with points at which its process dies or its disk fails."""

    armed: Armed
    synced_size = 0
    """Bytes of the present segment that a power cut leaves."""

    def append(self, ts: int, entry: JournalEntry, *, durable: bool = False, cause: int = 0, trace: str = "") -> int:
        """Write one entry, or meet a fault."""
        if self.armed.take(FaultKind.KILL_BEFORE_WRITE) is not None:
            raise Killed("before a journal write")
        if self.armed.take(FaultKind.JOURNAL_FAILS) is not None:
            raise JournalError("no space left on device")
        seq = super().append(ts, entry, durable=durable, cause=cause, trace=trace)
        if (size := self.armed.take(FaultKind.TORN_LINE)) is not None:
            _tear(self._path, size)
            raise Killed("in the middle of a journal write")
        if self.armed.take(FaultKind.KILL_AFTER_WRITE) is not None:
            raise Killed("right after a journal write")
        return seq

    def sync(self) -> None:
        """Force what was written to the disk, and note how far that is."""
        super().sync()
        self.synced_size = self._size

    @property
    def durable_seq(self) -> int:
        """The last line that asked for what the durability promises."""
        return self._wanted_seq

    @property
    def size(self) -> int:
        """Bytes of the present segment."""
        return self._size

    def _open_segment(self, ts: int) -> None:
        super()._open_segment(ts)
        self.synced_size = self._size

    def lose_power(self, size: float) -> None:
        """Keep what was forced to the disk, and a part of the rest."""
        if self._fd >= 0:
            os.truncate(self._path, self.synced_size + int((self._size - self.synced_size) * size))

    def abandon(self) -> None:
        """Let go of the file as a dead process does."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _tear(path: Path, size: float) -> None:
    """Cut the last line, which has not been acknowledged, somewhere in its middle."""
    data = path.read_bytes()
    begin = data.rfind(b"\n", 0, len(data) - 1) + 1
    os.truncate(path, begin + int((len(data) - begin - 1) * size))


class Disk:
    """Takes its time to force the journal, and fails where a fault waits: the flusher of one process."""

    def __init__(self, writer: FragileJournal, agenda: Agenda, rng: random.Random) -> None:
        self._writer = writer
        self._agenda = agenda
        self._rng = rng
        self._forcing: int | None = None
        """Bytes of the present segment that are being forced, None while the disk is idle."""
        self.alive = True
        """False once its process is dead: what it waited for is heard by nobody."""

    def begin(self, fd: int, done: Flushed) -> None:
        """Force what was written so far, in some milliseconds."""
        delay = round((0.1 + 4 * self._rng.random()) * MS)
        if (slow := self._writer.armed.take(FaultKind.COMMIT_SLOW)) is not None:
            delay = round(slow * 5_000 * MS)
        self._forcing = self._writer.size
        self._agenda.after(delay, "commit", partial(self._end, done))

    def wait(self) -> None:
        """Be done with what was begun."""
        if self._forcing is not None:
            self._writer.synced_size, self._forcing = self._forcing, None

    def _end(self, done: Flushed) -> None:
        writer = self._writer
        if not self.alive:
            return
        if writer.armed.take(FaultKind.POWER_LOSS_BEFORE_COMMIT) is not None:
            raise PowerLost("the power went before a commit", 0)
        if (size := writer.armed.take(FaultKind.POWER_LOSS_IN_COMMIT)) is not None:
            raise PowerLost("the power went in the middle of a commit", size)
        if writer.armed.take(FaultKind.COMMIT_FAILS) is not None:
            self._forcing = None
            done(OSError(errno.EIO, os.strerror(errno.EIO)))
            return
        self.wait()
        if writer.armed.take(FaultKind.KILL_AFTER_COMMIT) is not None:
            raise Killed("between commit and send")
        done(None)


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a process finds when it starts, and leaves behind when it dies."""

    plan: Plan
    file: ConfigurationFile
    journal: Path
    clock: SimulationClock
    agenda: Agenda
    rng: random.Random
    disk_rng: random.Random
    """How long the disk takes: its own, so that the rest of a run is the same with another disk."""
    armed: Armed
    venue: Venue
    witness: Witness


class Daemon:
    """One process of the daemon."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self.books, tail = load(around.journal)
        self._accepts = around.file.make_acceptable(self.books)
        self.named = around.file.named
        settings = around.file.settings
        self._facts = configuration_facts(settings)
        self._writer = FragileJournal(
            around.journal, tail, durability=Durability.POWER, take_snapshot=self.books.snapshot
        )
        self._writer.armed = around.armed
        self._writer.synced_size = tail.size
        self._disk = Disk(self._writer, around.agenda, around.disk_rng)
        self.tasks = Tasks(around.agenda)
        self.alive = True
        self.lines: list[LogEntry] = []
        inboxes = Inboxes.local()
        self.logger = TradeLogger(
            inboxes.logger,
            journal=self._writer,
            clock=around.clock,
            write_line=self.lines.append,
            read_trades=lambda start, end: read_history(around.journal, start, end).trades,
            order_of=self.books.orders.get,
            last_about=tail.last_about,
        )
        self.link: Link | None = None
        manifest = run_manifest(
            self.books, tail, version="sim", config_hash="", broker="alpaca", declared=self._facts.declaration
        )
        # What differs between machines and processes would make one seed's journals differ.
        self._manifest = msgspec.structs.replace(manifest, python="", sqlite="", pid=0)
        self._settings = settings
        self._inboxes = inboxes

    def start(self) -> None:
        """Start as the orchestrator does; dies on the way where a fault waits for it."""
        around = self._around
        take_over(self._facts, self.books, self._manifest, self.logger, accepts=self._accepts)
        Restless.living.clear()  # a strategy that the file does not name any more does not live
        self.modules = build(
            with_held_symbols(self._settings, self.books), self.books, self._inboxes, self._edges(), self.logger
        )
        link = self.link
        assert link is not None
        run_now(self._connect(), "connect")
        for module in self.modules.in_start_order():
            module.initialize()
        for module in self.modules.in_start_order():
            module.start()
        self._writer.flusher = self._disk
        self.desk = OperatorDesk(
            settings=self._settings,
            books=self.books,
            modules=self.modules,
            is_up=lambda: self.books.account is not None,
        )
        self.driver = SimulationDriver(
            around.agenda,
            around.rng,
            self.modules.driven(),
            self.modules.listeners(),
            haste=around.plan.haste,
            max_behind_ns=round(around.plan.max_behind_s * NS_PER_SECOND),
        )
        around.venue.listener = link.stream
        around.agenda.after(around.venue.latency_ns("up"), "stream up", link.go_up)
        self._beat()

    async def _connect(self) -> None:
        await self.modules.broker.adapter.connect(SYMBOLS)

    def _beat(self) -> None:
        if self.alive:
            self.driver.beat()
            self._around.agenda.after(NS_PER_SECOND, "beat", self._beat)

    def _edges(self) -> Edges:
        around = self._around

        def adapter(sink: BrokerSink, is_ours: IsOurs) -> BrokerAdapter:
            self.link = Link(around.venue, sink, is_ours, clock=around.clock.now_ns, witness=around.witness)
            return self.link

        return Edges(
            clock=around.clock,
            journal_id=JOURNAL_ID,
            make_adapter=adapter,
            spawn=self.tasks.spawn,
            measure=lambda start, end: measure_history(
                read_history(around.journal, start, end), self._settings.reporting, trading_days(self._settings)
            ),
            render_report=to_json,
            sample_interval_ns=15 * NS_PER_SECOND,
        )

    def stop(self) -> None:
        """Stop in order: no new orders, what is queued is handled, the run's end is journaled."""
        self.modules.execution.close_gate()
        self.modules.strategies.stop()
        drain(self.modules.driven())
        ended = RunStopped(run=self.books.run, reason="stopped")
        self.logger.record(ended, durable=True)
        self.books.apply(ended)
        self.logger.stop()

    def confirm(self, on_confirmed: Callable[[int], None]) -> None:
        """Tell an operator that a command is done, as the control socket does: once what it wrote is committed."""
        seq = self._writer.durable_seq
        self.logger.after_commit(lambda error: on_confirmed(seq) if error is None else None)

    def lose_power(self, size: float) -> None:
        """Be gone with the whole machine, and what its disk had not taken yet."""
        self._writer.lose_power(size)
        self.die()

    def die(self) -> None:
        """Be gone: nothing is flushed, nothing is told to anybody."""
        self.alive = False
        self.tasks.close()
        self._disk.alive = False
        self._writer.abandon()
        if self.link is not None:
            self.link.kill()
