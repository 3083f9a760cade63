"""What the accounts are worth and what an order needs: equity, margin, and the figures of a what-if order.

Reads the ledger and the last prices. Never changes anything.
"""

from decimal import Decimal

from tradingd.core.identifiers import Symbol
from tradingd.core.matching import SimulatedMarket, to_decimal

from tests.tws.contracts import Catalogue, IbContract
from tests.tws.ledger import Ledger
from tests.tws.records import ZERO, IbOrder, WhatIf
from tests.tws.terms import NotAnOrder


class Valuation:
    """The figures of all accounts, in dollars."""

    def __init__(self, ledger: Ledger, market: SimulatedMarket, catalogue: Catalogue) -> None:
        self._ledger = ledger
        self._market = market
        self._catalogue = catalogue

    def price_of(self, contract: IbContract) -> Decimal:
        """The price that positions in a contract are valued at; 0 when there is none."""
        return to_decimal(self._market.book(Symbol(contract.local_symbol)).mark)

    def equity(self, account: str) -> Decimal:
        """Cash and the value of all positions."""
        total = self._ledger.cash(account, "USD")
        for holding in self._ledger.holdings(account):
            contract = self._catalogue.by_id(holding.con_id)
            value = holding.quantity * self.price_of(contract) * contract.factor
            # A future is not paid for: what counts is how far it has moved.
            total += value - holding.quantity * holding.average_cost if contract.sec_type == "FUT" else value
        return total

    def margin(self, account: str) -> Decimal:
        """The initial margin of all positions."""
        return sum(
            (
                abs(holding.quantity) * self._margin_of_one(contract, self.price_of(contract))
                for holding in self._ledger.holdings(account)
                for contract in (self._catalogue.by_id(holding.con_id),)
            ),
            ZERO,
        )

    def gross(self, account: str) -> Decimal:
        """The value of all positions without their signs."""
        return sum(
            (
                abs(holding.quantity) * self.price_of(contract) * contract.factor
                for holding in self._ledger.holdings(account)
                for contract in (self._catalogue.by_id(holding.con_id),)
            ),
            ZERO,
        )

    def check(self, order: IbOrder, contract: IbContract) -> None:
        """Refuse an order that takes on more than the account's funds carry."""
        held = self._ledger.quantity(order.account, order.con_id)
        after = held + (order.quantity if order.action == "BUY" else -order.quantity)
        if contract.sec_type == "CASH" or abs(after) <= abs(held):
            return
        needed = self._margin_needed(order, contract)
        free = self.equity(order.account) - self.margin(order.account)
        if needed > free:
            said = (
                "Order rejected - reason:We are unable to accept your order. Your Available Funds are in insufficient "
                f"to cover the Initial Margin requirement. Available: {free:.2f}, needed: {needed:.2f}"
            )
            raise NotAnOrder(201, said, takes_id=True)

    def what_if(self, order: IbOrder, contract: IbContract) -> WhatIf:
        """The figures of an order that is not placed."""
        return WhatIf(
            order,
            margin=self._margin_needed(order, contract),
            commission=self._ledger.charge(contract, order.quantity, self._price_for(order, contract)),
            equity=self.equity(order.account),
            margin_before=self.margin(order.account),
        )

    def _margin_needed(self, order: IbOrder, contract: IbContract) -> Decimal:
        return order.quantity * self._margin_of_one(contract, self._price_for(order, contract))

    def _price_for(self, order: IbOrder, contract: IbContract) -> Decimal:
        stop = order.aux_price if order.order_type in ("STP", "STP LMT") else None
        return order.limit_price or stop or self.price_of(contract)

    def _margin_of_one(self, contract: IbContract, price: Decimal) -> Decimal:
        return contract.initial_margin or price * contract.factor * contract.margin_rate
