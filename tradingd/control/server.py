"""The control socket: HTTP over a Unix socket that only the daemon's own user may open.

Owns: the socket. Reads and commands: the daemon, by the calls of `Daemon`. Never: does anything that a command line
without it could not ask for; every command is journaled or logged by what it commands.
"""

import os
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Protocol

import msgspec
from aiohttp import web

from tradingd.control.requests import CommandRequest
from tradingd.control.views import (
    CommandResult,
    DaemonStatus,
    OrderView,
    PositionView,
    ReconcileView,
    RiskView,
    StatementView,
    TradeView,
)
from tradingd.errors import FatalError, RecoverableError


class Daemon(Protocol):
    """What the socket can ask and tell."""

    def status(self) -> DaemonStatus:
        """How the daemon is."""
        ...

    def positions(self) -> list[PositionView]:
        """What is held."""
        ...

    def orders(self, *, open_only: bool) -> list[OrderView]:
        """Orders of the last days, or the working ones."""
        ...

    async def trades(self) -> list[TradeView]:
        """Every execution that the journal has."""
        ...

    def risk(self) -> RiskView:
        """Risk now."""
        ...

    def sample_equity(self) -> CommandResult:
        """Write the equity of this moment into the journal."""
        ...

    async def carry_out(self, request: CommandRequest) -> CommandResult:
        """Do what an operator asks, or say why not; what the answer says is committed."""
        ...

    async def reconcile(self, *, plan_only: bool, request: CommandRequest) -> ReconcileView:
        """Compare the books with the venue now."""
        ...

    async def statement(self, day: date | None) -> StatementView:
        """A day's books beside the venue's account."""
        ...

    def fail(self, error: BaseException) -> None:
        """End the process: a command met a broken invariant."""
        ...


_read_request = msgspec.json.Decoder(CommandRequest)
COMMANDS = ("halt", "resume", "flatten", "close", "cancel-all")


class ControlServer:
    """Server of one daemon; `run` is its long-lived task."""

    def __init__(self, path: Path, daemon: Daemon) -> None:
        self._path = path
        self._daemon = daemon
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen. Raises `RecoverableError` when the socket cannot be had."""
        app = web.Application(middlewares=[self._guard], client_max_size=64 * 1024)
        app.add_routes(
            [
                web.get("/status", self._status),
                web.get("/metrics", self._metrics),
                web.get("/positions", self._positions),
                web.get("/orders", self._orders),
                web.get("/trades", self._trades),
                web.get("/risk", self._risk),
                web.post("/equity", self._equity),
                *(web.post(f"/{command}", self._command) for command in COMMANDS),
                web.post("/reconcile", self._reconcile),
                web.get("/reconcile", self._plan),
                web.get("/statement", self._statement),
                web.post("/cancel/{order_id}", self._cancel),
            ]
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        self._runner = runner
        self._path.unlink(missing_ok=True)
        # The mode must be right from the first instant, not after a chmod.
        before = os.umask(0o177)
        try:
            await web.UnixSite(runner, str(self._path)).start()
        except OSError as error:
            await self.stop()
            raise RecoverableError(f"{self._path}: the control socket cannot be opened: {error}") from error
        finally:
            os.umask(before)

    async def stop(self) -> None:
        """Close the socket."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()
            self._path.unlink(missing_ok=True)

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            return await handler(request)
        except FatalError as error:
            self._daemon.fail(error)
            return _answer(CommandResult(done=False, message=str(error)), status=500)
        except msgspec.MsgspecError as error:
            return _answer(CommandResult(done=False, message=f"the request cannot be read: {error}"), status=400)

    async def _status(self, request: web.Request) -> web.Response:
        return _answer(self._daemon.status())

    async def _metrics(self, request: web.Request) -> web.Response:
        # Loaded by the first who asks: most daemons are never scraped.
        from tradingd.control.metrics import CONTENT_TYPE, exposition

        return web.Response(body=exposition(self._daemon.status()), headers={"Content-Type": CONTENT_TYPE})

    async def _positions(self, request: web.Request) -> web.Response:
        return _answer(self._daemon.positions())

    async def _orders(self, request: web.Request) -> web.Response:
        return _answer(self._daemon.orders(open_only=request.query.get("open") == "true"))

    async def _trades(self, request: web.Request) -> web.Response:
        return _answer(await self._daemon.trades())

    async def _risk(self, request: web.Request) -> web.Response:
        return _answer(self._daemon.risk())

    async def _equity(self, request: web.Request) -> web.Response:
        return _answer(self._daemon.sample_equity())

    async def _command(self, request: web.Request) -> web.Response:
        return await self._carry_out(request, request.path.removeprefix("/"))

    async def _carry_out(self, request: web.Request, command: str, order_id: str = "") -> web.Response:
        result = await self._daemon.carry_out(await _read(request, command, order_id))
        return _answer(result, status=200 if result.done else 404)

    async def _reconcile(self, request: web.Request) -> web.Response:
        asked = await _read(request, "reconcile")
        return _answer(await self._daemon.reconcile(plan_only=False, request=asked))

    async def _plan(self, request: web.Request) -> web.Response:
        return _answer(await self._daemon.reconcile(plan_only=True, request=CommandRequest()))

    async def _statement(self, request: web.Request) -> web.Response:
        text = request.query.get("date")
        try:
            day = None if text is None else date.fromisoformat(text)
        except ValueError:
            return _answer(StatementView(message=f"{text}: this is no date (write YYYY-MM-DD)"), status=400)
        return _answer(await self._daemon.statement(day))

    async def _cancel(self, request: web.Request) -> web.Response:
        return await self._carry_out(request, "cancel", request.match_info["order_id"])


async def _read(request: web.Request, command: str, order_id: str = "") -> CommandRequest:
    """What is asked, with what the request itself cannot be believed about."""
    asked = _read_request.decode(await request.read() or b"{}")
    return msgspec.structs.replace(asked, command=command, order_id=order_id, uid=_uid_of(request))


def _uid_of(request: web.Request) -> int:
    """Who opened the socket, as the kernel says; -1 where it does not."""
    channel = None if request.transport is None else request.transport.get_extra_info("socket")
    if channel is None:
        return -1
    with suppress(OSError, struct.error), socket.socket(fileno=os.dup(channel.fileno())) as own:
        _pid, uid, _gid = struct.unpack("3i", own.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return int(uid)
    return -1


def _answer(value: object, *, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json", status=status)
