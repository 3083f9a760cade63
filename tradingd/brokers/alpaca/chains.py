"""Which venue ids are legs of which of our orders, and how far each replacement has come. No I/O.

Owns: venue id → our id, and one `Replacement` per leg that is being or was replaced.
Never: takes an HTTP 200 to a PATCH for a replacement: when the old leg fills first, the venue rejects the new one.

Alpaca gives the new leg of a replaced order another id and another client order id; ours stays the same for the life of
the order, so the chain `replaces` → `replaced_by` is followed here.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TypeVar

import msgspec

from tradingd.brokers.alpaca.wire import WireOrder
from tradingd.core.identifiers import ClientOrderId, VenueOrderId

_REMEMBERED = 20_000
_UNPROVEN = frozenset({"accepted", "pending_new", "pending_replace", "held", "accepted_for_bidding", "rejected"})
"""Status words of a new leg that do not prove that the old one is gone."""


class Stage(StrEnum):
    """How far a replacement is."""

    ASKED = "asked"
    DONE = "done"
    REFUSED = "refused"


class Replacement:
    """One leg's change into another; `new` and `confirmed` come in either order, from either connection."""

    __slots__ = ("confirmed", "new", "stage")

    def __init__(self) -> None:
        self.stage = Stage.ASKED
        self.new: WireOrder | None = None
        self.confirmed = False


T = TypeVar("T")


class _Recent(OrderedDict[VenueOrderId, T]):
    """Forgets what was not asked for in a long time, so that months of orders stay in a few megabytes.

    A forgotten first leg is still known by its client order id, and every snapshot asks for the legs that work.
    """

    def __setitem__(self, key: VenueOrderId, value: T) -> None:
        super().__setitem__(key, value)
        self.move_to_end(key)
        if len(self) > _REMEMBERED:
            self.popitem(last=False)

    def recall(self, key: VenueOrderId) -> T | None:
        value = self.get(key)
        if value is not None:
            self.move_to_end(key)
        return value


class OrderChains:
    """The names of our orders at the venue; `is_ours` tells by a client order id."""

    def __init__(self, is_ours: Callable[[ClientOrderId], bool]) -> None:
        self._is_ours = is_ours
        self._owners: _Recent[ClientOrderId] = _Recent()
        self._replacements: _Recent[Replacement] = _Recent()
        self._superseded: _Recent[bool] = _Recent()
        self._adopted: _Recent[bool] = _Recent()

    def adopt(self, venue_order_ids: Mapping[VenueOrderId, ClientOrderId]) -> None:
        """Learn names from a former run."""
        for venue_id, owner in venue_order_ids.items():
            self._owners[venue_id] = owner
            self._adopted[venue_id] = True

    def owner(self, order: WireOrder) -> ClientOrderId | None:
        """Whose order this is: None when it is not ours. Learns the id of a new leg on the way."""
        venue_id = VenueOrderId(order.id)
        known = self._owners.recall(venue_id)
        if known is not None:
            return known
        owner = self._owners.recall(VenueOrderId(order.replaces)) if order.replaces else None
        if owner is None and self._is_ours(ClientOrderId(order.client_order_id)):
            owner = ClientOrderId(order.client_order_id)
        if owner is not None:
            self._owners[venue_id] = owner
        return owner

    def adopt_leg(self, old: WireOrder, new: WireOrder) -> None:
        """Learn from a look-up that `new` took the place of `old`."""
        self._learn_leg(VenueOrderId(old.id), new)

    # -- replacements: each `on_*` returns the new leg when the replacement has just become a fact --------------------

    def begin_replace(self, old: VenueOrderId, owner: ClientOrderId) -> None:
        """Take note that new terms are asked for; a refused attempt may be followed by another."""
        self._owners[old] = owner
        self._replacements[old] = Replacement()

    def is_settled(self, old: VenueOrderId) -> bool:
        """True when what became of the replacement is known."""
        found = self._replacements.recall(old)
        return found is None or found.stage is not Stage.ASKED

    def on_patch_answer(self, old: VenueOrderId, new: WireOrder) -> WireOrder | None:
        """Take the new order from an HTTP answer or a look-up."""
        self._learn_leg(old, new)
        replacement = self._replacement(old)
        if replacement.stage is Stage.DONE:
            return None
        replacement.new = new if new.replaces else msgspec.structs.replace(new, replaces=old)
        if new.status not in _UNPROVEN:
            self._confirm(old, replacement)
        return self._settle(replacement)

    def on_replaced(self, old: WireOrder) -> WireOrder | None:
        """Take the stream's or a look-up's word that the old leg is gone for the new one."""
        old_id = VenueOrderId(old.id)
        replacement = self._replacement(old_id)
        if old.replaced_by and (owner := self._owners.recall(old_id)) is not None:
            self._owners[VenueOrderId(old.replaced_by)] = owner
        self._confirm(old_id, replacement)
        return self._settle(replacement)

    def on_new_leg(self, new: WireOrder) -> WireOrder | None:
        """Take an event of an order that replaces another: a live one proves the replacement."""
        # A leg of a former run took its place then: saying so again could pass for the answer to a newer request.
        if not new.replaces or VenueOrderId(new.id) in self._adopted:
            return None
        return self.on_patch_answer(VenueOrderId(new.replaces), new)

    def refuse(self, old: VenueOrderId) -> bool:
        """Take note that the old terms stay; False when that, or the opposite, was known already."""
        replacement = self._replacement(old)  # one of a former run is not known here
        if replacement.stage is not Stage.ASKED or replacement.confirmed:
            return False
        replacement.stage = Stage.REFUSED
        return True

    def is_superseded(self, venue_id: VenueOrderId) -> bool:
        """True for a leg that another has taken the place of: its end is not the order's end."""
        return self._superseded.recall(venue_id) is not None

    def never_lived(self, leg: WireOrder) -> bool:
        """True for a new leg whose replacement did not come about."""
        found = self._replacements.recall(VenueOrderId(leg.replaces)) if leg.replaces else None
        return found is not None and found.stage is not Stage.DONE and not found.confirmed

    def _replacement(self, old: VenueOrderId) -> Replacement:
        found = self._replacements.recall(old)
        if found is None:
            found = self._replacements[old] = Replacement()
        return found

    def _confirm(self, old: VenueOrderId, replacement: Replacement) -> None:
        replacement.confirmed = True
        self._superseded[old] = True

    def _learn_leg(self, old: VenueOrderId, new: WireOrder) -> None:
        owner = self._owners.recall(old)
        if owner is not None:
            self._owners[VenueOrderId(new.id)] = owner

    @staticmethod
    def _settle(replacement: Replacement) -> WireOrder | None:
        # Evidence outweighs an earlier refusal: a PATCH that was answered 4xx has been seen to be carried out.
        if replacement.stage is Stage.DONE or not replacement.confirmed or replacement.new is None:
            return None
        replacement.stage = Stage.DONE
        new, replacement.new = replacement.new, None
        return new
