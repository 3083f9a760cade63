"""Market data of Interactive Brokers, over a connection of its own: a flood of ticks never waits before an order's
answer.

Owns: one connection under its own client id, the requests of each symbol, and their coming back. Emits: quotes, trades
or bars, and a status at each change. Never: passes delayed data on unless that was allowed, or takes a mute line for a
quiet market.
"""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tradingd.brokers.ib.codes import Reaction, meaning
from tradingd.brokers.ib.connection import UNDECODABLE, IbConnection, Problem
from tradingd.brokers.ib.history import HistoryPace, IbHistory
from tradingd.brokers.ib.inbox import CURRENT_TIME, AnyRecord
from tradingd.brokers.ib.instruments import ContractSpec, Described, describe, read_symbol
from tradingd.brokers.ib.library import Library, load_library
from tradingd.brokers.ib.lines import FeedMode, Line
from tradingd.brokers.ib.questions import Key
from tradingd.brokers.ib.ticks import WireBar, WireDataType, WirePrint, WireQuote, WireStamp, WireTick
from tradingd.brokers.ib.wire import WireError
from tradingd.brokers.pacing import Priority
from tradingd.core.identifiers import Symbol
from tradingd.core.market import DataDefect, PriceBar
from tradingd.errors import VenueUnavailable
from tradingd.feeds.base import FeedState, FeedStatus, MarketDataSink
from tradingd.runtime.backoff import Backoff

_DELAYED_KINDS = (3, 4)
_LIVE, _DELAYED = 1, 3


class IbFeed:
    """Market data of some symbols; `expects_data` says whether silence is strange now.

    With `offers_history` False it knows no bars of the past: where the broker is at Interactive Brokers too, that one
    does, and to ask twice would be too often for them.
    """

    realtime = True

    def __init__(
        self,
        *,
        host: str,
        port: int,
        client_id: int,
        symbols: Sequence[Symbol],
        contracts: Mapping[str, ContractSpec],
        mode: FeedMode = FeedMode.TICKS,
        allow_delayed: bool = False,
        offers_history: bool = True,
        on_problem: Problem = lambda _event, _message, _details: None,
        expects_data: Callable[[], bool] = lambda: False,
        mute_after_s: float = 60.0,
        ask_again_s: float = 30.0,
        timeout_s: float = 10.0,
        probe_s: float = 15.0,
        clock: Callable[[], int] = time.time_ns,
        rng: random.Random | None = None,
        backoff: Backoff | None = None,
        history_pace: HistoryPace | None = None,
    ) -> None:
        self.name = f"ib:{mode.value}"
        self.symbols = tuple(symbols)
        self._host, self._port, self._client_id = host, port, client_id
        self._contracts = contracts
        self._mode = mode
        self._allow_delayed = allow_delayed
        self._offers_history = offers_history
        self._on_problem = on_problem
        self._expects_data = expects_data
        self._mute_after_s = mute_after_s
        self._ask_again_s = ask_again_s
        self._timeout_s = timeout_s
        self._probe_s = probe_s
        self._clock = clock
        self._backoff = Backoff(0.5, 5.0, rng) if backoff is None else backoff
        self._history = IbHistory(self._ask, clock, pace=history_pace)
        self._described: dict[Symbol, Described] = {}
        self._lines: dict[Symbol, Line] = {}
        self._by_request: dict[int, Line] = {}
        self._connection: IbConnection | None = None
        self._library: Library | None = None
        self._touched: dict[Symbol, Line] = {}
        self._opening = asyncio.Lock()
        self._lost = asyncio.Event()
        self._reason = ""
        self._raised: BaseException | None = None
        self._sink: MarketDataSink | None = None
        self._last_data_s = 0.0
        self._was_stale = False
        self._is_up = False

    # -- life ---------------------------------------------------------------------------------------------------------

    async def run(self, sink: MarketDataSink) -> None:
        """Deliver until cancelled; raises `UsageError` for a symbol that no contract fits."""
        self._sink = sink
        try:
            while True:
                self._is_up = False
                self._status(FeedState.CONNECTING, f"connecting to {self._host}:{self._port}")
                try:
                    connection = await self._connected()
                    for symbol in self.symbols:
                        await self._learn(symbol)
                    self._subscribe(connection)
                    await self._heard(connection)
                    self._up()
                    await self._watch(connection)
                    if self._raised is not None:
                        raise self._raised
                except VenueUnavailable as error:
                    self._reason = str(error)
                delay = self._backoff.next_delay()
                self._status(FeedState.DOWN, f"{self._reason}; next attempt in {delay:.1f} s")
                await asyncio.sleep(delay)
        finally:
            await self.close()

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def fetch_bars(self, symbol: Symbol, interval_ns: int, start_ns: int, end_ns: int) -> Sequence[PriceBar]:
        """Closed bars with open time in `[start_ns, end_ns)`, in order; raises `VenueUnavailable`."""
        if not self._offers_history or symbol not in self.symbols:
            return ()
        await self._connected()
        return await self._history.fetch(await self._learn(symbol), interval_ns, start_ns, end_ns)

    async def _connected(self) -> IbConnection:
        async with self._opening:
            if self._connection is not None and self._connection.is_up:
                return self._connection
            self._lost.clear()
            self._raised = None
            library = load_library()
            connection = IbConnection(
                library,
                listener=self._take,
                on_lost=self._on_lost,
                on_problem=self._report,
                failure=self._on_raised,
                after_packet=self._settle,
            )
            await connection.open(self._host, self._port, self._client_id, self._timeout_s)
            self._connection, self._library = connection, library
            return connection

    async def _learn(self, symbol: Symbol) -> Described:
        found = self._described.get(symbol)
        if found is None:
            assert self._library is not None, "contracts are asked for over a connection"
            spec = read_symbol(symbol, self._contracts)
            found = await describe(symbol, spec, self._library, self._ask, self._on_problem)
            self._described[symbol] = found
        return found

    async def _ask(
        self, key: Key | None, send: Callable[[Any, int], None], *, what: str, priority: Priority = Priority.QUERY
    ) -> list[Any]:
        connection = self._connection
        if connection is None:
            raise VenueUnavailable(f"{what}: there is no connection to TWS")
        number = connection.inbox.questions.next_number()
        return await connection.ask(
            number if key is None else key,
            lambda: send(connection.client, number),
            what=what,
            timeout_s=self._timeout_s,
            priority=priority,
        )

    def _report(self, event: str, message: str, details: dict[str, Any]) -> None:
        """Pass a problem on; data that cannot be read is counted with what else is turned away."""
        if event == UNDECODABLE and self._sink is not None:
            self._sink.reject(Symbol(""), DataDefect.MALFORMED, 0, message)
        self._on_problem(event, message, details)

    def _on_lost(self, reason: str) -> None:
        self._reason = reason
        self._connection = None
        self._lost.set()

    def _on_raised(self, error: BaseException) -> None:
        """What the sink raised is a fault of this program: `run` raises it."""
        self._raised = error
        self._lost.set()

    async def _watch(self, connection: IbConnection) -> None:
        """Look after the lines until the connection is lost."""
        loop = asyncio.get_running_loop()
        beat_s = min(self._probe_s, self._mute_after_s, self._ask_again_s, 1.0)
        probed = asked = self._last_data_s = loop.time()
        while not self._lost.is_set():
            try:
                async with asyncio.timeout(beat_s):
                    await self._lost.wait()
                    return
            except TimeoutError:
                pass
            now = loop.time()
            self._close_minutes()
            if now - probed >= self._probe_s:
                probed = now
                await self._probe(connection)
            if now - asked >= self._ask_again_s:
                asked = now
                for line in self._lines.values():
                    if line.is_stopped and self._may_ask_again(line):
                        self._renew(line)
            if not self._expects_data():
                self._last_data_s = now
            elif now - self._last_data_s >= self._mute_after_s:
                self._last_data_s = now
                self._status(FeedState.UP, f"no data for {self._mute_after_s:g} s: everything is asked for anew")
                self._renew_all()

    def _may_ask_again(self, line: Line) -> bool:
        return self._allow_delayed or not line.is_delayed

    async def _probe(self, connection: IbConnection) -> None:
        reads = connection.inbox.reads
        try:
            await self._ask(CURRENT_TIME, lambda client, _: client.reqCurrentTime(), what="a probe")
        except VenueUnavailable:
            if connection.is_up and connection.inbox.reads == reads:
                connection.drop(f"TWS has not answered for {self._timeout_s:g} s")

    # -- requests -----------------------------------------------------------------------------------------------------

    def _subscribe(self, connection: IbConnection) -> None:
        self._by_request.clear()
        for symbol, found in self._described.items():
            # A line is kept over connections: it knows what was told already.
            line = self._lines.setdefault(symbol, Line(found, self._mode))
            line.is_delayed = False
        kind = _DELAYED if self._allow_delayed else _LIVE
        connection.send(lambda client: client.reqMarketDataType(kind))
        for line in self._lines.values():
            self._request(connection, line)

    def _request(self, connection: IbConnection, line: Line) -> None:
        def put(client: Any) -> None:
            line.ask(client, connection.inbox.questions.next_number)
            self._by_request.update((number, line) for number in line.requests)

        # Each line counts as one message, and the second of a pair takes a turn of its own.
        for _ in range(line.messages - 1):
            connection.send(lambda _client: None)
        connection.send(put)

    async def _heard(self, connection: IbConnection) -> None:
        """Wait until TWS has read the requests: it does not acknowledge them, and reads in order."""
        await connection.pacer.turn(Priority.QUERY)
        await self._ask(CURRENT_TIME, lambda client, _: client.reqCurrentTime(), what="the requests for data")

    def _up(self) -> None:
        if not self._is_up and self._state() is FeedState.UP:
            self._is_up = True
            self._status(FeedState.UP, f"{len(self._lines)} symbols asked for")

    def _renew(self, line: Line) -> None:
        connection = self._connection
        if connection is None:
            return
        for number in line.requests:
            self._by_request.pop(number, None)
        connection.send(line.cancel)
        self._request(connection, line)

    def _renew_all(self) -> None:
        for line in self._lines.values():
            self._renew(line)

    # -- what TWS tells -----------------------------------------------------------------------------------------------

    def _take(self, record: AnyRecord) -> None:
        match record:
            case WireError():
                self._react(record)
            case WireDataType(req_id=number, kind=kind):
                line = self._by_request.get(number)
                if line is not None and kind in _DELAYED_KINDS:
                    self._on_delayed(line)
            case WireTick() | WireStamp() | WirePrint() | WireQuote() | WireBar():
                line = self._by_request.get(record.req_id)
                if line is None or (line.is_delayed and not self._allow_delayed):
                    return
                now_ns = self._clock()
                self._last_data_s = asyncio.get_running_loop().time()
                self._backoff.reset()
                assert self._sink is not None
                self._up()
                self._touched[line.symbol] = line
                for event in line.take(record, now_ns):
                    self._sink.ingest(event)
            case _:
                pass

    def _settle(self) -> None:
        """A packet is over: quotes that it changed are whole now."""
        if not self._touched:
            return
        now_ns = self._clock()
        touched, self._touched = self._touched, {}
        for line in touched.values():
            quote = line.settle(now_ns)
            if quote is not None and self._sink is not None:
                self._sink.ingest(quote)

    def _close_minutes(self) -> None:
        now_ns = self._clock()
        for line in self._lines.values():
            for bar in line.close_minutes(now_ns):
                assert self._sink is not None
                self._sink.ingest(bar)

    def _react(self, said: WireError) -> None:
        line = self._by_request.get(said.req_id)
        reaction = meaning(said.code).reaction
        match reaction:
            case Reaction.NO_LIVE_DATA if line is not None:
                if said.code == 10167:
                    self._on_delayed(line)
                else:
                    self._stop(line, said)
            case Reaction.RENEW_DATA if line is not None:
                self._renew(line)
            case Reaction.LINK_BACK_DATA_LOST:
                self._renew_all()
            case Reaction.DATA_STALE:
                self._was_stale = True
                self._status(FeedState.UP, f"a data farm is disconnected: {said.text}")
            case Reaction.DATA_FLOWS if self._was_stale:
                # Bars have been seen to stay silent for hours after this.
                self._was_stale = False
                self._renew_all()
            case Reaction.LINK_LOST:
                self._was_stale = True
                self._status(FeedState.UP, f"TWS has lost its link to Interactive Brokers ({said.code})")
            case Reaction.LINK_BACK if self._was_stale:
                self._was_stale = False
                self._renew_all()
            case Reaction.TELL if line is not None:
                self._stop(line, said)
            case _:
                pass

    def _on_delayed(self, line: Line) -> None:
        if line.is_delayed:
            return
        line.is_delayed = True
        detail = "only delayed data is to be had"
        if not self._allow_delayed:
            line.is_stopped = True
            self._is_up = self._is_up and self._state() is FeedState.UP
            detail += ", which is not passed on: subscribe to live data, or set allow_delayed"
        self._on_problem("feed.delayed", f"{line.symbol}: {detail}", {"symbol": line.symbol})
        self._status(self._state(), detail, (line.symbol,))

    def _stop(self, line: Line, said: WireError) -> None:
        if line.is_stopped:
            return
        line.is_stopped = True
        self._is_up = self._is_up and self._state() is FeedState.UP  # said again once data comes
        message = f"TWS gives no data: {said.code}: {said.text}"
        self._on_problem("feed.refused", f"{line.symbol}: {message}", {"symbol": line.symbol, "code": said.code})
        self._status(self._state(), message, (line.symbol,))

    def _state(self) -> FeedState:
        """Down when no symbol has data any more."""
        return FeedState.DOWN if all(line.is_stopped for line in self._lines.values()) else FeedState.UP

    def _status(self, state: FeedState, detail: str, symbols: tuple[Symbol, ...] | None = None) -> None:
        if self._sink is not None:
            self._sink.feed_status(
                FeedStatus(
                    feed=self.name, state=state, detail=detail, symbols=self.symbols if symbols is None else symbols
                )
            )
