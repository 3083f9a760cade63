"""What every broker adapter offers. A venue's whole knowledge stays in its own folder behind this."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

from tradingd.core.broker_events import BrokerEvent
from tradingd.core.broker_model import BrokerModel
from tradingd.core.identifiers import ClientOrderId, Symbol, VenueOrderId
from tradingd.core.instruments import Instrument
from tradingd.core.market import PriceBar
from tradingd.core.orders import Order, OrderModification
from tradingd.core.venue_view import AccountInfo, VenueOrder, VenueSnapshot

BrokerSink: TypeAlias = Callable[[BrokerEvent], None]


class BrokerAdapter(Protocol):
    """One account at one venue.

    The three commands are synchronous, start the wire work at once and return; what comes of them arrives at the sink
    as reports. None is ever repeated by the adapter. A submit whose answer proves nothing ends in `OrderUnknown`.
    """

    async def connect(self, symbols: Sequence[Symbol]) -> AccountInfo:
        """Log in, learn the instruments of `symbols`, and warm the order connection.

        Raises `CredentialsRefused` or `VenueUnavailable`.
        """
        ...

    async def run(self) -> None:
        """Keep the order stream up until cancelled, reconnecting with backoff; raises `CredentialsRefused` only."""
        ...

    def submit(self, order: Order) -> None:
        """Send a new order."""
        ...

    def cancel(self, order: Order, venue_order_id: VenueOrderId) -> None:
        """Ask for a cancel."""
        ...

    def modify(self, order: Order, venue_order_id: VenueOrderId, details: OrderModification) -> None:
        """Ask for new terms."""
        ...

    async def snapshot(self, since_ns: int) -> VenueSnapshot:
        """Ask for account, orders, fills since `since_ns` and positions, each page read to the end.

        Raises `VenueUnavailable` when any part of it could not be had: part of an answer is no answer.
        """
        ...

    async def open_orders(self) -> tuple[VenueOrder, ...]:
        """Ask for the working orders, read to the list's end, oldest first. Raises `VenueUnavailable`."""
        ...

    async def find_order(self, client_order_id: ClientOrderId) -> VenueOrder | None:
        """Ask for one order by our id; None is the venue's own "not found". Raises `VenueUnavailable`."""
        ...

    async def fetch_bars(self, symbol: Symbol, interval_ns: int, start_ns: int, end_ns: int) -> Sequence[PriceBar]:
        """Closed bars with open time in `[start_ns, end_ns)` from the venue's history, in order."""
        ...

    def adopt(self, venue_order_ids: Mapping[VenueOrderId, ClientOrderId]) -> None:
        """Learn which venue ids belong to orders of ours from a former run."""
        ...

    @property
    def backlog(self) -> Mapping[str, int]:
        """How many messages of each class of priority wait for the venue's limit; empty where there is none."""
        ...

    @property
    def model(self) -> BrokerModel:
        """What the venue takes; `core.broker_model.refusals` judges orders by it before they leave."""
        ...

    @property
    def instruments(self) -> Mapping[Symbol, Instrument]:
        """What the venue said of each symbol at connect."""
        ...

    async def close(self) -> None:
        """Close connections; commands under way are given up and stay unknown."""
        ...


@runtime_checkable
class ReportsVenueTime(Protocol):
    """An adapter whose venue can be asked what time it is there."""

    async def server_time(self) -> int | None:
        """The venue's clock, ns UTC; None when it does not tell. Raises `VenueUnavailable`."""
        ...
