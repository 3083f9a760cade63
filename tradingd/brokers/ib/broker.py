"""Interactive Brokers as a broker.

Owns: one account's session. Emits: execution reports, the session's up and down, foreign orders, at the sink. Never:
reconnects under another client id, or trades another account than the configured one.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from tradingd.brokers.base import BrokerSink
from tradingd.brokers.ib.codes import READ_ONLY_REMEDY, is_read_only
from tradingd.brokers.ib.commands import IbCommands
from tradingd.brokers.ib.connection import Pace, Problem
from tradingd.brokers.ib.convert import SymbolBook
from tradingd.brokers.ib.executions import Executions
from tradingd.brokers.ib.history import IbHistory
from tradingd.brokers.ib.inbox import CURRENT_TIME, AnyRecord
from tradingd.brokers.ib.instruments import ContractSpec, Described, describe, read_symbol
from tradingd.brokers.ib.ledger import OrderLedger
from tradingd.brokers.ib.model import IB
from tradingd.brokers.ib.questions import QuestionRefused
from tradingd.brokers.ib.session import IbSession
from tradingd.brokers.ib.snapshot import SnapshotReader
from tradingd.brokers.ib.translate import Translator
from tradingd.brokers.ib.waits import Waits
from tradingd.brokers.ib.windows import DAILY_RESTART, Region, Restart
from tradingd.brokers.ib.wire import (
    WireCommission,
    WireError,
    WireExecution,
    WireMargin,
    WireOrder,
    WireStatus,
)
from tradingd.core.broker_events import BrokerEvent, OrderStreamDown, OrderStreamUp
from tradingd.core.broker_model import BrokerModel
from tradingd.core.identifiers import ClientOrderId, Symbol, VenueOrderId
from tradingd.core.instruments import AssetClass, Instrument
from tradingd.core.market import NS_PER_SECOND, PriceBar
from tradingd.core.orders import (
    Order,
    OrderModification,
)
from tradingd.core.venue_view import AccountInfo, VenueOrder, VenueSnapshot
from tradingd.errors import UsageError


class IbBroker:
    """One account at Interactive Brokers; implements `brokers.base.BrokerAdapter`.

    `is_ours` tells our client order ids from others'; `refusal`, asked right before a new order's bytes leave, says why
    they may not; `failure` takes an exception that escaped one of the adapter's own callbacks, which is a fault of this
    program; `on_problem` takes what an operator should know, with `expected` among its details where it is the matter
    of course. `order_id_floor` is an order id below which none is given; `restart` says when TWS restarts itself each
    day. With `check_margin` each order is first asked for as a what-if, and refused where the account's equity would
    not do.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        client_id: int,
        account: str,
        account_kind: str,
        contracts: Mapping[str, ContractSpec],
        base_currency: str,
        sink: BrokerSink,
        clock: Callable[[], int],
        is_ours: Callable[[ClientOrderId], bool],
        refusal: Callable[[ClientOrderId], str | None],
        on_problem: Problem,
        failure: Callable[[BaseException], None],
        rng: random.Random,
        timeout_s: float = 10.0,
        region: Region = Region.AMERICA,
        order_id_floor: int = 0,
        check_margin: bool = False,
        probe_s: float = 15.0,
        id_wait_s: float = 60.0,
        pace: Pace = Pace(),  # noqa: B008 - frozen
        restart: Restart | None = DAILY_RESTART,
        waits: Waits | None = None,
    ) -> None:
        self._contracts = contracts
        self._base_currency = base_currency
        self._sink = sink
        self._clock = clock
        self._on_problem = on_problem
        self._described: dict[Symbol, Described] = {}
        self._symbols = SymbolBook()
        self._ledger = OrderLedger(client_id, is_ours)
        self._executions = Executions()
        self._session = IbSession(
            host=host,
            port=port,
            client_id=client_id,
            account=account,
            account_kind=account_kind,
            clock=clock,
            rng=rng,
            on_record=self._on_record,
            on_up=lambda: sink(OrderStreamUp(ts_recv=clock())),
            on_down=lambda reason: sink(OrderStreamDown(ts_recv=clock(), reason=reason)),
            on_lost=lambda reason: self._commands.on_lost(reason),  # noqa: PLW0108 - made further down
            on_problem=on_problem,
            failure=failure,
            resync=self._resync,
            timeout_s=timeout_s,
            region=region,
            probe_s=probe_s,
            id_wait_s=id_wait_s,
            order_id_floor=order_id_floor,
            pace=pace,
            restart=restart,
            waits=waits,
        )
        self._translator = Translator(
            self._ledger, self._symbols, self._executions, lambda: self._session.account, on_problem
        )
        self._commands = IbCommands(
            session=self._session,
            ledger=self._ledger,
            translator=self._translator,
            described=self._described,
            sink=sink,
            clock=clock,
            refusal=refusal,
            failure=failure,
            timeout_s=timeout_s,
            check_margin=check_margin,
            on_problem=on_problem,
        )
        self._reader = SnapshotReader(
            session=self._session,
            ledger=self._ledger,
            symbols=self._symbols,
            executions=self._executions,
            clock=clock,
            base_currency=base_currency,
        )
        self._history = IbHistory(self._session.ask, clock)
        self._address = f"{host}:{port}"
        self._knows_past = False

    def __repr__(self) -> str:
        return f"IbBroker({self._address}, client {self._session.client_id})"

    # -- life ---------------------------------------------------------------------------------------------------------

    async def connect(self, symbols: Sequence[Symbol]) -> AccountInfo:
        """Connect, check the account, and learn the contracts of `symbols`.

        Raises `VenueUnavailable`, or `UsageError` for an account, a client id or a symbol that no waiting mends.
        """
        await self._session.open()
        try:
            account = await self._reader.account()
            if self._base_currency and account.currency != self._base_currency:
                raise UsageError(
                    f"the account is kept in {account.currency} and broker.base_currency is {self._base_currency}"
                )
            for symbol in symbols:
                if symbol not in self._described:
                    await self._learn(symbol, account.currency)
            # What it says of cash depends on the pairs that were learnt.
            return await self._reader.account() if self._reader.pairs else account
        except UsageError:
            await self._session.close()
            raise

    async def _learn(self, symbol: Symbol, currency: str) -> None:
        spec = read_symbol(symbol, self._contracts)
        described = await describe(symbol, spec, self._session.library, self._session.ask, self._on_problem)
        instrument = described.instrument
        if instrument.currency != currency:
            raise UsageError(
                f"{symbol} is traded in {instrument.currency} and the account is kept in {currency}: "
                "the books hold one currency, so trade it with an account in that one"
            )
        if instrument.asset_class is AssetClass.FX:
            self._reader.pairs[described.contract.symbol] = symbol
        self._described[symbol] = described
        self._symbols.learn(described.con_id, instrument)

    async def _resync(self) -> None:
        """Have TWS tell this client's open orders again, so that each is known by its order id before anything is
        sent; at the first time also what is over, so that no id of a former run is used twice."""
        try:
            await self._reader.own_open_orders()
            if not self._knows_past:
                await self._reader.learn_past()
                self._knows_past = True
        except QuestionRefused as error:
            if is_read_only(error.code, error.text):
                raise UsageError(READ_ONLY_REMEDY) from error
            raise

    async def run(self) -> None:
        """Keep the session up until cancelled; raises `UsageError` for what no waiting mends."""
        await self._session.run()

    async def close(self) -> None:
        """Close the connection; orders on their way are given up and reported unknown."""
        await self._commands.close()
        await self._session.close()
        self._commands.on_lost("the connection was closed before TWS answered")

    # -- commands -----------------------------------------------------------------------------------------------------

    def submit(self, order: Order) -> None:
        """Send a new order."""
        self._commands.submit(order)

    def cancel(self, order: Order, venue_order_id: VenueOrderId) -> None:
        """Ask for a cancel."""
        self._commands.cancel(order, venue_order_id)

    def modify(self, order: Order, venue_order_id: VenueOrderId, details: OrderModification) -> None:
        """Ask for new terms; a quantity is the order's new total."""
        self._commands.modify(order, venue_order_id, details)

    async def what_if(self, order: Order) -> WireMargin:
        """Ask what an order would do to the margin; nothing is placed. Raises `VenueUnavailable`."""
        return await self._commands.what_if(order)

    async def server_time(self) -> int | None:
        """The clock of TWS, in whole seconds of ns UTC; raises `VenueUnavailable`."""
        seconds: list[int] = await self._session.ask(
            CURRENT_TIME, lambda client, _: client.reqCurrentTime(), what="the time"
        )
        return seconds[-1] * NS_PER_SECOND if seconds else None

    # -- what TWS tells -----------------------------------------------------------------------------------------------

    def _on_record(self, record: AnyRecord) -> None:
        if isinstance(record, WireOrder | WireStatus | WireExecution) and record.client_id == self._session.client_id:
            self._session.seen_order_id(record.order_id)
        if isinstance(record, WireOrder | WireStatus | WireExecution | WireCommission | WireError):
            self._deliver(self._translator.translate(record, self._clock()))

    def _deliver(self, events: Sequence[BrokerEvent]) -> None:
        for event in events:
            self._sink(event)

    # -- questions ----------------------------------------------------------------------------------------------------

    async def snapshot(self, since_ns: int) -> VenueSnapshot:
        """Ask for account, orders, fills since `since_ns` and positions; raises `VenueUnavailable`.

        TWS lists executions and finished orders of the present day alone: what is older shows in the positions.
        """
        return await self._reader.read(since_ns)

    async def open_orders(self) -> tuple[VenueOrder, ...]:
        """Ask for the working orders; raises `VenueUnavailable`."""
        return await self._reader.open_orders()

    async def find_order(self, client_order_id: ClientOrderId) -> VenueOrder | None:
        """Ask for one order by our id; None when no list of TWS knows it. Raises `VenueUnavailable`."""
        return await self._reader.find(client_order_id)

    async def fetch_bars(self, symbol: Symbol, interval_ns: int, start_ns: int, end_ns: int) -> Sequence[PriceBar]:
        """Closed bars with open time in `[start_ns, end_ns)`, in order; raises `VenueUnavailable`."""
        described = self._described.get(symbol)
        return () if described is None else await self._history.fetch(described, interval_ns, start_ns, end_ns)

    def adopt(self, venue_order_ids: Mapping[VenueOrderId, ClientOrderId]) -> None:
        """Learn which venue ids belong to orders of ours from a former run."""
        self._ledger.adopt(venue_order_ids)

    @property
    def backlog(self) -> Mapping[str, int]:
        """How many messages of each class of priority wait for their turn."""
        connection = self._session.connection
        return {} if connection is None else connection.pacer.backlog

    @property
    def model(self) -> BrokerModel:
        """What the venue takes."""
        return IB

    @property
    def instruments(self) -> Mapping[Symbol, Instrument]:
        """What TWS said of each symbol at connect."""
        return MappingProxyType({symbol: found.instrument for symbol, found in self._described.items()})

    @property
    def contracts(self) -> Mapping[Symbol, Described]:
        """The same, with the contract and its hours."""
        return MappingProxyType(self._described)
