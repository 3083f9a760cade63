"""Pacing: never more than the limit in any window, and whoever matters more goes first."""

import asyncio
import heapq
import random
from collections.abc import Callable

import pytest
from tradingd.brokers.pacing import ORDER_WAITS_S, Pacer, Priority, per_minute

P = Priority


class ManualTimer:
    """A loop's clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self._due: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._made = 0
        self._loop = asyncio.new_event_loop()
        self._loop.close()

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(self.now + delay, callback, (), self._loop)
        self._made += 1
        heapq.heappush(self._due, (self.now + delay, self._made, handle))
        return handle

    def advance(self, seconds: float) -> None:
        until = self.now + seconds
        while self._due and self._due[0][0] <= until:
            self.now, _, handle = heapq.heappop(self._due)
            if not handle.cancelled():
                handle._callback()  # type: ignore[attr-defined] # what the loop itself would call
        self.now = until


class Wire:
    """What left, and when."""

    def __init__(self, *, per_s: float = 10.0, burst: int = 10) -> None:
        self.timer = ManualTimer()
        self.pacer = Pacer(per_s=per_s, burst=burst, timer=self.timer)
        self.sent: list[tuple[float, str]] = []
        self.refused: list[str] = []

    def send(self, priority: Priority, name: str, *, expires: bool = False) -> None:
        give_up = (lambda: self.refused.append(name)) if expires else None
        self.pacer.submit(priority, lambda: self.sent.append((self.timer.now, name)), give_up)

    @property
    def names(self) -> list[str]:
        return [name for _, name in self.sent]


def test_what_the_rate_allows_leaves_before_the_call_returns() -> None:
    wire = Wire()
    wire.send(P.ORDER, "a")
    assert wire.names == ["a"]
    assert not any(wire.pacer.backlog.values())
    assert wire.pacer.delayed == 0


def test_cancels_go_before_orders_before_questions_before_history() -> None:
    wire = Wire(per_s=2, burst=4)
    for number in range(8):
        wire.send(P.CANCEL, f"first{number}")
    for priority in reversed(P):
        wire.send(priority, priority.name)
    assert wire.names == [f"first{number}" for number in range(4)]
    assert wire.pacer.backlog == {"cancel": 5, "order": 1, "query": 1, "history": 1}
    wire.timer.advance(20)
    assert wire.names[4:] == ["first4", "first5", "first6", "first7", "CANCEL", "ORDER", "QUERY", "HISTORY"]
    assert not any(wire.pacer.backlog.values())


def test_questions_leave_part_of_the_bucket_to_orders_and_orders_to_cancels() -> None:
    wire = Wire(per_s=0.001, burst=10)
    for number in range(10):
        wire.send(P.HISTORY, f"h{number}")
    for number in range(10):
        wire.send(P.QUERY, f"q{number}")
    for number in range(10):
        wire.send(P.ORDER, f"o{number}")
    wire.send(P.CANCEL, "c")
    assert [name[0] for name in wire.names] == ["h"] * 4 + ["q"] * 2 + ["o"] * 3 + ["c"]


def test_a_new_order_that_would_wait_too_long_is_given_up_and_never_sent() -> None:
    wire = Wire(per_s=0.5, burst=1)
    wire.send(P.CANCEL, "now")
    wire.send(P.ORDER, "stale", expires=True)
    wire.send(P.CANCEL, "patient")
    wire.timer.advance(ORDER_WAITS_S + 0.1)
    assert (wire.refused, wire.names) == (["stale"], ["now"])
    wire.timer.advance(10)
    assert wire.names == ["now", "patient"]


def test_a_held_bucket_lets_nothing_pass_until_the_venue_takes_messages_again() -> None:
    wire = Wire()
    wire.pacer.hold(5)
    wire.send(P.CANCEL, "c")
    wire.timer.advance(4.9)
    assert wire.names == []
    wire.timer.advance(0.2)
    assert wire.names == ["c"]


def test_the_venues_own_count_is_believed_where_it_is_lower() -> None:
    wire = Wire(per_s=1, burst=10)
    wire.pacer.correct(200)
    wire.pacer.correct(2)
    for number in range(3):
        wire.send(P.CANCEL, str(number))
    assert wire.names == ["0", "1"]
    wire.timer.advance(1.1)
    assert wire.names == ["0", "1", "2"]


@pytest.mark.parametrize("seed", range(20))
def test_no_window_holds_more_than_the_limit_and_nothing_is_lost(seed: int) -> None:
    rng = random.Random(seed)
    wire = Wire(per_s=40, burst=10)
    asked = 0
    for _ in range(400):
        for _ in range(rng.choice((0, 0, 1, 2, 15))):
            wire.send(rng.choice(list(P)), str(asked))
            asked += 1
        wire.timer.advance(rng.choice((0.001, 0.01, 0.2)))
    wire.timer.advance(600)
    assert sorted(wire.names, key=int) == [str(number) for number in range(asked)]
    times = [moment for moment, _ in wire.sent]
    for index, moment in enumerate(times):
        within = sum(1 for other in times[index:] if other < moment + 1.0)
        assert within <= 50


def test_closing_forgets_what_waits() -> None:
    wire = Wire(per_s=1, burst=1)
    for name in ("a", "b"):
        wire.send(P.ORDER, name)
    wire.pacer.close()
    wire.timer.advance(10)
    assert wire.names == ["a"]
    assert not any(wire.pacer.backlog.values())


async def test_whoever_waits_for_a_turn_gets_it_in_order_and_one_who_left_takes_none() -> None:
    pacer = Pacer(per_s=50, burst=1)
    await pacer.turn(P.CANCEL)
    order: list[str] = []

    async def ask(name: str, priority: Priority) -> None:
        await pacer.turn(priority)
        order.append(name)

    tasks = [asyncio.create_task(ask(name, p)) for name, p in (("h", P.HISTORY), ("gone", P.ORDER), ("c", P.CANCEL))]
    await asyncio.sleep(0)
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert order == ["c", "h"]


def test_a_limit_a_minute_is_kept_with_a_quarter_of_it_at_once() -> None:
    pacer = per_minute(200)
    assert (pacer._burst, pacer._per_s) == (50.0, 2.5)
    with pytest.raises(ValueError, match="token"):
        Pacer(per_s=0, burst=1)
