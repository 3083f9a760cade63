"""H. Operator, configuration, control: what the fault catalogue says of brakes, stops, settings and secrets."""

import asyncio
import base64
import io
import os
import random
import signal
import subprocess
import sys
import time
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from urllib.parse import quote as quoted

import aiohttp
import pytest
from tests.acceptance.conftest import RESTLESS, WriteConfig, file_feed
from tests.acceptance.markets import from_the_open
from tests.acceptance.running import Program, environment, run_command
from tests.brokers.alpaca.making import make_order
from tests.brokers.scripted_venue import SECRET, Drop, Recorder, Reply, ScriptedVenue
from tests.cli.far_side import running_daemon
from tests.modules.acting import Acting
from tests.modules.desk import ABC, ONE, START, TWO, Desk
from tests.modules.making import bid
from tests.settings.writing import load as load_settings
from tests.settings.writing import problems
from tests.simulation import staging
from tests.simulation.staging import OddBroker, codes, entries, everything
from tradingd.assembly.adapters import check_account
from tradingd.assembly.shutdown import Shutdown
from tradingd.brokers.alpaca.adapter import AlpacaBroker
from tradingd.core.entries import HaltEngaged, HaltReleased, OrderIntended, RunStopped
from tradingd.core.identifiers import VenueOrderId
from tradingd.core.log import Level, LogEntry, LogEvent
from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import OrderDenied, OrderFilled
from tradingd.errors import CredentialsRefused, UsageError, VenueUnavailable
from tradingd.journal.segments import JournalLock, load
from tradingd.service.account_lock import AccountLock
from tradingd.service.structured_log import StructuredLog
from tradingd.settings.paths import StatePaths
from tradingd.settings.risk import RiskSettings

D = Decimal
S = OrderStatus
ORDERS = "/v2/orders"


def fill_the_disk_of(desk: Desk) -> None:
    """From here on every write to the journal finds no room."""
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, desk.writer._fd)
    os.close(full)


def test_F76_the_halt_works_though_the_journal_does_not_and_so_do_cancels(tmp_path: Path) -> None:
    """The halt works though the journal does not, and so do cancels: the last gate before the wire needs nothing."""
    desk = Desk(tmp_path).open()
    desk.act(bid)
    fill_the_disk_of(desk)
    desk.modules.risk.halt("drill", "anna")
    assert desk.modules.risk.halted == "drill"
    desk.pump()
    (said,) = desk.said(LogEvent.RISK_HALTED)
    assert "COULD NOT BE WRITTEN" in said.message
    asked: list[int] = []
    desk.broker.deafly(lambda: asked.append(desk.modules.execution.cancel_all()))
    assert asked == [1]
    assert desk.broker.cancels == [desk.order().client_order_id]
    desk.pump()
    assert desk.said(LogEvent.JOURNAL_UNWRITABLE)
    desk.modules.broker.submit_order(make_order(symbol=ABC))
    assert len(desk.broker.seen) == 1  # also an order that was approved before
    assert entries(desk.journal, HaltEngaged) == []


def test_F77_a_stop_closes_the_gate_first_orders_wished_for_after_it_are_refused_by_name(tmp_path: Path) -> None:
    """A stop closes the gate first: orders wished for after it are refused by name, and none leaves."""
    desk = Desk(tmp_path).open()

    def buys(strategy: Acting) -> None:
        strategy.buy(ABC, D(5))
        strategy.target_position(ABC, D(9))

    desk.strategy().on_next["stop"] = buys
    desk.strategy(TWO).on_next["OrderCanceled"] = buys
    desk.act(bid, TWO)
    desk.modules.execution.close_gate()
    desk.act(lambda strategy: strategy.cancel(desk.order().client_order_id), TWO)
    desk.stop()
    denied = entries(desk.journal, OrderDenied)
    assert [denial.breaches[0].code.value for denial in denied] == ["STOPPING"] * 4
    assert len(entries(desk.journal, OrderIntended)) == len(desk.broker.seen) == 1
    assert isinstance(everything(desk.journal)[-1], RunStopped)


def with_policy(policy: str, every: int) -> str:
    table = RESTLESS.format(id=policy, symbol="IBM", every=every, quantity=10)
    return table.replace("[[strategies]]", f'[[strategies]]\non_stop = "{policy}"', 1)


def test_F78_a_signal_is_followed_by_the_stop_that_was_configured_and_a_last_line_of_what_is_still_out(
    tmp_path: Path, write_config: WriteConfig
) -> None:
    """A signal is followed by the stop that was configured, within its time, and by a last line of what is still
    out."""
    config = write_config(
        file_feed(from_the_open(tmp_path), "IBM", "quotes", 200),
        with_policy("leave", 5) + with_policy("cancel", 6),
        daemon="stop_timeout_s = 5",
    )
    with Program("run", "-c", str(config), log=tmp_path / "log") as daemon:
        daemon.wait_event("order.filled", count=10, timeout_s=30)
        asked = time.monotonic()
        assert daemon.stop(signal.SIGINT) == 0
        assert time.monotonic() - asked < 10
    last = daemon.lines()[-1]
    assert last["event"] == "daemon.stopped"
    books, _ = load(tmp_path / "state-daemon" / "journal")
    left = {state.client_order_id for state in books.orders.open}
    assert set(last["details"]["orders_left"]) == left
    assert {name.split("-")[0] for name in left} <= {"leave"}
    assert books.run_ended


async def test_F79_a_stop_that_cannot_confirm_its_cancels_ends_in_time_and_the_next_start_settles_them_first(
    tmp_path: Path,
) -> None:
    """A stop that cannot confirm its cancels ends in time with a list of them, and the next start settles them first
    and sends nothing again."""
    broker = OddBroker(tmp_path, START)
    desk = Desk(tmp_path, "[daemon]\nstop_timeout_s = 0.1\n", venue=broker, claims='[]\non_stop = "cancel"').open()
    for _ in range(2):
        desk.act(bid)
    names = tuple(state.client_order_id for state in desk.books.orders.open)
    broker.stalls = True
    desk.modules.execution.close_gate()
    ending = Shutdown(desk.settings, desk.books, desk.inboxes, desk.logger)
    async with asyncio.timeout(5):
        await ending.wind_down(desk.modules.execution)
    ending.record(None)
    ending.say(0)
    desk.pump()
    assert set(broker.cancels) == set(names)
    last = everything(desk.journal)[-1]
    assert isinstance(last, RunStopped)
    assert last.orders_left == names
    (stopped,) = desk.said(LogEvent.DAEMON_STOPPED)
    assert stopped.details["orders_left"] == dict.fromkeys(names, "PENDING_CANCEL")

    broker.stalls = False
    broker.deafly(lambda: broker.cancel(desk.order(0).order, VenueOrderId("SIM-1")))  # one of them arrives late
    after = desk.again()
    after.quote(99.5, 100.5)
    after.act(bid)
    assert codes(after) == ["NOT_RECONCILED"]
    after.stream_up()
    after.wait(5)
    assert [state.status for state in after.books.orders] == [S.CANCELED, S.ACCEPTED]
    assert len(broker.seen) == 2
    after.check()


def test_F80_an_order_in_flight_at_a_stop_is_booked_after_the_gate_or_found_by_the_next_start(tmp_path: Path) -> None:
    """An order in flight at a stop is booked when it fills after the gate, or found by the next start."""
    desk = Desk(tmp_path).open()
    desk.broker.slow = []
    desk.act(lambda strategy: strategy.buy(ABC, D(3)))
    desk.act(lambda strategy: strategy.buy(ABC, D(4)))
    desk.modules.execution.close_gate()
    (first, second), desk.broker.slow = desk.broker.slow, None
    desk.broker.submit(first)
    desk.pump()
    assert (desk.order(0).status, desk.books.portfolio.quantity(ABC)) == (S.FILLED, D(3))
    desk.stop()
    assert desk.books.orders.open_count == 1
    desk.broker.deafly(lambda: desk.broker.submit(second))
    after = desk.again().open()
    after.wait(5)
    assert (after.order(1).status, after.books.portfolio.quantity(ABC)) == (S.FILLED, D(7))
    assert [fill.quantity for fill in entries(desk.journal, OrderFilled)] == [D(3), D(4)]
    after.check()


def test_F81_each_limit_misspelt_negative_or_no_number_is_refused_and_left_out_is_still_a_limit(
    tmp_path: Path,
) -> None:
    """Each limit that is misspelt, negative or no number is refused by its name, and one left out is still a limit or
    off by a stated default."""
    defaults = load_settings(tmp_path, "").settings.risk
    numbers = [
        name
        for name, field in RiskSettings.model_fields.items()
        if name not in ("allow_short", "allowed_symbols", "symbols")
    ]
    assert len(numbers) >= 10
    off = {name for name in numbers if getattr(defaults, name) is None}
    assert off <= {"max_position_quantity", "max_var_99_pct"}
    for name in numbers:
        assert name in off or 0 < getattr(defaults, name) < 10**9
        for value in ("-1", "nan", "inf", '"much"', "true", "[5]", "{}"):
            told = [str(problem) for problem in problems(tmp_path, f"[risk]\n{name} = {value}\n")]
            assert any(f"risk.{name}: " in line for line in told), (name, value, told)
        misspelt = name[:-2] + name[-1]
        (told_line,) = [str(problem) for problem in problems(tmp_path, f"[risk]\n{misspelt} = 5\n")]
        assert f"did you mean {name}?" in told_line


def test_F82_a_paper_journal_is_not_opened_live_nor_the_other_way_and_the_mode_is_told_at_every_start(
    tmp_path: Path, write_config: WriteConfig
) -> None:
    """A paper journal is not opened live, nor the other way, a replay touches no account, and the mode is told at
    every start."""
    desk = Desk(tmp_path).open()
    paper = desk.broker.account()
    live = staging.changed(paper, account_kind="live")
    with pytest.raises(UsageError, match="is the journal of a paper account"):
        check_account(desk.books, live, desk.journal)
    assert desk.books.account is not None
    assert (desk.books.account.broker, desk.books.account.account_kind) == ("paper", "paper")

    rows = "timestamp,open,high,low,close,volume\n2013-10-07T13:30:00Z,100,101,99,100,10\n"
    (tmp_path / "bars.csv").write_text(rows)
    nobody = "127.0.0.1:9"  # a request there would fail the command
    config = write_config(
        file_feed(tmp_path / "bars.csv", "SPY", "bars", "max"),
        '[[strategies]]\nid = "h"\nclass = "tradingd.strategies.buy_and_hold:BuyAndHold"\nsymbols = ["SPY"]\n'
        "params = { quantity = 1 }\n",
        f'[broker]\nkind = "alpaca"\naccount_kind = "live"\nbase_url = "http://{nobody}"\n'
        f'stream_url = "ws://{nobody}/stream"\ndata_url = "http://{nobody}"\napi_key = "k"\napi_secret = "hunter2"\n',
    )
    done = run_command("replay", "-c", str(config))
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "state-daemon" / "journal").exists()
    env = {"TRADINGD_DAEMON__STATE_DIR": str(tmp_path / "live")}
    with Program("run", "-c", str(config), log=tmp_path / "log", env=env) as daemon:
        daemon.wait_event("daemon.starting")
        assert "live account" in daemon.events("daemon.starting")[0]["message"]


@pytest.mark.parametrize(
    "answer",
    [Reply({"message": "forbidden."}, 403), Reply(raw=b"<html>", status=500, headers={"Retry-After": "0"}), Drop()],
    ids=["403", "500", "reset"],
)
async def test_F83_no_failure_shows_a_key_in_whatever_spelling_and_the_log_cuts_out_what_others_echo(
    venue: ScriptedVenue, broker: AlpacaBroker, recorder: Recorder, answer: Reply | Drop
) -> None:
    """No failure shows a key, in whatever spelling, and the log cuts out what others echo."""
    await broker.connect([])
    venue.on("GET", "/v2/account", answer)
    for method, path in (("POST", ORDERS), ("DELETE", f"{ORDERS}/V1"), ("PATCH", f"{ORDERS}/V1")):
        venue.on(method, path, answer)
    shown = [repr(broker), repr(recorder.problems)]
    with pytest.raises((VenueUnavailable, CredentialsRefused)) as refused:
        await broker.connect([])
    broker.submit(make_order())
    broker.cancel(make_order(), VenueOrderId("V1"))
    await recorder.wait(lambda: len(recorder.events) == 2)
    shown += [repr(refused.value), repr(refused.value.__cause__), *map(repr, recorder.events)]
    spelt = {SECRET, quoted(SECRET, safe=""), base64.b64encode(SECRET.encode()).decode(), SECRET[:8]}
    assert not [text for text in shown for spelling in spelt if spelling in text]

    stream = io.StringIO()
    log = StructuredLog(level=Level.DEBUG, style="json", secrets=[SECRET], stream=stream)
    log.write(
        LogEntry(
            ts=1,
            level=Level.ERROR,
            event=LogEvent.BROKER_PROBLEM,
            module="m",
            message=f"GET /x?key={SECRET} failed",
            details={"headers": {"APCA-API-SECRET-KEY": SECRET}, "nested": [f"({SECRET})"]},
        )
    )
    assert "broker.problem" in stream.getvalue()
    assert SECRET[:8] not in stream.getvalue()


async def test_F84_the_control_socket_is_its_user_s_alone_takes_no_giant_and_a_command_again_changes_nothing(
    tmp_path: Path,
) -> None:
    """The control socket is its user's alone and takes no giant or garbled request, and a command that comes again
    changes nothing and has its operator's name in the journal."""
    paths = StatePaths(tmp_path / "state")
    with running_daemon(paths) as daemon:
        assert paths.control_socket.stat().st_mode & 0o777 == 0o600
        connector = aiohttp.UnixConnector(str(paths.control_socket))
        async with aiohttp.ClientSession("http://daemon", connector=connector) as session:
            for body, status in ((b"x" * 70_000, 413), (b"{", 400), (b'{"reason": 5}', 400)):
                async with session.post("/halt", data=body) as response:
                    assert response.status == status
            assert daemon.requests == []
            async with session.get("/halt") as response:
                assert response.status == 405
            async with session.post("/halt", json={"reason": "drill", "operator": "anna"}) as response:
                assert response.status == 200
        assert [(request.reason, request.operator) for request in daemon.requests] == [("drill", "anna")]
        assert daemon.failed == []
    folder = tmp_path / "desk"
    folder.mkdir()
    desk = Desk(folder).open()
    for _ in range(3):
        desk.modules.risk.halt("drill", "anna")
    assert [(entry.reason, entry.operator) for entry in entries(desk.journal, HaltEngaged)] == [("drill", "anna")]
    desk.modules.risk.resume("boris")
    assert [entry.operator for entry in entries(desk.journal, HaltReleased)] == ["boris"]


def test_F85_one_journal_and_one_account_have_one_daemon_a_second_names_the_first(
    tmp_path: Path,
) -> None:
    """One journal and one account have one daemon: a second names the first, and the death of that sets both free."""
    account = f"catalogue-{os.getpid()}"
    holds = (
        "import sys, pathlib\n"
        "from tradingd.journal.segments import JournalLock\n"
        "from tradingd.service.account_lock import AccountLock\n"
        f"held = JournalLock(pathlib.Path({str(tmp_path)!r})), AccountLock('paper', {account!r})\n"
        "print('held', flush=True)\nsys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holds], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(UsageError, match=f"process {holder.pid}"):
            JournalLock(tmp_path)
        with pytest.raises(UsageError, match=f"process {holder.pid}"):
            AccountLock("paper", account)
        holder.kill()
        holder.wait(10)
    JournalLock(tmp_path).release()
    AccountLock("paper", account).release()


def test_F86_a_strategy_that_raises_asks_for_nonsense_or_takes_for_ever_harms_itself_alone(tmp_path: Path) -> None:
    """A strategy that raises, asks for nonsense or takes for ever harms itself alone: it is stopped, its orders are
    cancelled, others trade on."""
    desk = Desk(tmp_path, claims="[]\ncallback_budget_ms = 5").open()
    for nonsense in (D("1e308"), D("NaN"), D("-Infinity"), D(-5)):
        Acting.latest[ONE].buy(ABC, nonsense)
        desk.pump()
    assert codes(desk) == ["QUANTITY_INVALID"] * 4
    desk.act(bid)
    desk.act(bid, TWO)

    def breaks(strategy: Acting) -> None:
        strategy.buy(ABC, 5.5)  # type: ignore[arg-type]  # a float is no quantity

    desk.strategy().on_next["tick"] = breaks
    desk.quote(99.5, 100.5)
    assert list(desk.books.quarantined) == [ONE]
    assert "TypeError" in desk.books.quarantined[ONE].reason
    became = [(state.order.strategy_id, state.status) for state in desk.books.orders]
    assert became == [(ONE, S.CANCELED), (TWO, S.ACCEPTED)]
    desk.act(lambda strategy: strategy.buy(ABC, D(2)), TWO)
    desk.quote(98.5, 98.9)
    assert desk.strategy(TWO).position(ABC) == D(12)
    assert desk.books.portfolio.quantity_of(ONE, ABC) == 0
    desk.modules.risk.resume("anna")
    desk.modules.strategies.resume()
    desk.strategy().on_next["tick"] = lambda _strategy: desk.clock.advance_to(desk.clock.now_ns() + 60_000_000)
    desk.quote(99.5, 100.5)
    assert list(desk.books.quarantined) == [ONE]
    assert "held everything up" in desk.books.quarantined[ONE].reason
    desk.act(lambda strategy: strategy.buy(ABC, D(1)), TWO)
    assert desk.strategy(TWO).position(ABC) == D(13)
    desk.check()


def test_F87_profit_is_counted_once_through_closes_reopenings_and_flips_in_any_order(tmp_path: Path) -> None:
    """Profit is counted once through closes, reopenings and flips, in any order: the ledger balances to the last digit
    after every fill."""
    for number, sizes in enumerate(permutations((10, -10, 7, -20, 13))):
        if number % 6:
            continue
        folder = tmp_path / str(number)
        folder.mkdir()
        desk = Desk(folder, "[risk]\nmax_repeated_orders = 0\nprice_collar_pct = 50\n").open()
        rng, paid, held = random.Random(number), D(0), D(0)
        for size in sizes:
            price = round(rng.uniform(95, 105), 2)
            desk.quote(price, price)
            trade = Acting.latest[ONE].buy if size > 0 else Acting.latest[ONE].sell
            trade(ABC, D(abs(size)))
            desk.pump()
            held += size
            paid += size * D(repr(price))
            desk.books.portfolio.check()
            position = desk.books.portfolio.lines[ONE, ABC]
            assert (position.quantity, desk.books.portfolio.cash) == (held, D(100_000) - paid)
            assert position.realised_pnl == position.cost - paid
        assert held == 0
        assert desk.books.portfolio.equity() == D(100_000) + position.realised_pnl
        desk.check()
