"""What the tests of single faults are told with: plans written by hand, looks at a run under way, reports by hand."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import msgspec
from tests.modules.desk import Desk, DeskBroker
from tests.simulation.faults import Fault, FaultKind
from tests.simulation.plans import NOON, Event, Market, Plan, Verb, Wish
from tests.simulation.world import Outcome, World
from tradingd.core.books import Books
from tradingd.core.entries import JournalEntry
from tradingd.core.identifiers import ClientOrderId, ExecutionId, StrategyId, Symbol, TraceId, VenueOrderId
from tradingd.core.market import NS_PER_SECOND, QuoteTick
from tradingd.core.order_state import OrderState
from tradingd.core.orders import Order, OrderDenied, OrderFilled, OrderTerms, SignalAction
from tradingd.core.signals import TradingSignal
from tradingd.core.venue_view import AccountInfo, VenueOrderStatus, VenuePosition, VenueSnapshot
from tradingd.journal.segments import read_records
from tradingd.runtime.clock import SimulatedClock

ABC = Symbol("ABC")
D = Decimal
E = TypeVar("E")


def at(seconds: float) -> int:
    """Seconds of a plan in nanoseconds."""
    return round(seconds * NS_PER_SECOND)


def quote(seconds: float, bid: float, size: float = 100) -> Market:
    """A quote of the first symbol, ten cents wide."""
    return Market(at_ns=at(seconds), symbol=ABC, bid=bid, ask=bid + 0.1, bid_size=size, ask_size=size)


def fault(seconds: float, kind: FaultKind, size: float = 0.5) -> Fault:
    """One fault."""
    return Fault(at_ns=at(seconds), kind=kind, size=size)


def faults(count: int, seconds: float, kind: FaultKind, size: float = 0.5) -> list[Event]:
    """The same fault for the next `count` things that it applies to."""
    return [fault(seconds, kind, size) for _ in range(count)]


def wish(seconds: float, verb: Verb, quantity: int, cents: int = 0, strategy: str = "one") -> Wish:
    """What a strategy, or an operator, wants."""
    return Wish(
        at_ns=at(seconds), strategy_id=StrategyId(strategy), verb=verb, symbol=ABC, quantity=quantity, cents=cents
    )


def plan_of(*events: Event, seconds: float = 45) -> Plan:
    """A plan of these events, in the order of their times."""
    return Plan(
        seed=1,
        start_ns=NOON,
        duration_ns=at(seconds),
        tight=False,
        halts_on_external=False,
        haste=0,
        max_behind_s=0.02,
        events=tuple(sorted(events, key=lambda event: event.at_ns)),
    )


class Story:
    """A plan by hand, run in the simulated world under its judge."""

    def __init__(self, folder: Path, *events: Event, seconds: float = 45) -> None:
        self.journal = folder / "journal"
        self.journal.mkdir()
        self.world = World(plan_of(*events, seconds=seconds), self.journal)
        self._looks = self._looked = 0

    def look(self, seconds: float, see: Callable[["Story"], None]) -> None:
        """Have something looked at while the story runs; what it raises ends the run."""
        self._looks += 1

        def now() -> None:
            see(self)
            self._looked += 1

        self.world.agenda.after(at(seconds), "look", now)

    def tell(self) -> Outcome:
        """Run it; every invariant must hold and every look be taken."""
        outcome = self.world.run()
        assert outcome.invariant is None, "\n".join((outcome.message, *outcome.trace))
        assert self._looked == self._looks
        return outcome

    @property
    def books(self) -> Books:
        """The books of the process that runs, or ran last."""
        assert self.world.daemon is not None
        return self.world.daemon.books

    def order(self, number: int = -1) -> OrderState:
        """The n-th order of the books, the latest unless told."""
        return list(self.books.orders)[number]

    def sent(self) -> list[Order]:
        """Every order of ours that arrived at the venue, first legs alone."""
        truth = self.world.venue.truth
        ours = [leg for leg in truth.orders() if leg.replaces is None and not leg.client_order_id.startswith("strang")]
        return [truth._orders[leg.venue_order_id].order for leg in ours]

    def entries(self, kind: type[E]) -> list[E]:
        """The journal's entries of one kind, in order."""
        return entries(self.journal, kind)


def entries(journal: Path, kind: type[E]) -> list[E]:
    """A journal's entries of one kind, in order."""
    return [entry for entry in everything(journal) if isinstance(entry, kind)]


def everything(journal: Path) -> list[JournalEntry]:
    """Every entry of a journal, in order."""
    return [record.entry for record in read_records(journal, whole=True)]


def codes(desk: Desk, strategy: str = "one") -> list[str]:
    """The first reason of every refusal that a strategy has heard of."""
    heard = [what for _, what in desk.strategy(StrategyId(strategy)).heard]
    return [denial.breaches[0].code.value for denial in heard if isinstance(denial, OrderDenied)]


def execution(
    state: OrderState, quantity: str, name: str, *, price: str = "99", leg: str = "SIM-1", fee: str = "0"
) -> OrderFilled:
    """An execution of an order, told by hand."""
    return OrderFilled(
        client_order_id=state.client_order_id,
        venue_order_id=VenueOrderId(leg),
        execution_id=ExecutionId(name),
        quantity=D(quantity),
        price=D(price),
        fee=D(fee),
        ts_event=state.order.ts_created + 1,
        ts_recv=state.order.ts_created + 1,
    )


def tick(desk: Desk, bid: float, ask: float, size: float = 1000) -> QuoteTick:
    """A quote of the first symbol at a desk's time."""
    now = desk.clock.now_ns()
    return QuoteTick(symbol=ABC, bid=bid, ask=ask, bid_size=size, ask_size=size, ts_event=now, ts_recv=now)


def thin_quote(desk: Desk, bid: float, ask: float, size: float) -> None:
    """Let the market of a desk be this thin for one quote."""
    desk.modules.data.ingest(tick(desk, bid, ask, size))
    desk.pump()


def signal_to_buy(symbol: Symbol) -> TradingSignal:
    """What the first strategy would ask for if it were called."""
    return TradingSignal(
        strategy_id=StrategyId("one"),
        symbol=symbol,
        action=SignalAction.BUY,
        quantity=D(1),
        terms=OrderTerms(),
        trace_id=TraceId("again"),
        ts_event=NOON,
    )


def changed(account: AccountInfo, **changes: str) -> AccountInfo:
    """An account with other names."""
    return msgspec.structs.replace(account, **changes)


class OddBroker(DeskBroker):
    """A broker of a desk that also takes no notice of cancels, or works two orders for one intent."""

    def __init__(self, folder: Path, at_ns: int) -> None:
        clock = SimulatedClock(at_ns)
        super().__init__(clock.now_ns, Decimal(100_000), folder / "journal")
        self.stalls = False
        """Whether a cancel is taken, and nothing comes of it."""
        self.asked_since: list[int] = []
        """From when on each snapshot was asked for."""
        self.invents = False
        """Whether each snapshot shows another position that nobody has."""

    def cancel(self, order: Order, venue_order_id: VenueOrderId) -> None:
        self.cancels.append(order.client_order_id)
        life = self._orders[venue_order_id]
        if not self.stalls and life.status is VenueOrderStatus.WORKING:
            self._cancel(life)

    def work_twice(self, order_id: ClientOrderId) -> None:
        """Let a second order work for the same intent."""
        life = self._current[order_id]
        self._arrive(self._open(life.order, life.quantity, life.terms))

    async def snapshot(self, since_ns: int) -> VenueSnapshot:
        self.asked_since.append(since_ns)
        snapshot = await super().snapshot(since_ns)
        if not self.invents:
            return snapshot
        invented = VenuePosition(symbol=ABC, quantity=D(len(self.asked_since)), average_price=D(100))
        return msgspec.structs.replace(snapshot, positions=(*snapshot.positions, invented))
