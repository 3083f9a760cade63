"""Whatever is ordered and whatever the market does, the venue's books add up, in memory and on disk."""

import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tradingd.core.accounting import EXACT
from tradingd.core.calendar import AlwaysOpen
from tradingd.core.identifiers import Symbol
from tradingd.core.market import DAY_NS, NS_PER_SECOND, MarketDataEvent, QuoteTick, TradeTick
from tradingd.core.orders import Side
from tradingd.errors import JournalError
from tradingd.settings.venue import VenueSettings
from tradingd.venue.account import Account
from tradingd.venue.assets import AssetDirectory
from tradingd.venue.errors import Refusal
from tradingd.venue.intake import OrderBody, ReplaceBody, StopLossBody, TakeProfitBody
from tradingd.venue.orders import OrderDesk
from tradingd.venue.store import OrderQuery, VenueStore

AAPL = Symbol("AAPL")
START = Decimal(100_000)
NOON = 1_767_632_400 * NS_PER_SECOND


class Run:
    """A desk on a file, without sockets."""

    def __init__(self, path: Path) -> None:
        self.now = NOON
        self.told: list[dict[str, object]] = []
        self.open(path)

    def open(self, path: Path) -> None:
        """Open the file, for the first time or again."""
        self.store = VenueStore(path)
        self.account = Account(Decimal(self.store.meta().get("cash", START)), self.store.positions(), 4)
        self.desk = OrderDesk(
            settings=VenueSettings(),
            store=self.store,
            account=self.account,
            assets=AssetDirectory([AAPL]),
            calendar=AlwaysOpen(),
            clock=lambda: self.now,
            publish=self.told.append,
        )


@contextmanager
def new_run() -> Iterator[tuple[Run, Path]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "venue.db"
        run = Run(path)
        try:
            yield run, path
        finally:
            run.store.close()


prices = st.integers(9_500, 10_500).map(lambda cents: str(Decimal(cents) / 100))


@st.composite
def bodies(draw: st.DrawFn) -> OrderBody:
    kind = draw(st.sampled_from(["market", "limit", "stop", "stop_limit"]))
    order_class = draw(st.sampled_from([None, None, "bracket", "oco", "oto"]))
    return OrderBody(
        symbol="AAPL",
        qty=draw(st.integers(1, 30)),
        side=draw(st.sampled_from(["buy", "sell"])),
        type=kind,
        time_in_force=draw(st.sampled_from(["day", "gtc", "ioc", "fok"])),
        limit_price=draw(prices) if "limit" in kind else None,
        stop_price=draw(prices) if "stop" in kind else None,
        order_class=order_class,
        take_profit=TakeProfitBody(draw(prices)) if order_class == "bracket" else None,
        stop_loss=StopLossBody(draw(prices)) if order_class else None,
    )


@st.composite
def ticks(draw: st.DrawFn) -> MarketDataEvent:
    low, high = sorted(float(draw(prices)) for _ in range(2))
    size = float(draw(st.integers(0, 20)))
    if draw(st.booleans()):
        return QuoteTick(symbol=AAPL, bid=low, ask=high, bid_size=size, ask_size=size, ts_event=1, ts_recv=1)
    return TradeTick(symbol=AAPL, price=low, size=size + 1, ts_event=1, ts_recv=1)


replacements = st.builds(ReplaceBody, qty=st.integers(1, 30), limit_price=st.none() | prices)
steps = st.lists(
    st.one_of(bodies(), ticks(), ticks(), replacements, st.sampled_from(["cancel", "tomorrow", "restart"])), max_size=40
)


def play(run: Run, path: Path, step: object) -> None:
    """Do one thing; a refusal is as good an outcome as any."""
    try:
        match step:
            case OrderBody():
                run.desk.submit(step)
            case ReplaceBody():
                for record in list(run.desk.open)[:1]:
                    run.desk.replace(record.id, step)
            case "cancel":
                for record in list(run.desk.open)[-1:]:
                    run.desk.cancel(record.id)
            case "tomorrow":
                run.now += DAY_NS
                run.desk.on_time()
            case "restart":
                run.store.close()
                run.open(path)
            case QuoteTick() | TradeTick():
                run.desk.on_market_data(step)
    except Refusal as refusal:
        assert refusal.status in (403, 404, 422)


def check(run: Run) -> None:
    """Compare cash, positions and orders with the executions on disk."""
    executions = run.store.executions(None, None, None, True, 1_000_000)
    cash, held = START, Decimal(0)
    filled: dict[str, Decimal] = {}
    for execution in executions:
        value = EXACT.multiply(execution.qty, execution.price)
        cash = EXACT.subtract(cash, value) if execution.side is Side.BUY else EXACT.add(cash, value)
        held += execution.qty if execution.side is Side.BUY else -execution.qty
        filled[execution.order_id] = filled.get(execution.order_id, Decimal(0)) + execution.qty
        assert execution.position_qty == held
    assert run.account.cash == cash
    assert run.account.quantity(AAPL) == held
    orders = {record.id: record for record in run.store.orders(OrderQuery(limit=1_000_000))}
    for record in orders.values():
        inherited = orders[record.replaces].filled_qty if record.replaces else Decimal(0)
        assert record.filled_qty == inherited + filled.get(record.id, Decimal(0))
        assert record.work_qty is not None
        assert record.filled_qty <= record.work_qty
        assert record.is_open == (record.id in run.desk.open)
        if record.is_open:
            assert record == run.desk.open.get(record.id)
    promised, _ = run.desk.admission.held_for_orders(AAPL)
    assert promised <= abs(held) or held == 0
    shown = [data["execution_id"] for data in run.told if str(data["event"]).endswith("fill")]
    assert shown == [execution.id for execution in executions]


@settings(max_examples=60, deadline=None)
@given(steps)
def test_the_books_add_up(happened: list[object]) -> None:
    with new_run() as (run, path):
        for step in happened:
            play(run, path, step)
        check(run)
        run.store.close()
        run.open(path)
        check(run)


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file grow any more: the system's own way to fail a write."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_cannot_be_written_is_told_to_nobody() -> None:
    with new_run() as (run, path):
        body = OrderBody(symbol="AAPL", qty=1, side="buy", type="market", time_in_force="day")
        run.desk.submit(body)
        told = len(run.told)
        with full_disk(), pytest.raises(JournalError, match="cannot write its database"):
            run.desk.submit(body)
        assert run.desk.failed
        assert len(run.told) == told
        run.store.close()
        run.open(path)
        assert len(run.store.orders(OrderQuery())) == 1


def test_the_log_of_writes_is_folded_in_when_nothing_happens() -> None:
    with new_run() as (run, path):
        body = OrderBody(symbol="AAPL", qty=1, side="buy", type="limit", limit_price="1", time_in_force="day")
        for _ in range(300):
            run.desk.submit(body)
            run.store.tidy()
        assert path.stat().st_size < 50_000
        run.store.tidy()
        run.store.tidy()
        assert path.stat().st_size > 50_000
