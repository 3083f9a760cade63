"""E. Connection and broker sessions: what the fault catalogue says of links that break, fall silent, or are refused."""

import asyncio
import random
import socket
import time
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

from tests.brokers.alpaca.making import Heard, make_order
from tests.brokers.conftest import NOW_NS
from tests.brokers.scripted_venue import ACCOUNT, KEY, SECRET, Recorder, Reply, ScriptedVenue
from tests.modules.desk import ABC, START, XYZ, Desk
from tests.modules.making import bid
from tests.runtime.listening import ListeningLog
from tests.runtime.making import comes_first, is_ending
from tests.simulation import staging
from tests.simulation.faults import FaultKind
from tests.simulation.plans import Verb
from tests.simulation.staging import OddBroker, Story, codes, entries, fault, wish
from tradingd.assembly.warm_up import reach
from tradingd.brokers.alpaca.adapter import AlpacaBroker
from tradingd.brokers.alpaca.order_stream import TradeUpdateStream
from tradingd.core.identifiers import VenueOrderId
from tradingd.core.log import LogEvent
from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import CancelRefused, OrderFilled, OrderRejected
from tradingd.runtime.backoff import Backoff
from tradingd.runtime.clock import SystemClock
from tradingd.runtime.inbox import QueueInbox
from tradingd.runtime.live import Supervisor, pulse
from tradingd.runtime.module import ClockTick
from tradingd.service.systemd import ServiceManager
from tradingd.service.vitals import Vitals

D = Decimal
F = FaultKind
S = OrderStatus
BOUND_S = 10


def test_F48_a_fill_told_while_the_link_counts_as_down_is_booked_and_one_not_told_is_found(
    tmp_path: Path,
) -> None:
    """A fill told while the link counts as down is booked at once, and one not told is found as soon as the link is
    back."""
    desk = Desk(tmp_path).open()
    desk.act(bid)
    desk.act(lambda strategy: strategy.buy(ABC, D(10), limit_price=D("98.5")))
    desk.stream_down()
    staging.thin_quote(desk, 98.5, 99.0, 10)
    assert desk.strategy().position(ABC) == D(10)
    desk.broker.deafly(lambda: desk.quote(97.5, 98.0))
    desk.act(lambda strategy: strategy.buy(ABC, D(1)))
    assert codes(desk) == ["NOT_RECONCILED"]
    assert desk.strategy().position(ABC) == D(10)
    desk.stream_up()
    assert desk.strategy().position(ABC) == D(20)
    assert [fill.execution_id for fill in entries(desk.journal, OrderFilled)] == ["SIM-1-1", "SIM-2-1"]
    desk.check()


def test_F49_a_symbol_whose_data_stops_while_the_rest_flows_takes_no_new_orders_with_an_alarm(
    tmp_path: Path,
) -> None:
    """A symbol whose data stops while the rest flows takes no new orders, with an alarm, by the time of its last
    arrival here."""
    desk = Desk(tmp_path, stale_after_s=30).open()
    for _ in range(8):
        desk.wait(5)
        desk.quote(49.5, 50.5, XYZ)
    (alarm,) = desk.said(LogEvent.DATA_STALE)
    assert alarm.symbol == ABC
    desk.act(lambda strategy: strategy.buy(ABC, D(1)))
    assert codes(desk) == ["PRICE_STALE"]
    desk.act(lambda strategy: strategy.buy(XYZ, D(1)))
    assert desk.order().status is S.FILLED
    desk.quote(99.5, 100.5)
    desk.act(lambda strategy: strategy.buy(ABC, D(1)))
    assert (desk.order().order.symbol, desk.order().status) == (ABC, S.FILLED)
    desk.check()


def test_F50_while_the_session_is_away_no_order_leaves_and_an_outage_that_lasts_raises_an_alarm(tmp_path: Path) -> None:
    """While the session is away no order leaves, one sent before stays in doubt at full size, and an outage that lasts
    raises an alarm for both."""
    desk = Desk(tmp_path).open()
    desk.broker.slow = []
    desk.act(bid)
    desk.broker.unreachable = True
    desk.stream_down()
    desk.wait(6 * 3600)
    desk.act(lambda strategy: strategy.buy(ABC, D(1)))
    assert codes(desk) == ["NOT_RECONCILED"]
    assert len(desk.broker.seen) == 1
    assert desk.order().status is S.PENDING_SUBMIT
    assert desk.books.portfolio.open_exposure(ABC).buy_quantity == D(10)
    assert [line.level.value for line in desk.said(LogEvent.BROKER_STREAM_DOWN)] == ["WARNING", "ERROR"]
    assert len(desk.said(LogEvent.ORDER_OVERDUE)) == 1
    (late,), desk.broker.slow = desk.broker.slow, None
    desk.broker.deafly(lambda: desk.broker.submit(late))
    desk.broker.unreachable = False
    desk.stream_up()
    desk.wait(5)
    assert desk.order().status is S.ACCEPTED
    desk.act(lambda strategy: strategy.buy(ABC, D(1)))
    assert desk.order().status is S.FILLED
    desk.check()


async def test_F51_a_session_that_the_venue_does_not_give_yet_is_asked_for_again_under_the_same_name(
    venue: ScriptedVenue, broker: AlpacaBroker
) -> None:
    """A session that the venue does not give yet, as after a crash of ours, is asked for again under the same name."""
    busy = Reply({"message": "in use"}, 503, {"Retry-After": "0"})
    venue.on("GET", "/v2/account", *[busy] * 4, Reply(ACCOUNT))
    log, states = ListeningLog(), list[str]()
    async with asyncio.timeout(BOUND_S):
        account = await reach(broker, [], random.Random(1), log, states.append)
    assert account.account_id == ACCOUNT["id"]
    assert log.events == [LogEvent.BROKER_PROBLEM]
    assert "next attempt" in states[0]
    asked = venue.requests("GET", "/v2/account")
    assert len(asked) == 5
    assert {seen.headers["APCA-API-KEY-ID"] for seen in asked} == {KEY}


async def test_F53_an_order_refused_for_the_rate_is_not_at_the_venue_and_cancels_have_no_share_in_the_limit(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder, tmp_path: Path
) -> None:
    """An order refused for the rate is not at the venue, a question waits as long as it is told to, and cancels have
    no share in the limit of orders."""
    venue.on("POST", "/v2/orders", Reply({"message": "too many requests."}, 429, {"Retry-After": "1"}))
    venue.on("DELETE", "/v2/orders/V1", Reply({"message": "too many requests."}, 429))
    venue.on("GET", "/v2/positions", Reply({"message": "slow down"}, 429, {"Retry-After": "1"}), Reply([]))
    for path in ("/v2/orders", "/v2/account/activities/FILL"):
        venue.on("GET", path, Reply([]))
    await broker.connect([])
    broker.submit(make_order())
    assert (await recorder.first(OrderRejected)).code == "rate"
    broker.cancel(make_order(), VenueOrderId("V1"))
    await recorder.first(CancelRefused)
    began = time.monotonic()
    await broker.snapshot(NOW_NS)
    assert time.monotonic() - began >= 1
    assert len(venue.requests("POST", "/v2/orders")) == 1

    desk = Desk(tmp_path, "[risk]\nmax_orders_per_minute = 2\n").open()
    for _ in range(3):
        desk.act(bid)
    assert codes(desk) == ["ORDER_RATE"]
    assert desk.modules.execution.cancel_all() == 2
    desk.pump()
    assert [state.status for state in desk.books.orders] == [S.CANCELED] * 2


async def test_F54_a_slot_held_by_a_ghost_is_waited_for_ever_longer_to_a_cap_and_no_order_leaves_meanwhile(
    venue: ScriptedVenue, tmp_path: Path
) -> None:
    """A slot held by a ghost is waited for ever longer, to a cap and never in step with others, and no order leaves
    meanwhile."""
    heard = Heard()
    venue.handshake_statuses = [406] * 4
    stream = TradeUpdateStream(
        url=venue.stream_url,
        api_key=KEY,
        api_secret=SECRET,
        on_update=lambda _update: None,
        on_up=lambda: heard.note("up"),
        on_down=lambda _reason: heard.note("down"),
        on_problem=lambda event, _message, _details: heard.note(event),
        rng=random.Random(3),
        timeout_s=1.0,
        first_wait_s=0.02,
    )
    began = time.monotonic()
    task = asyncio.create_task(stream.run())
    await heard.until("up")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert heard.words == [*["broker.stream_unreachable"] * 4, "up"]
    assert venue.connections == 5
    assert time.monotonic() - began >= (0.02 + 0.04 + 0.08 + 0.16) / 2
    waits = [[Backoff(0.5, 64.0, random.Random(seed)).next_delay() for _ in range(12)] for seed in (1, 2)]
    assert waits[0] != waits[1]
    growing = Backoff(0.5, 64.0, random.Random(1))
    longest = [growing.next_delay() for _ in range(200)]
    assert all(wait <= 64 for wait in longest)
    assert min(longest[7:]) >= 32

    desk = Desk(tmp_path)
    desk.quote(99.5, 100.5)
    desk.act(bid)
    assert codes(desk) == ["NOT_RECONCILED"]
    assert desk.broker.seen == []


def test_F55_a_stream_that_is_up_and_says_nothing_is_seen_through_by_questions(tmp_path: Path) -> None:
    """A stream that is up and says nothing is seen through by questions: what happened is booked while it is still
    silent."""
    story = Story(
        tmp_path,
        staging.quote(5, 50.0),
        fault(7, F.STREAM_MUTE, 0.9),
        wish(8, Verb.BUY_LIMIT, 7, cents=20),
        staging.quote(8.1, 50.0),
        staging.quote(9, 49.0),
    )

    def booked(story: Story) -> None:
        assert story.world.daemon is not None
        assert story.world.daemon.link is not None
        assert story.world.daemon.link._mute_until_ns > story.world.clock.monotonic_ns()
        assert story.books.portfolio.quantity(ABC) == 7
        assert story.order().status is S.FILLED

    story.look(22, booked)
    story.tell()


def test_F56_a_single_fill_that_a_healthy_stream_drops_is_found_within_its_period(
    tmp_path: Path,
) -> None:
    """A single fill that a healthy stream drops is found within its period, and a strategy that asks for its exit
    again and again is stopped."""
    story = Story(
        tmp_path,
        staging.quote(5, 50.0),
        wish(7, Verb.BUY_LIMIT, 7, cents=20),
        staging.quote(7.1, 50.0),
        fault(8, F.REPORT_LOST),
        staging.quote(9, 49.0),
    )
    story.look(9.5, lambda story: _holds(story, 0))
    story.look(9 + 10 + 2, lambda story: _holds(story, 7))
    assert story.tell().injected == {"report lost": 1}
    desk = Desk(tmp_path, "[risk]\nmax_repeated_orders = 3\nallow_short = false\n").open()
    for _ in range(6):
        desk.act(lambda strategy: strategy.sell(ABC, D(7)))
    assert codes(desk) == ["SHORT_NOT_ALLOWED"] * 3 + ["REPEATED_ORDER"]
    assert desk.broker.seen == []


def _holds(story: Story, quantity: int) -> None:
    assert story.books.portfolio.quantity(ABC) == quantity


def test_F57_every_new_session_asks_for_what_came_since_before_the_last_execution(tmp_path: Path) -> None:
    """Every new session asks for what came since before the last execution, however long ago that was."""
    broker = OddBroker(tmp_path, START)
    desk = Desk(tmp_path, venue=broker).open()
    desk.act(lambda strategy: strategy.buy(ABC, D(1)))
    filled_at = desk.books.last_fill_ts
    for hours in (1, 20, 60):
        desk.wait(hours * 60)
        desk.stream_down()
        desk.wait(hours * 60)
        before = len(broker.asked_since)
        broker.deafly(lambda: desk.act(lambda strategy: strategy.buy(ABC, D(1))))
        desk.stream_up()
        assert broker.asked_since[before] <= filled_at
    desk = desk.again()
    before = len(broker.asked_since)
    desk.stream_up()
    assert broker.asked_since[before] <= filled_at


async def test_F58_a_task_that_dies_ends_the_process_with_its_error_or_is_started_again_and_told(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder
) -> None:
    """A task that dies ends the process with its error, also the order stream's, or is started again and told: none
    ends unseen."""
    log = ListeningLog()
    supervisor = Supervisor(log, SystemClock(), random.Random(1))
    ended = asyncio.Event()

    async def ends_quietly() -> None:
        ended.set()

    supervisor.run_restartable("edge:quiet", ends_quietly)
    async with asyncio.timeout(BOUND_S):
        assert await comes_first(supervisor, ended)
    await broker.connect([])
    recorder.fault = ZeroDivisionError("a report that nobody can take")
    supervisor.run_fatal("edge:order-stream", broker.run())
    async with asyncio.timeout(BOUND_S):
        error = await supervisor.wait()
    await supervisor.cancel()
    assert error is recorder.fault
    assert await is_ending(supervisor)
    assert log.events[0] is LogEvent.TASK_RESTARTED
    assert "edge:quiet" in log.messages[0]


async def test_F59_a_loop_that_a_strategy_blocks_is_told_while_the_path_stands_still_it_is_not_called_alive(
    tmp_path: Path,
) -> None:
    """A loop that a strategy blocks is told, and while the trading path stands still it is not called alive."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        log, inbox = ListeningLog(), QueueInbox[ClockTick]("strategy_engine", capacity=8)
        vitals = Vitals([inbox], ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "notify")}), log)
        beats, beaten = 0, asyncio.Event()

        def on_beat(late_s: float) -> None:
            nonlocal beats
            beats += 1
            beaten.set()
            vitals.on_beat(late_s)

        async def some_beats() -> int:
            """Let three beats pass; return how often all was called well meanwhile."""
            calls = 0
            until = beats + 3
            async with asyncio.timeout(BOUND_S):
                while beats < until:
                    beaten.clear()
                    await beaten.wait()
            with suppress(BlockingIOError):
                while manager.recv(100) == b"WATCHDOG=1":
                    calls += 1
            return calls

        pulsing = asyncio.create_task(pulse(SystemClock(), [], interval_s=0.02, on_beat=on_beat))
        assert await some_beats() > 0
        time.sleep(0.6)  # noqa: ASYNC251 - what a strategy does that computes for too long
        await some_beats()
        assert log.events == [LogEvent.LOOP_LAGGED]
        inbox.put(ClockTick(1))
        inbox.put(ClockTick(2))
        await some_beats()
        assert await some_beats() == 0  # nobody takes what waits
        inbox.get_nowait()
        assert await some_beats() > 0
        pulsing.cancel()
        await asyncio.gather(pulsing, return_exceptions=True)
