"""The adapter of a simulated daemon: a link to the venue's truth that loses, delays, repeats and reorders.

Requests and their answers travel one way each; reports come by a stream of their own, in order unless a fault says
otherwise. The link belongs to one process: what was on its way when that died is lost to the next one, but a request
that had left arrives.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec
from tests.simulation.faults import FaultKind
from tests.simulation.venue import MS, Venue
from tradingd.brokers.base import BrokerSink
from tradingd.core.broker_events import BrokerEvent, ForeignOrderEvent, OrderStreamDown, OrderStreamUp
from tradingd.core.broker_model import BrokerModel
from tradingd.core.identifiers import ClientOrderId, Symbol, VenueOrderId
from tradingd.core.instruments import Instrument
from tradingd.core.market import NS_PER_SECOND, PriceBar
from tradingd.core.orders import (
    CancelRefused,
    CancelUnknown,
    Order,
    OrderAccepted,
    OrderModification,
    OrderRejected,
    OrderReplaced,
    OrderUnknown,
    ReplaceRefused,
    ReplaceUnknown,
)
from tradingd.core.venue_view import AccountInfo, VenueOrder, VenueOrderStatus, VenueSnapshot
from tradingd.errors import VenueUnavailable
from tradingd.runtime.simulation import Pause

TIMEOUT_NS = 1_500 * MS
"""How long the adapter waits for an answer."""


class Killed(BaseException):
    """The process dies here; no `except Exception` of it runs."""


class PowerLost(Killed):
    """The machine dies here; of what its disk had not taken yet, the share `size` is left."""

    def __init__(self, where: str, size: float) -> None:
        super().__init__(where)
        self.size = size


class Witness(Protocol):
    """Who sees what leaves, at the instant at which it leaves."""

    def on_submit(self, order: Order) -> None:
        """See a new order."""
        ...

    def on_modify(self, order: Order, details: OrderModification) -> None:
        """See new terms."""
        ...

    def on_question(self, now_ns: int) -> None:
        """See a question to the venue."""
        ...


class Link:
    """The `BrokerAdapter` of one process."""

    def __init__(
        self,
        venue: Venue,
        sink: BrokerSink,
        is_ours: Callable[[ClientOrderId], bool],
        *,
        clock: Callable[[], int],
        witness: Witness,
    ) -> None:
        self.backlog: Mapping[str, int] = {}
        self._venue = venue
        self._truth = venue.truth
        self._armed = venue.armed
        self._agenda = venue.agenda
        self._sink = sink
        self._is_ours = is_ours
        self._clock = clock
        self._witness = witness
        self._adopted: dict[VenueOrderId, ClientOrderId] = {}
        self._alive = True
        self._up = False
        self._session = 0
        self._mute_until_ns = 0
        self._stream_at_ns = 0
        self._slow_acks: dict[ClientOrderId, int] = {}

    # -- life ---------------------------------------------------------------------------------------------------------

    def kill(self) -> None:
        """The process is gone: nothing reaches it any more."""
        self._alive = self._up = False

    def go_up(self) -> None:
        """The stream is authorised and listens."""
        if self._alive and not self._up:
            self._up = True
            self._session += 1
            self._deliver(OrderStreamUp(ts_recv=self._clock()))

    def go_down(self, size: float) -> None:
        """The stream breaks, is noticed to be broken, and comes back."""
        if not (self._alive and self._up):
            return
        self._up = False
        self._session += 1
        noticed = round(size * 1_000) * MS
        self._agenda.after(
            noticed,
            "stream down",
            lambda: self._deliver(OrderStreamDown(ts_recv=self._clock(), reason="connection lost")),
        )
        self._agenda.after(noticed + round((0.5 + size * 12) * NS_PER_SECOND), "stream up", self.go_up)

    def fall_silent(self, size: float) -> None:
        """The stream stays up and says nothing."""
        self._mute_until_ns = self._agenda.clock.monotonic_ns() + round((2 + size * 20) * NS_PER_SECOND)

    def heal(self) -> None:
        """No fault any more."""
        self._mute_until_ns = 0

    async def connect(self, symbols: Sequence[Symbol]) -> AccountInfo:
        """Log in."""
        return await self._truth.connect(symbols)

    async def run(self) -> None:
        """The world brings the stream up and down."""

    async def close(self) -> None:
        """Nothing is held."""

    def adopt(self, venue_order_ids: Mapping[VenueOrderId, ClientOrderId]) -> None:
        """Learn whose orders these are."""
        self._adopted.update(venue_order_ids)

    @property
    def model(self) -> BrokerModel:
        """What the venue takes."""
        return self._truth.model

    @property
    def instruments(self) -> Mapping[Symbol, Instrument]:
        """What the venue says of its symbols."""
        return self._truth.instruments

    # -- commands -----------------------------------------------------------------------------------------------------

    def submit(self, order: Order) -> None:
        """Send a new order; the bytes leave within this call or never."""
        if self._armed.take(FaultKind.KILL_BEFORE_SEND) is not None:
            raise Killed("between journal and send")
        self._witness.on_submit(order)
        name = order.client_order_id
        if self._armed.take(FaultKind.SUBMIT_LOST) is not None:
            self._answer(TIMEOUT_NS, self._unknown(name, "time-out"))
        elif self._armed.take(FaultKind.RATE_LIMITED) is not None:
            self._answer(self._latency(name), lambda: self._rejected(name, "rate", "HTTP 429"))
        elif self._armed.take(FaultKind.SERVER_ERROR) is not None:
            self._answer(self._latency(name), self._unknown(name, "HTTP 503"))
        elif self._armed.take(FaultKind.SERVER_ERROR_TAKEN) is not None:
            self._request(self._latency(name), f"order {name} arrives", lambda: self._truth.submit(order), None)
            self._answer(self._latency(name), self._unknown(name, "HTTP 500"))
        elif self._armed.take(FaultKind.SUBMIT_ANSWER_LOST) is not None:
            self._request(self._latency(name), f"order {name} arrives", lambda: self._truth.submit(order), None)
            self._answer(TIMEOUT_NS, self._unknown(name, "time-out"))
        else:
            delay = self._latency(name)
            if (slow := self._armed.take(FaultKind.SUBMIT_SLOW)) is not None:
                delay = round(slow * 1_300 * MS)
            elif (slow := self._armed.take(FaultKind.SUBMIT_VERY_SLOW)) is not None:
                delay = round((2 + slow * 5) * NS_PER_SECOND)
            if (late := self._armed.take(FaultKind.FILL_BEFORE_ACK)) is not None:
                self._slow_acks[name] = round((0.2 + late * 3) * NS_PER_SECOND)
            self._request(delay, f"order {name} arrives", lambda: self._truth.submit(order), self._on_submitted)
        if self._armed.take(FaultKind.KILL_AFTER_SEND) is not None:
            raise Killed("between send and answer")

    def _on_submitted(self, events: list[BrokerEvent]) -> None:
        for event in events:
            if isinstance(event, OrderAccepted | OrderRejected):
                delay = self._slow_acks.get(event.client_order_id, 0) + self._answer_latency(event.client_order_id)
                self._agenda.after(delay, f"answer to submit {event.client_order_id}", self._delivery(event))

    def cancel(self, order: Order, venue_order_id: VenueOrderId) -> None:
        """Ask for a cancel."""
        name = order.client_order_id

        def arrive() -> None:
            if (share := self._armed.take(FaultKind.CANCEL_RACE)) is not None:
                self._truth.fill_before_cancel(order, share)
            leg = self._truth.leg(venue_order_id)
            if leg is None or leg.status is not VenueOrderStatus.WORKING:
                self._truth.refuse(
                    CancelRefused(client_order_id=name, reason="not cancelable", ts_event=0, ts_recv=self._clock())
                )
            else:
                self._truth.cancel(order, venue_order_id)

        unknown = CancelUnknown(client_order_id=name, reason="time-out", ts_event=0, ts_recv=0)
        if self._armed.take(FaultKind.CANCEL_LOST) is not None:
            self._answer(TIMEOUT_NS, lambda: self._deliver(self._stamped(unknown)))
        elif self._armed.take(FaultKind.CANCEL_RATE_LIMITED) is not None:
            refused = CancelRefused(client_order_id=name, reason="HTTP 429", ts_event=0, ts_recv=0)
            self._answer(self._latency(name), lambda: self._deliver(self._stamped(refused)))
        elif self._armed.take(FaultKind.CANCEL_ANSWER_LOST) is not None:
            self._request(self._latency(name), f"cancel of {name} arrives", arrive, None)
            self._answer(TIMEOUT_NS, lambda: self._deliver(self._stamped(unknown)))
        else:
            slow = self._slowness(FaultKind.CANCEL_SLOW)
            self._request(slow + self._latency(name), f"cancel of {name} arrives", arrive, self._on_canceled)
        if self._armed.take(FaultKind.KILL_AFTER_SEND) is not None:
            raise Killed("between cancel and answer")

    def _on_canceled(self, events: list[BrokerEvent]) -> None:
        for event in events:
            if isinstance(event, CancelRefused):
                name = event.client_order_id
                self._agenda.after(self._answer_latency(name), f"cancel of {name} refused", self._delivery(event))

    def modify(self, order: Order, venue_order_id: VenueOrderId, details: OrderModification) -> None:
        """Ask for new terms."""
        name = order.client_order_id
        self._witness.on_modify(order, details)

        def arrive() -> None:
            leg = self._truth.leg(venue_order_id)
            if leg is None or leg.status is not VenueOrderStatus.WORKING:
                self._truth.refuse(
                    ReplaceRefused(client_order_id=name, reason="not replaceable", ts_event=0, ts_recv=self._clock())
                )
            else:
                self._truth.modify(order, venue_order_id, details)

        unknown = ReplaceUnknown(client_order_id=name, reason="time-out", ts_event=0, ts_recv=0)
        if self._armed.take(FaultKind.REPLACE_LOST) is not None:
            self._answer(TIMEOUT_NS, lambda: self._deliver(self._stamped(unknown)))
        elif self._armed.take(FaultKind.REPLACE_ANSWER_LOST) is not None:
            self._request(self._latency(name), f"replace of {name} arrives", arrive, None)
            self._answer(TIMEOUT_NS, lambda: self._deliver(self._stamped(unknown)))
        else:
            slow = self._slowness(FaultKind.REPLACE_SLOW)
            self._request(slow + self._latency(name), f"replace of {name} arrives", arrive, self._on_modified)

    def _on_modified(self, events: list[BrokerEvent]) -> None:
        for event in events:
            if isinstance(event, ReplaceRefused | OrderReplaced):
                name = event.client_order_id
                self._agenda.after(self._answer_latency(name), f"answer to replace {name}", self._delivery(event))

    # -- the wire -----------------------------------------------------------------------------------------------------

    def _latency(self, key: str) -> int:
        return self._venue.latency_ns(key)

    def _answer_latency(self, key: str) -> int:
        return self._latency(key) + self._slowness(FaultKind.ANSWER_LATE)

    def _slowness(self, kind: FaultKind) -> int:
        size = self._armed.take(kind)
        return 0 if size is None else round((1 + size * 8) * NS_PER_SECOND)

    def _request(
        self,
        delay_ns: int,
        label: str,
        request: Callable[[], None],
        on_answer: Callable[[list[BrokerEvent]], None] | None,
    ) -> None:
        """Let a request arrive, whether or not this process lives to hear the answer."""

        def arrive() -> None:
            events = self._venue.carry_out(request)
            if on_answer is not None and self._alive:
                on_answer(events)

        self._agenda.after(delay_ns, label, arrive)

    def _answer(self, delay_ns: int, answer: Callable[[], None]) -> None:
        self._agenda.after(delay_ns, "answer", answer)

    def _deliver(self, event: BrokerEvent) -> None:
        if self._alive:
            self._sink(event)

    def _delivery(self, event: BrokerEvent) -> Callable[[], None]:
        return lambda: self._deliver(self._stamped(event))

    def _stamped(self, event: BrokerEvent) -> BrokerEvent:
        """Give an event the time of its arrival, as an adapter does."""
        now = self._clock()
        if getattr(event, "ts_event", now) == 0:
            return msgspec.structs.replace(event, ts_recv=now, ts_event=now)
        return msgspec.structs.replace(event, ts_recv=now)

    def _unknown(self, name: ClientOrderId, reason: str) -> Callable[[], None]:
        report = OrderUnknown(client_order_id=name, reason=reason, ts_event=0, ts_recv=0)
        return lambda: self._deliver(self._stamped(report))

    def _rejected(self, name: ClientOrderId, code: str, reason: str) -> None:
        now = self._clock()
        self._deliver(OrderRejected(client_order_id=name, code=code, reason=reason, ts_event=now, ts_recv=now))

    def stream(self, event: BrokerEvent) -> None:
        """Send a report down the stream."""
        report = self._addressed(event)
        label = f"{type(report).__name__} arrives"
        now = self._agenda.clock.monotonic_ns()
        if not self._up or now < self._mute_until_ns or self._armed.take(FaultKind.REPORT_LOST) is not None:
            return
        delay = self._latency("stream")
        if isinstance(event, OrderAccepted):
            delay += self._slow_acks.pop(event.client_order_id, 0)
            in_order = not delay > NS_PER_SECOND // 5
        else:
            in_order = True
        if (late := self._armed.take(FaultKind.REPORT_LATE)) is not None:
            delay, in_order = round((1 + late * 15) * NS_PER_SECOND), False
        elif (late := self._armed.take(FaultKind.REPORT_REORDERED)) is not None:
            delay, in_order = round((0.05 + late) * NS_PER_SECOND), False
        due = now + delay
        if in_order:
            due = self._stream_at_ns = max(due, self._stream_at_ns)
        session = self._session

        def arrive() -> None:
            if self._up and self._session == session:
                self._deliver(self._stamped(report))

        self._agenda.after(due - now, label, arrive)
        again = self._armed.take(FaultKind.REPORT_DUPLICATED)
        if again is not None:
            self._agenda.after(due - now + round(again * 5 * NS_PER_SECOND), f"{label} again", arrive)

    def _addressed(self, event: BrokerEvent) -> BrokerEvent:
        """Give an event of somebody else's order the form that such events have, unless the order was adopted."""
        name = getattr(event, "client_order_id", None)
        venue_order_id = getattr(event, "venue_order_id", None)
        assert name is not None
        assert venue_order_id is not None
        owner = self._adopted.get(venue_order_id)
        if owner is None and isinstance(event, OrderReplaced):
            owner = self._adopted.get(event.replaces)
        if self._is_ours(name) or owner is not None:
            return event
        leg = self._truth.leg(venue_order_id)
        assert leg is not None
        return ForeignOrderEvent(ts_recv=0, order=leg)

    # -- questions ----------------------------------------------------------------------------------------------------

    async def snapshot(self, since_ns: int) -> VenueSnapshot:
        """Read orders, fills, positions and account one after the other, as over HTTP."""
        self._witness.on_question(self._agenda.clock.monotonic_ns())
        requested = self._clock()
        torn = self._armed.take(FaultKind.SNAPSHOT_TORN)
        gap = -1 if torn is None else int(torn * 3)
        if self._armed.take(FaultKind.SNAPSHOT_FAILS) is not None:
            await Pause(self._latency("snapshot") * 10)
            raise VenueUnavailable("HTTP 503")
        if (slow := self._armed.take(FaultKind.SNAPSHOT_SLOW)) is not None:
            await Pause(round(slow * 8 * NS_PER_SECOND))
        await Pause(self._latency("snapshot"))
        orders = self._truth.orders(since_ns)
        await Pause(self._latency("snapshot") if gap != 0 else 3 * NS_PER_SECOND)
        fills = tuple(fill for fill in self._truth.fills if fill.ts_event >= since_ns)
        await Pause(self._latency("snapshot") if gap != 1 else 3 * NS_PER_SECOND)
        positions = self._truth.positions()
        await Pause(self._latency("snapshot") if gap != 2 else 3 * NS_PER_SECOND)
        account = self._truth.account()
        stale = self._armed.take(FaultKind.SNAPSHOT_STALE)
        await Pause(self._latency("snapshot") if stale is None else round((1 + stale * 6) * NS_PER_SECOND))
        return VenueSnapshot(ts_requested=requested, account=account, orders=orders, fills=fills, positions=positions)

    async def open_orders(self) -> tuple[VenueOrder, ...]:
        """Read the working orders."""
        self._witness.on_question(self._agenda.clock.monotonic_ns())
        await Pause(self._latency("open orders"))
        if self._armed.take(FaultKind.SNAPSHOT_FAILS) is not None:
            raise VenueUnavailable("HTTP 503")
        orders = self._truth.working()
        await Pause(self._latency("open orders"))
        return orders

    async def find_order(self, client_order_id: ClientOrderId) -> VenueOrder | None:
        """Read one order by our id."""
        self._witness.on_question(self._agenda.clock.monotonic_ns())
        await Pause(self._latency("lookup"))
        if self._armed.take(FaultKind.LOOKUP_FAILS) is not None:
            raise VenueUnavailable("HTTP 502")
        lags = self._armed.take(FaultKind.LOOKUP_LAGS)
        order = None if lags is not None else self._truth.order(client_order_id)
        await Pause(self._latency("lookup"))
        return order

    async def fetch_bars(self, symbol: Symbol, interval_ns: int, start_ns: int, end_ns: int) -> Sequence[PriceBar]:
        """Give no bars: the strategies of these runs read ticks."""
        return ()
