"""Finding out what became of a replacement whose answer or event is missing.

Owns: the look-ups after a PATCH, with a bound on their number.
Never: concludes from silence: without the venue's word the replacement stays open, and an operator is told.
"""

import asyncio
import random
from collections.abc import Callable, Sequence

from tradingd.brokers.alpaca.chains import OrderChains
from tradingd.brokers.alpaca.convert import is_working
from tradingd.brokers.alpaca.queries import AlpacaQueries
from tradingd.brokers.alpaca.translate import Problem, Translator
from tradingd.core.broker_events import BrokerEvent
from tradingd.core.identifiers import ClientOrderId, VenueOrderId
from tradingd.errors import VenueUnavailable
from tradingd.runtime.backoff import Backoff

_LOOKS = 12
_FIRST_WAIT_S = 0.5
_MAX_WAIT_S = 10.0


class ReplaceSettler:
    """Asks the venue about one leg until it says whether another took its place.

    `grace_s` is how long after the request its old terms prove nothing: it may still be under way.
    """

    def __init__(
        self,
        *,
        queries: AlpacaQueries,
        chains: OrderChains,
        translator: Translator,
        deliver: Callable[[Sequence[BrokerEvent]], None],
        clock: Callable[[], int],
        on_problem: Problem,
        rng: random.Random,
        grace_s: float,
    ) -> None:
        self._queries = queries
        self._chains = chains
        self._translator = translator
        self._deliver = deliver
        self._clock = clock
        self._on_problem = on_problem
        self._rng = rng
        self._grace_s = grace_s

    async def settle(self, owner: ClientOrderId, old: VenueOrderId) -> None:
        """Look until it is known; the stream may know first."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        backoff = Backoff(_FIRST_WAIT_S, _MAX_WAIT_S, self._rng)
        for _ in range(_LOOKS):
            await asyncio.sleep(backoff.next_delay())
            if self._chains.is_settled(old):
                return
            try:
                await self._look(owner, old, late=loop.time() - began >= self._grace_s)
            except VenueUnavailable:
                continue
            if self._chains.is_settled(old):
                return
        details = {"client_order_id": owner, "venue_order_id": old}
        self._on_problem("broker.replace_unresolved", "the venue does not say whether the order was replaced", details)

    async def _look(self, owner: ClientOrderId, old: VenueOrderId, *, late: bool) -> None:
        order = await self._queries.order(old)
        if order is None:
            return
        now = self._clock()
        if order.status == "replaced" and order.replaced_by:
            new = await self._queries.order(order.replaced_by)
            self._deliver(self._translator.gone_for(owner, order, now))
            if new is not None:
                self._deliver(self._translator.patched(owner, old, new, now))
        elif not is_working(order.status):
            reason = f"the order was {order.status} before it could be replaced"
            self._deliver(self._translator.refuse_replace(owner, old, reason, now, now))
        elif late and order.status not in ("pending_replace", "replaced"):
            self._deliver(self._translator.refuse_replace(owner, old, "the venue shows the old terms", now, now))
