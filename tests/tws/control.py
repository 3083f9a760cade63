"""The strings by which another process moves the emulator: HTTP on loopback.

Reads JSON requests; emits JSON. `GET /truth` and `GET /state` tell, `POST /faults` and `POST /do/NAME` change.
"""

import inspect
from decimal import Decimal
from typing import Any

import msgspec
from aiohttp import web

from tests.tws.faults import Faults
from tests.tws.server import TwsEmulator

_HOST = "127.0.0.1"
_DECIMALS = {"quantity", "signed_quantity", "shares", "price"}


class Control:
    """The control port of one emulator."""

    def __init__(self, tws: TwsEmulator) -> None:
        self._tws = tws
        self._runner: web.AppRunner | None = None

    async def start(self, port: int = 0) -> int:
        """Listen; returns the port."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/truth", self._truth),
                web.get("/state", self._state),
                web.post("/faults", self._faults),
                web.post("/do/{name}", self._do),
            ]
        )
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, _HOST, port)
        await site.start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _truth(self, _: web.Request) -> web.Response:
        return _answer(self._tws.truth_now)

    async def _state(self, _: web.Request) -> web.Response:
        tws = self._tws
        return _answer(
            {
                "port": tws.port,
                "clients": sorted(tws.sessions),
                "link_is_down": tws.link_is_down,
                "owed_commissions": tws.owed,
                "faults": msgspec.to_builtins(tws.faults),
            }
        )

    async def _faults(self, request: web.Request) -> web.Response:
        told = msgspec.json.decode(await request.read(), type=dict[str, Any])
        try:
            wanted = msgspec.convert({**msgspec.to_builtins(self._tws.faults), **told}, Faults)
        except msgspec.ValidationError as error:
            return web.Response(status=400, text=str(error))
        unknown = set(told) - set(Faults.__struct_fields__)
        if unknown:
            return web.Response(status=400, text=f"no such switch: {', '.join(sorted(unknown))}")
        self._tws.faults = wanted
        return _answer(self._tws.faults)

    async def _do(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        body = await request.read()
        told = msgspec.json.decode(body, type=dict[str, Any]) if body else {}
        act = getattr(self._tws, name) if name in ("quote", "trade") else getattr(self._tws.acts, name, None)
        if act is None or name.startswith("_"):
            return web.Response(status=404, text=f"no such act: {name}")
        arguments = told if name in ("quote", "trade") else {k: _decimal(k, v) for k, v in told.items()}
        try:
            result = act(**arguments)
        except (TypeError, KeyError, ValueError) as error:
            return web.Response(status=400, text=f"{name}: {error!r}")
        if inspect.isawaitable(result):
            result = await result
        return _answer(result)


def _decimal(name: str, value: Any) -> Any:
    return Decimal(str(value)) if name in _DECIMALS and value is not None else value


def _answer(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")
