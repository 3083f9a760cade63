"""When everything that an event set off has come to rest: nothing queued, no command unanswered, no order event on
its way.

A feed that plays a file waits for it before each row, so that orders meet the market they were made for and a run over
a file decides as its replay does; a stop waits for it, within its deadline.
"""

import asyncio

from tradingd.assembly.modules import Inboxes, Modules
from tradingd.brokers.alpaca.adapter import AlpacaBroker
from tradingd.core.books import Books
from tradingd.core.order_state import OrderStatus
from tradingd.venue.server import PaperVenue

_COMMANDED = (OrderStatus.PENDING_SUBMIT, OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_REPLACE)


class Quiescence:
    """Knows whether the daemon is at rest.

    `venue` is the embedded one, whose order events can be counted on both ends.
    """

    def __init__(self, inboxes: Inboxes, books: Books, venue: PaperVenue | None) -> None:
        self._inboxes = inboxes
        self._books = books
        self._venue = venue
        self._modules: Modules | None = None
        self._missed = 0

    def attach(self, modules: Modules) -> None:
        """Take note of the modules, once they are made."""
        self._modules = modules

    async def wait(self) -> None:
        """Return once all is at rest."""
        while not self.at_rest():  # noqa: ASYNC110 - the end of a cascade over several inboxes has no event of its own
            await asyncio.sleep(0)

    def at_rest(self) -> bool:
        """True when no event and no answer is on its way."""
        inboxes = self._inboxes
        if len(inboxes.strategies) or len(inboxes.execution):
            return False
        if any(state.status in _COMMANDED for state in self._books.orders.open):
            return False
        modules = self._modules
        return modules is None or not modules.broker.stream_up or self._under_way(modules) <= self._missed

    def reconciled(self) -> None:
        """The stream is up and the books agree: what it has not brought by now is made good, and will not come."""
        if self._modules is not None:
            self._missed = self._under_way(self._modules)

    def _under_way(self, modules: Modules) -> int:
        """Order events that the embedded venue has sent and the adapter has not read."""
        if self._venue is None:
            return 0
        assert isinstance(modules.broker.adapter, AlpacaBroker)
        return self._venue.updates_sent - modules.broker.adapter.updates_received
