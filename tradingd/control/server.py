"""The control socket: HTTP over a Unix socket that only the daemon's own user may open.

Owns: the socket. Reads and commands: the daemon, by the calls of `Daemon`. Never: does anything that a command line
without it could not ask for; every command is journaled or logged by what it commands.
"""

import os
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Protocol

import msgspec
from aiohttp import web

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
from tradingd.core.identifiers import ClientOrderId
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

    def halt(self, reason: str, operator: str) -> CommandResult:
        """Stop new orders."""
        ...

    def resume(self, operator: str) -> CommandResult:
        """Let orders leave again."""
        ...

    def flatten(self, operator: str) -> CommandResult:
        """Halt, cancel everything, close every position."""
        ...

    def cancel(self, order_id: ClientOrderId) -> CommandResult:
        """Cancel one order."""
        ...

    def cancel_all(self) -> CommandResult:
        """Cancel every working order."""
        ...

    async def reconcile(self, *, plan_only: bool) -> ReconcileView:
        """Compare the books with the venue now."""
        ...

    async def statement(self, day: date | None) -> StatementView:
        """A day's books beside the venue's account."""
        ...

    def fail(self, error: BaseException) -> None:
        """End the process: a command met a broken invariant."""
        ...


class HaltRequest(msgspec.Struct, frozen=True):
    """Why, and who says so."""

    reason: str = "operator"
    operator: str = ""


_read_request = msgspec.json.Decoder(HaltRequest)


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
                web.post("/halt", self._halt),
                web.post("/resume", self._resume),
                web.post("/flatten", self._flatten),
                web.post("/cancel-all", self._cancel_all),
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

    async def _halt(self, request: web.Request) -> web.Response:
        order = _read_request.decode(await request.read() or b"{}")
        return _answer(self._daemon.halt(order.reason, order.operator))

    async def _resume(self, request: web.Request) -> web.Response:
        return _answer(self._daemon.resume(_read_request.decode(await request.read() or b"{}").operator))

    async def _flatten(self, request: web.Request) -> web.Response:
        return _answer(self._daemon.flatten(_read_request.decode(await request.read() or b"{}").operator))

    async def _cancel_all(self, request: web.Request) -> web.Response:
        return _answer(self._daemon.cancel_all())

    async def _reconcile(self, request: web.Request) -> web.Response:
        return _answer(await self._daemon.reconcile(plan_only=False))

    async def _plan(self, request: web.Request) -> web.Response:
        return _answer(await self._daemon.reconcile(plan_only=True))

    async def _statement(self, request: web.Request) -> web.Response:
        text = request.query.get("date")
        try:
            day = None if text is None else date.fromisoformat(text)
        except ValueError:
            return _answer(StatementView(message=f"{text}: this is no date (write YYYY-MM-DD)"), status=400)
        return _answer(await self._daemon.statement(day))

    async def _cancel(self, request: web.Request) -> web.Response:
        result = self._daemon.cancel(ClientOrderId(request.match_info["order_id"]))
        return _answer(result, status=200 if result.done else 404)


def _answer(value: object, *, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json", status=status)
