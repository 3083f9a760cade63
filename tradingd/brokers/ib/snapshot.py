"""The account as TWS keeps it, asked for in one go.

Owns: which questions make a snapshot, and in which order. Never: returns one with a part missing: any question that
fails raises, and a list without its end is a question that failed.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal

import msgspec

from tradingd.brokers.ib.convert import SymbolBook, order_of_execution, to_venue_order
from tradingd.brokers.ib.executions import Executions
from tradingd.brokers.ib.inbox import COMPLETED_ORDERS, OPEN_ORDERS, POSITIONS
from tradingd.brokers.ib.ledger import OrderLedger
from tradingd.brokers.ib.orders import read_side
from tradingd.brokers.ib.session import IbSession, kind_of
from tradingd.brokers.ib.wire import WireExecution, WireOrder, WirePosition, WireValue, execution_name, number
from tradingd.core.identifiers import ClientOrderId, ExecutionId, Symbol, VenueOrderId
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.orders import ZERO
from tradingd.core.venue_view import AccountInfo, VenueFill, VenueOrder, VenuePosition, VenueSnapshot
from tradingd.errors import VenueUnavailable

_WITHOUT_END = (
    "TWS and IB Gateway 10.23 to 10.31 never end the list of executions: "
    "install another build (10.19, or 10.32 and later)"
)
_BASE = "BASE"


class SnapshotReader:
    """Asks for one account; `pairs` names the configured currency pairs by their first currency."""

    def __init__(
        self,
        *,
        session: IbSession,
        ledger: OrderLedger,
        symbols: SymbolBook,
        executions: Executions,
        clock: Callable[[], int],
        base_currency: str,
    ) -> None:
        self._session = session
        self._ledger = ledger
        self._symbols = symbols
        self._executions = executions
        self._clock = clock
        self._base_currency = base_currency
        self.pairs: dict[str, Symbol] = {}

    async def read(self, since_ns: int) -> VenueSnapshot:
        """Ask for everything; raises `VenueUnavailable`.

        What fills while the questions are under way is in the later answers: lists of orders come before executions,
        and these before positions and cash.
        """
        ts_requested = self._clock()
        # TWS tells times in whole seconds: what it dates before `since_ns` in the same second may have come after it.
        since_ns -= since_ns % NS_PER_SECOND
        orders, fills = await self._orders_and_fills()
        positions = await self._positions()
        values = await self._values()
        return VenueSnapshot(
            ts_requested=ts_requested,
            account=self._account(values),
            orders=orders,
            fills=tuple(fill for fill in fills if fill.ts_event >= since_ns),
            positions=(*positions, *self._currencies(values)),
        )

    async def account(self) -> AccountInfo:
        """The account alone."""
        return self._account(await self._values())

    async def open_orders(self) -> tuple[VenueOrder, ...]:
        """The working orders alone, of every client and by hand."""
        return tuple(self._view(wire) for wire in await self._open())

    async def find(self, client_order_id: ClientOrderId) -> VenueOrder | None:
        """One order by our id; None only when open orders, finished ones and executions all do not know it."""
        entry = self._ledger.get(client_order_id)
        perm_id = entry.perm_id if entry is not None else 0

        def is_it(told: WireOrder | WireExecution) -> bool:
            return told.perm_id == perm_id if perm_id else told.ref == client_order_id

        wires = [wire for wire in (*await self._open(), *await self._completed()) if is_it(wire)]
        if wires:
            return self._view(wires[-1])
        found = [execution for execution in await self._executed() if is_it(execution)]
        if found:
            last = max(found, key=lambda execution: execution.cum_quantity)
            return order_of_execution(last, self._symbols, self._clock(), client_order_id)
        return None

    # -- questions ----------------------------------------------------------------------------------------------------

    async def own_open_orders(self) -> list[WireOrder]:
        """The open orders of this client: TWS sends what it knows of each again."""
        return await self._list(OPEN_ORDERS, lambda client, _: client.reqOpenOrders(), "own open orders")

    async def learn_past(self) -> None:
        """Learn of every order of ours that TWS still has in a list, whether it works or is over."""
        for wire in (*await self._open(), *await self._completed()):
            self._ledger.note(wire)
        for execution in await self._executed():
            self._ledger.note(execution)

    async def _open(self) -> list[WireOrder]:
        wires = await self._list(OPEN_ORDERS, lambda client, _: client.reqAllOpenOrders(), "open orders")
        latest = {wire.perm_id: wire for wire in wires if wire.perm_id}
        return list(latest.values())

    async def _completed(self) -> list[WireOrder]:
        return await self._list(COMPLETED_ORDERS, lambda client, _: client.reqCompletedOrders(False), "finished orders")

    async def _list(self, key: str, send: Callable[..., None], what: str) -> list[WireOrder]:
        wires: list[WireOrder] = await self._session.ask(key, send, what=what)
        return [wire for wire in wires if wire.account in ("", self._session.account)]

    async def _executed(self) -> list[WireExecution]:
        wanted = self._session.library.execution_filter(acctCode=self._session.account)
        try:
            told: list[WireExecution] = await self._session.ask(
                None, lambda client, number: client.reqExecutions(number, wanted), what="executions"
            )
        except VenueUnavailable as error:
            raise VenueUnavailable(f"{error}; {_WITHOUT_END}") from error
        # Of an execution and its correction the latter is what happened.
        latest = {execution_name(one.exec_id): one for one in sorted(told, key=lambda one: one.exec_id)}
        return sorted(latest.values(), key=lambda one: (one.ts_event, one.cum_quantity))

    async def _positions(self) -> tuple[VenuePosition, ...]:
        try:
            told: list[WirePosition] = await self._session.ask(
                POSITIONS, lambda client, _: client.reqPositions(), what="positions"
            )
        finally:
            self._end(lambda client: client.cancelPositions())
        latest = {one.contract.con_id: one for one in told if one.account == self._session.account}
        return tuple(self._position(one) for one in latest.values() if one.quantity and one.contract.sec_type != "CASH")

    async def _values(self) -> list[WireValue]:
        asked = 0

        def send(client: object, number: int) -> None:
            nonlocal asked
            asked = number
            client.reqAccountUpdatesMulti(number, self._session.account, "", False)  # type: ignore[attr-defined]

        try:
            told: list[WireValue] = await self._session.ask(None, send, what="account figures")
        finally:
            if asked:
                self._end(lambda client: client.cancelAccountUpdatesMulti(asked))
        return [one for one in told if one.account == self._session.account]

    def _end(self, send: Callable[..., None]) -> None:
        """End a subscription that was wanted for its first answer alone."""
        connection = self._session.connection
        if connection is not None:
            connection.send(send)

    # -- answers ------------------------------------------------------------------------------------------------------

    async def _orders_and_fills(self) -> tuple[tuple[VenueOrder, ...], tuple[VenueFill, ...]]:
        wires = {wire.perm_id: wire for wire in await self._open()}
        wires.update((wire.perm_id, wire) for wire in await self._completed() if wire.perm_id)
        executed = await self._executed()
        orders = [self._view(wire) for wire in wires.values()]
        unlisted = {one.perm_id: one for one in executed if one.perm_id not in wires}
        orders += [
            order_of_execution(one, self._symbols, self._clock(), self._ledger.owner(one.perm_id, one.ref))
            for one in unlisted.values()
        ]
        orders.sort(key=lambda order: order.ts_submitted)
        return tuple(orders), tuple(fill for one in executed for fill in self._fills(one))

    def _view(self, wire: WireOrder) -> VenueOrder:
        entry = self._ledger.note(wire)
        owner = self._ledger.owner(wire.perm_id, wire.ref) if entry is None else entry.client_order_id
        status = None if wire.is_completed else self._ledger.status_of(wire.perm_id)
        order = to_venue_order(wire, status, owner, self._symbols, self._clock())
        if entry is None:
            return order
        return msgspec.structs.replace(
            order,
            filled_quantity=max(order.filled_quantity, entry.filled),
            ts_submitted=entry.sent_ns or order.ts_submitted,
        )

    def _fills(self, one: WireExecution) -> list[VenueFill]:
        """An execution as it was told first, and what corrections added to it."""
        name = execution_name(one.exec_id)
        told = self._executions.get(name)
        if told is None:
            return [self._fill(one, name, one.quantity, one.price, None)]
        fills = [self._fill(one, name, told.quantity, told.price, told.fee)]
        return fills + [self._fill(one, added, quantity, price, ZERO) for added, quantity, price in told.added]

    def _fill(
        self, one: WireExecution, name: ExecutionId, quantity: Decimal, price: Decimal, fee: Decimal | None
    ) -> VenueFill:
        return VenueFill(
            execution_id=name,
            venue_order_id=VenueOrderId(str(one.perm_id)),
            symbol=self._symbols.symbol_of(one.contract),
            side=read_side(one.side),
            quantity=quantity,
            price=price,
            fee=fee or ZERO,
            fee_pending=fee is None,
            cum_quantity=None,  # of an order over several days it is not said whether it begins anew
            ts_event=one.ts_event,
        )

    def _position(self, one: WirePosition) -> VenuePosition:
        contract = self._symbols.contract_of(one.contract)
        return VenuePosition(
            symbol=self._symbols.symbol_of(one.contract),
            quantity=one.quantity,
            average_price=one.average_cost / contract.multiplier,
            contract=contract,
        )

    def _currencies(self, values: Sequence[WireValue]) -> list[VenuePosition]:
        """Positions in currency pairs: TWS keeps them as cash of their first currency."""
        found = []
        for currency, symbol in self.pairs.items():
            balance = _figure(values, "CashBalance", currency)
            if balance:
                rate = _figure(values, "ExchangeRate", currency) or ZERO
                found.append(VenuePosition(symbol=symbol, quantity=balance, average_price=rate))
        return found

    def _account(self, values: Sequence[WireValue]) -> AccountInfo:
        equity = _figure(values, "NetLiquidation")
        total = _figure(values, "TotalCashValue")
        if equity is None or total is None:
            raise VenueUnavailable("TWS told no NetLiquidation or TotalCashValue of the account")
        currency = next((one.currency for one in values if one.tag == "NetLiquidation" and one.currency != _BASE), "")
        # Cash is told with the profit of open futures in it, which the books count with the positions.
        cash = total - (_figure(values, "FuturesPNL", _BASE) or ZERO)
        if self.pairs:
            own = _figure(values, "CashBalance", self._base_currency)
            cash = (ZERO if own is None else own) - (_figure(values, "FuturesPNL", self._base_currency) or ZERO)
        power, free = _figure(values, "BuyingPower") or ZERO, _figure(values, "AvailableFunds") or ZERO
        return AccountInfo(
            account_id=self._session.account,
            account_kind=kind_of(self._session.account),
            currency=currency or self._base_currency,
            cash=cash,
            equity=equity,
            buying_power=power,
            multiplier=Decimal(round(power / free)) if free > 0 and power > 0 else Decimal(1),
            shorting_enabled=True,
        )


def _figure(values: Sequence[WireValue], tag: str, currency: str | None = None) -> Decimal | None:
    for one in reversed(values):
        if one.tag == tag and currency in (None, one.currency):
            return number_of(one.value)
    return None


def number_of(text: str) -> Decimal | None:
    """A figure of an account, exactly as it was written."""
    return None if number(text) is None else Decimal(text)
