"""The judge: the venue's own truth against the daemon's journal, by the invariants of the fault catalogue.

Owns: what counts as a breach. Reads: the two, and nothing else. Never: asks the daemon what it thinks.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import msgspec

from tradingd.core.books import Books
from tradingd.core.entries import OrderIntended, order_named_by
from tradingd.core.executions import execution_names
from tradingd.core.order_state import OrderStatus
from tradingd.core.orders import ZERO, Order, OrderDenied, OrderFilled, Side
from tradingd.core.timestamps import parse_timestamp
from tradingd.errors import JournalError
from tradingd.journal.codec import Record
from tradingd.journal.segments import read_records
from tradingd.tools.drills.truth import VenueTruth

CHECKS: dict[str, str] = {
    "I1": "one live order for each intent; no order without an older intent; ids used once",
    "I2": "positions equal, cash equal to the last digit",
    "I5": "an end stays an end, here as at the venue",
    "I7": "nothing left in doubt, nothing declared over that lives",
    "I8": "each execution booked once, none missing, none invented",
    "I9": "no new order after a halt",
}
"""What `judge_books` looks at."""

_MICROSECOND = 1000
_OVER = frozenset({"filled", "canceled", "expired", "rejected", "replaced"})
_NEVER_LIVED = frozenset({OrderStatus.REJECTED})


class Breach(msgspec.Struct, frozen=True):
    """One thing that must not be."""

    invariant: str
    what: str

    def __str__(self) -> str:
        """`I1: what`."""
        return f"{self.invariant}: {self.what}"


class JournalView:
    """What the journal says, folded once; raises `JournalError` for a journal that cannot be read."""

    def __init__(self, journal: Path) -> None:
        self.books = Books()
        self.intents: dict[str, list[int]] = defaultdict(list)
        self.owners: dict[str, str] = {}
        """The strategy of each order that was intended."""
        self.denied: set[str] = set()
        self.executions: Counter[str] = Counter()
        self.booked: set[str] = set()
        self.filled: dict[str, Decimal] = defaultdict(lambda: ZERO)
        self.breaches: list[Breach] = []
        self.entries: Counter[str] = Counter()
        """Entries by their tag, and the statuses that orders went through as `status WORD`."""
        for record in read_records(journal, whole=True):
            self._take(record)

    def _take(self, record: Record) -> None:
        entry, books = record.entry, self.books
        self.entries[str(entry.__struct_config__.tag)] += 1
        match entry:
            case OrderIntended(order=order):
                self.intents[order.client_order_id].append(record.ts)
                self.owners[order.client_order_id] = order.strategy_id
                if books.halt is not None and not _reduces(order, books):
                    self.breaches.append(Breach("I9", f"{order.client_order_id} was intended after the halt"))
            case OrderDenied(client_order_id=order_id):
                self.denied.add(order_id)
            case OrderFilled() as fill:
                self.executions[fill.execution_id] += 1
                self.booked.update(execution_names(fill))
            case _:
                pass
        trade = books.apply(entry)
        if trade is not None:
            # What was booked, which is not always what the message said.
            self.filled[trade.client_order_id] += trade.quantity
        named = order_named_by(entry)
        state = None if named is None else books.orders.get(named)
        if state is not None:
            self.entries[f"status {state.status.value}"] += 1


def judge_books(
    venue: VenueTruth, journal: Path, *, is_foreign: Callable[[str], bool] = lambda client_order_id: False
) -> list[Breach]:
    """Name every difference between a venue and a journal; orders that `is_foreign` tells are of nobody here."""
    try:
        view = JournalView(journal)
    except JournalError as error:
        return [Breach("I2", f"the journal cannot be read: {error}")]
    return [
        *view.breaches,
        *_judge_orders(venue, view, is_foreign),
        *_judge_executions(venue, view, is_foreign),
        *_judge_account(venue, view.books),
        *_judge_states(venue, view),
    ]


def _judge_orders(venue: VenueTruth, view: JournalView, is_foreign: Callable[[str], bool]) -> Iterator[Breach]:
    for order_id, times in view.intents.items():
        if len(times) > 1:
            yield Breach("I1", f"{order_id} was used for {len(times)} intents")
    # A replacement is the same order under a new name of the venue's own making.
    first_legs = [order for order in venue.orders if not order["replaces"] and not is_foreign(order["client_order_id"])]
    for order_id, count in Counter(order["client_order_id"] for order in first_legs).items():
        if count > 1:
            yield Breach("I1", f"{order_id} is {count} times at the venue")
    for order in first_legs:
        order_id = order["client_order_id"]
        if order_id not in view.intents:
            yield Breach("I1", f"{order_id} is at the venue and was never intended")
        elif parse_timestamp(order["submitted_at"]) < min(view.intents[order_id]) // _MICROSECOND * _MICROSECOND:
            yield Breach("I1", f"{order_id} was at the venue before its intent was in the journal")
        if order_id in view.denied:
            yield Breach("I6", f"{order_id} was denied and reached the venue")
    roots = venue.roots
    live = Counter(roots[order["id"]] for order in venue.orders if order["status"] not in _OVER)
    for root, count in live.items():
        if count > 1:
            yield Breach("I1", f"the order {root} is live {count} times at the venue")


def _judge_executions(venue: VenueTruth, view: JournalView, is_foreign: Callable[[str], bool]) -> Iterator[Breach]:
    for name, count in view.executions.items():
        if count > 1:
            yield Breach("I8", f"the execution {name} was booked {count} times")
    owners = {order["id"]: order["client_order_id"] for order in venue.orders}
    roots = venue.roots
    traded: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for fill in venue.fills:
        owner = owners[roots[fill["order_id"]]]
        if is_foreign(owner):
            continue
        traded[owner] += Decimal(fill["qty"])
        names = {f"{fill['order_id']}@{Decimal(fill['cum_qty']).normalize():f}", fill["id"].partition("::")[2]}
        if not names & view.booked:
            yield Breach("I8", f"the journal does not have the fill of {fill['qty']} of {owner} ({fill['id']})")
    for owner in sorted(set(traded) | set(view.filled)):
        if traded[owner] != view.filled[owner] and not is_foreign(owner):
            yield Breach("I8", f"{owner} filled {traded[owner]} at the venue, the journal has {view.filled[owner]}")


def _judge_account(venue: VenueTruth, books: Books) -> Iterator[Breach]:
    net = {symbol.replace("/", ""): quantity for symbol, quantity in books.portfolio.net.items() if quantity}
    for symbol in sorted(set(net) | set(venue.positions)):
        here, there = net.get(symbol, ZERO), venue.positions.get(symbol, ZERO)
        if here != there:
            yield Breach("I2", f"{symbol}: {here} in the journal, {there} at the venue")
    if books.portfolio.cash != venue.cash:
        yield Breach("I2", f"cash: {books.portfolio.cash} in the journal, {venue.cash} at the venue")


def _judge_states(venue: VenueTruth, view: JournalView) -> Iterator[Breach]:
    names = {order["id"]: order["client_order_id"] for order in venue.orders}
    roots = venue.roots
    last = {names[roots[order["id"]]]: order for order in venue.orders if not order["replaced_by"]}
    for state in view.books.orders:
        order_id, there = state.client_order_id, last.get(state.client_order_id)
        if not state.is_terminal and (state.venue_order_id is None or state.status is OrderStatus.UNKNOWN):
            yield Breach("I7", f"{order_id} is still in doubt")
        elif there is None:
            if state.status not in _NEVER_LIVED:
                yield Breach("I7", f"{order_id} is {state.status.value} in the journal and unknown at the venue")
        elif state.status in _NEVER_LIVED and there["status"] != "rejected":
            yield Breach("I7", f"{order_id} is {state.status.value} in the journal, {there['status']} at the venue")
        elif state.is_terminal and there["status"] not in _OVER:
            yield Breach("I5", f"{order_id} is over in the journal ({state.status.value}) and lives at the venue")
        elif not state.is_terminal and there["status"] in _OVER:
            yield Breach("I5", f"{order_id} is {state.status.value} in the journal, {there['status']} at the venue")


def _reduces(order: Order, books: Books) -> bool:
    """Tell whether an order can only make the position smaller: that may leave after a halt."""
    held = books.portfolio.net.get(order.symbol, ZERO)
    return order.quantity <= (held if order.side is Side.SELL else -held)


def judge_secret(secret: str, places: list[Path]) -> Iterator[Breach]:
    """Look for a secret in files and everything under folders."""
    needle = secret.encode()
    for place in places:
        for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if file.is_file() and needle in file.read_bytes():
                yield Breach("I15", f"the venue's secret stands in {file.name}")
