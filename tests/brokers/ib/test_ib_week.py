"""A week of the interruptions that Interactive Brokers has as a matter of course, and those that outlive it."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from tests.brokers.ib.making import AAPL, D, order
from tests.brokers.ib.week import WeekTime
from tests.brokers.scripted_venue import Recorder
from tests.tws.server import TwsEmulator
from tradingd.brokers.ib.broker import IbBroker
from tradingd.brokers.ib.connection import Pace
from tradingd.core.broker_events import OrderStreamDown, OrderStreamUp
from tradingd.core.identifiers import VenueOrderId
from tradingd.core.orders import OrderAccepted, OrderCanceled, OrderFilled, OrderType, TimeInForce

_SILENCE_S = 1.0
"""How long a gateway that waits for the second factor is given for its greeting."""


class Week:
    """One gateway, one session that trades through it, and the time of both."""

    def __init__(self, time: WeekTime, tws: TwsEmulator, broker: IbBroker, recorder: Recorder) -> None:
        self.time, self.tws, self.broker, self.recorder = time, tws, broker, recorder
        self.bought = 0
        self.booked: dict[str, Decimal] = {}

    @property
    def alarms(self) -> list[str]:
        """What an operator was told, beside what is expected."""
        return [text for _, text, details in self.recorder.problems if not details.get("expected")]

    @property
    def expected(self) -> list[str]:
        return [text for _, text, details in self.recorder.problems if details.get("expected")]

    async def down(self) -> str:
        """Wait until the session is down; returns the reason."""
        count = len(self.recorder.of(OrderStreamUp))
        reason = (await self.recorder.first(OrderStreamDown, count)).reason
        await self.time.at_rest()
        return str(reason)

    async def up(self) -> None:
        """Wait until the session is up again, and take in what happened, as the program does."""
        await self.recorder.first(OrderStreamUp, len(self.recorder.of(OrderStreamDown)) + 1)
        await self.reconcile()

    async def reconcile(self) -> None:
        snapshot = await self.broker.snapshot(0)
        self.booked.update({fill.execution_id: fill.quantity for fill in snapshot.fills})
        self.booked.update({fill.execution_id: fill.quantity for fill in self.recorder.of(OrderFilled)})
        held = sum((one.quantity for one in snapshot.positions), Decimal(0))
        assert sum(self.booked.values()) == held == self.tws.position("AAPL")

    async def buy(self) -> None:
        """Buy a share, to see that the session works."""
        self.bought += 1
        fills = len(self.recorder.of(OrderFilled))
        self.broker.submit(order(f"t-buy-{self.bought}", quantity="1"))
        await self.recorder.first(OrderFilled, fills + 1)
        await self.reconcile()

    async def restart_of_tws(self, back: str, *, link_is_down: bool = False) -> None:
        """TWS closes its sockets, and is there again some minutes later."""
        self.tws.acts.shut_down()
        await self.time.at_rest()
        await self.time.until(back, step_s=30)
        self.tws.link_is_down = link_is_down
        await self.tws.acts.start_up()


@asynccontextmanager
async def week_from(moment: str, recorder: Recorder) -> AsyncIterator[Week]:
    time = WeekTime(moment)
    async with TwsEmulator(clock=time.clock) as tws:
        tws.faults.pace_limit = 0
        tws.quote("AAPL", 189.90, 190.10)
        broker = IbBroker(
            host="127.0.0.1",
            port=tws.port,
            client_id=7,
            account="",
            account_kind="paper",
            contracts={},
            base_currency="USD",
            sink=recorder.sink,
            clock=time.clock,
            is_ours=lambda name: name.startswith("t-"),
            refusal=lambda _: None,
            on_problem=recorder.on_problem,
            failure=recorder.failure,
            rng=random.Random(7),
            timeout_s=_SILENCE_S,
            probe_s=900.0,
            pace=Pace(per_s=2000.0, burst=2000),
            waits=time,
        )
        await broker.connect([AAPL])
        run = asyncio.create_task(broker.run())
        try:
            await recorder.first(OrderStreamUp)
            yield Week(time, tws, broker, recorder)
        finally:
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)
            await broker.close()
    assert recorder.failures == []


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def lasting(name: str, price: str) -> Any:
    return order(name, order_type=OrderType.LIMIT, limit_price=D(price), time_in_force=TimeInForce.GTC, quantity="10")


async def test_a_week_of_interruptions_is_lived_through(recorder: Recorder) -> None:
    async with week_from("2026-02-09 09:30", recorder) as week:
        week.broker.submit(lasting("t-week", "100"))
        kept: VenueOrderId = (await recorder.first(OrderAccepted)).venue_order_id
        days = ("09", "10", "11", "12", "13")
        for today, tomorrow in pairwise(days):
            await a_day(week, today, tomorrow)
        await the_weekend(week)
        await the_login_of_the_week(week)
        await week.time.until("2026-02-16 10:00")
        await week.buy()
        week.broker.cancel(lasting("t-week", "100"), kept)
        assert (await recorder.first(OrderCanceled)).client_order_id == "t-week"
        assert len(week.tws.truth().orders) == week.bought + 1 + len(days[1:])
        assert len(recorder.of(OrderStreamUp)) == len(recorder.of(OrderStreamDown)) + 1


async def a_day(week: Week, today: str, tomorrow: str) -> None:
    """Trade, be there for the restart of TWS before midnight, and for the nightly reset after it."""
    time, tws, recorder = week.time, week.tws, week.recorder
    await time.until(f"2026-02-{today} 14:00")
    await week.buy()
    recorder.problems.clear()
    await time.until(f"2026-02-{today} 23:45")
    restart = asyncio.create_task(week.restart_of_tws(f"2026-02-{today} 23:49"))
    assert "the daily restart of TWS" in await week.down()
    await restart
    await time.until(f"2026-02-{today} 23:49:05", step_s=1)
    await week.up()
    # In the night the link is lost, an order fills meanwhile, and nobody is told of it.
    name = f"t-night-{tomorrow}"
    week.broker.submit(lasting(name, "180"))
    await recorder.wait(lambda: any(one.client_order_id == name for one in recorder.of(OrderAccepted)))
    await time.until(f"2026-02-{tomorrow} 00:20")
    tws.acts.lose_link()
    assert "the nightly reset" in await week.down()
    tws.quote("AAPL", 179.0, 179.5)
    tws.quote("AAPL", 189.9, 190.1)
    await time.until(f"2026-02-{tomorrow} 00:50")
    tws.acts.restore_link(data_lost=int(tomorrow) % 2 == 0)
    await week.up()
    assert week.booked[execution_of(tws, name)] == 10
    assert week.alarms == []
    assert week.expected != []


def execution_of(tws: TwsEmulator, name: str) -> str:
    perm_id = tws.order(name).perm_id
    return next(one.exec_id for one in tws.truth().executions if one.perm_id == perm_id)


async def the_weekend(week: Week) -> None:
    """Friday's reset, over which the daily restart comes, and a quiet Saturday."""
    time, recorder = week.time, week.recorder
    await time.until("2026-02-13 14:00")
    await week.buy()
    recorder.problems.clear()
    await time.until("2026-02-13 23:10")
    week.tws.acts.lose_link()
    assert "the weekend reset" in await week.down()
    await time.until("2026-02-13 23:45")
    await week.restart_of_tws("2026-02-13 23:49", link_is_down=True)
    await time.until("2026-02-14 02:30")
    week.tws.acts.restore_link()
    await week.up()
    assert week.alarms == []
    assert any("the weekend reset" in text for text in week.expected)
    await time.until("2026-02-15 00:30")
    assert week.alarms == []


async def the_login_of_the_week(week: Week) -> None:
    """On Sunday TWS wants the second factor, and the one who has it sleeps until eight."""
    time, tws, recorder = week.time, week.tws, week.recorder
    await time.until("2026-02-15 01:50")
    recorder.problems.clear()
    tws.faults.mute_handshake = True
    tws.acts.shut_down()
    assert "the weekly login" in await week.down()
    await tws.acts.start_up()
    await time.until("2026-02-15 02:59", step_s=2700)
    assert week.alarms == []
    assert any("second factor" in text for text in week.expected)
    await time.until("2026-02-15 04:00", step_s=2700)
    told = week.alarms
    assert told != []
    assert "the weekly login that it began in should have been over" in told[0]
    assert "second factor" in told[0]
    await time.until("2026-02-15 08:00", step_s=7200)
    tws.faults.mute_handshake = False
    await time.until("2026-02-15 08:00:05", step_s=1)
    await week.up()


@pytest.mark.parametrize("what", ["socket", "link"])
async def test_an_interruption_that_outlives_its_window_is_alarmed(recorder: Recorder, what: str) -> None:
    async with week_from("2026-02-11 00:10", recorder) as week:
        lose: Callable[[], None] = week.tws.acts.shut_down if what == "socket" else week.tws.acts.lose_link
        await week.time.until("2026-02-11 01:30")
        lose()
        assert "the nightly reset, until 2026-02-11T06:45Z at the latest" in await week.down()
        await week.time.until("2026-02-11 01:44", step_s=60)
        assert week.alarms == []
        await week.time.until("2026-02-11 02:10", step_s=60)
        assert "the nightly reset that it began in should have been over at 2026-02-11T06:45Z" in week.alarms[0]
        assert all(text == week.alarms[0] for text in week.alarms)


async def test_an_interruption_at_noon_is_alarmed_at_once_and_each_minute(recorder: Recorder) -> None:
    async with week_from("2026-02-11 12:00", recorder) as week:
        week.tws.acts.shut_down()
        assert "expected" not in await week.down()
        await week.time.until("2026-02-11 12:10", step_s=3)
        assert week.expected == []
        assert 9 <= len(week.alarms) <= 12


async def test_an_alarm_comes_again_after_a_return(recorder: Recorder) -> None:
    async with week_from("2026-02-11 01:40", recorder) as week:
        week.tws.acts.lose_link()
        await week.down()
        await week.time.until("2026-02-11 02:10", step_s=60)
        count = len(week.alarms)
        assert count > 0
        week.tws.acts.restore_link()
        await week.up()
        week.tws.acts.lose_link()
        reason = await week.down()
        assert "nightly" not in reason
        await week.time.until("2026-02-11 02:40", step_s=60)
        assert "nightly" not in week.alarms[-1]
        assert len(week.alarms) > count
