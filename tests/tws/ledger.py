"""The money side of the emulated account: executions, positions, cash and commissions.

Owns the figures of a `Truth`; reads contracts. Never decides what trades.
"""

from decimal import Decimal

import msgspec

from tests.tws.contracts import Catalogue, IbContract
from tests.tws.records import ZERO, Execution, Holding, IbOrder, Truth

_CENT = Decimal("0.01")
_COST_STEP = Decimal("1e-8")


class Ledger:
    """Books executions as Interactive Brokers does."""

    def __init__(self, truth: Truth, catalogue: Catalogue) -> None:
        self._truth = truth
        self._catalogue = catalogue

    def charge(self, contract: IbContract, quantity: Decimal, price: Decimal) -> Decimal:
        """The commission of one whole order by the fixed tariff; parts of it are charged as they fill."""
        match contract.sec_type:
            case "STK":
                value = quantity * price
                return max(min(quantity * Decimal("0.005"), value / 100), min(Decimal(1), value / 100)).quantize(_CENT)
            case "CASH":
                return max(quantity * price * Decimal("0.00002"), Decimal(2)).quantize(_CENT)
            case _:
                return quantity * Decimal("2.25")

    def book(
        self,
        order: IbOrder,
        shares: Decimal,
        price: Decimal,
        now_ns: int,
        *,
        liquidation: int = 0,
    ) -> tuple[IbOrder, Execution]:
        """Book one execution of an order; return the order as it stands after it, and the execution."""
        contract = self._catalogue.by_id(order.con_id)
        cumulative = order.filled + shares
        average = _rounded((order.average_price * order.filled + price * shares) / cumulative)
        commission = self.charge(contract, cumulative, average) - order.commission
        number = self._truth.next_execution
        self._truth.next_execution += 1
        realized = self.apply(order.account, contract, shares * _sign(order.action), price, commission)
        execution = Execution(
            exec_id=f"0000e0d5.{number:08x}.01.01",
            perm_id=order.perm_id,
            client_id=order.client_id,
            order_id=order.order_id,
            con_id=order.con_id,
            account=order.account,
            exchange=contract.primary_exchange or contract.exchanges[0],
            side="BOT" if order.action == "BUY" else "SLD",
            shares=shares,
            price=price,
            cum_quantity=cumulative,
            average_price=average,
            order_ref=order.order_ref,
            ts_ns=now_ns,
            commission=commission,
            currency=contract.currency,
            realized_pnl=realized,
            liquidation=liquidation,
        )
        self._truth.executions.append(execution)
        after = msgspec.structs.replace(
            order,
            filled=cumulative,
            average_price=average,
            last_price=price,
            commission=order.commission + commission,
        )
        return after, execution

    def correct(self, exec_id: str, price: Decimal, shares: Decimal) -> Execution:
        """Correct an execution: the same id but for its last part takes the place of the old one."""
        at = next(i for i, one in enumerate(self._truth.executions) if one.exec_id == exec_id)
        old = self._truth.executions[at]
        contract = self._catalogue.by_id(old.con_id)
        sign = 1 if old.side == "BOT" else -1
        self.apply(old.account, contract, -sign * old.shares, old.price, -old.commission)
        self.apply(old.account, contract, sign * shares, price, old.commission)
        stem, _, number = exec_id.rpartition(".")
        cumulative = old.cum_quantity - old.shares + shares
        total = old.average_price * old.cum_quantity - old.price * old.shares + price * shares
        new = msgspec.structs.replace(
            old,
            exec_id=f"{stem}.{int(number) + 1:02}",
            price=price,
            shares=shares,
            cum_quantity=cumulative,
            average_price=_rounded(total / cumulative),
        )
        self._truth.executions[at] = new
        return new

    def apply(
        self, account: str, contract: IbContract, signed: Decimal, price: Decimal, commission: Decimal
    ) -> Decimal | None:
        """Change position and cash; return the realized profit where a position was reduced."""
        key = f"{account}/{contract.con_id}"
        before = self._truth.holdings.get(key) or Holding(
            account=account, con_id=contract.con_id, quantity=ZERO, average_cost=ZERO
        )
        held, factor = before.quantity, contract.factor
        after = held + signed
        realized: Decimal | None = None
        cost = before.average_cost
        if held == 0 or held * signed > 0:
            # The commission belongs to the cost: it makes a long dearer and a short less.
            paid = signed * price * factor + commission
            cost = _rounded((cost * held + paid) / after)
        else:
            closed = min(abs(signed), abs(held)) * (1 if held > 0 else -1)
            realized = _rounded(closed * (price * factor - cost) - commission)
            if after == 0:
                cost = ZERO
            elif after * held < 0:
                cost = price * factor
        self._truth.holdings[key] = Holding(
            account=account,
            con_id=contract.con_id,
            quantity=after,
            average_cost=cost,
            realized_pnl=before.realized_pnl + (realized or ZERO),
        )
        match contract.sec_type:
            case "FUT":
                # What was paid on opening is part of the cost, and left the cash then.
                paid_before = self.charge(contract, min(abs(signed), abs(held)), price)
                self._pay(account, contract.currency, -commission if realized is None else realized + paid_before)
            case "CASH":
                self._pay(account, contract.symbol, signed)
                self._pay(account, contract.currency, -signed * price - commission)
            case _:
                self._pay(account, contract.currency, -signed * price * factor - commission)
        return realized

    def cash(self, account: str, currency: str) -> Decimal:
        """The balance of one currency."""
        return self._truth.cash.get(f"{account}/{currency}", ZERO)

    def balances(self, account: str) -> dict[str, Decimal]:
        """The balances of an account by currency."""
        prefix = f"{account}/"
        return {k.removeprefix(prefix): v for k, v in self._truth.cash.items() if k.startswith(prefix)}

    def holdings(self, account: str = "") -> list[Holding]:
        """The positions that are not flat, of one account or of all."""
        return [h for h in self._truth.holdings.values() if h.quantity and (not account or h.account == account)]

    def quantity(self, account: str, con_id: int) -> Decimal:
        """The position in a contract, with its sign."""
        held = self._truth.holdings.get(f"{account}/{con_id}")
        return held.quantity if held else ZERO

    def _pay(self, account: str, currency: str, amount: Decimal) -> None:
        key = f"{account}/{currency}"
        self._truth.cash[key] = self._truth.cash.get(key, ZERO) + amount


def _sign(action: str) -> int:
    return 1 if action == "BUY" else -1


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(_COST_STEP).normalize()
