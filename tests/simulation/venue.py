"""The venue of a simulated run: its truth, and the wire out of it. It outlives the processes that connect."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from zlib import crc32

from tests.simulation.faults import Armed, Fault, FaultKind
from tests.simulation.plans import SYMBOLS
from tests.simulation.truth import Truth
from tradingd.core.broker_events import BrokerEvent
from tradingd.core.market import QuoteTick
from tradingd.core.orders import CancelRefused, OrderModification, OrderRejected, ReplaceRefused
from tradingd.runtime.simulation import Agenda

MS = 1_000_000


class Venue:
    """The truth and the wire out of it; outlives the processes that connect."""

    def __init__(self, seed: int, agenda: Agenda, start_ns: int, armed: Armed) -> None:
        self.agenda = agenda
        self.armed = armed
        self.truth = Truth(lambda: start_ns + agenda.clock.monotonic_ns(), self._speak)
        self.listener: Callable[[BrokerEvent], None] | None = None
        """The link of the process that is connected."""
        self._seed = seed
        self._draws: Counter[str] = Counter()
        self._answering: list[BrokerEvent] | None = None

    def draw(self, key: str) -> float:
        """A number in [0, 1) that depends on the seed, on what it is for, and on how often it was asked for."""
        self._draws[key] += 1
        return crc32(b"%d/%b/%d" % (self._seed, key.encode(), self._draws[key])) / 2**32

    def latency_ns(self, key: str) -> int:
        """How long one message is on its way."""
        return round((2 + 60 * self.draw(key) ** 3) * MS)

    def _speak(self, event: BrokerEvent) -> None:
        if isinstance(event, OrderRejected | CancelRefused | ReplaceRefused):
            assert self._answering is not None, "a refusal answers a request"
            self._answering.append(event)
            return
        if self._answering is not None:
            self._answering.append(event)
        if self.listener is not None:
            self.listener(event)

    def carry_out(self, request: Callable[[], None]) -> list[BrokerEvent]:
        """Let a request take effect; return what the venue said meanwhile, refusals included."""
        answers: list[BrokerEvent] = []
        self._answering = answers
        request()
        self._answering = None
        return answers

    def on_market(self, quote: QuoteTick) -> None:
        """Let the market move."""
        self.truth.on_market_data(quote)


def strike(venue: Venue, fault: Fault) -> bool:
    """Let a fault of the account happen now; False when there is nothing that it could happen to."""
    truth, size = venue.truth, fault.size
    match fault.kind:
        case FaultKind.OVERFILL:
            return truth.overfill(size)
        case FaultKind.EXTERNAL_ORDER:
            truth.strange_order(size)
        case FaultKind.EXTERNAL_CANCEL:
            truth.cancel_by_stranger(size)
        case FaultKind.EXTERNAL_REPLACE:
            if (found := truth.replaceable(size)) is None:
                return False
            order, leg = found
            price = leg.terms.limit_price
            assert price is not None
            venue.carry_out(
                lambda: truth.modify(order, leg.venue_order_id, OrderModification(limit_price=price - Decimal("0.02")))
            )
        case FaultKind.CASH_MOVED:
            truth.move_cash(Decimal(round(size * 1000)) - 300)
        case FaultKind.POSITION_MOVED:
            truth.move_position(SYMBOLS[int(size * 97) % len(SYMBOLS)], Decimal(1 + int(size * 8)))
        case _:
            return False
    return True
