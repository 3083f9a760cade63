"""One run: a venue that lives on, a daemon that is killed and started again, and a judge.

Owns what outlives a process: the clock, the agenda, the venue, the journal's folder. A crash drops every module and
every coroutine where it stands.
"""

import random
from collections import Counter, deque
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from tests.simulation.daemon import Daemon, Surroundings
from tests.simulation.editing import ConfigurationFile
from tests.simulation.faults import INSTANT, OUTSIDE_HANDS, Armed, Fault, FaultKind
from tests.simulation.judge import Breach, Judge
from tests.simulation.link import Killed, PowerLost
from tests.simulation.plans import OPERATORS, PARTS, Edit, Event, Market, Plan, Verb, Wish
from tests.simulation.restless import Restless
from tests.simulation.venue import Venue, strike
from tradingd.control.requests import CommandRequest
from tradingd.core.market import NS_PER_SECOND, QuoteTick
from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import OrderModification
from tradingd.errors import JournalError
from tradingd.journal.segments import segment_paths
from tradingd.runtime.simulation import Agenda, SimulationClock, Step

CALM_NS = 240 * NS_PER_SECOND
"""How long after the last fault everything may take to come right."""
CHECK_NS = 5 * NS_PER_SECOND
STEPS = 60_000
"""A run that takes more is going round in circles."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to."""

    seed: int
    steps: int
    invariant: str | None
    """The invariant that broke, None when all held."""
    message: str
    trace: tuple[str, ...]
    """The last things that happened."""
    injected: dict[str, int]
    entries: dict[str, int]
    restarts: int
    journal: bytes
    """Every segment, one after the other."""


class World:
    """Runs one plan."""

    def __init__(self, plan: Plan, folder: Path, *, trace: int = 30) -> None:
        self.plan = plan
        self.journal = folder
        self.clock = SimulationClock(plan.start_ns)
        self.agenda = Agenda(self.clock)
        self.armed = Armed()
        self.venue = Venue(plan.seed, self.agenda, plan.start_ns, self.armed)
        faults = [event.kind for event in plan.events if isinstance(event, Fault)]
        self.judge = Judge(
            folder, self.venue.truth, tight=plan.tight, outside_hands=any(kind in OUTSIDE_HANDS for kind in faults)
        )
        self.file = ConfigurationFile(tight=plan.tight, halts=plan.halts_on_external)
        self._around = Surroundings(
            plan=plan,
            file=self.file,
            journal=folder,
            clock=self.clock,
            agenda=self.agenda,
            rng=random.Random(plan.seed ^ 0x5EED),
            disk_rng=random.Random(f"disk {plan.seed}"),
            armed=self.armed,
            venue=self.venue,
            witness=self.judge,
        )
        self.daemon: Daemon | None = None
        self._trace: deque[Step] = deque(maxlen=trace)
        self._edits: Counter[str] = Counter()
        self._steps = 0
        self._restarts = -1

    # -- running ------------------------------------------------------------------------------------------------------

    def run(self) -> Outcome:
        """Run the plan, let calm come, and judge."""
        for event in self.plan.events:
            self.agenda.after(event.at_ns, type(event).__name__, self._happening(event))
        invariant, message = None, ""
        try:
            self._boot()
            self._run_until(self.plan.duration_ns)
            self._calm_down()
            self._settle()
            self.judge.judge_end()
        except Breach as breach:
            invariant, message = breach.invariant, str(breach)
        except Exception as error:  # noqa: BLE001 - whatever a module raises is a finding, told with its seed and trace
            invariant, message = "raised", f"{type(error).__name__}: {error}"
        finally:
            if self.daemon is not None:
                self.daemon.die()
        return Outcome(
            seed=self.plan.seed,
            steps=self._steps,
            invariant=invariant,
            message=message,
            trace=tuple(map(_tell, self._trace)),
            injected={kind.value: count for kind, count in sorted(self.armed.injected.items())} | self._edits,
            entries=dict(sorted(self.judge.entries.items())),
            restarts=self._restarts,
            journal=b"".join(path.read_bytes() for path in segment_paths(self.journal)),
        )

    def _happening(self, event: Event) -> Callable[[], None]:
        return lambda: self._happen(event)

    def _run_until(self, end_ns: int) -> None:
        while self.clock.monotonic_ns() < end_ns:
            self._steps += 1
            if self._steps > STEPS:
                raise Breach("liveness", "the run goes round in circles")
            daemon = self.daemon
            try:
                if daemon is not None:
                    daemon.driver.step(self._trace.append)
                else:
                    appointment = self.agenda.take()
                    self._trace.append(Step(appointment.due_ns, appointment.label, None))
                    appointment.action()
            except PowerLost as death:
                self._lose_power(str(death), death.size)
            except Killed as death:
                self._bury(str(death), clean=False)
            except JournalError as error:
                self._bury(str(error), clean=False)
            self.judge.follow()

    def _boot(self) -> None:
        if self.daemon is not None:
            return
        self._restarts += 1
        self.daemon = daemon = Daemon(self._around)
        self.judge.on_start(daemon.named, self.file.limit)
        self._note("start")
        daemon.start()

    def _bury(self, cause: str, *, clean: bool) -> None:
        """Let the process be gone, and start the next one after a while."""
        daemon = self.daemon
        assert daemon is not None
        self._note(f"dead: {cause}")
        if clean:
            self.judge.compare_books(daemon.books)
        daemon.die()
        self.daemon = None
        self.venue.listener = None
        delay = round((0.2 + 4 * self.venue.draw("restart")) * NS_PER_SECOND)
        self.agenda.after(delay, "restart", self._boot)

    def _note(self, what: str) -> None:
        self._trace.append(Step(self.clock.monotonic_ns(), what, None))

    # -- what the plan says -------------------------------------------------------------------------------------------

    def _happen(self, event: Event) -> None:
        match event:
            case Market():
                self._on_market(event)
            case Wish():
                self._on_wish(event)
            case Fault():
                self._on_fault(event)
            case Edit():
                self._note(f"edit {event.kind} {event.strategy_id}")
                self._edits[f"edit: {event.kind}"] += 1
                self.file.edit(event)

    def _on_market(self, event: Market) -> None:
        now = self.plan.start_ns + self.clock.monotonic_ns()
        quote = QuoteTick(
            symbol=event.symbol,
            bid=event.bid,
            ask=event.ask,
            bid_size=event.bid_size,
            ask_size=event.ask_size,
            ts_event=now,
            ts_recv=now,
        )
        self.venue.on_market(quote)

        def arrive() -> None:
            if self.daemon is not None:
                self.daemon.modules.data.ingest(quote)

        self.agenda.after(self.venue.latency_ns("feed"), f"quote {event.symbol}", arrive)

    def _on_wish(self, wish: Wish) -> None:
        self._note(f"wish {wish.strategy_id} {wish.verb} {wish.quantity} {wish.symbol}")
        daemon = self.daemon
        if daemon is None:
            return
        self._do(daemon, wish)
        if wish.verb in OPERATORS:
            daemon.confirm(self.judge.on_confirmed)

    def _do(self, daemon: Daemon, wish: Wish) -> None:
        if wish.verb not in OPERATORS:
            line = self.file.lines.get(wish.strategy_id)
            strategy = None if line is None else Restless.living.get(line.strategy_id)
            if strategy is not None:
                strategy.wishes.append(wish)
        elif wish.verb is Verb.HALT:
            daemon.modules.risk.halt("the operator says so", "operator")
        elif wish.verb is Verb.FLATTEN:
            daemon.modules.risk.halt("flatten", "operator")
            daemon.modules.execution.flatten()
        elif wish.verb is Verb.RESUME:
            daemon.modules.risk.resume("operator")
            daemon.modules.strategies.resume()
        elif wish.verb in PARTS:
            self._command(daemon, wish)
        elif wish.verb is Verb.CANCEL_ALL:
            daemon.modules.execution.cancel_all()
        else:
            self._modify(daemon, wish)

    def _command(self, daemon: Daemon, wish: Wish) -> None:
        """Give a command on a strategy, a symbol, or both, as the control socket does."""
        line = self.file.lines.get(wish.strategy_id)
        strategy = None if line is None or wish.cents == 1 else line.strategy_id
        symbol = None if wish.cents == 0 and strategy is not None else wish.symbol
        command = {
            Verb.HALT_PART: "halt",
            Verb.RESUME_PART: "resume",
            Verb.CLOSE_PART: "close",
            Verb.CANCEL_PART: "cancel-all",
        }[wish.verb]
        request = CommandRequest(command=command, operator="operator", reason="drawn", strategy=strategy, symbol=symbol)
        daemon.desk.carry_out(request)

    def _modify(self, daemon: Daemon, wish: Wish) -> None:
        limits = [
            state
            for state in daemon.books.orders.open
            if state.status is OrderStatus.ACCEPTED and state.terms.limit_price is not None
        ]
        if limits:
            state = limits[wish.quantity % len(limits)]
            price = state.terms.limit_price
            assert price is not None
            more = wish.cents % 3
            daemon.modules.execution.modify_order(
                state.client_order_id,
                OrderModification(
                    quantity=state.quantity + wish.quantity % 5 - 2 if more != 1 else None,
                    limit_price=price + Decimal(wish.cents - 5) / 100 if more != 0 else None,
                ),
            )

    def _on_fault(self, fault: Fault) -> None:
        self._note(f"fault {fault.kind} {fault.size:.2f}")
        match fault.kind:
            case FaultKind.CRASH:
                if self.daemon is not None:
                    self.armed.injected[fault.kind] += 1
                    self._bury("killed", clean=True)
            case FaultKind.POWER_LOSS:
                if self.daemon is not None:
                    self.armed.injected[fault.kind] += 1
                    self._lose_power("no power", fault.size)
            case FaultKind.STOP:
                if self.daemon is not None:
                    self.armed.injected[fault.kind] += 1
                    self.daemon.stop()
                    self._bury("stopped", clean=True)
            case FaultKind.CLOCK_FORWARD | FaultKind.CLOCK_BACK:
                self.armed.injected[fault.kind] += 1
                self.clock.jump((3600 if fault.kind is FaultKind.CLOCK_FORWARD else -3600) * NS_PER_SECOND)
            case FaultKind.STRATEGY_RAISES:
                if self.daemon is not None:
                    self.armed.injected[fault.kind] += 1
                    for strategy in list(Restless.living.values())[:1]:
                        strategy.raises = True
            case FaultKind.STREAM_DOWN | FaultKind.STREAM_MUTE:
                self._disturb_stream(fault)
            case _:
                if fault.kind in INSTANT:
                    if strike(self.venue, fault):
                        self.armed.injected[fault.kind] += 1
                else:
                    self.armed.arm(fault)

    def _lose_power(self, cause: str, size: float) -> None:
        daemon = self.daemon
        assert daemon is not None
        self.judge.follow()
        daemon.lose_power(size)
        self._bury(cause, clean=False)
        self.judge.rewind()

    def _disturb_stream(self, fault: Fault) -> None:
        link = None if self.daemon is None else self.daemon.link
        if link is not None:
            self.armed.injected[fault.kind] += 1
            if fault.kind is FaultKind.STREAM_DOWN:
                link.go_down(fault.size)
            else:
                link.fall_silent(fault.size)

    # -- the end ------------------------------------------------------------------------------------------------------

    def _calm_down(self) -> None:
        self.armed.clear()
        self._note("calm")
        if self.daemon is not None and self.daemon.link is not None:
            self.daemon.link.heal()

    def _settle(self) -> None:
        """Give the daemon time to make everything right."""
        end_ns = self.clock.monotonic_ns() + CALM_NS
        why: str | None = "the daemon is not up"
        while why is not None:
            if self.clock.monotonic_ns() >= end_ns:
                raise Breach("liveness", f"{CALM_NS // NS_PER_SECOND} s after the last fault: {why}")
            self._run_until(self.clock.monotonic_ns() + CHECK_NS)
            daemon = self.daemon
            if daemon is None:
                why = "the daemon is not up"
            elif not daemon.modules.execution.reconciliation.reconciled:
                why = "not reconciled"
            else:
                why = self.judge.settled()
        assert self.daemon is not None
        self.judge.compare_books(self.daemon.books)


def _tell(step: Step) -> str:
    event = "" if step.event is None else repr(step.event)
    return f"{step.elapsed_ns / NS_PER_SECOND:9.3f} {step.actor} {event}".rstrip()


def run_plan(plan: Plan, *, trace: int = 30) -> Outcome:
    """Run a plan in a folder of its own, in memory where the machine has such a place."""
    shm = Path("/dev/shm")
    with TemporaryDirectory(dir=shm if shm.is_dir() else None) as name:
        return World(plan, Path(name), trace=trace).run()
