"""All modules, wired as in a replay, around a broker that a test can make silent, deaf or forgetful."""

from collections.abc import Callable, Collection
from decimal import Decimal
from pathlib import Path

import msgspec
from tests.modules.acting import Acting
from tests.settings.writing import load as load_settings
from tradingd.assembly.modules import Edges, Inboxes, IsOurs, build
from tradingd.brokers.base import BrokerSink
from tradingd.brokers.simulated import SimulatedBroker
from tradingd.core.books import Books
from tradingd.core.broker_events import BrokerEvent, OrderStreamDown, OrderStreamUp
from tradingd.core.encoding import to_json
from tradingd.core.entries import RunEnd, RunStarted, RunStopped
from tradingd.core.identifiers import ClientOrderId, StrategyId, Symbol, VenueOrderId
from tradingd.core.log import LogEntry, LogEvent
from tradingd.core.market import NS_PER_SECOND, QuoteTick
from tradingd.core.order_state import OrderState
from tradingd.core.orders import (
    CancelUnknown,
    Order,
    OrderAccepted,
    OrderModification,
    OrderUnknown,
    ReplaceUnknown,
)
from tradingd.core.venue_view import VenueOrder, VenueSnapshot
from tradingd.errors import VenueUnavailable
from tradingd.journal.flushing import Flusher
from tradingd.journal.history import read_history
from tradingd.journal.segments import load, segment_paths
from tradingd.journal.writer import Durability, JournalWriter
from tradingd.modules.trade_logger import TradeLogger
from tradingd.reporting.measure import measure_history
from tradingd.runtime.clock import SimulatedClock
from tradingd.runtime.module import ClockTick
from tradingd.runtime.replay import drain, run_now
from tradingd.settings.changes import FileEdit
from tradingd.settings.to_core import trading_days

START = 1_767_632_400 * NS_PER_SECOND  # 2026-01-05, noon in New York
ABC, XYZ = Symbol("ABC"), Symbol("XYZ")
ONE, TWO = StrategyId("one"), StrategyId("two")

CONFIG = """
[data]
stale_after_s = 0
[[data.feeds]]
kind = "synthetic"
symbols = ["ABC", "XYZ"]
[[strategies]]
id = "one"
class = "tests.modules.acting:Acting"
symbols = ["ABC", "XYZ"]
bars = "1m"
claims = CLAIMS
[[strategies]]
id = "two"
class = "tests.modules.acting:Acting"
symbols = ["ABC"]
bars = "1m"
"""


class DeskBroker(SimulatedBroker):
    """The simulated broker, with faults to switch on."""

    def __init__(self, clock: Callable[[], int], cash: Decimal, journal: Path) -> None:
        super().__init__(self.tell, clock, cash)
        self.sink: BrokerSink = lambda event: None
        self._journal = journal
        self.now = clock
        self.seen: list[tuple[Order, bool]] = []
        """Every order that arrived, and whether its intent was in the journal's file by then."""
        self.cancels: list[ClientOrderId] = []
        self.held: list[BrokerEvent] | None = None
        """Where reports wait while the stream is silent."""
        self.loses_orders = False
        self.slow: list[Order] | None = None
        """Where orders wait at a venue that takes its time."""
        self.loses_answers = False
        """Whether cancels and replaces are carried out and nobody hears of it."""
        self.loses_commands = False
        """Whether cancels and replaces never arrive."""
        self.unreachable = False
        self.snapshots = 0

    def tell(self, event: BrokerEvent) -> None:
        if self.held is None:
            self.sink(event)
        else:
            self.held.append(event)

    def release(self) -> None:
        held, self.held = self.held or [], None
        for event in held:
            self.sink(event)

    def submit(self, order: Order) -> None:
        written = b"".join(path.read_bytes() for path in segment_paths(self._journal))
        intent = b'"entry":{"type":"order_intended","order":{"type":"order","client_order_id":"%b"'
        self.seen.append((order, intent % order.client_order_id.encode() in written))
        if self.slow is not None:
            self.slow.append(order)
        elif self.loses_orders:
            now = self.now()
            self.tell(OrderUnknown(client_order_id=order.client_order_id, reason="timeout", ts_event=now, ts_recv=now))
        else:
            super().submit(order)

    def cancel(self, order: Order, venue_order_id: VenueOrderId) -> None:
        self.cancels.append(order.client_order_id)
        now, order_id = self.now(), order.client_order_id
        if self.loses_answers:
            self._unheard(lambda: super(DeskBroker, self).cancel(order, venue_order_id))
        elif not self.loses_commands:
            super().cancel(order, venue_order_id)
            return
        self.tell(CancelUnknown(client_order_id=order_id, reason="timeout", ts_event=now, ts_recv=now))

    def modify(self, order: Order, venue_order_id: VenueOrderId, details: OrderModification) -> None:
        now, order_id = self.now(), order.client_order_id
        if self.loses_answers:
            self._unheard(lambda: super(DeskBroker, self).modify(order, venue_order_id, details))
        elif not self.loses_commands:
            super().modify(order, venue_order_id, details)
            return
        self.tell(ReplaceUnknown(client_order_id=order_id, reason="timeout", ts_event=now, ts_recv=now))

    def _unheard(self, command: Callable[[], None]) -> None:
        held, self.held = self.held, []
        command()
        self.held = held

    def deafly(self, happening: Callable[[], None]) -> None:
        """Let something happen at the venue of which no report is ever delivered."""
        self._unheard(happening)

    async def snapshot(self, since_ns: int) -> VenueSnapshot:
        self.snapshots += 1
        if self.unreachable:
            raise VenueUnavailable("no route to host")
        return await super().snapshot(since_ns)

    async def open_orders(self) -> tuple[VenueOrder, ...]:
        if self.unreachable:
            raise VenueUnavailable("no route to host")
        return await super().open_orders()

    async def find_order(self, client_order_id: ClientOrderId) -> VenueOrder | None:
        if self.unreachable:
            raise VenueUnavailable("no route to host")
        return await super().find_order(client_order_id)


class Desk:
    """One run of the daemon's modules over a folder; `again` is the next run over the same folder and venue."""

    def __init__(
        self,
        folder: Path,
        config: str = "",
        *,
        cash: str = "100000",
        claims: str = "[]",
        venue: DeskBroker | None = None,
        at: int = START,
        stale_after_s: float = 0,
        retired: Collection[StrategyId] = (),
        disk: Flusher | None = None,
    ) -> None:
        self.folder, self.config, self.stale_after_s = folder, config, stale_after_s
        self.journal = folder / "journal"
        self.journal.mkdir(exist_ok=True)
        text = CONFIG.replace("CLAIMS", claims).replace("stale_after_s = 0", f"stale_after_s = {stale_after_s}")
        for name in retired:
            text = text.replace(f'id = "{name}"', f'id = "{name}"\nretired = true')
        self.settings = load_settings(folder, text + config).settings
        self.clock = SimulatedClock(at)
        self.lines: list[LogEntry] = []
        self.stamp: object = 1
        self.edit = FileEdit(changes=("risk.max_daily_loss: 1000 → 500",))
        self.books, tail = load(self.journal)
        self.writer = JournalWriter(
            self.journal,
            tail,
            durability=Durability.PROCESS if disk is None else Durability.POWER,
            take_snapshot=self.books.snapshot,
        )
        self.inboxes = Inboxes.local()
        self.logger = TradeLogger(
            self.inboxes.logger,
            journal=self.writer,
            clock=self.clock,
            write_line=self.lines.append,
            read_trades=lambda start, end: read_history(self.journal, start, end).trades,
            order_of=self.books.orders.get,
            last_about=tail.last_about,
        )
        started = RunStarted(
            run=self.books.run + 1,
            version="test",
            config_hash="",
            previous=RunEnd.CLEAN if self.books.run_ended else RunEnd.KILLED,
        )
        self.logger.record(started)
        self.books.apply(started)
        self.broker = venue or DeskBroker(self.clock.now_ns, Decimal(cash), self.journal)
        self.modules = build(self.settings, self.books, self.inboxes, self._edges(), self.logger)
        run_now(self._connect(), "connect")
        for module in self.modules.in_start_order():
            module.initialize()
        self.pump()
        for module in self.modules.in_start_order():
            module.start()
        self.writer.flusher = disk

    def _edges(self) -> Edges:
        def adapter(sink: BrokerSink, is_ours: IsOurs) -> DeskBroker:
            self.broker.sink = sink
            self.broker.now = self.clock.now_ns
            return self.broker

        return Edges(
            clock=self.clock,
            journal_id="abcdef",
            make_adapter=adapter,
            market_sinks=(self.broker.on_market_data,),
            spawn=run_now,
            measure=lambda start, end: measure_history(
                read_history(self.journal, start, end), self.settings.reporting, trading_days(self.settings)
            ),
            render_report=to_json,
            file_stamp=lambda: self.stamp,
            sample_interval_ns=60 * NS_PER_SECOND,
            examine_file=self._examine_file,
        )

    async def _examine_file(self) -> FileEdit:
        return self.edit

    async def _connect(self) -> None:
        await self.broker.connect([ABC, XYZ])

    def again(self, config: str | None = None, *, retired: Collection[StrategyId] = ()) -> "Desk":
        """The next process: it knows nothing but the journal's files and the venue."""
        desk = Desk(
            self.folder,
            self.config if config is None else config,
            venue=self.broker,
            at=self.clock.now_ns(),
            stale_after_s=self.stale_after_s,
            retired=retired,
        )
        self.broker.held = None
        return desk

    # -- what happens -------------------------------------------------------------------------------------------------

    def pump(self) -> None:
        drain(self.modules.driven())

    def stream_up(self) -> None:
        self.broker.sink(OrderStreamUp(ts_recv=self.clock.now_ns()))
        self.pump()

    def stream_down(self) -> None:
        self.broker.sink(OrderStreamDown(ts_recv=self.clock.now_ns(), reason="closed"))
        self.pump()

    def open(self) -> "Desk":
        """Connect, reconcile, and have a first price of both symbols."""
        self.stream_up()
        self.quote(99.5, 100.5)
        self.quote(49.5, 50.5, XYZ)
        return self

    def quote(self, bid: float, ask: float, symbol: Symbol = ABC) -> None:
        now = self.clock.now_ns()
        quote = QuoteTick(symbol=symbol, bid=bid, ask=ask, bid_size=1000, ask_size=1000, ts_event=now, ts_recv=now)
        self.modules.data.ingest(quote)
        self.pump()

    def wait(self, seconds: float) -> None:
        """Let time pass, telling the modules every second as the live driver does."""
        end = self.clock.now_ns() + round(seconds * NS_PER_SECOND)
        while self.clock.now_ns() < end:
            self.clock.advance_to(min(end, self.clock.now_ns() + NS_PER_SECOND))
            for module in self.modules.listeners():
                module.handle(ClockTick(self.clock.now_ns()))
            self.pump()

    def act(self, action: Callable[[Acting], None], strategy: StrategyId = ONE) -> None:
        """Have a strategy do something from the outside, and follow it through."""
        action(Acting.latest[strategy])
        self.pump()

    def stop(self) -> None:
        """End as a run does."""
        self.modules.execution.close_gate()
        self.modules.strategies.stop()
        self.pump()
        self.logger.record(RunStopped(run=self.books.run, reason="stopped"))
        self.books.apply(RunStopped(run=self.books.run, reason="stopped"))
        self.logger.stop()

    # -- what came of it ----------------------------------------------------------------------------------------------

    def strategy(self, strategy_id: StrategyId = ONE) -> Acting:
        return Acting.latest[strategy_id]

    def order(self, number: int = -1) -> OrderState:
        """The n-th order of the books, the latest unless told."""
        return list(self.books.orders)[number]

    def said(self, event: LogEvent) -> list[LogEntry]:
        return [line for line in self.lines if line.event is event]

    def check(self) -> None:
        """Prove that the live books are the fold of the journal's files, byte for byte."""
        folded, _ = load(self.journal)
        assert encoded(folded) == encoded(self.books)
        assert folded.portfolio.net == self.books.portfolio.net
        assert folded.portfolio.reserved_value() == self.books.portfolio.reserved_value()
        self.books.portfolio.check()


def encoded(books: Books) -> bytes:
    """The books as bytes: equal bytes are equal books."""
    return msgspec.json.encode(books.snapshot())


def late_acknowledgement(order: Order, venue_order_id: str, now: int) -> OrderAccepted:
    """The acknowledgement of an order that nobody acknowledged."""
    return OrderAccepted(
        client_order_id=order.client_order_id, venue_order_id=VenueOrderId(venue_order_id), ts_event=now, ts_recv=now
    )
