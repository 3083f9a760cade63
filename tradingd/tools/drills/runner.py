"""One drill from start to verdict: two processes, what happens to them, and the judgement.

Owns: the drill's folder and its processes; both are gone at the end, the folder stays where something was found.
Reads: the venue's control socket, the daemon's log and journal. Emits: an `Outcome`.
"""

import asyncio
import random
import secrets
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path

import msgspec

from tradingd.control.views import CommandResult, DaemonStatus
from tradingd.errors import EXIT_OK, EXIT_USAGE, VenueUnavailable
from tradingd.settings import LoadedSettings
from tradingd.settings.paths import StatePaths
from tradingd.tools.drills.configuration import KEY, TRADES, DrillConfig, write_configs
from tradingd.tools.drills.judge import CHECKS, Breach, JournalView, judge_books, judge_secret
from tradingd.tools.drills.processes import Child, ChildEnded, DrillFailed, SocketClient, free_port, wait_until
from tradingd.tools.drills.scenario import Act, Check, Scenario, Step, Trigger
from tradingd.tools.drills.strategies import ADDED_ID, OWN_IDS
from tradingd.tools.drills.truth import ask_venue
from tradingd.tools.drills.venue_process import CommandAnswer, VenueState
from tradingd.venue.fault_acts import BY_HAND
from tradingd.venue.fault_rules import FaultRule

READY_WITHIN_S = 5.0
SETTLED_WITHIN_S = 20.0
_START_S = 30.0
_STOP_S = 20.0
_LATE_S = 30.0
"""How much longer than its duration a drill trades itself for occasions that have not come."""
_LOOK_S = 0.05
_SEEN_AS = {
    "submits": "submit",
    "cancels": "cancel",
    "replaces": "replace",
    "executions": "executions",
    "listens": "listening",
}
_ENTRY_OF: dict[Check, tuple[str, str]] = {
    "order_was_unknown": ("unknown", "no order was in doubt"),
    "order_was_adopted": ("order_adopted", "no order was adopted"),
    "account_was_corrected": ("position_adjusted", "no position was corrected"),
    "symbol_was_halted": ("symbol_halted", "no symbol was halted"),
    "strategy_was_paused": ("strategy_quarantined", "no strategy was paused"),
}


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one drill."""

    scenario: str
    case: str
    sentence: str
    seed: int
    faults: dict[str, int]
    orders: int
    """Orders of the user's strategies at the venue."""
    own_orders: int = 0
    """Orders of the drill itself, where the user's strategies gave no occasion."""
    checked: tuple[str, ...]
    breaches: tuple[str, ...]
    untested: str
    """Why nothing can be said; empty when something can."""
    seconds: float
    folder: str
    """Where the files of the drill are, empty when they are gone."""

    @property
    def held(self) -> bool:
        """True when everything that was checked held, and something was."""
        return not self.breaches and not self.untested


class Drill:
    """One scenario with one seed."""

    def __init__(self, loaded: LoadedSettings, scenario: Scenario, seed: int) -> None:
        self._loaded = loaded
        self._scenario = scenario
        self._seed = seed
        self._rng = random.Random(f"{scenario.name}:{seed}")  # noqa: S311  # repeatable, not secret
        self._folder = Path(tempfile.mkdtemp(prefix="tradingd-drill-"))
        self._config: DrillConfig | None = None
        self._began_s = 0.0
        self._daemon: Child | None = None
        self._venue: Child | None = None
        self._past: Counter[str] = Counter()
        self._last = VenueState(seen={}, injections=(), armed=0, priced=False)
        self._faults: Counter[str] = Counter()
        self._acts: Counter[str] = Counter()
        self._breaches: list[Breach] = []
        self._checked: list[str] = []
        self._orders = 0
        self._own_orders = 0
        self._trades = False

    async def run(self, *, keep: bool = False) -> Outcome:
        """Play the scenario and judge; whatever happens, no process is left behind."""
        began = time.monotonic()
        untested = ""
        try:
            self._config = write_configs(
                self._loaded,
                self._scenario,
                self._folder,
                port=free_port(),
                secret=f"drill-{secrets.token_hex(16)}",
                seed=self._seed,
            )
            untested = await self._play(self._config)
        except ChildEnded as ended:
            self._breaches.append(Breach("I17", str(ended)))
        except (DrillFailed, VenueUnavailable) as failed:
            untested = str(failed)
        finally:
            for child in (self._daemon, self._venue):
                if child is not None:
                    await child.kill()
        kept = keep or bool(self._breaches) or bool(untested)
        if not kept:
            shutil.rmtree(self._folder)
        return Outcome(
            scenario=self._scenario.name,
            case=self._scenario.case,
            sentence=self._scenario.sentence,
            seed=self._seed,
            faults=dict(sorted((self._faults + self._acts).items())),
            orders=self._orders,
            own_orders=self._own_orders,
            checked=tuple(dict.fromkeys(self._checked)),
            breaches=tuple(dict.fromkeys(map(str, self._breaches))),
            untested=untested,
            seconds=round(time.monotonic() - began, 1),
            folder=str(self._folder) if kept else "",
        )

    # -- the play -----------------------------------------------------------------------------------------------------

    async def _play(self, config: DrillConfig) -> str:
        steps = self._scenario.steps
        self._began_s = time.time()
        await self._start_venue(config)
        for step in steps:
            if step.before_start and step.fault is not None:
                await self._commit(step.fault)
        await self._start_daemon(config)
        await self._play_steps(config, [step for step in steps if not step.before_start])
        await self._settle(config)
        await self._end(config)
        return await self._judge(config)

    async def _play_steps(self, config: DrillConfig, steps: list[Step]) -> None:
        ready = time.monotonic()
        due = [(ready + step.at_s + self._rng.uniform(0, step.spread_s), step) for step in steps]
        end = ready + self._scenario.duration_s
        late = end + _LATE_S
        while time.monotonic() < end or ((due or not self._had_occasion) and time.monotonic() < late):
            if time.monotonic() >= end and not self._trades:
                self._trades = True
                (config.folder / TRADES).touch()
            await self._look()
            for at, step in list(due):
                if time.monotonic() >= at and self._has_come(step.after):
                    due.remove((at, step))
                    if step.fault is not None:
                        await self._commit(step.fault)
                    else:
                        assert step.act is not None  # a step is one of the two
                        await self._act(config, step.act)
            await asyncio.sleep(_LOOK_S)
            self._watch_daemon()

    @property
    def _had_occasion(self) -> bool:
        """True once an order was sent, and something went wrong."""
        sent = self._past["submit"] + self._last.seen.get("submit", 0)
        return sent > 0 and (self._faults.total() > 0 or self._acts.total() > 0)

    def _has_come(self, trigger: Trigger | None) -> bool:
        if trigger is None:
            return True
        if trigger.what == "faults":
            return self._faults.total() >= trigger.count
        name = _SEEN_AS[trigger.what]
        return self._past[name] + self._last.seen.get(name, 0) >= trigger.count

    async def _look(self) -> None:
        """See what the venue did; one that is down is seen as it was."""
        state = await SocketClient(self._socket).ask("/state", VenueState, timeout_s=2.0)
        if state is not None:
            for injection in state.injections[len(self._last.injections) :]:
                self._faults[injection.kind] += 1
            self._last = state

    async def _commit(self, rule: FaultRule) -> None:
        told = await SocketClient(self._socket).ask("/play", CommandAnswer, rule.model_dump_json().encode())
        if told is None or told.problem:
            raise DrillFailed(f"the fault {rule.kind} could not be played: {told.problem if told else 'no venue'}")

    def _watch_daemon(self) -> None:
        if self._daemon is not None and not self._daemon.is_running:
            said = self._daemon.text()[-800:].strip()
            raise ChildEnded(f"the daemon ended by itself with {self._daemon.process.returncode}: {said}")

    # -- the processes ------------------------------------------------------------------------------------------------

    @property
    def _socket(self) -> Path:
        return self._folder / "venue.sock"

    async def _start_venue(self, config: DrillConfig) -> None:
        for name, count in self._last.seen.items():
            self._past[name] += count
        self._last = VenueState(seen={}, injections=(), armed=0, priced=False)
        arguments = [
            "tradingd.tools.drills.venue_process",
            "--config",
            str(config.venue),
            "--socket",
            str(self._socket),
        ]
        arguments += ["--began", repr(self._began_s), "--pace", repr(self._scenario.market_events_per_s)]
        arguments += ["--seed", str(self._rng.randrange(1 << 32))]
        self._venue = await Child.start(arguments, self._folder / "venue.log")
        deadline = time.monotonic() + _START_S
        while not self._last.priced:
            await self._look()
            if not self._venue.is_running or time.monotonic() > deadline:
                raise DrillFailed(f"the venue did not start: {self._venue.text()[-600:].strip()}")
            await asyncio.sleep(_LOOK_S)

    async def _start_daemon(self, config: DrillConfig, *, within_s: float | None = None) -> None:
        arguments = ["tradingd", "run", "-c", str(config.daemon)]
        self._daemon = await Child.start(arguments, self._folder / "daemon.log")
        try:
            await self._daemon.wait_said("daemon.ready", _START_S)
        except DrillFailed as failed:
            # The first start may fail for the configuration's sake; one that follows a kill must not.
            raise failed if within_s is None else ChildEnded(str(failed)) from failed
        took = time.monotonic() - self._daemon.began
        if within_s is not None:
            self._checked.append(f"ready again < {READY_WITHIN_S:g} s")
            if took > within_s:
                self._breaches.append(Breach("ready", f"{took:.1f} s from start to ready"))

    async def _act(self, config: DrillConfig, act: Act) -> None:
        self._acts[act.kind] += 1
        daemon, venue = self._daemon, self._venue
        assert daemon is not None and venue is not None  # acts come after the start
        match act.kind:
            case "kill_daemon" | "stop_daemon":
                await (daemon.kill() if act.kind == "kill_daemon" else self._stop_daemon())
                await asyncio.sleep(act.down_s)
                await self._start_daemon(config, within_s=READY_WITHIN_S)
            case "kill_venue" | "stop_venue":
                await self._look()
                await (venue.kill() if act.kind == "kill_venue" else venue.stop(_STOP_S))
                await asyncio.sleep(act.down_s)
                await self._start_venue(config)
            case "kill_both":
                await self._look()
                await asyncio.gather(daemon.kill(), venue.kill())
                await asyncio.sleep(act.down_s)
                await self._start_venue(config)
                await self._start_daemon(config, within_s=READY_WITHIN_S)
            case "second_daemon":
                second = await Child.start(["tradingd", "run", "-c", str(config.daemon)], self._folder / "second.log")
                if not await wait_until(lambda: not second.is_running, _START_S):
                    await second.kill()
                    self._breaches.append(Breach("I16", "a second daemon ran beside the first"))
                elif second.process.returncode != EXIT_USAGE:
                    code = second.process.returncode
                    self._breaches.append(Breach("exit", f"a second daemon ended with {code}, not {EXIT_USAGE}"))
            case "halt" | "resume":
                await self._command(config, act.kind)

    async def _command(self, config: DrillConfig, command: str) -> None:
        body = msgspec.json.encode({"reason": "the drill", "operator": "drill"})
        client = SocketClient(StatePaths(config.state_dir).control_socket)
        done = await client.ask(f"/{command}", CommandResult, body)
        if done is None or not done.done:
            self._breaches.append(Breach("I9", f"{command}: {'no answer' if done is None else done.message}"))

    async def _stop_daemon(self) -> None:
        assert self._daemon is not None  # it was started
        code = await self._daemon.stop(_STOP_S)
        self._checked.append("exit codes")
        if code != EXIT_OK:
            said = "did not end in time" if code is None else f"ended with {code}"
            self._breaches.append(Breach("I18", f"asked to stop, the daemon {said}"))

    # -- the end ------------------------------------------------------------------------------------------------------

    async def _settle(self, config: DrillConfig) -> None:
        """End the faults, halt, and wait until daemon and venue agree."""
        await SocketClient(self._socket).ask("/stop", CommandAnswer, b"")
        await self._look()
        self._watch_daemon()
        await self._command(config, "halt")
        await SocketClient(self._socket).ask("/freeze", CommandAnswer, b"")
        self._checked.append(f"nothing in doubt {SETTLED_WITHIN_S:g} s after the faults")
        deadline = time.monotonic() + SETTLED_WITHIN_S
        open_points = ["never compared"]
        while open_points and time.monotonic() < deadline:
            open_points = await self._open_points(config)
            if open_points:
                await asyncio.sleep(4 * _LOOK_S)
                self._watch_daemon()
        self._breaches += [Breach("I17", f"{SETTLED_WITHIN_S:g} s later: {point}") for point in open_points]

    async def _open_points(self, config: DrillConfig) -> list[str]:
        status = await SocketClient(StatePaths(config.state_dir).control_socket).ask("/status", DaemonStatus)
        if status is None:
            return ["the daemon does not answer"]
        if status.order_stream != "up":
            return [f"the order stream is {status.order_stream}"]
        if status.orders_in_doubt:
            return [f"{order_id} is in doubt" for order_id in status.orders_in_doubt]
        try:
            truth = await ask_venue(config.base_url, KEY, config.secret)
        except VenueUnavailable as error:
            return [str(error)]
        found = judge_books(truth, StatePaths(config.state_dir).journal, is_foreign=_is_foreign)
        return [str(breach) for breach in found]

    async def _end(self, config: DrillConfig) -> None:
        await self._stop_daemon()

    async def _judge(self, config: DrillConfig) -> str:
        """Judge for good; say why nothing was tested, if so."""
        await self._look()
        truth = await ask_venue(config.base_url, KEY, config.secret)
        journal = StatePaths(config.state_dir).journal
        self._breaches += judge_books(truth, journal, is_foreign=_is_foreign)
        self._breaches += judge_secret(config.secret, [config.state_dir, self._folder / "daemon.log"])
        self._checked += [*CHECKS, "I15"]
        view = JournalView(journal)
        for check in self._scenario.checks:
            self._checked.append(check)
            if check in _ENTRY_OF and not view.entries[_ENTRY_OF[check][0]]:
                self._breaches.append(Breach(check, _ENTRY_OF[check][1]))
            if check == "second_start_refused" and not self._acts["second_daemon"]:
                self._breaches.append(Breach(check, "no second daemon was started"))
        theirs = [order["client_order_id"] for order in truth.orders if not order["replaces"]]
        self._orders = sum(view.owners.get(order_id, ADDED_ID) not in OWN_IDS for order_id in theirs)
        self._own_orders = sum(view.owners.get(order_id) in OWN_IDS for order_id in theirs)
        if not self._orders + self._own_orders:
            return "0 orders, even of the drill's own: nothing was tested"
        if not self._faults and not self._acts:
            return "no fault found an occasion: nothing was tested"
        return ""


def _is_foreign(client_order_id: str) -> bool:
    return client_order_id.startswith(BY_HAND)
