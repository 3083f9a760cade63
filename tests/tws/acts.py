"""What can be made to happen to the emulated TWS: lost links, restarts, corrections, orders of other hands.

Owns nothing; each act changes the emulator and tells clients what TWS would tell them.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from tradingd.core.identifiers import Symbol
from tradingd.core.orders import TimeInForce

from tests.tws import answers
from tests.tws.contracts import Asked
from tests.tws.records import Execution, IbOrder
from tests.tws.requests import OrderAsked
from tests.tws.session import FARMS
from tests.tws.wire import frame

if TYPE_CHECKING:
    from tests.tws.server import TwsEmulator

_LOST = "Connectivity between IB and Trader Workstation has been lost."
_BACK = "Connectivity between IB and Trader Workstation has been restored"


class Acts:
    """The acts of one emulator."""

    def __init__(self, tws: "TwsEmulator") -> None:
        self._tws = tws
        self.liquidations_reach_all = True
        """Whether a liquidation is pushed to every client, or only to client 0 and the master client."""

    # -- links ------------------------------------------------------------------------------------------------------

    def lose_link(self) -> None:
        """1100: TWS loses Interactive Brokers; the market goes on, and what happens meanwhile is never pushed."""
        self._tws.link_is_down = True
        self._announce(1100, _LOST)

    def restore_link(self, *, data_lost: bool = False) -> None:
        """1102: the link is back; 1101 with `data_lost`: the market data subscriptions are gone."""
        self._tws.link_is_down = False
        if data_lost:
            for session in self._tws.sessions.values():
                session.data.forget()
            self._announce(1101, f"{_BACK}- data lost.")
        else:
            self._announce(1102, f"{_BACK} - data maintained. The following farms are connected: usfarm; ushmds.")
        held, self._tws.held[:] = list(self._tws.held), []
        for act in held:
            act()

    def break_server_link(self) -> None:
        """2110: as 1100, told as a warning."""
        self._tws.link_is_down = True
        self._announce(
            2110, "Connectivity between Trader Workstation and server is broken. It will be restored automatically."
        )

    def nightly_reset(self, seconds: float) -> None:
        """1100, and 1102 after so long, as in the nightly maintenance."""
        self.lose_link()
        self._tws.later(seconds, self.restore_link)

    def lose_market_farm(self) -> None:
        """2103: ticks and five-second bars fall silent."""
        self._tws.market_farm_is_down = True
        self._announce(2103, "Market data farm connection is broken:usfarm")

    def restore_market_farm(self) -> None:
        """2104: ticks and five-second bars come again, without those of meanwhile."""
        for session in self._tws.sessions.values():
            for symbol in session.data.wanted_bars():
                self._tws.store.close_buckets(symbol, self._tws.now())
        self._tws.market_farm_is_down = False
        self._announce(*FARMS[0])

    def lose_history_farm(self) -> None:
        """2105: historical requests stay unanswered."""
        self._tws.history_farm_is_down = True
        self._announce(2105, "HMDS data farm connection is broken:ushmds")

    def restore_history_farm(self) -> None:
        """2106: historical requests are answered again."""
        self._tws.history_farm_is_down = False
        self._announce(*FARMS[1])

    def begin_competing_session(self) -> None:
        """10197: the account's data goes to another login."""
        self._tws.competing_session = True
        for session in self._tws.sessions.values():
            session.data.on_competing_session()

    def end_competing_session(self) -> None:
        """The data comes back, without a word."""
        self._tws.competing_session = False

    # -- sockets ----------------------------------------------------------------------------------------------------

    def stall(self) -> None:
        """Neither read nor answer, on connections old and new, without closing any."""
        self._tws.flowing.clear()

    def resume(self) -> None:
        """Read and answer again, also what came meanwhile."""
        self._tws.flowing.set()
        for session in self._tws.sessions.values():
            session.release()

    def cut(self, client_id: int | None = None) -> None:
        """Cut one client's connection, or all."""
        if client_id is None:
            self._tws.cut_all()
        elif session := self._tws.sessions.get(client_id):
            session.cut()

    def mute(self, client_id: int) -> None:
        """Let a client's connection stand without answering or telling anything over it; a new one is served."""
        self._tws.sessions[client_id].is_mute = True

    def garble(self, client_id: int, message: int = 1) -> None:
        """Send a client something that cannot be read, under the number of a message."""
        self._tws.sessions[client_id].send(frame(message, "nonsense"))

    def shut_down(self) -> None:
        """Close all connections and refuse connects, as TWS does for its daily restart."""
        self._tws.stop_listening()
        self._tws.cut_all()
        self._tws.link_is_down = False

    async def start_up(self) -> None:
        """Accept connects again."""
        await self._tws.listen()

    def refuse_connects(self) -> None:
        """Refuse connects; what is connected stays. `start_up` ends it."""
        self._tws.stop_listening()

    async def change_port(self) -> int:
        """1300: tell that the port changes, drop everybody, and listen on another; returns it."""
        self._tws.stop_listening()
        self._tws.port = 0
        await self._tws.listen()
        text = "TWS socket port has been reset and this connection is being dropped. Please reconnect on the new port"
        for session in list(self._tws.sessions.values()):
            session.error(-1, 1300, f"{text} -{self._tws.port}")
            session.close()
        return self._tws.port

    # -- executions -------------------------------------------------------------------------------------------------

    def correct_execution(self, exec_id: str, price: Decimal, shares: Decimal | None = None) -> Execution:
        """Correct an execution: told under the same id but for its last part, with a commission report."""
        old = next(one for one in self._tws.truth_now.executions if one.exec_id == exec_id)
        new = self._tws.desk.ledger.correct(exec_id, Decimal(price), Decimal(shares) if shares else old.shares)
        self._tws.tell_correction(new)
        return new

    def send_commissions(self) -> None:
        """Send the commission reports that are owed, with their final figures."""
        owed, self._tws.owed[:] = list(self._tws.owed), []
        for client_id, exec_id in owed:
            execution = next((one for one in self._tws.truth_now.executions if one.exec_id == exec_id), None)
            session = self._tws.sessions.get(client_id)
            if execution is not None and session is not None:
                session.send(answers.commission(execution))

    def liquidate(self, name: str, signed_quantity: Decimal, price: Decimal) -> Execution:
        """Trade for the account as the broker does when margin is short: client 0, order id -1, liquidation 1."""
        contract = self._tws.catalogue.by_name(name)
        account = self._tws.accounts[0]
        event = self._tws.desk.liquidate(account, contract, Decimal(signed_quantity), Decimal(price), self._tws.now())
        self._tws.publish([event])
        return event.execution

    # -- orders of other hands --------------------------------------------------------------------------------------

    def order_by_hand(
        self, name: str, action: str, quantity: Decimal, *, order_type: str = "LMT", price: Decimal | None = None
    ) -> IbOrder:
        """Type an order in TWS: client 0, bound to an API id only when client 0 asks for that."""
        asked = self._asked(0, name, action, quantity, order_type=order_type, price=price)
        return self._placed(lambda: self._tws.publish(self._tws.desk.enter_manually(asked, self._tws.now())))

    def order_by_client(
        self,
        client_id: int,
        name: str,
        action: str,
        quantity: Decimal,
        *,
        order_type: str = "LMT",
        price: Decimal | None = None,
        order_ref: str = "",
    ) -> IbOrder:
        """Place an order as another client of the API would, without a connection for it."""
        order_id = self._tws.desk.book.next_valid_id(client_id)
        asked = self._asked(order_id, name, action, quantity, order_type=order_type, price=price, order_ref=order_ref)
        return self._placed(lambda: self._tws.publish(self._tws.desk.place(client_id, asked, self._tws.now())))

    def end_order(self, perm_id: int, reason: str = "") -> None:
        """Let the exchange cancel an order that nobody asked to cancel."""
        order = self._tws.truth_now.orders[perm_id]
        self._tws.publish(list(self._tws.desk.end(order, self._tws.now(), reason)))

    def reject_order(self, perm_id: int, reason: str) -> None:
        """Let the exchange refuse an order after it was taken: 201, and Inactive."""
        self._tws.publish(self._tws.desk.reject(self._tws.truth_now.orders[perm_id], reason, self._tws.now()))

    def finish_cancels(self) -> None:
        """Do the cancels that are pending."""
        self._tws.publish(self._tws.desk.finish_cancels(self._tws.now()))

    # -- hours ------------------------------------------------------------------------------------------------------

    def set_hours(self, *, regular: bool, extended: bool = False) -> None:
        """Open or close the market: outside regular hours only what is marked outsideRth trades."""
        self._tws.publish(self._tws.desk.on_hours(regular=regular, extended=extended, now_ns=self._tws.now()))

    def hold_auction(self, name: str, which: str, price: float) -> None:
        """Hold the opening (`OPG`) or the closing auction (`CLS`) of a contract."""
        events = self._tws.desk.hold_auction(Symbol(name), TimeInForce(which), price, self._tws.now())
        self._tws.publish(events)

    def end_day(self) -> None:
        """End what was good for the day."""
        self._tws.publish(self._tws.desk.end_day(self._tws.now()))

    # -----------------------------------------------------------------------------------------------------------------

    def _announce(self, code: int, text: str) -> None:
        for session in list(self._tws.sessions.values()):
            session.error(-1, code, text)

    def _placed(self, place: Callable[[], None]) -> IbOrder:
        before = set(self._tws.truth_now.orders)
        place()
        (perm_id,) = set(self._tws.truth_now.orders) - before
        return self._tws.truth_now.orders[perm_id]

    def _asked(
        self,
        order_id: int,
        name: str,
        action: str,
        quantity: Decimal,
        *,
        order_type: str,
        price: Decimal | None,
        order_ref: str = "",
    ) -> OrderAsked:
        contract = self._tws.catalogue.by_name(name)
        asked = Asked(
            con_id=contract.con_id,
            symbol="",
            sec_type="",
            expiry="",
            multiplier="",
            exchange=contract.exchanges[0],
            primary_exchange="",
            currency="",
            local_symbol="",
            trading_class="",
        )
        stop = order_type == "STP"
        return OrderAsked(
            order_id=order_id,
            contract=asked,
            action=action,
            quantity=Decimal(quantity),
            order_type=order_type,
            limit_price=None if stop or price is None else Decimal(price),
            aux_price=Decimal(price) if stop and price is not None else None,
            tif="DAY",
            oca_group="",
            account=self._tws.accounts[0],
            order_ref=order_ref,
            transmit=True,
            parent_id=0,
            outside_rth=False,
            good_after="",
            good_till="",
            oca_type=0,
            all_or_none=False,
            trail_stop_price=None,
            trailing_percent=None,
            what_if=False,
        )
