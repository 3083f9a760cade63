"""The live driver: every task is held, and none ends unseen."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from tests.runtime.listening import ListeningLog
from tests.runtime.making import comes_first, is_ending
from tradingd.core.log import LogEvent
from tradingd.errors import CredentialsRefused, FatalError, FeedError, JournalError
from tradingd.runtime.clock import SystemClock
from tradingd.runtime.inbox import QueueInbox
from tradingd.runtime.live import BURST, Supervisor, drained, drive, pulse
from tradingd.runtime.module import ClockTick, Module

BOUND_S = 10


class Counter(Module[int]):
    """Passes on what it gets."""

    name = "counter"

    def __init__(self, inbox: QueueInbox[int], outlet: QueueInbox[int] | None = None) -> None:
        super().__init__(inbox)
        self.seen: list[int] = []
        self.outlet = outlet

    def handle(self, event: int) -> None:
        if event < 0:
            raise JournalError("the disk is full")
        self.seen.append(event)
        if self.outlet is not None:
            self.outlet.put(event)


@pytest.fixture
async def log() -> ListeningLog:
    return ListeningLog()


@pytest.fixture
async def supervisor(log: ListeningLog) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(log, SystemClock(), random.Random(1))
    yield supervisor
    await supervisor.cancel()


async def end_of(supervisor: Supervisor) -> BaseException | None:
    async with asyncio.timeout(BOUND_S):
        return await supervisor.wait()


async def test_a_fatal_task_that_raises_ends_the_process_with_its_error(supervisor: Supervisor) -> None:
    inbox: QueueInbox[int] = QueueInbox("x", capacity=8)
    supervisor.run_fatal("module:counter", drive(Counter(inbox)))
    inbox.put(1)
    inbox.put(-1)
    assert isinstance(await end_of(supervisor), JournalError)
    assert await is_ending(supervisor)


async def test_a_fatal_task_that_returns_ends_the_process(supervisor: Supervisor) -> None:
    async def nothing() -> None:
        return

    supervisor.run_fatal("module:x", nothing())
    assert "module:x ended" in str(await end_of(supervisor))


async def _await_something_cancelled() -> None:
    inner: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    inner.cancel()
    await inner


async def test_a_task_that_is_cancelled_from_within_does_not_die_silently(supervisor: Supervisor) -> None:
    supervisor.run_fatal("module:x", _await_something_cancelled())
    assert "cancelled from within" in str(await end_of(supervisor))


async def test_a_short_task_that_is_cancelled_from_within_is_no_success(supervisor: Supervisor) -> None:
    supervisor.spawn(_await_something_cancelled(), "broker:snapshot")
    assert "cancelled from within" in str(await end_of(supervisor))


async def test_a_short_task_may_end_and_may_not_fail(supervisor: Supervisor) -> None:
    done = asyncio.Event()

    async def ends() -> None:
        done.set()

    async def fails() -> None:
        raise FatalError("no")

    supervisor.spawn(ends(), "a")
    assert await comes_first(supervisor, done)
    assert not await is_ending(supervisor)
    supervisor.spawn(fails(), "b")
    assert str(await end_of(supervisor)) == "no"


async def test_an_edge_that_fails_is_said_and_started_again(supervisor: Supervisor, log: ListeningLog) -> None:
    starts = 0
    recovered = asyncio.Event()

    async def edge() -> None:
        nonlocal starts
        starts += 1
        if starts == 1:
            raise FeedError("connection lost")
        recovered.set()
        await asyncio.Event().wait()

    supervisor.run_restartable("feed:x", edge)
    async with asyncio.timeout(BOUND_S):
        assert await comes_first(supervisor, recovered)
    assert log.events == [LogEvent.TASK_RESTARTED]
    assert "FeedError: connection lost" in log.messages[0]
    assert not await is_ending(supervisor)


async def test_the_delay_grows_with_every_failure(supervisor: Supervisor, log: ListeningLog) -> None:
    enough = asyncio.Event()

    async def edge() -> None:
        if len(log.events) == 2:
            enough.set()

    supervisor.run_restartable("feed:x", edge)
    async with asyncio.timeout(BOUND_S):
        assert await comes_first(supervisor, enough)
    assert [details["failures"] for details in log.details[:2]] == [1, 2]
    assert all("it ended" in message for message in log.messages)


async def test_an_edge_that_may_end_is_not_started_again(supervisor: Supervisor, log: ListeningLog) -> None:
    ended = asyncio.Event()

    async def file() -> None:
        ended.set()

    supervisor.run_restartable("feed:file", file, once=True)
    assert await comes_first(supervisor, ended)
    await asyncio.sleep(0)
    assert log.events == []


async def test_a_fatal_error_of_an_edge_ends_the_process(supervisor: Supervisor) -> None:
    async def edge() -> None:
        raise CredentialsRefused("bad keys")

    supervisor.run_restartable("broker", edge)
    assert isinstance(await end_of(supervisor), CredentialsRefused)


async def test_the_first_end_counts(supervisor: Supervisor) -> None:
    supervisor.request_stop()
    supervisor.fail(FatalError("too late"))
    assert await end_of(supervisor) is None
    assert not await comes_first(supervisor, asyncio.Event())


async def test_cancel_takes_the_tasks_whose_names_begin_so(supervisor: Supervisor) -> None:
    gone: list[str] = []

    async def wait(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            gone.append(name)

    supervisor.run_restartable("feed:a", lambda: wait("feed:a"))
    supervisor.run_fatal("module:b", wait("module:b"))
    supervisor.spawn(wait("feed:c"), "feed:c")
    await asyncio.sleep(0)
    await supervisor.cancel("feed:")
    assert sorted(gone) == ["feed:a", "feed:c"]
    await supervisor.cancel()
    assert not await is_ending(supervisor), "tasks that were cancelled on purpose are no failure"


async def test_a_module_waits_for_room_downstream_and_loses_nothing() -> None:
    first: QueueInbox[int] = QueueInbox("first", capacity=4 * BURST)
    second: QueueInbox[int] = QueueInbox("second", capacity=4)
    module = Counter(first, second)
    for number in range(30):
        first.put(number)
    task = asyncio.create_task(drive(module, [second]))
    received: list[int] = []
    async with asyncio.timeout(BOUND_S):
        while len(received) < 30:
            received.append(await second.get())
        await drained([first, second])
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert received == module.seen == list(range(30))


async def test_a_long_burst_lets_other_tasks_have_their_turn() -> None:
    inbox: QueueInbox[int] = QueueInbox("x", capacity=1024)
    module = Counter(inbox)
    for number in range(1000):
        inbox.put(number)
    task = asyncio.create_task(drive(module))
    await asyncio.sleep(0)
    assert 0 < len(module.seen) < 1000
    async with asyncio.timeout(BOUND_S):
        await drained([inbox])
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_pulse_tells_every_module_the_time_and_how_late_the_loop_was() -> None:
    inboxes: list[QueueInbox[ClockTick]] = [QueueInbox(name, capacity=8) for name in "ab"]
    late: list[float] = []
    task = asyncio.create_task(pulse(SystemClock(), inboxes, interval_s=0.01, on_beat=late.append))
    async with asyncio.timeout(BOUND_S):
        ticks = [await inbox.get() for inbox in inboxes]
        second = await inboxes[0].get()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert ticks[0] == ticks[1]
    assert second.now_ns > ticks[0].now_ns
    assert all(seconds >= 0 for seconds in late)


async def test_an_event_that_lingers_when_its_task_is_cancelled_is_handled_all_the_same() -> None:
    inbox: QueueInbox[int] = QueueInbox("late", capacity=8)
    module = Counter(inbox)
    task = asyncio.create_task(drive(module, linger_s=60))
    inbox.put(7)
    await drained([inbox])
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert module.seen == [7]
