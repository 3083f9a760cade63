"""The emulated TWS as a server on loopback: who is connected, and what is told to whom.

Owns the listening socket, the sessions and, where a file is given, the saved truth. What it is made to do is in
`faults.py` (switches) and `acts.py` (events).
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from tradingd.core.identifiers import Symbol
from tradingd.core.market import MarketDataEvent, PriceBar, QuoteTick, TradeTick

from tests.tws.acts import Acts
from tests.tws.answers import moment
from tests.tws.contracts import DEFAULT_CONTRACTS, Catalogue, IbContract, trading_hours
from tests.tws.desk import Desk
from tests.tws.faults import Faults, OrdersWhileDown
from tests.tws.market import MarketStore
from tests.tws.records import DeskEvent, Executed, Execution, IbOrder, Said, Shown, Truth, WhatIf
from tests.tws.requests import OrderAsked
from tests.tws.session import Session
from tests.tws.wire import frame

_HOST = "127.0.0.1"
_TICK_S = 0.05
OLDEST, NEWEST = 157, 178


class TwsEmulator:
    """A TWS or IB Gateway for tests; `async with TwsEmulator() as tws` listens on `tws.port`."""

    def __init__(
        self,
        *,
        server_version: int = 176,
        accounts: Sequence[str] = ("DU1234567",),
        cash: Decimal = Decimal(1_000_000),
        contracts: Iterable[IbContract] = DEFAULT_CONTRACTS,
        clock: Callable[[], int] = time.time_ns,
        zone: str = "US/Eastern",
        port: int = 0,
        state: Path | None = None,
        master_client_id: int | None = None,
    ) -> None:
        assert OLDEST <= server_version <= NEWEST, f"server versions {OLDEST} to {NEWEST} are spoken"
        self.server_version = server_version
        self.accounts = tuple(accounts)
        self.zone = zone
        self.port = port
        self.now = clock
        self.master_client_id = master_client_id
        self.faults = Faults()
        self.acts = Acts(self)
        self.catalogue = Catalogue(contracts)
        self.store = MarketStore(zone)
        self.sessions: dict[int, Session] = {}
        self.owed: list[tuple[int, str]] = []
        """Commission reports that are still to be sent: client id and execution id."""
        self.flowing = asyncio.Event()
        """Cleared while the emulator is stalled."""
        self.flowing.set()
        self.link_is_down = False
        self.market_farm_is_down = False
        self.history_farm_is_down = False
        self.competing_session = False
        self.held: list[Callable[[], None]] = []
        """What clients asked while the link was down."""
        self._state = state
        self.truth_now = self._load(cash)
        self.desk = Desk(self.truth_now, self.catalogue, self.accounts, zone)
        self._lingering: dict[int, float] = {}
        self._connections: set[asyncio.Task[None]] = set()
        self._timers: set[asyncio.TimerHandle] = set()
        self._server: asyncio.Server | None = None
        self._clockwork: asyncio.Task[None] | None = None

    # -- running ----------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen, and let time pass for what it ends."""
        # Holidays are worked out at the first question for hours, and nobody is to wait for that as for an answer.
        trading_hours(DEFAULT_CONTRACTS[0], self.now(), liquid=True)
        await self.listen()
        self._clockwork = asyncio.create_task(self._tick(), name="tws-clockwork")

    async def stop(self) -> None:
        """End all connections and stop listening."""
        self.stop_listening()
        self.flowing.set()
        for timer in self._timers:
            timer.cancel()
        if self._clockwork is not None:
            self._clockwork.cancel()
        self.cut_all()
        tasks = [*self._connections, *([self._clockwork] if self._clockwork else [])]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def listen(self) -> None:
        """Accept connects, on the port of before where there was one."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, _HOST, self.port, reuse_address=True)
            self.port = self._server.sockets[0].getsockname()[1]

    def stop_listening(self) -> None:
        """Refuse connects; what is connected stays."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def cut_all(self) -> None:
        """Cut every connection at once, also those that have not said who they are."""
        for task in self._connections:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(self, reader, writer)
        task = asyncio.current_task()
        assert task is not None, "a connection is served by a task"
        self._connections.add(task)
        try:
            await session.run()
        except asyncio.CancelledError:
            session.cut()
        finally:
            self._connections.discard(task)
            if self.sessions.get(session.client_id) is session:
                del self.sessions[session.client_id]
                self._lingering[session.client_id] = asyncio.get_running_loop().time()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            self.on_time()

    def on_time(self) -> None:
        """Do what the clock brings: orders that expire or wake, and five-second bars."""
        now = self.now()
        self.publish(self.desk.on_time(now))
        wanted = {symbol for session in self.sessions.values() for symbol in session.data.wanted_bars()}
        for symbol in sorted(wanted):
            for bar in self.store.close_buckets(symbol, now):
                for session in self.sessions.values():
                    if self.data_flows:
                        session.data.on_bar(bar)

    def admit(self, session: Session, client_id: int) -> bool:
        """Take a client in, unless its id is in use or its last socket is not known to be dead."""
        left = self._lingering.get(client_id)
        now = asyncio.get_running_loop().time()
        lingers = left is not None and now < left + self.faults.client_id_linger_s
        if client_id in self.sessions or lingers:
            return False
        self.sessions[client_id] = session
        return True

    def later(self, delay_s: float, act: Callable[[], None]) -> None:
        """Do something after a while; at once for 0."""
        if delay_s <= 0:
            act()
            return
        timer: asyncio.TimerHandle | None = None

        def run() -> None:
            assert timer is not None, "a timer runs after it was made"
            self._timers.discard(timer)
            act()

        timer = asyncio.get_running_loop().call_later(delay_s, run)
        self._timers.add(timer)

    # -- the market -------------------------------------------------------------------------------------------------

    @property
    def data_flows(self) -> bool:
        """True while market data reaches clients."""
        return not (self.link_is_down or self.market_farm_is_down or self.competing_session)

    @property
    def history_flows(self) -> bool:
        """True while historical requests are answered."""
        return not (self.link_is_down or self.history_farm_is_down)

    def quote(self, name: str, bid: float, ask: float, bid_size: float = 1000, ask_size: float = 1000) -> None:
        """Show a quote of a contract (by local symbol) to the matching and to clients."""
        now = self.now()
        self.on_market_data(
            QuoteTick(
                symbol=Symbol(name), bid=bid, ask=ask, bid_size=bid_size, ask_size=ask_size, ts_event=now, ts_recv=now
            )
        )

    def trade(self, name: str, price: float, size: float = 100) -> None:
        """Show a print of a contract to the matching and to clients."""
        now = self.now()
        self.on_market_data(TradeTick(symbol=Symbol(name), price=price, size=size, ts_event=now, ts_recv=now))

    def load_bars(self, bars: Iterable[PriceBar]) -> None:
        """Give historical bars; their symbol is the contract's local symbol."""
        self.store.load(bars)

    def on_market_data(self, event: MarketDataEvent) -> None:
        """Take one event of the market."""
        self.catalogue.by_name(event.symbol)
        self.store.on_market_data(event)
        if self.data_flows:
            for session in list(self.sessions.values()):
                session.data.on_market_data(event)
        self.desk.slice = self.faults.fill_slice
        self.publish(self.desk.on_market_data(event, self.now()))

    # -- orders -----------------------------------------------------------------------------------------------------

    def place(self, session: Session, asked: OrderAsked) -> None:
        """Take a placeOrder, as the switches have it."""
        faults = self.faults
        client_id = session.client_id
        if faults.swallow_orders:
            faults.swallow_orders -= 1
        elif faults.cut_before_orders:
            faults.cut_before_orders -= 1
            session.cut()
        elif self.link_is_down:
            if faults.orders_while_down is OrdersWhileDown.HELD:
                self.held.append(lambda: self.publish(self._desk_places(client_id, asked)))
        elif faults.reject_orders:
            faults.reject_orders -= 1
            session.error(asked.order_id, 201, "Order rejected - reason:Rejected by the emulator")
        elif faults.fail_orders:
            session.error(asked.order_id, faults.fail_orders.pop(0), "The emulator was told to fail")
        else:
            is_cut = faults.cut_after_orders > 0
            if (known := self.desk.book.find(client_id, asked.order_id)) is not None:
                self._race(known, faults.fills_before_change)
            events = self._desk_places(client_id, asked)
            if is_cut:
                faults.cut_after_orders -= 1
                self.sessions.pop(client_id, None)
                session.cut()
                self._lingering[client_id] = asyncio.get_running_loop().time()
            self.publish(events)
            if faults.presets_tell_tif and not asked.tif:
                session.error(asked.order_id, 10349, "Order TIF was set to DAY based on order preset.")

    def cancel(self, session: Session, order_id: int) -> None:
        """Take a cancelOrder, as the switches have it."""
        faults = self.faults
        client_id = session.client_id
        order = self.desk.book.find(client_id, order_id)
        if faults.swallow_cancels:
            faults.swallow_cancels -= 1
        elif self.link_is_down:
            if faults.orders_while_down is OrdersWhileDown.HELD:
                self.held.append(lambda: self.publish(self.desk.cancel(client_id, order_id, self.now())))
        elif faults.fail_cancels:
            session.error(order_id, faults.fail_cancels.pop(0), "The emulator was told to fail")
        elif faults.hold_cancels and order is not None and order.is_open:
            self.publish(self.desk.await_cancel(order))
        else:
            if order is not None:
                self._race(order, faults.fills_before_cancel)
            self.publish(self.desk.cancel(client_id, order_id, self.now()))

    def _race(self, order: IbOrder, shares: list[Decimal]) -> None:
        """Let a part of an order fill before what is about to be done to it."""
        if shares and order.is_open:
            self.publish(self.desk.fill_part(order, shares.pop(0), self.now()))

    def _desk_places(self, client_id: int, asked: OrderAsked) -> list[DeskEvent]:
        self.desk.slice = self.faults.fill_slice
        if self.faults.reset_floors:
            self.truth_now.floors.pop(client_id, None)
        return self.desk.place(client_id, asked, self.now())

    def bind(self, session: Session, order: IbOrder) -> IbOrder:
        """Give a manual order an API id, and tell it."""
        bound = self.desk.bind(order)
        session.send(frame(100, bound.perm_id, 0, bound.order_id))
        return bound

    # -- telling ----------------------------------------------------------------------------------------------------

    def publish(self, events: Sequence[DeskEvent]) -> None:
        """Save what happened and tell it to whom it concerns; while the link is down nobody is told."""
        if not events:
            return
        self._save()
        if self.link_is_down:
            return
        if self.faults.execution_first:
            events = sorted(events, key=lambda event: not isinstance(event, Executed))
        for event in events:
            match event:
                case Shown(order):
                    self._show(order)
                case Executed():
                    self._tell_execution(event)
                case WhatIf():
                    if session := self.sessions.get(event.order.client_id):
                        session.answer_what_if(event)
                case Said():
                    if session := self.sessions.get(event.client_id):
                        session.say(event)

    def _show(self, order: IbOrder) -> None:
        if order.is_manual and (zero := self.sessions.get(0)) and zero.auto_binds:
            order = self.bind(zero, order)
        for session in self._concerned(order.client_id):
            session.show(order)

    def _tell_execution(self, event: Executed) -> None:
        execution = event.execution
        everyone = execution.liquidation and self.acts.liquidations_reach_all
        told = list(self.sessions.values()) if everyone else self._concerned(execution.client_id)
        for session in told:
            for _ in range(1 + self.faults.duplicate_executions):
                session.tell_execution(execution)
            if event.order is not None:
                session.show(event.order)
            session.tell_commission(execution, is_live=True)
        for session in self.sessions.values():
            session.account.on_trade(execution.account, execution.con_id)

    def tell_correction(self, execution: Execution) -> None:
        """Save a correction and tell it to whom the execution was told."""
        self.publish([Executed(execution, None)])

    def _concerned(self, client_id: int) -> list[Session]:
        """The client itself, and the master client, which hears of all orders."""
        ids = {client_id, self.master_client_id}
        return [session for session in list(self.sessions.values()) if session.client_id in ids]

    # -- the truth --------------------------------------------------------------------------------------------------

    def truth(self) -> Truth:
        """Orders, executions, positions and cash as Interactive Brokers has them now: a copy."""
        return msgspec.json.decode(msgspec.json.encode(self.truth_now), type=Truth)

    def working_orders(self) -> list[IbOrder]:
        """The orders that can still trade."""
        return self.desk.book.open_orders()

    def order(self, order_ref: str) -> IbOrder:
        """The last order with a reference of the client."""
        return next(o for o in reversed(self.truth_now.orders.values()) if o.order_ref == order_ref)

    def position(self, name: str, account: str = "") -> Decimal:
        """The position in a contract."""
        con_id = self.catalogue.by_name(name).con_id
        holding = self.truth_now.holdings.get(f"{account or self.accounts[0]}/{con_id}")
        return holding.quantity if holding else Decimal(0)

    def is_today(self, ts_ns: int) -> bool:
        """Tell whether an instant lies in the present day of the server's zone."""
        return moment(ts_ns, self.zone).date() == moment(self.now(), self.zone).date()

    def _load(self, cash: Decimal) -> Truth:
        if self._state is not None and self._state.exists():
            return msgspec.json.decode(self._state.read_bytes(), type=Truth)
        return Truth(cash={f"{account}/USD": cash for account in self.accounts})

    def _save(self) -> None:
        if self._state is not None:
            beside = self._state.with_suffix(".new")
            beside.write_bytes(msgspec.json.encode(self.truth_now))
            beside.replace(self._state)
