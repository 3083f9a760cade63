"""The connection for orders, kept up: the same client id always, probed, and brought back with all that it knew.

Owns: the socket's life, the link behind it (between TWS and Interactive Brokers), and the counter of order ids. Emits:
up, down, records, problems. Never: changes the client id, since orders belong to it; and never asks the library to
reconnect.
"""

import asyncio
import random
import re
from collections.abc import Awaitable, Callable
from typing import Any

from tradingd.brokers.ib.codes import Reaction, meaning
from tradingd.brokers.ib.connection import Cause, IbConnection, NotConnected, Pace, Problem
from tradingd.brokers.ib.inbox import CURRENT_TIME, AnyRecord
from tradingd.brokers.ib.library import Library, load_library
from tradingd.brokers.ib.questions import Key
from tradingd.brokers.ib.waits import LoopWaits, Waits
from tradingd.brokers.ib.windows import DAILY_RESTART, MaintenanceWindow, Region, Restart, expected_away, needs_login
from tradingd.brokers.ib.wire import WireError
from tradingd.brokers.pacing import Priority
from tradingd.core.timestamps import format_timestamp
from tradingd.errors import UsageError, VenueUnavailable
from tradingd.runtime.backoff import Backoff

_FIRST_WAIT_S, _MAX_WAIT_S = 0.5, 3.0
"""Books are to be right within five seconds of the venue's return: it is never waited for long."""
_REPORT_AGAIN_S = 60.0
_PORT = re.compile(r"(\d{2,5})\D*$")
_SERVER_LINK_CODES = frozenset({2104, 2106, 2158})


class IbSession:
    """One login's connection for one client id."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        client_id: int,
        account: str,
        account_kind: str,
        clock: Callable[[], int],
        rng: random.Random,
        on_record: Callable[[AnyRecord], None],
        on_up: Callable[[], None],
        on_down: Callable[[str], None],
        on_lost: Callable[[str], None],
        on_problem: Problem,
        failure: Callable[[BaseException], None],
        resync: Callable[[], Awaitable[None]],
        timeout_s: float,
        region: Region,
        probe_s: float = 15.0,
        id_wait_s: float = 60.0,
        order_id_floor: int = 0,
        pace: Pace = Pace(),  # noqa: B008 - frozen
        restart: Restart | None = DAILY_RESTART,
        waits: Waits | None = None,
    ) -> None:
        self.client_id = client_id
        self.account = account
        self.timeout_s = timeout_s
        self._host, self._port = host, port
        self._wanted_account, self._account_kind = account, account_kind
        self._clock = clock
        self._on_record = on_record
        self._on_up, self._on_down, self._on_lost = on_up, on_down, on_lost
        self._on_problem = on_problem
        self._failure = failure
        self._resync = resync
        self._region = region
        self._probe_s = probe_s
        self._id_wait_s = id_wait_s
        self._pace = pace
        self._restart = restart
        self._waits: Waits = LoopWaits() if waits is None else waits
        self._backoff = Backoff(_FIRST_WAIT_S, _MAX_WAIT_S, rng)
        self._next_order_id = order_id_floor + 1
        self._connection: IbConnection | None = None
        self._library: Library | None = None
        self._lost = asyncio.Event()
        self._lost_reason = ""
        self._link_down = ""
        self._reported_up = False
        self._reported_at = -_REPORT_AGAIN_S
        self._began_in: MaintenanceWindow | None = None
        """The expected interruption that the present one began in."""

    # -- using it -----------------------------------------------------------------------------------------------------

    @property
    def library(self) -> Library:
        """The library; only after `open`."""
        assert self._library is not None
        return self._library

    @property
    def connection(self) -> IbConnection | None:
        """The connection that is up, if one is."""
        found = self._connection
        return found if found is not None and found.is_up else None

    def next_order_id(self) -> int:
        """An order id that TWS has not seen from this client, nor will by mistake see again."""
        if (connection := self.connection) is not None:
            self.seen_order_id(connection.inbox.next_valid_id - 1)
        given = self._next_order_id
        self._next_order_id += 1
        return given

    def seen_order_id(self, order_id: int) -> None:
        """Never give out an order id that was used, whatever TWS says the next one is."""
        self._next_order_id = max(self._next_order_id, order_id + 1)

    async def ask(
        self, key: Key | None, send: Callable[[Any, int], None], *, what: str, priority: Priority = Priority.QUERY
    ) -> list[Any]:
        """Put a question; `send` gets the client and the question's number. Raises `VenueUnavailable`."""
        connection = self.connection
        if connection is None:
            raise VenueUnavailable(f"{what}: there is no connection to TWS")
        number = connection.inbox.questions.next_number()
        return await connection.ask(
            number if key is None else key,
            lambda: send(connection.client, number),
            what=what,
            timeout_s=self.timeout_s,
            priority=priority,
        )

    # -- life ---------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Connect once, waiting for a client id that is still taken.

        Raises `VenueUnavailable`, or `UsageError` for what no waiting mends.
        """
        waits = self._waits
        until = waits.time() + self._id_wait_s
        while True:
            try:
                await self._open_once()
                return
            except NotConnected as error:
                if error.cause is not Cause.CLIENT_ID_TAKEN:
                    raise VenueUnavailable(self._explain(error)) from error
                if waits.time() >= until:
                    raise UsageError(
                        f"{error}: another program uses it, or a dead connection still holds it; stop that program, "
                        "restart the gateway, or give broker.client_id another number (orders belong to their id)"
                    ) from error
            await waits.sleep(min(self._backoff.next_delay(), max(until - waits.time(), 0.01)))

    async def _open_once(self) -> None:
        if self.connection is not None:
            return
        self._library = library = load_library()
        self._lost.clear()
        self._link_down = ""
        connection = IbConnection(
            library,
            listener=self._take,
            on_lost=self._on_connection_lost,
            on_problem=self._on_problem,
            failure=self._failure,
            pace=self._pace,
        )
        await connection.open(self._host, self._port, self.client_id, self.timeout_s)
        self._connection = connection
        try:
            self._check_account(connection.inbox.accounts)
            self.seen_order_id(connection.inbox.next_valid_id - 1)
            await self._resync()
        except (UsageError, VenueUnavailable, asyncio.CancelledError):
            await connection.close()
            raise
        self._backoff.reset()

    def _check_account(self, accounts: tuple[str, ...]) -> None:
        listed = ", ".join(accounts)
        if self._wanted_account:
            if self._wanted_account not in accounts:
                raise UsageError(
                    f"this login has no account {self._wanted_account}: set broker.account to one of {listed}"
                )
            self.account = self._wanted_account
        elif len(accounts) != 1:
            raise UsageError(f"this login has the accounts {listed}: say which in broker.account")
        else:
            self.account = accounts[0]
        kind = kind_of(self.account)
        if kind != self._account_kind:
            raise UsageError(
                f'{self.account} is a {kind} account and broker.account_kind is "{self._account_kind}": '
                f"log TWS or IB Gateway in to the other one, or change account_kind"
            )

    async def run(self) -> None:
        """Keep the session up until cancelled; raises `UsageError` for what no waiting mends."""
        while True:
            if self.connection is None:
                try:
                    await self._open_once()
                except VenueUnavailable as error:
                    self._report_unreachable(error)
                    await self._waits.sleep(self._backoff.next_delay())
                    continue
            self._reported_at = -_REPORT_AGAIN_S
            if self.connection is not None and not self._link_down:
                self._up()
            await self._watch()
            # The gateway needs a moment to let go of the client id.
            await self._waits.sleep(self._backoff.next_delay())

    async def _watch(self) -> None:
        """Probe until the connection is lost: a dead host closes nothing."""
        while not await self._waits.happens(self._lost, self._probe_s):
            await self._probe()
            if self._link_down and self.connection is not None:
                self._report_unreachable(VenueUnavailable(self._link_down))

    async def _probe(self) -> None:
        connection = self.connection
        if connection is None:
            return
        reads = connection.inbox.reads
        try:
            await self.ask(CURRENT_TIME, lambda client, _: client.reqCurrentTime(), what="a probe")
        except VenueUnavailable:
            # What else came in the meantime shows that the socket lives, and that the probe waited in our own queue.
            if connection.is_up and connection.inbox.reads == reads:
                connection.drop(f"TWS has not answered for {self.timeout_s:g} s")

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    def _on_connection_lost(self, reason: str) -> None:
        reason = self._with_window(reason)
        self._connection = None
        self._on_lost(reason)
        self._down(reason)
        self._lost.set()

    # -- up and down --------------------------------------------------------------------------------------------------

    def _away(self) -> MaintenanceWindow | None:
        return expected_away(self._clock(), self._region, self._restart)

    def _with_window(self, reason: str) -> str:
        """Say of an interruption which expected one it is part of, or has outlived."""
        if (away := self._away()) is not None:
            return f"{reason} ({away.reason}, until {_minute(away.until_ns)} at the latest)"
        if (began := self._began_in) is not None:
            return f"{reason} ({began.reason} that it began in should have been over at {_minute(began.until_ns)})"
        return reason

    def _up(self) -> None:
        self._began_in = None
        if not self._reported_up:
            self._reported_up = True
            self._on_up()

    def _down(self, reason: str) -> None:
        if self._reported_up:
            self._reported_up = False
            self._began_in = self._away()
            self._on_down(reason)

    def _explain(self, error: VenueUnavailable) -> str:
        said = self._with_window(str(error))
        waits = isinstance(error, NotConnected) and error.cause is Cause.NO_HANDSHAKE and needs_login(self._clock())
        return f"{said}: the login of the week is due, confirm it with the second factor" if waits else said

    def _report_unreachable(self, error: VenueUnavailable) -> None:
        """Say why there is no connection, at once and then each minute; a normal interruption once."""
        now = self._waits.time()
        expected = self._away() is not None
        if now - self._reported_at >= (3600.0 if expected else _REPORT_AGAIN_S):
            self._reported_at = now
            self._on_problem("broker.stream_unreachable", self._explain(error), {"expected": expected})

    # -- what TWS says of the connection ------------------------------------------------------------------------------

    def _take(self, record: AnyRecord) -> None:
        if isinstance(record, WireError):
            self._react(record)
        self._on_record(record)

    def _react(self, said: WireError) -> None:
        row = meaning(said.code)
        match row.reaction:
            case Reaction.LINK_LOST:
                self._link_down = f"TWS has lost its link to Interactive Brokers ({said.code})"
                self._reported_at = -_REPORT_AGAIN_S
                self._down(self._with_window(self._link_down))
            case Reaction.LINK_BACK | Reaction.LINK_BACK_DATA_LOST:
                self._link_back()
            case Reaction.DATA_FLOWS if said.code in _SERVER_LINK_CODES and "2110" in self._link_down:
                self._link_back()  # after 2110 nothing else need say so
            case Reaction.PORT_CHANGED:
                self._change_port(said.text)
            case Reaction.THROTTLE:
                connection = self.connection
                if connection is not None:
                    connection.pacer.hold(1.0)
                self._report(said, "broker.rate_exceeded")
            case Reaction.NEXT_ID if (connection := self.connection) is not None:
                connection.send(lambda client: client.reqIds(1))
            case Reaction.ALARM:
                self._report(said, "broker.margin_warning")
            case Reaction.DATA_STALE if said.req_id < 0:
                self._report(said, "broker.farm_down")
            case Reaction.TELL if said.req_id < 0:
                self._report(said, "broker.message")
            case _:
                pass

    def _link_back(self) -> None:
        self._link_down = ""
        # Fills of meanwhile may never be pushed: whoever hears of this asks for them, data kept or not.
        if self.connection is not None:
            self._up()

    def _change_port(self, text: str) -> None:
        found = _PORT.search(text)
        if found is not None:
            self._port = int(found.group(1))
        self._on_problem(
            "broker.port_changed",
            f"TWS changed its port: going on at {self._port}; set broker.port to it before the next start",
            {"port": self._port},
        )

    def _report(self, said: WireError, event: str) -> None:
        self._on_problem(event, f"TWS says {said.code}: {said.text}", {"code": said.code})


def _minute(ts_ns: int) -> str:
    return f"{format_timestamp(ts_ns)[:16]}Z"


def kind_of(account: str) -> str:
    """`paper` for the accounts of the paper service, whose names begin with D, else `live`."""
    return "paper" if account.startswith("D") else "live"
