"""Alpaca as a broker: the commands, and what their answers prove.

Owns: one account's HTTP session and order stream.
Emits: execution reports, the stream's up and down, foreign orders, at the sink.
Never: repeats a command, or reports a fill from an HTTP answer: executions come from the stream and from snapshots.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

import msgspec
from yarl import URL

from tradingd.brokers.alpaca.chains import OrderChains
from tradingd.brokers.alpaca.convert import SymbolBook, is_paper_number, is_working, to_account, to_instrument
from tradingd.brokers.alpaca.model import ALPACA
from tradingd.brokers.alpaca.order_stream import TradeUpdateStream
from tradingd.brokers.alpaca.outcomes import (
    UNPROVEN,
    HttpAnswer,
    Operation,
    Outcome,
    RequestEnd,
    Verdict,
    classify,
    request_name,
    unproven,
)
from tradingd.brokers.alpaca.queries import AlpacaQueries
from tradingd.brokers.alpaca.rest import RestClient
from tradingd.brokers.alpaca.settle import ReplaceSettler
from tradingd.brokers.alpaca.snapshot import SnapshotReader
from tradingd.brokers.alpaca.translate import Problem, Translator
from tradingd.brokers.alpaca.wire import UNREADABLE, TradeUpdate, WireOrder, encode_new_order, encode_replacement
from tradingd.brokers.base import BrokerSink
from tradingd.core.broker_events import BrokerEvent, OrderStreamDown, OrderStreamUp
from tradingd.core.broker_model import BrokerModel
from tradingd.core.identifiers import ClientOrderId, Symbol, VenueOrderId
from tradingd.core.instruments import Instrument
from tradingd.core.market import PriceBar
from tradingd.core.orders import (
    CancelRefused,
    CancelUnknown,
    Order,
    OrderModification,
    OrderRejected,
    OrderUnknown,
    ReplaceUnknown,
)
from tradingd.core.venue_view import AccountInfo, VenueOrder, VenueSnapshot
from tradingd.errors import UsageError, VenueUnavailable

_WARM_INTERVAL_S = 25.0
_orders = msgspec.json.Decoder(WireOrder)


class AlpacaBroker:
    """One Alpaca account; implements `brokers.base.BrokerAdapter`.

    `is_ours` tells our client order ids from others'; `refusal`, asked right before a new order's bytes leave, says why
    they may not; `failure` takes an exception that escaped one of the adapter's own tasks, which is a fault of this
    program; `on_problem` takes what an operator should know; `on_coin_fill` is called when an order in crypto has
    filled, of which the venue keeps a fee in coin that no message tells: positions are to be compared.
    """

    def __init__(
        self,
        *,
        base_url: str,
        stream_url: str,
        data_url: str,
        api_key: str,
        api_secret: str,
        account_kind: str,
        sink: BrokerSink,
        clock: Callable[[], int],
        is_ours: Callable[[ClientOrderId], bool],
        refusal: Callable[[ClientOrderId], str | None],
        on_problem: Problem,
        failure: Callable[[BaseException], None],
        rng: random.Random,
        timeout_s: float = 10.0,
        bar_feed: str = "iex",
        bar_adjustment: str = "split",
        requests_per_minute: int = 0,
        model: BrokerModel = ALPACA,
        on_coin_fill: Callable[[], None] = lambda: None,
    ) -> None:
        self._sink = sink
        self._clock = clock
        self._refusal = refusal
        self._on_problem = on_problem
        self._on_coin_fill = on_coin_fill
        self._account_kind = account_kind
        self._model = model
        self._timeout_s = timeout_s
        base = URL(base_url.rstrip("/"))
        self._orders_url = base / "v2/orders"
        self._order_prefix = f"{self._orders_url}/"
        self._clock_url = base / "v2/clock"
        self._rest = RestClient(
            base,
            api_key=api_key,
            api_secret=api_secret,
            timeout_s=timeout_s,
            clock=clock,
            rng=rng,
            failure=failure,
            requests_per_minute=requests_per_minute,
        )
        self._queries = AlpacaQueries(
            self._rest, base, data_url, bar_feed=bar_feed, bar_adjustment=bar_adjustment, clock=clock
        )
        self._symbols = SymbolBook()
        self._chains = OrderChains(is_ours)
        self._translator = Translator(self._chains, self._symbols, on_problem)
        self._reader = SnapshotReader(self._queries, self._chains, self._symbols, account_kind, on_problem)
        self._settler = ReplaceSettler(
            queries=self._queries,
            chains=self._chains,
            translator=self._translator,
            deliver=self._deliver,
            clock=clock,
            on_problem=on_problem,
            rng=rng,
            grace_s=timeout_s,
        )
        self.updates_received = 0
        """Events of the order stream read so far."""
        self._instruments: dict[Symbol, Instrument] = {}
        self._submitting: set[ClientOrderId] = set()
        self._stream = TradeUpdateStream(
            url=stream_url,
            api_key=api_key,
            api_secret=api_secret,
            on_update=self._on_update,
            on_up=lambda: sink(OrderStreamUp(ts_recv=clock())),
            on_down=lambda reason: sink(OrderStreamDown(ts_recv=clock(), reason=reason)),
            on_problem=on_problem,
            rng=rng,
            timeout_s=timeout_s,
        )

    def __repr__(self) -> str:
        return f"AlpacaBroker({self._orders_url.host}, {self._account_kind})"

    # -- life ---------------------------------------------------------------------------------------------------------

    async def connect(self, symbols: Sequence[Symbol]) -> AccountInfo:
        """Log in and learn the instruments; leaves a connection open and warm behind it.

        Raises `CredentialsRefused`, `VenueUnavailable`, or `UsageError` for a symbol that the venue does not know.
        """
        self._rest.open()
        account = await self._queries.account()
        blocked = account.trading_blocked or account.account_blocked or account.trade_suspended_by_user
        if blocked or account.status not in ("ACTIVE", ""):
            details = {"status": account.status, "blocked": blocked}
            self._on_problem("broker.account_blocked", "the venue does not let this account trade", details)
        if account.account_number and is_paper_number(account.account_number) != (self._account_kind == "paper"):
            details = {"account_number": account.account_number, "declared": self._account_kind}
            self._on_problem("broker.account_kind", f"the account is no {self._account_kind} account", details)
        for symbol in symbols:
            asset = await self._queries.asset(symbol)
            if asset is None:
                raise UsageError(f"Alpaca knows no asset {symbol}")
            if asset.symbol != symbol:
                raise UsageError(f"Alpaca spells the symbol {symbol} as {asset.symbol}")
            self._symbols.learn(asset)
            self._instruments[symbol] = to_instrument(asset)
            if not self._instruments[symbol].tradable:
                # Delisted, renamed or suspended: its orders are refused here, and what is held may have to be moved.
                details = {"symbol": symbol, "status": asset.status, "tradable": asset.tradable}
                self._on_problem("broker.asset_not_tradable", f"the venue does not trade {symbol}", details)
        return to_account(account, self._account_kind)

    async def run(self) -> None:
        """Keep the order stream up until cancelled; raises `CredentialsRefused` only."""
        warmer = self._rest.spawn(self._keep_warm(), "alpaca keep-warm")
        try:
            await self._stream.run()
        finally:
            warmer.cancel()

    async def close(self) -> None:
        """Close connections; orders on their way are given up and reported unknown."""
        await self._rest.close()
        for client_order_id in sorted(self._submitting):
            self._unknown(client_order_id, "the connection was closed before the venue answered")
        self._submitting.clear()

    async def _keep_warm(self) -> None:
        while True:
            await asyncio.sleep(_WARM_INTERVAL_S)
            await self._rest.touch(self._clock_url)

    # -- commands -----------------------------------------------------------------------------------------------------

    def submit(self, order: Order) -> None:
        """Send a new order."""
        client_order_id = order.client_order_id
        self._submitting.add(client_order_id)
        on_end = partial(self._on_submit_end, client_order_id)
        body, gate = encode_new_order(order), partial(self._refusal, client_order_id)
        self._rest.send("POST", self._orders_url, body, on_end, gate=gate)

    def cancel(self, order: Order, venue_order_id: VenueOrderId) -> None:
        """Ask for a cancel."""
        on_end = partial(self._on_cancel_end, order.client_order_id)
        self._rest.send("DELETE", self._order_url(venue_order_id), None, on_end)

    def modify(self, order: Order, venue_order_id: VenueOrderId, details: OrderModification) -> None:
        """Ask for new terms; a quantity is the order's new total."""
        self._chains.begin_replace(venue_order_id, order.client_order_id)
        on_end = partial(self._on_modify_end, order.client_order_id, venue_order_id)
        body = encode_replacement(details)
        self._rest.send("PATCH", self._order_url(venue_order_id), body, on_end)

    def _order_url(self, venue_order_id: VenueOrderId) -> URL:
        return URL(self._order_prefix + venue_order_id)

    # -- what became of them ------------------------------------------------------------------------------------------

    def _on_submit_end(self, client_order_id: ClientOrderId, end: RequestEnd) -> None:
        outcome, order = _read_order(Operation.SUBMIT, end)
        if order is not None and order.client_order_id != client_order_id:
            outcome = unproven("the venue's answer names another order")
        self._keep_unreadable(outcome, end)
        if outcome.verdict is Verdict.DUPLICATE:
            self._rest.spawn(self._find_duplicate(client_order_id), f"look up {client_order_id}")
            return
        self._submitting.discard(client_order_id)
        match outcome.verdict:
            case Verdict.DONE:
                assert order is not None
                self._acknowledge(client_order_id, order)
            case Verdict.DEFINITE:
                now = self._clock()
                self._sink(
                    OrderRejected(
                        client_order_id=client_order_id,
                        code=outcome.code,
                        reason=outcome.reason,
                        ts_event=now,
                        ts_recv=now,
                    )
                )
            case _:
                self._unknown(client_order_id, outcome.reason)

    def _acknowledge(self, client_order_id: ClientOrderId, order: WireOrder) -> None:
        self._chains.owner(order)
        # Of an order that is done already the stream tells the whole story; an acknowledgement would add nothing.
        if is_working(order.status):
            self._sink(self._translator.accepted(client_order_id, order, self._clock()))

    async def _find_duplicate(self, client_order_id: ClientOrderId) -> None:
        """The id was used before, so an earlier send arrived: ask what became of it."""
        try:
            order = await self._queries.order_by_client_id(client_order_id)
        except VenueUnavailable as error:
            self._submitting.discard(client_order_id)
            self._unknown(client_order_id, f"the id is taken, and the order cannot be had: {error}")
            return
        self._submitting.discard(client_order_id)
        if order is None or not is_working(order.status):
            status = "not found" if order is None else order.status
            self._unknown(client_order_id, f"the id is taken, and the order is {status}")
            return
        self._acknowledge(client_order_id, order)

    def _on_cancel_end(self, client_order_id: ClientOrderId, end: RequestEnd) -> None:
        outcome = classify(Operation.CANCEL, end)
        if outcome.verdict is Verdict.DONE:
            return  # asked for, not done: the stream says when the order is gone
        reason, now = outcome.reason, self._clock()
        if outcome.verdict is Verdict.AMBIGUOUS:
            self._sink(CancelUnknown(client_order_id=client_order_id, reason=reason, ts_event=now, ts_recv=now))
        else:
            self._sink(CancelRefused(client_order_id=client_order_id, reason=reason, ts_event=now, ts_recv=now))

    def _on_modify_end(self, client_order_id: ClientOrderId, old: VenueOrderId, end: RequestEnd) -> None:
        outcome, new = _read_order(Operation.REPLACE, end)
        self._keep_unreadable(outcome, end)
        now = self._clock()
        if outcome.verdict is Verdict.DEFINITE:
            self._deliver(self._translator.refuse_replace(client_order_id, old, outcome.reason, now, now))
            return
        if new is not None:
            self._deliver(self._translator.patched(client_order_id, old, new, now))
        else:
            reason = outcome.reason
            self._sink(ReplaceUnknown(client_order_id=client_order_id, reason=reason, ts_event=now, ts_recv=now))
        if not self._chains.is_settled(old):
            self._rest.spawn(self._settler.settle(client_order_id, old), f"settle {old}")

    def _keep_unreadable(self, outcome: Outcome, end: RequestEnd) -> None:
        if outcome.code == UNPROVEN and isinstance(end, HttpAnswer):
            details: dict[str, object] = {"raw": end.body.decode(errors="replace")}
            self._on_problem("broker.answer_unreadable", outcome.reason, details)

    def _unknown(self, client_order_id: ClientOrderId, reason: str) -> None:
        now = self._clock()
        self._sink(OrderUnknown(client_order_id=client_order_id, reason=reason, ts_event=now, ts_recv=now))

    # -- the stream ---------------------------------------------------------------------------------------------------

    def _on_update(self, update: TradeUpdate) -> None:
        self.updates_received += 1
        self._deliver(self._translator.translate(update, self._clock()))
        if update.event == "fill" and update.order.asset_class == "crypto":
            self._on_coin_fill()

    def _deliver(self, events: Sequence[BrokerEvent]) -> None:
        for event in events:
            self._sink(event)

    # -- questions ----------------------------------------------------------------------------------------------------

    async def server_time(self) -> int | None:
        """The venue's clock, ns UTC; None when it does not tell. Raises `VenueUnavailable`."""
        return await self._queries.server_time()

    async def snapshot(self, since_ns: int) -> VenueSnapshot:
        """Ask for account, orders, fills since `since_ns` and positions; raises `VenueUnavailable`."""
        return await self._reader.read(since_ns, self._clock())

    async def open_orders(self) -> tuple[VenueOrder, ...]:
        """Ask for the working orders; raises `VenueUnavailable`."""
        return await self._reader.open_orders()

    async def find_order(self, client_order_id: ClientOrderId) -> VenueOrder | None:
        """Ask for one order by our id; None is the venue's own "not found". Raises `VenueUnavailable`."""
        return await self._reader.find(client_order_id)

    async def fetch_bars(self, symbol: Symbol, interval_ns: int, start_ns: int, end_ns: int) -> Sequence[PriceBar]:
        """Closed bars with open time in `[start_ns, end_ns)`, in order; raises `VenueUnavailable`."""
        return await self._queries.bars(symbol, interval_ns, start_ns, end_ns)

    def adopt(self, venue_order_ids: Mapping[VenueOrderId, ClientOrderId]) -> None:
        """Learn which venue ids belong to orders of ours from a former run."""
        self._chains.adopt(venue_order_ids)

    @property
    def backlog(self) -> Mapping[str, int]:
        """How many requests of each class wait for the venue's limit."""
        return self._rest.backlog(self._orders_url)

    @property
    def model(self) -> BrokerModel:
        """What the venue takes."""
        return self._model

    @property
    def instruments(self) -> Mapping[Symbol, Instrument]:
        """What the venue said of each symbol at connect."""
        return MappingProxyType(self._instruments)


def _read_order(operation: Operation, end: RequestEnd) -> tuple[Outcome, WireOrder | None]:
    """Judge an answer that should carry an order; a 2xx that does not proves nothing."""
    outcome = classify(operation, end)
    if outcome.verdict is not Verdict.DONE:
        return outcome, None
    assert isinstance(end, HttpAnswer)
    try:
        order = _orders.decode(end.body)
    except UNREADABLE as error:
        return unproven(f"HTTP {end.status} without a readable order{request_name(end)}: {error}"), None
    if not order.id:
        return unproven(f"HTTP {end.status} without an order id{request_name(end)}"), None
    return outcome, order
