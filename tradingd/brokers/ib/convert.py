"""From records of TWS to what the core knows of a venue. No I/O.

Owns: the names of contracts. Never: guesses at a contract; one that is not configured gets a name of its own.
"""

from decimal import Decimal

from tradingd.brokers.ib.orders import read_side, read_status, read_terms
from tradingd.brokers.ib.wire import WireContract, WireExecution, WireOrder, WireStatus, number, read_time
from tradingd.core.identifiers import ClientOrderId, Symbol, VenueOrderId
from tradingd.core.instruments import Instrument
from tradingd.core.orders import SPOT, ZERO, Contract, OrderTerms
from tradingd.core.venue_view import VenueOrder, VenueOrderStatus

_MARGINED = frozenset({"FUT", "FOP"})


class SymbolBook:
    """Contracts by conId, as the configuration names them."""

    def __init__(self) -> None:
        self._names: dict[int, Symbol] = {}
        self._instruments: dict[Symbol, Instrument] = {}

    def learn(self, con_id: int, instrument: Instrument) -> None:
        """Take note of what a configured symbol is."""
        self._names[con_id] = instrument.symbol
        self._instruments[instrument.symbol] = instrument

    def symbol_of(self, contract: WireContract) -> Symbol:
        """The symbol of a contract; of one that is not configured a name that says what it is."""
        known = self._names.get(contract.con_id)
        if known is not None:
            return known
        if contract.sec_type == "CASH":
            return Symbol(f"{contract.symbol}/{contract.currency}")
        if contract.sec_type == "STK" and contract.currency == "USD":
            return Symbol(contract.symbol.replace(" ", "."))
        name = contract.local_symbol or contract.symbol
        return Symbol(f"{contract.sec_type}:{name}:{contract.currency}")

    def contract_of(self, contract: WireContract) -> Contract:
        """How a price of it becomes money."""
        instrument = self._instruments.get(self.symbol_of(contract))
        if instrument is not None:
            return instrument.contract
        multiplier = number(contract.multiplier or 1) or Decimal(1)
        margined = contract.sec_type in _MARGINED
        return SPOT if multiplier == 1 and not margined else Contract(multiplier=multiplier, margined=margined)


def to_venue_order(
    wire: WireOrder, status: WireStatus | None, owner: ClientOrderId, symbols: SymbolBook, now_ns: int
) -> VenueOrder:
    """The core's view of an order; when it was submitted TWS does not say, and we know of ours alone.

    A modified order keeps its permId: it is shown as having replaced itself, so that new terms nobody heard of are
    seen. Of one that was cancelled the last terms are of no use any more, and TWS may tell its quantity as 0.
    """
    asked = read_terms(wire)
    life, venue_order_id = read_status(wire, status), VenueOrderId(str(wire.perm_id))
    filled = wire.filled if wire.filled is not None else ZERO if status is None else status.filled
    word = wire.status if status is None else status.status
    ended_ns = read_time(wire.completed_time) if wire.completed_time else None
    return VenueOrder(
        client_order_id=owner,
        venue_order_id=venue_order_id,
        symbol=symbols.symbol_of(wire.contract),
        side=read_side(wire.action),
        quantity=asked.quantity,
        filled_quantity=filled,
        average_fill_price=None if status is None else status.average_price,
        terms=asked.terms,
        status=life,
        replaces=venue_order_id if life in (VenueOrderStatus.WORKING, VenueOrderStatus.FILLED) else None,
        replaced_by=None,
        ts_submitted=ended_ns or now_ns,
        ts_updated=ended_ns or now_ns,
        changing=word == "PendingCancel",
        contract=symbols.contract_of(wire.contract),
    )


def order_of_execution(wire: WireExecution, symbols: SymbolBook, now_ns: int, owner: ClientOrderId) -> VenueOrder:
    """The core's view of an order of which an execution is all that is known: it filled, and no list shows it."""
    return VenueOrder(
        client_order_id=owner,
        venue_order_id=VenueOrderId(str(wire.perm_id)),
        symbol=symbols.symbol_of(wire.contract),
        side=read_side(wire.side),
        quantity=wire.cum_quantity,
        filled_quantity=wire.cum_quantity,
        average_fill_price=None,
        terms=OrderTerms(),
        status=VenueOrderStatus.FILLED,
        replaces=None,
        replaced_by=None,
        ts_submitted=wire.ts_event,
        ts_updated=now_ns,
        contract=symbols.contract_of(wire.contract),
    )
