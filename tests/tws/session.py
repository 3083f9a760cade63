"""One client's connection: from the greeting to the end of its socket.

Owns the connection's bytes and what the client subscribed to. Reads requests and asks the desk; emits answers. What is
told unasked comes from the emulator, which knows all sessions.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.tws import answers, answers_orders
from tests.tws.account_view import AccountView
from tests.tws.contracts import IbContract, read_contract
from tests.tws.data import DataStreams
from tests.tws.faults import CommissionReports, Harm
from tests.tws.records import Execution, IbOrder, Said, WhatIf
from tests.tws.requests import read_moment, read_order
from tests.tws.wire import BadFrame, Fields, FrameReader, frame, read_version_range, split

if TYPE_CHECKING:
    from tests.tws.server import TwsEmulator

_CHUNK = 1 << 16
_NOBODY = -1
_PACE_VIOLATIONS = 3
_READ_ONLY = "Error validating request.-'bW' : cause - The API interface is currently in Read-Only mode."
_IN_USE = "Unable to connect as the client id is already in use. Retry with a unique client id."
START_API = 71

FARMS = (
    (2104, "Market data farm connection is OK:usfarm"),
    (2106, "HMDS data farm connection is OK:ushmds"),
    (2158, "Sec-def data farm connection is OK:secdefil"),
)


class Session:
    """One connection of a client."""

    def __init__(self, tws: "TwsEmulator", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.client_id = _NOBODY
        self.version = 0
        self.auto_binds = False
        self.data = DataStreams(self, tws)
        self.account = AccountView(self, tws)
        self._tws = tws
        self._reader = reader
        self._writer = writer
        self._frames = FrameReader(expects_greeting=True)
        self.is_mute = False
        """True for a connection that stands, and over which nothing comes or is heard any more."""
        self._held: list[bytes] = []
        self._paced: deque[float] = deque()
        self._violations = 0
        self._acts: dict[int, Callable[[Fields], None]] = {
            3: self._on_place,
            4: self._on_cancel,
            5: self._on_open_orders,
            7: self._on_executions,
            8: lambda _: self.tell_next_valid_id(),
            9: self._on_contract_details,
            15: self._on_auto_open_orders,
            16: self._on_all_open_orders,
            17: lambda _: self.send(answers.managed_accounts(tws.accounts)),
            49: lambda _: self.send(answers.current_time(tws.now())),
            58: lambda _: self._on_global_cancel(),
            81: self._on_matching_symbols,
            91: lambda fields: self.send(answers.market_rule(fields.integer())),
            99: lambda _: self._on_completed_orders(),
            104: lambda fields: self.send(frame(107, fields.integer(), "")),
            **self.data.acts(),
            **self.account.acts(),
        }

    @property
    def is_started(self) -> bool:
        """True once the client has said who it is."""
        return self.client_id != _NOBODY

    async def run(self) -> None:
        """Serve the client until either end closes."""
        try:
            while True:
                await self._tws.flowing.wait()
                data = await self._reader.read(_CHUNK)
                await self._tws.flowing.wait()
                if not data:
                    return
                for payload in self._frames.feed(data):
                    self._take(payload)
                    if self._writer.is_closing():
                        return
        except (ConnectionError, BadFrame):
            return
        finally:
            self._writer.close()

    def send(self, message: bytes) -> None:
        """Send one frame as the switches have it, or hold it while the emulator is stalled."""
        harm = self._tws.faults.harm_to(message)
        if harm is Harm.LOST or self.is_mute:
            return
        if harm is Harm.GARBLED:
            number = message[4:].partition(b"\0")[0].decode()
            message = frame(number, "nonsense")
        if harm is Harm.CUT:
            message = message[: len(message) // 2]
        for _ in range(2 if harm is Harm.TWICE else 1):
            self._write(message)
        if harm is Harm.CUT:
            self.close()

    def _write(self, message: bytes) -> None:
        if not self._tws.flowing.is_set():
            self._held.append(message)
        elif not self._writer.is_closing():
            self._writer.write(message)

    def release(self) -> None:
        """Send what was held while the emulator was stalled."""
        held, self._held = self._held, []
        for message in held:
            self._write(message)

    def close(self) -> None:
        """End the connection; what was sent before still arrives."""
        self._writer.close()

    def cut(self) -> None:
        """End the connection at once."""
        self._writer.transport.abort()

    def error(self, req_id: int, code: int, text: str) -> None:
        """Send an error or a notice."""
        self.send(answers.error(self.version, req_id, code, text))

    def tell_next_valid_id(self) -> None:
        """Tell the floor of the client's order ids."""
        floor = self._tws.desk.book.next_valid_id(self.client_id) + self._tws.faults.next_valid_id_shift
        self.send(answers.next_valid_id(max(1, floor)))

    # -- what is told of orders -------------------------------------------------------------------------------------

    def show(self, order: IbOrder) -> None:
        """Send openOrder and orderStatus."""
        faults = self._tws.faults
        self.send(answers_orders.open_order(self.version, order, self._contract(order.con_id)))
        if faults.drop_status:
            return
        status = answers_orders.order_status(order)
        for _ in range(1 + faults.duplicate_status):
            self._tws.later(faults.status_delay_s, lambda: self.send(status))

    def tell_execution(self, execution: Execution, req_id: int = -1) -> None:
        """Send execDetails."""
        contract = self._contract(execution.con_id)
        self.send(answers.execution(self.version, req_id, execution, contract, self._tws.zone))

    def tell_commission(self, execution: Execution, *, is_live: bool) -> None:
        """Send what an execution cost, as the switch has it."""
        match self._tws.faults.commission_reports:
            case CommissionReports.PROMPT:
                self.send(answers.commission(execution))
            case CommissionReports.LATE if is_live:
                self._tws.owed.append((self.client_id, execution.exec_id))
            case CommissionReports.LATE | CommissionReports.MISSING:
                pass
            case CommissionReports.SENTINEL:
                self.send(answers.commission(execution, sentinel=True))
            case CommissionReports.PROVISIONAL:
                self.send(answers.provisional_commission(execution))
                self._tws.owed.append((self.client_id, execution.exec_id))

    def answer_what_if(self, figures: WhatIf) -> None:
        """Send the figures of an order that was not placed."""
        contract = self._contract(figures.order.con_id)
        self.send(answers_orders.open_order(self.version, figures.order, contract, figures))

    def say(self, said: Said) -> None:
        """Send an error or a notice about an order."""
        self.error(said.order_id, said.code, said.text)

    # -- the start --------------------------------------------------------------------------------------------------

    def _take(self, payload: bytes) -> None:
        if self.is_mute:
            return
        if not self.version:
            self._greet(payload)
            return
        fields = Fields(split(payload))
        message = fields.integer()
        if not self.is_started:
            if message == START_API:
                self._start(fields)
            return
        if self._is_too_fast():
            return
        act = self._acts.get(message)
        if act is not None:
            act(fields)

    def _greet(self, payload: bytes) -> None:
        lowest, highest = read_version_range(payload)
        if self._tws.faults.mute_handshake:
            return
        self.version = min(self._tws.server_version, highest)
        if self.version < lowest:
            self.close()
            return
        local = answers.moment(self._tws.now(), self._tws.zone)
        self.send(frame(self.version, f"{local:%Y%m%d %H:%M:%S} {local:%Z}"))

    def _start(self, fields: Fields) -> None:
        fields.skip(1)
        client_id = fields.integer()
        if not self._tws.admit(self, client_id):
            self.error(-1, 326, _IN_USE)
            self.close()
            return
        self.client_id = client_id
        self.send(answers.managed_accounts(self._tws.accounts))
        self.tell_next_valid_id()
        if self._tws.link_is_down:
            self.error(-1, 1100, "Connectivity between IB and Trader Workstation has been lost.")
            return
        for code, text in FARMS:
            self.error(-1, code, text)

    def _is_too_fast(self) -> bool:
        limit = self._tws.faults.pace_limit
        if not limit:
            return False
        now = asyncio.get_running_loop().time()
        self._paced.append(now)
        while self._paced[0] <= now - 1:
            self._paced.popleft()
        if len(self._paced) <= limit:
            return False
        count = len(self._paced)
        self._paced.clear()
        self._violations += 1
        self.error(-1, 100, f"Max rate of messages per second has been exceeded:max={limit} rec={count} ({count})")
        if self._violations >= _PACE_VIOLATIONS:
            self.close()
        return True

    # -- orders -----------------------------------------------------------------------------------------------------

    def _on_place(self, fields: Fields) -> None:
        asked = read_order(fields, self.version)
        if self._tws.faults.read_only:
            self.error(asked.order_id, 321, _READ_ONLY)
            return
        self._tws.place(self, asked)

    def _on_cancel(self, fields: Fields) -> None:
        fields.skip(1)
        order_id = fields.integer()
        if self._tws.faults.read_only:
            self.error(order_id, 321, _READ_ONLY)
            return
        self._tws.cancel(self, order_id)

    def _on_global_cancel(self) -> None:
        if self._tws.faults.read_only:
            self.error(-1, 321, _READ_ONLY)
            return
        self._tws.publish(self._tws.desk.cancel_all(self._tws.now()))

    def _on_open_orders(self, _: Fields) -> None:
        if self._tws.faults.read_only:  # to tell a client's orders is to bind them: users see this refused at a connect
            self.error(-1, 321, _READ_ONLY)
            return
        orders = [o for o in self._tws.desk.book.open_orders() if o.client_id == self.client_id]
        if self.client_id == 0:
            orders = [self._tws.bind(self, o) if o.is_manual else o for o in orders]
        self._show_all(orders)

    def _on_all_open_orders(self, _: Fields) -> None:
        self._show_all(self._tws.desk.book.open_orders())

    def _on_auto_open_orders(self, fields: Fields) -> None:
        fields.skip(1)
        if self.client_id != 0:
            self.error(
                -1, 321, "Error validating request.-'bN' : cause - Only the default client (0) can auto bind orders"
            )
            return
        self.auto_binds = fields.flag()

    def _show_all(self, orders: list[IbOrder]) -> None:
        for order in orders:
            self.show(order)
        if not self._tws.faults.withhold_open_orders_end:
            self.send(frame(53, 1))

    def _on_completed_orders(self) -> None:
        for order in self._tws.desk.book.completed_orders():
            if self._tws.is_today(order.done_ns):
                contract = self._contract(order.con_id)
                self.send(answers_orders.completed_order(self.version, order, contract, self._tws.zone))
        self.send(frame(102))

    def _on_executions(self, fields: Fields) -> None:
        fields.skip(1)
        req_id, client_id, account = fields.integer(), fields.integer(), fields.text()
        since = read_moment(fields.text(), self._tws.zone) or 0
        symbol, sec_type, exchange, side = fields.text(), fields.text(), fields.text(), fields.text()
        sides = {"BUY": "BOT", "SELL": "SLD"}
        for execution in () if self._tws.faults.empty_executions else list(self._tws.truth_now.executions):
            contract = self._contract(execution.con_id)
            pairs = (
                (account, execution.account),
                (symbol, contract.symbol),
                (sec_type, contract.sec_type),
                (exchange, execution.exchange),
                (sides.get(side, side), execution.side),
            )
            if (
                self._tws.is_today(execution.ts_ns)
                and execution.ts_ns >= since
                and (not client_id or client_id == execution.client_id)
                and (not self._tws.faults.only_own_executions or execution.client_id == self.client_id)
                and all(not asked or asked == has for asked, has in pairs)
            ):
                self.tell_execution(execution, req_id)
                self.tell_commission(execution, is_live=False)
        if not self._tws.faults.withhold_executions_end:
            self.send(frame(55, 1, req_id))

    # -- contracts --------------------------------------------------------------------------------------------------

    def _on_contract_details(self, fields: Fields) -> None:
        fields.skip(1)
        req_id = fields.integer()
        asked = read_contract(fields)
        found = self._tws.catalogue.find(asked)
        if not found:
            self.error(req_id, 200, "No security definition has been found for the request")
            return
        for contract in found:
            exchange = asked.exchange or contract.exchanges[0]
            self.send(answers.contract_details(self.version, req_id, contract, exchange, self._tws.now()))
        self.send(frame(52, 1, req_id))

    def _on_matching_symbols(self, fields: Fields) -> None:
        req_id, pattern = fields.integer(), fields.text()
        self.send(answers.matching_symbols(self.version, req_id, self._tws.catalogue.search(pattern)))

    def _contract(self, con_id: int) -> IbContract:
        return self._tws.catalogue.by_id(con_id)
