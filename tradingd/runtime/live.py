"""The live driver: asyncio tasks joined by queues, and the supervision of every one of them.

A module's task takes an event, handles it, and waits only where an inbox downstream is full. Whatever ends a task that
should not end is either restarted in place (edges: feeds, control socket, database) or stops the process (everything
that the books depend on). Nothing dies silently.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from tradingd.core.log import Level, LogEvent
from tradingd.errors import FatalError
from tradingd.runtime.backoff import Backoff
from tradingd.runtime.clock import Clock
from tradingd.runtime.inbox import QueueInbox
from tradingd.runtime.module import ClockTick, Module
from tradingd.runtime.ports import EventLog

BURST = 512
"""Events handled in one go before other tasks get their turn: more than a feed delivers in one of its own turns."""

STEADY_NS = 60_000_000_000
"""A part that ran this long before it failed starts its backoff anew."""


class Supervisor:
    """Holder of every task; the one place that catches whatever comes."""

    def __init__(self, log: EventLog, clock: Clock, rng: random.Random) -> None:
        self._log = log
        self._clock = clock
        self._rng = rng
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._end: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._one_shots: set[asyncio.Task[None]] = set()

    def run_fatal(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run something that the books depend on: however it ends, the process ends."""
        self._tasks[name] = asyncio.create_task(self._watch(name, work), name=name)

    def run_restartable(self, name: str, start: Callable[[], Awaitable[None]], *, once: bool = False) -> None:
        """Run an edge: a failure is logged and it is started again after a growing delay; a `FatalError` still ends
        all.

        `once` is for work that may come to its end (a file has been read); otherwise returning counts as a failure.
        """
        self._tasks[name] = asyncio.create_task(self._restart(name, start, once=once), name=name)

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run something short; its failure ends the process, its end is no event."""
        task = asyncio.create_task(work, name=name)
        self._one_shots.add(task)
        task.add_done_callback(self._one_shot_done)

    def _one_shot_done(self, task: asyncio.Task[None]) -> None:
        self._one_shots.discard(task)
        if task.cancelled():
            if not task.cancelling():
                self.fail(FatalError(f"task {task.get_name()} was cancelled from within"))
        elif (error := task.exception()) is not None:
            self.fail(error)

    async def _watch(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except asyncio.CancelledError:
            if _is_being_cancelled():
                raise
            self.fail(FatalError(f"task {name} was cancelled from within"))
        except Exception as error:  # noqa: BLE001 - the supervisor is where everything ends up
            self.fail(error)
        else:
            self.fail(FatalError(f"task {name} ended although it should run for ever"))

    async def _restart(self, name: str, start: Callable[[], Awaitable[None]], *, once: bool) -> None:
        backoff = Backoff(rng=self._rng)
        while True:
            began = self._clock.monotonic_ns()
            try:
                await start()
                if once:
                    return
                reason = "it ended"
            except FatalError as error:
                self.fail(error)
                return
            except asyncio.CancelledError:
                if _is_being_cancelled():
                    raise
                reason = "it was cancelled from within"
            except Exception as error:  # noqa: BLE001 - whatever an edge raises, trading goes on without it for a while
                reason = f"{type(error).__name__}: {error}"
            if self._clock.monotonic_ns() - began > STEADY_NS:
                backoff.reset()
            delay = backoff.next_delay()
            self._log.log_event(
                Level.ERROR,
                f"{name} failed ({reason}); it is started again in {delay:.1f} s",
                {"task": name, "failures": backoff.failures},
                event=LogEvent.TASK_RESTARTED,
                module="orchestrator",
            )
            await asyncio.sleep(delay)

    def fail(self, error: BaseException) -> None:
        """End the process because of an error; the first one counts."""
        if not self._end.done():
            self._end.set_result(error)

    def request_stop(self) -> None:
        """End the process in order."""
        if not self._end.done():
            self._end.set_result(None)

    async def wait(self) -> BaseException | None:
        """Wait for the end; return the error that brought it, None for an ordinary stop."""
        error: BaseException | None = await asyncio.shield(self._end)
        return error

    async def cancel(self, prefix: str = "") -> None:
        """Cancel the tasks whose name begins so, and wait until they are gone."""
        doomed = [self._tasks.pop(name) for name in list(self._tasks) if name.startswith(prefix)]
        doomed += [task for task in self._one_shots if task.get_name().startswith(prefix)]
        for task in doomed:
            task.cancel()
        await asyncio.gather(*doomed, return_exceptions=True)


def _is_being_cancelled() -> bool:
    """True when somebody cancelled this task; False when it only awaited something that was cancelled."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def drive(module: Module[Any], downstream: Sequence[QueueInbox[Any]] = (), *, linger_s: float = 0.0) -> None:
    """A module's long-lived task; `linger_s` lets events gather first, for a module that must not be in the way."""
    inbox = module.inbox
    assert isinstance(inbox, QueueInbox)
    while True:
        event = await inbox.get()
        handle = module.handle
        if linger_s:
            try:
                await asyncio.sleep(linger_s)
            except asyncio.CancelledError:
                handle(event)  # it is out of the inbox already: a stop must not lose it
                raise
        handle(event)
        if len(inbox):
            for event in inbox.take(BURST):
                handle(event)
            if len(inbox):
                await asyncio.sleep(0)
        for outlet in downstream:
            if outlet.is_full:
                await outlet.wait_room()


async def pulse(
    clock: Clock, inboxes: Sequence[QueueInbox[Any]], *, interval_s: float, on_beat: Callable[[float], None]
) -> None:
    """Send every module the time; `on_beat` hears by how many seconds the loop was late."""
    due = clock.monotonic_ns() + round(interval_s * 1e9)
    while True:
        await asyncio.sleep(max(0.0, (due - clock.monotonic_ns()) / 1e9))
        late_s = (clock.monotonic_ns() - due) / 1e9
        due = clock.monotonic_ns() + round(interval_s * 1e9)
        tick = ClockTick(clock.now_ns())
        for inbox in inboxes:
            inbox.put(tick)
        on_beat(late_s)


async def drained(inboxes: Sequence[QueueInbox[Any]]) -> None:
    """Wait until no inbox holds anything, looking again after each turn of the loop."""
    while any(len(inbox) for inbox in inboxes):  # noqa: ASYNC110 - the end of a cascade has no event of its own
        await asyncio.sleep(0.001)
