"""Which orders of TWS are ours, and what is known of each. No I/O.

Owns: one `Entry` for each order of ours, found by our id, by the order id of this client, and by permId. The permId is
the only name that lasts: an order id means something for one client only, and other clients use the same ones.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from decimal import Decimal

from tradingd.brokers.ib.codes import Command
from tradingd.brokers.ib.orders import Terms
from tradingd.brokers.ib.wire import WireExecution, WireOrder, WireStatus
from tradingd.core.identifiers import ClientOrderId, VenueOrderId
from tradingd.core.orders import ZERO, Order

_REMEMBERED = 20_000


class Entry:
    """What this process knows of one order of ours."""

    __slots__ = (
        "accepted",
        "client_order_id",
        "completed",
        "ended",
        "filled",
        "order",
        "order_id",
        "pending",
        "perm_id",
        "sent_ns",
        "status",
        "terms",
        "wanted",
        "wire",
    )

    def __init__(self, client_order_id: ClientOrderId) -> None:
        self.client_order_id = client_order_id
        self.order: Order | None = None
        """None for an order of a former run that no command has named yet."""
        self.order_id = 0
        """0 while it is not known, or not this client's."""
        self.perm_id = 0
        self.pending: dict[Command, float] = {}
        """Commands without an answer, each with the time by which one is due."""
        self.terms: Terms | None = None
        """As TWS last told them."""
        self.wanted: Terms | None = None
        """What a modify under way asks for."""
        self.wire: WireOrder | None = None
        self.status: WireStatus | None = None
        self.filled: Decimal = ZERO
        """The most that any message said had filled."""
        self.accepted = False
        self.ended = False
        """A message has ended it."""
        self.completed = False
        """The list of finished orders has it."""
        self.sent_ns = 0

    @property
    def is_over(self) -> bool:
        """True when nothing of it works any more."""
        return self.ended or self.completed

    @property
    def venue_order_id(self) -> VenueOrderId:
        """The order's name at the venue."""
        return VenueOrderId(str(self.perm_id))


class OrderLedger:
    """Our orders; `is_ours` tells by our id."""

    def __init__(self, client_id: int, is_ours: Callable[[ClientOrderId], bool]) -> None:
        self._client_id = client_id
        self._is_ours = is_ours
        self._by_id: OrderedDict[ClientOrderId, Entry] = OrderedDict()
        self._by_order_id: dict[int, Entry] = {}
        self._by_perm_id: dict[int, Entry] = {}
        self._statuses: OrderedDict[int, WireStatus] = OrderedDict()
        self._references: OrderedDict[str, int] = OrderedDict()
        """Which order of others had a reference first."""

    def entries(self) -> list[Entry]:
        """Every entry, oldest first."""
        return list(self._by_id.values())

    def get(self, client_order_id: ClientOrderId) -> Entry | None:
        """The entry of one of our ids."""
        return self._by_id.get(client_order_id)

    def begin(self, order: Order, order_id: int, wanted: Terms, now_ns: int) -> Entry:
        """Take note that an order is about to be sent under an order id."""
        entry = self._entry(order.client_order_id)
        entry.order, entry.terms, entry.sent_ns = order, wanted, now_ns
        self._name(entry, order_id, 0)
        return entry

    def adopt(self, venue_order_ids: Mapping[VenueOrderId, ClientOrderId]) -> None:
        """Learn names from a former run; the venue took those orders then."""
        for venue_id, owner in venue_order_ids.items():
            if venue_id.isdecimal():
                entry = self._entry(owner)
                entry.accepted = True
                self._name(entry, 0, int(venue_id))

    def of(self, told: WireOrder | WireStatus | WireExecution) -> Entry | None:
        """Whose order a message is about: None when it is not ours. Learns names on the way."""
        entry = self._by_perm_id.get(told.perm_id) if told.perm_id else None
        own = told.client_id == self._client_id and told.order_id > 0
        if entry is None and own and (found := self._by_order_id.get(told.order_id)) is not None:
            # An id that TWS gave out anew is another order's: the reference and the permId say so.
            same_ref = isinstance(told, WireStatus) or told.ref == found.client_order_id
            if same_ref and found.perm_id in (0, told.perm_id):
                entry = found
        if entry is None and not isinstance(told, WireStatus) and told.ref:
            owner = ClientOrderId(told.ref)
            if self._is_ours(owner):
                known = self._by_id.get(owner)
                # A second order with our reference is a second order: it is shown beside the first, and not as the
                # first.
                if known is None or known.perm_id in (0, told.perm_id):
                    entry = known or self._entry(owner)
        if entry is not None:
            self._name(entry, told.order_id if own else 0, told.perm_id)
        return entry

    def note(self, listed: WireOrder | WireExecution) -> Entry | None:
        """Take in what a list of TWS shows, so that an order of ours is known before its id could be used again."""
        entry = self.of(listed)
        if entry is not None and isinstance(listed, WireOrder):
            entry.filled = max(entry.filled, listed.filled or ZERO)
            entry.completed = entry.completed or listed.is_completed
        elif entry is not None and isinstance(listed, WireExecution):
            entry.filled = max(entry.filled, listed.cum_quantity)
        return entry

    def owner(self, perm_id: int, ref: str) -> ClientOrderId:
        """The name that an order is shown under: ours, or the reference that others gave it.

        Orders typed in by hand have no reference, and other programs give one to many: each has a name of its own.
        """
        entry = self._by_perm_id.get(perm_id)
        if entry is not None:
            return entry.client_order_id
        if not ref:
            return ClientOrderId(f"ib-{perm_id}")
        namesake = self._by_id.get(ClientOrderId(ref))
        is_first = self._references.setdefault(ref, perm_id) == perm_id
        if len(self._references) > _REMEMBERED:
            self._references.popitem(last=False)
        if is_first and (namesake is None or namesake.perm_id in (0, perm_id)):
            return ClientOrderId(ref)
        return ClientOrderId(f"{ref}-{perm_id}")

    def note_status(self, status: WireStatus) -> None:
        """Keep what was told of an order that is not ours."""
        self._statuses[status.perm_id] = status
        if len(self._statuses) > _REMEMBERED:
            self._statuses.popitem(last=False)

    def status_of(self, perm_id: int) -> WireStatus | None:
        """The last status that was told of an order, whosever it is."""
        entry = self._by_perm_id.get(perm_id)
        return self._statuses.get(perm_id) if entry is None or entry.status is None else entry.status

    def by_order_id(self, order_id: int) -> Entry | None:
        """The entry that an error about an order id of this client is about."""
        return self._by_order_id.get(order_id)

    def by_venue_id(self, venue_order_id: VenueOrderId) -> Entry | None:
        """The entry of a permId."""
        return self._by_perm_id.get(int(venue_order_id)) if venue_order_id.isdecimal() else None

    def _entry(self, client_order_id: ClientOrderId) -> Entry:
        entry = self._by_id.get(client_order_id)
        if entry is None:
            entry = self._by_id[client_order_id] = Entry(client_order_id)
            self._prune()
        return entry

    def _name(self, entry: Entry, order_id: int, perm_id: int) -> None:
        if order_id and order_id != entry.order_id:
            entry.order_id = order_id
            self._by_order_id[order_id] = entry
        if perm_id and perm_id != entry.perm_id:
            entry.perm_id = perm_id
            self._by_perm_id[perm_id] = entry

    def _prune(self) -> None:
        """Forget the oldest orders that are over, so that months of them stay in a few megabytes."""
        if len(self._by_id) <= _REMEMBERED:
            return
        for client_order_id, entry in list(self._by_id.items())[: _REMEMBERED // 10]:
            if entry.is_over:
                del self._by_id[client_order_id]
                self._by_perm_id.pop(entry.perm_id, None)
                if self._by_order_id.get(entry.order_id) is entry:
                    del self._by_order_id[entry.order_id]
