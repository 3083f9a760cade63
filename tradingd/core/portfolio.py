"""The portfolio as a fold over trades: cash, positions by strategy and symbol, marks, and what open orders reserve.

Read by risk between a check and a reservation without any wait in between, so that no two orders can both take the last
of a limit. The ledger identity is checked after every change: a portfolio that contradicts itself raises.
"""

from decimal import Decimal

import msgspec

from tradingd.core.accounting import EXACT, Position, apply_trade, merge_positions, value_of
from tradingd.core.coin_fees import CoinTrades
from tradingd.core.executions import FeeCharge
from tradingd.core.identifiers import ClientOrderId, StrategyId, Symbol
from tradingd.core.order_state import OrderState
from tradingd.core.orders import SPOT, ZERO, Contract, Side, Trade
from tradingd.errors import InvariantBroken


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """What one open order could still do to the position, in the worst case."""

    strategy_id: StrategyId
    symbol: Symbol
    side: Side
    quantity: Decimal
    price: Decimal
    contract: Contract


class OpenExposure(msgspec.Struct, kw_only=True):
    """Sum of the reservations of one symbol, or of one strategy in one symbol."""

    buy_quantity: Decimal = ZERO
    sell_quantity: Decimal = ZERO
    buy_value: Decimal = ZERO
    sell_value: Decimal = ZERO

    def add(self, reservation: Reservation, sign: int) -> None:
        """Count a reservation in (+1) or out (-1)."""
        quantity = reservation.quantity * sign
        value = value_of(reservation.contract, quantity, reservation.price)
        if reservation.side is Side.BUY:
            self.buy_quantity += quantity
            self.buy_value = EXACT.add(self.buy_value, value)
        else:
            self.sell_quantity += quantity
            self.sell_value = EXACT.add(self.sell_value, value)


class PositionLine(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy's position in one symbol, as stored and shown."""

    strategy_id: StrategyId
    symbol: Symbol
    position: Position


class PortfolioTotals(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger's other side: what was put in, and what trading made of it."""

    opening_cash: Decimal
    adjustments: Decimal = ZERO
    """Cash and value that reconciliation added: transfers, external fills, corrections."""


class PortfolioSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the fold needs to go on from here; marks and reservations are rebuilt, not stored."""

    cash: Decimal
    totals: PortfolioTotals
    lines: tuple[PositionLine, ...]


class PortfolioState:
    """The account's money and positions, as far as the journal knows."""

    def __init__(self, snapshot: PortfolioSnapshot | None = None) -> None:
        self.cash = ZERO
        """What is left after paying for everything that is held, also for what is held on margin."""
        self.totals = PortfolioTotals(opening_cash=ZERO)
        self.lines: dict[tuple[StrategyId, Symbol], Position] = {}
        self.net: dict[Symbol, Decimal] = {}
        self.marks: dict[Symbol, float] = {}
        self.unpriced: dict[Symbol, str] = {}
        """Symbols that are held without a fresh price, and why: what is known of them now, in no journal."""
        self.coin_trades = CoinTrades()
        self._contracts: dict[Symbol, Contract] = {}
        """Of symbols that are not paid for in full when bought, or whose price is not that of one unit."""
        self._reservations: dict[ClientOrderId, Reservation] = {}
        self._open: dict[Symbol, OpenExposure] = {}
        self._open_by_strategy: dict[tuple[StrategyId, Symbol], OpenExposure] = {}
        if snapshot is not None:
            self.cash = snapshot.cash
            self.totals = snapshot.totals
            for line in snapshot.lines:
                self._set_line(line.strategy_id, line.symbol, line.position)

    def snapshot(self) -> PortfolioSnapshot:
        """Capture the fold."""
        lines = tuple(
            PositionLine(strategy_id=strategy_id, symbol=symbol, position=position)
            for (strategy_id, symbol), position in sorted(self.lines.items())
        )
        return PortfolioSnapshot(cash=self.cash, totals=self.totals, lines=lines)

    # -- changes ------------------------------------------------------------------------------------------------------

    def open_account(self, cash: Decimal) -> None:
        """Take the venue's cash as the starting point of the ledger."""
        self.cash = cash
        self.totals = PortfolioTotals(opening_cash=cash)

    def apply(self, trade: Trade) -> None:
        """Book one execution."""
        key = (trade.strategy_id, trade.symbol)
        before = self.lines.get(key, Position())
        after = apply_trade(before, trade.side, trade.quantity, trade.price, trade.fee, contract=trade.contract)
        value = value_of(trade.contract, trade.quantity * trade.side.sign, trade.price)
        self.cash = EXACT.subtract(EXACT.subtract(self.cash, value), trade.fee)
        self._set_line(trade.strategy_id, trade.symbol, after)
        if not trade.fee and not trade.fee_pending:
            self.coin_trades.add(trade.strategy_id, trade.symbol, trade.side, trade.quantity, trade.price)
        self.check()

    def charge(self, charge: FeeCharge) -> None:
        """Book a fee that was told apart from its execution."""
        key = (charge.strategy_id, charge.symbol)
        before = self.lines.get(key, Position())
        self.lines[key] = msgspec.structs.replace(before, fees=EXACT.add(before.fees, charge.amount))
        self.cash = EXACT.subtract(self.cash, charge.amount)
        self.check()

    def adjust_cash(self, amount: Decimal) -> None:
        """Book money that came or went without a trade."""
        self.coin_trades.sold = ZERO
        self.cash = EXACT.add(self.cash, amount)
        self.totals = msgspec.structs.replace(self.totals, adjustments=EXACT.add(self.totals.adjustments, amount))

    def adjust_position(
        self, strategy_id: StrategyId, symbol: Symbol, quantity: Decimal, price: Decimal, contract: Contract = SPOT
    ) -> None:
        """Book quantity that came or went without a trade of ours; its value enters the ledger as an adjustment.

        What is held on margin has cost nothing: it leaves settled cash, and so the account's worth, as they were.
        """
        self.coin_trades.compared(strategy_id, symbol)
        side = Side.BUY if quantity > 0 else Side.SELL
        before = self.lines.get((strategy_id, symbol), Position())
        after = apply_trade(before, side, abs(quantity), price, ZERO, contract=contract)
        self._set_line(strategy_id, symbol, after)
        value = value_of(contract, quantity, price)
        if contract.margined:
            self.cash = EXACT.subtract(self.cash, value)
        else:
            self.totals = msgspec.structs.replace(self.totals, adjustments=EXACT.add(self.totals.adjustments, value))
        self.check()

    def transfer(self, source: StrategyId, target: StrategyId, symbol: Symbol) -> None:
        """Make one strategy's position in a symbol, with its results and fees, another's."""
        moved = self.lines.pop((source, symbol), None)
        if moved is not None:
            self.net[symbol] = EXACT.subtract(self.net[symbol], moved.quantity)
            self._set_line(target, symbol, merge_positions(self.lines.get((target, symbol), Position()), moved))
            self.coin_trades.transfer(source, target, symbol)
        self.check()

    def mark(self, symbol: Symbol, price: float) -> None:
        """Take the last good price of a symbol."""
        self.marks[symbol] = price

    def reserve(self, state: OrderState) -> None:
        """Set what an order reserves to what it could still do; a finished order reserves nothing."""
        order = state.order
        old = self._reservations.pop(order.client_order_id, None)
        if old is not None:
            self._count(old, -1)
        quantity = state.open_quantity
        if quantity > 0:
            new = Reservation(
                strategy_id=order.strategy_id,
                symbol=order.symbol,
                side=order.side,
                quantity=quantity,
                price=state.worst_price,
                contract=order.contract,
            )
            self._reservations[order.client_order_id] = new
            self._count(new, +1)

    def _count(self, reservation: Reservation, sign: int) -> None:
        self._open.setdefault(reservation.symbol, OpenExposure()).add(reservation, sign)
        key = (reservation.strategy_id, reservation.symbol)
        self._open_by_strategy.setdefault(key, OpenExposure()).add(reservation, sign)

    def _set_line(self, strategy_id: StrategyId, symbol: Symbol, position: Position) -> None:
        key = (strategy_id, symbol)
        before = self.lines.get(key, Position())
        self.lines[key] = position
        if position.contract is not SPOT:
            self._contracts[symbol] = position.contract
        self.net[symbol] = EXACT.subtract(EXACT.add(self.net.get(symbol, ZERO), position.quantity), before.quantity)

    def check(self) -> None:
        """Raise `InvariantBroken` unless cash + cost = opening + adjustments + realised - fees, to the last digit."""
        left = self.cash
        right = EXACT.add(self.totals.opening_cash, self.totals.adjustments)
        for position in self.lines.values():
            left = EXACT.add(left, position.cost)
            right = EXACT.subtract(EXACT.add(right, position.realised_pnl), position.fees)
        if left != right:
            raise InvariantBroken(f"the ledger does not sum to zero: cash and cost {left}, capital and results {right}")

    # -- questions ----------------------------------------------------------------------------------------------------

    def open_exposure(self, symbol: Symbol) -> OpenExposure:
        """What open and unknown orders of the account reserve in a symbol."""
        return self._open.get(symbol, _NOTHING_OPEN)

    def open_exposure_of(self, strategy_id: StrategyId, symbol: Symbol) -> OpenExposure:
        """What open and unknown orders of one strategy reserve in a symbol."""
        return self._open_by_strategy.get((strategy_id, symbol), _NOTHING_OPEN)

    def quantity(self, symbol: Symbol) -> Decimal:
        """The account's net quantity in a symbol."""
        return self.net.get(symbol, ZERO)

    def quantity_of(self, strategy_id: StrategyId, symbol: Symbol) -> Decimal:
        """One strategy's quantity in a symbol."""
        position = self.lines.get((strategy_id, symbol))
        return position.quantity if position is not None else ZERO

    def contract(self, symbol: Symbol) -> Contract:
        """How a price of the symbol becomes money, as far as positions have told."""
        return self._contracts.get(symbol, SPOT)

    @property
    def settled_cash(self) -> Decimal:
        """Cash as a venue counts it: the ledger pays for all that is held, and on margin it costs nothing."""
        if not self._contracts:
            return self.cash
        margined = (position.cost for position in self.lines.values() if position.contract.margined)
        return sum(margined, self.cash)

    def price(self, symbol: Symbol) -> Decimal | None:
        """The last good price; for a symbol without one, the average cost of what is held."""
        mark = self.marks.get(symbol)
        if mark is not None:
            return Decimal(repr(mark))
        quantity = self.quantity(symbol)
        if not quantity:
            return None
        cost = sum((p.cost for (_, s), p in self.lines.items() if s == symbol), ZERO)
        return cost / quantity / self.contract(symbol).multiplier

    def counted_price(self, symbol: Symbol) -> Decimal | None:
        """The price that limits on size count at: without a fresh one the worse of the last and what was paid."""
        price = self.price(symbol)
        if price is None or symbol not in self.unpriced:
            return price
        paid = (line.average_price for (_, name), line in self.lines.items() if name == symbol)
        return max(price, *(average or ZERO for average in paid))

    def counted_gross(self) -> Decimal:
        """Gross value of all positions as limits count it."""
        if not self.unpriced:
            return self.exposure()[0]
        gross = ZERO
        for symbol, quantity in self.net.items():
            if quantity:
                value = value_of(self.contract(symbol), quantity, self.counted_price(symbol) or ZERO)
                gross = EXACT.add(gross, abs(value))
        return gross

    def exposure(self) -> tuple[Decimal, Decimal]:
        """Gross and net market value of all positions at the last good prices."""
        gross = net = ZERO
        for symbol, quantity in self.net.items():
            if quantity:
                value = value_of(self.contract(symbol), quantity, self.price(symbol) or ZERO)
                gross = EXACT.add(gross, abs(value))
                net = EXACT.add(net, value)
        return gross, net

    def reserved_value(self) -> Decimal:
        """Market value that all open orders could add, buys and sells together."""
        total = ZERO
        for exposure in self._open.values():
            total = EXACT.add(EXACT.add(total, exposure.buy_value), exposure.sell_value)
        return total

    def equity(self) -> Decimal:
        """Cash plus positions at the last good prices."""
        return EXACT.add(self.cash, self.exposure()[1])


_NOTHING_OPEN = OpenExposure()
