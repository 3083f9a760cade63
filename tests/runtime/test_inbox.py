"""Bounded inboxes and what each does when it is full."""

import asyncio
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runtime.making import ABC, XYZ, bar, print_, quote
from tradingd.core.market import MarketDataEvent, PriceBar, QuoteTick
from tradingd.errors import InvariantBroken
from tradingd.runtime.inbox import ConflatingInbox, LocalInbox, QueueInbox
from tradingd.runtime.module import ClockTick

Event: TypeAlias = MarketDataEvent | ClockTick
BOUND_S = 5


def take_all(inbox: QueueInbox[Event]) -> list[Event]:
    taken = []
    while len(inbox):
        taken.append(inbox.get_nowait())
    return taken


def test_a_local_inbox_gives_back_what_was_put_in_order() -> None:
    inbox: LocalInbox[int] = LocalInbox()
    for number in range(3):
        inbox.put(number)
    assert [inbox.get_nowait() for _ in range(len(inbox))] == [0, 1, 2]
    with pytest.raises(IndexError):
        inbox.get_nowait()


async def test_a_full_inbox_makes_its_producer_wait_until_half_is_taken() -> None:
    inbox: QueueInbox[int] = QueueInbox("x", capacity=4)
    for number in range(4):
        inbox.put(number)
    assert inbox.is_full
    waiting = asyncio.create_task(inbox.wait_room())
    inbox.get_nowait()
    await asyncio.sleep(0)
    assert not waiting.done()
    assert await inbox.get() == 1
    await asyncio.wait_for(waiting, BOUND_S)
    assert not inbox.is_full
    assert inbox.high_water == 4


async def test_past_the_hard_bound_the_process_stops() -> None:
    inbox: QueueInbox[int] = QueueInbox("orders", capacity=2)
    for number in range(16):
        inbox.put(number)
    with pytest.raises(InvariantBroken, match="orders holds 17"):
        inbox.put(16)


async def test_an_empty_inbox_says_so() -> None:
    with pytest.raises(IndexError, match="x"):
        QueueInbox[int]("x", capacity=2).get_nowait()


async def test_below_its_bound_nothing_conflates() -> None:
    inbox: ConflatingInbox[Event] = ConflatingInbox("x", capacity=10)
    put: list[Event] = [quote(1), quote(2), print_(3), quote(4)]
    for event in put:
        inbox.put(event)
    assert take_all(inbox) == put
    assert inbox.conflated == 0


async def test_when_full_only_the_latest_tick_of_each_kind_and_symbol_is_kept() -> None:
    inbox: ConflatingInbox[Event] = ConflatingInbox("x", capacity=2)
    full: list[Event] = [quote(1), quote(2)]
    more: list[Event] = [quote(3), quote(4), quote(5, XYZ), print_(6), quote(7)]
    for event in [*full, *more]:
        inbox.put(event)
    assert inbox.conflated == 2
    assert take_all(inbox) == [*full, quote(5, XYZ), print_(6), quote(7)]


async def test_a_bar_comes_after_the_ticks_that_came_before_it_and_is_never_dropped() -> None:
    inbox: ConflatingInbox[Event] = ConflatingInbox("x", capacity=2)
    put: list[Event] = [quote(1), quote(2), quote(3), bar(4), quote(5), bar(6), bar(7, XYZ)]
    for event in put:
        inbox.put(event)
    assert take_all(inbox) == put


events = st.lists(
    st.one_of(
        st.builds(
            lambda make, symbol: (make, symbol), st.sampled_from([quote, print_, bar]), st.sampled_from([ABC, XYZ])
        ),
        st.just("tick"),
        st.just("take"),
    ),
    max_size=80,
)


@given(events)
def test_whatever_the_pace_symbols_stay_in_order_and_only_ticks_are_dropped(steps: list[object]) -> None:
    async def run() -> None:
        inbox: ConflatingInbox[Event] = ConflatingInbox("x", capacity=4)
        put: list[Event] = []
        got: list[Event] = []
        for number, step in enumerate(steps):
            if step == "take":
                if len(inbox):
                    got.append(inbox.get_nowait())
                continue
            event: Event
            if isinstance(step, tuple):
                make, symbol = step
                event = make(number, symbol)
            else:
                event = ClockTick(number)
            try:
                inbox.put(event)
            except InvariantBroken:
                return
            put.append(event)
        got += take_all(inbox)
        assert len(put) - len(got) == inbox.conflated
        for kind in (PriceBar, ClockTick):
            assert [e for e in got if isinstance(e, kind)] == [e for e in put if isinstance(e, kind)]
        for symbol in (ABC, XYZ):
            times = [e.ts_event for e in got if not isinstance(e, ClockTick) and e.symbol == symbol]
            assert times == sorted(times)
            latest = [e for e in put if isinstance(e, QuoteTick) and e.symbol == symbol][-1:]
            assert all(event in got for event in latest)

    asyncio.run(run())
