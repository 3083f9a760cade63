"""What one client asked to see of the accounts: positions, figures and portfolio, once or for as long as it looks.

Owns the subscriptions of one session. Reads the desk; emits the messages of positions, account updates and summaries.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.tws import answers
from tests.tws.records import ZERO
from tests.tws.wire import Fields, frame

if TYPE_CHECKING:
    from tests.tws.server import TwsEmulator
    from tests.tws.session import Session

_CENT = Decimal("0.01")
_DAY_TRADING = Decimal(4)


class AccountView:
    """The account windows that a client has open."""

    def __init__(self, session: "Session", tws: "TwsEmulator") -> None:
        self._session = session
        self._tws = tws
        self._sees_positions = False
        self._updates_of: str | None = None
        self._positions_multi: dict[int, str] = {}
        self._updates_multi: dict[int, tuple[str, bool]] = {}
        self._summaries: dict[int, str] = {}

    def acts(self) -> dict[int, Callable[[Fields], None]]:
        """The requests that this answers, by message number."""
        return {
            6: self._on_updates,
            61: self._on_positions,
            62: self._on_summary,
            63: lambda fields: self._end(fields, self._summaries),
            64: lambda _: self._stop_positions(),
            74: self._on_positions_multi,
            75: lambda fields: self._end(fields, self._positions_multi),
            76: self._on_updates_multi,
            77: lambda fields: self._end(fields, self._updates_multi),
            92: self._on_pnl,
        }

    def on_trade(self, account: str, con_id: int) -> None:
        """Tell what a trade changed to whoever looks."""
        holding = self._tws.truth_now.holdings.get(f"{account}/{con_id}")
        if holding is None:
            return
        contract = self._tws.catalogue.by_id(con_id)
        if self._sees_positions:
            self._session.send(answers.position(holding, contract))
        for req_id, wanted in self._positions_multi.items():
            if wanted in ("", account):
                self._session.send(answers.position_multi(req_id, holding, contract))
        if self._updates_of in ("", account):
            price = self._tws.desk.valuation.price_of(contract)
            self._session.send(answers.portfolio(holding, contract, price))
            self._tell_values(account)
        for req_id, (wanted, ledger_only) in self._updates_multi.items():
            if wanted in ("", account):
                self._tell_values_multi(req_id, account, ledger_only=ledger_only)

    def figures(self, account: str) -> dict[str, Decimal]:
        """The figures of an account by their key."""
        desk = self._tws.desk
        equity, margin = desk.valuation.equity(account), desk.valuation.margin(account)
        cash = desk.ledger.cash(account, "USD")
        free = equity - margin
        return {
            "NetLiquidation": equity,
            "TotalCashValue": cash,
            "SettledCash": cash,
            "EquityWithLoanValue": equity,
            "GrossPositionValue": desk.valuation.gross(account),
            "InitMarginReq": margin,
            "MaintMarginReq": margin,
            "FullInitMarginReq": margin,
            "FullMaintMarginReq": margin,
            "AvailableFunds": free,
            "ExcessLiquidity": free,
            "FullAvailableFunds": free,
            "FullExcessLiquidity": free,
            "BuyingPower": free * _DAY_TRADING,
        }

    # -- requests ---------------------------------------------------------------------------------------------------

    def _on_updates(self, fields: Fields) -> None:
        fields.skip(1)
        if not fields.flag():
            self._updates_of = None
            return
        account = fields.text() or self._tws.accounts[0]
        self._updates_of = account
        self._tell_values(account)
        desk = self._tws.desk
        for holding in desk.ledger.holdings(account):
            contract = self._tws.catalogue.by_id(holding.con_id)
            self._session.send(answers.portfolio(holding, contract, desk.valuation.price_of(contract)))
        self._session.send(frame(8, 1, f"{answers.moment(self._tws.now(), self._tws.zone):%H:%M}"))
        self._session.send(frame(54, 1, account))

    def _tell_values(self, account: str) -> None:
        send = self._session.send
        send(answers.account_value("AccountCode", account, "", account))
        send(answers.account_value("AccountType", "INDIVIDUAL", "", account))
        for key, value in self.figures(account).items():
            send(answers.account_value(key, value.quantize(_CENT), "USD", account))
        for currency, balance in self._tws.desk.ledger.balances(account).items():
            send(answers.account_value("CashBalance", balance, currency, account))
            send(answers.account_value("TotalCashBalance", balance, currency, account))

    def _on_positions(self, _: Fields) -> None:
        self._sees_positions = True
        for holding in self._tws.desk.ledger.holdings():
            self._session.send(answers.position(holding, self._tws.catalogue.by_id(holding.con_id)))
        self._session.send(frame(62, 1))

    def _stop_positions(self) -> None:
        self._sees_positions = False

    def _on_positions_multi(self, fields: Fields) -> None:
        fields.skip(1)
        req_id, account = fields.integer(), fields.text()
        self._positions_multi[req_id] = account
        for holding in self._tws.desk.ledger.holdings(account):
            contract = self._tws.catalogue.by_id(holding.con_id)
            self._session.send(answers.position_multi(req_id, holding, contract))
        self._session.send(frame(72, 1, req_id))

    def _on_updates_multi(self, fields: Fields) -> None:
        fields.skip(1)
        req_id, account = fields.integer(), fields.text()
        fields.skip(1)  # modelCode
        ledger_only = fields.flag()
        self._updates_multi[req_id] = (account, ledger_only)
        for one in [account] if account else self._tws.accounts:
            self._tell_values_multi(req_id, one, ledger_only=ledger_only)
        self._session.send(frame(74, 1, req_id))

    def _tell_values_multi(self, req_id: int, account: str, *, ledger_only: bool) -> None:
        for key, value in self.figures(account).items():
            if not ledger_only or key == "NetLiquidation":
                self._session.send(frame(73, 1, req_id, account, "", key, value.quantize(_CENT), "USD"))
        for currency, balance in self._tws.desk.ledger.balances(account).items():
            self._session.send(frame(73, 1, req_id, account, "", "CashBalance", balance, currency))

    def _on_summary(self, fields: Fields) -> None:
        fields.skip(1)
        req_id, _, tags = fields.integer(), fields.text(), fields.text()
        self._summaries[req_id] = tags
        wanted = set(tags.split(","))
        for account in self._tws.accounts:
            if "AccountType" in wanted:
                self._session.send(frame(63, 1, req_id, account, "AccountType", "INDIVIDUAL", ""))
            for key, value in self.figures(account).items():
                if key in wanted:
                    self._session.send(frame(63, 1, req_id, account, key, value.quantize(_CENT), "USD"))
            if any(tag.startswith("$LEDGER") for tag in wanted):
                for currency, balance in self._tws.desk.ledger.balances(account).items():
                    self._session.send(frame(63, 1, req_id, account, "CashBalance", balance, currency))
        self._session.send(frame(64, 1, req_id))

    def _on_pnl(self, fields: Fields) -> None:
        req_id, account = fields.integer(), fields.text()
        realized = sum((h.realized_pnl for h in self._tws.truth_now.holdings.values() if h.account == account), ZERO)
        self._session.send(frame(94, req_id, realized, ZERO, realized))

    def _end(self, fields: Fields, requests: dict[int, str] | dict[int, tuple[str, bool]]) -> None:
        fields.skip(1)
        requests.pop(fields.integer(), None)
