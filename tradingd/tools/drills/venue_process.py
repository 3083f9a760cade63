"""The venue of a drill: a process of its own, told over a Unix socket which faults to commit.

Owns: the venue with its fault layer, the market's pace, and the socket. Started by the runner alone, as
`python -m tradingd.tools.drills.venue_process`.
"""

import argparse
import asyncio
import os
import random
import signal
import sys
from pathlib import Path

import msgspec
from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from tradingd.core.market import NS_PER_SECOND, MarketDataEvent
from tradingd.errors import FatalError
from tradingd.runtime.clock import SystemClock
from tradingd.settings import load_settings
from tradingd.settings.paths import StatePaths
from tradingd.tools.drills.market import pace, play
from tradingd.venue.fault_acts import FaultPlayer
from tradingd.venue.fault_rules import FaultRule
from tradingd.venue.faults import FaultLayer, Injection
from tradingd.venue.faulty import FaultyVenue

_rules: TypeAdapter[FaultRule] = TypeAdapter(FaultRule)


class VenueState(msgspec.Struct, frozen=True, kw_only=True):
    """What the runner sees of a venue between two questions."""

    seen: dict[str, int]
    injections: tuple[Injection, ...]
    armed: int
    priced: bool
    """True once every symbol has had a price."""


class CommandAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a command: empty when it was done."""

    problem: str = ""


class ControlSocket:
    """Arms faults and tells what they did."""

    def __init__(self, venue: FaultyVenue, layer: FaultLayer) -> None:
        self._venue = venue
        self._layer = layer
        self._player = FaultPlayer(venue, layer)
        self._is_frozen = False

    def routes(self) -> list[web.RouteDef]:
        """The commands."""
        return [
            web.post("/play", self.play),
            web.post("/stop", self.stop),
            web.post("/freeze", self.freeze),
            web.get("/state", self.state),
        ]

    def on_market_data(self, event: MarketDataEvent) -> None:
        """Pass the market on until it is frozen."""
        if not self._is_frozen:
            self._venue.on_market_data(event)

    async def play(self, request: web.Request) -> web.Response:
        """Commit or arm one fault."""
        try:
            await self._player.play(_rules.validate_json(await request.read()))
        except (ValidationError, FatalError) as error:
            return _answer(CommandAnswer(problem=str(error)))
        return _answer(CommandAnswer())

    async def stop(self, request: web.Request) -> web.Response:
        """Commit no more faults."""
        await self._player.stop()
        return _answer(CommandAnswer())

    async def freeze(self, request: web.Request) -> web.Response:
        """Let nothing fill any more, so that two who look one after the other see the same."""
        self._is_frozen = True
        return _answer(CommandAnswer())

    async def state(self, request: web.Request) -> web.Response:
        """Tell what was seen and done."""
        return _answer(
            VenueState(
                seen=dict(self._layer.seen),
                injections=tuple(self._layer.injections),
                armed=self._layer.armed,
                priced=all(self._venue.price_of(symbol) is not None for symbol in self._venue.symbols),
            )
        )


def _answer(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


async def serve(config: Path, socket: Path, began_s: float, per_second: float, seed: int) -> None:
    """Run until SIGTERM; raises a `FatalError` when it cannot."""
    settings = load_settings(config, {}).settings
    paths = StatePaths(settings.daemon.state_dir)
    paths.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    symbols = sorted({symbol for feed in settings.data.feeds for symbol in feed.symbols})
    # The seed makes a drill repeatable; nothing here is a secret.
    layer = FaultLayer(SystemClock.now_ns, random.Random(seed))  # noqa: S311

    def log(level: str, event: str, message: str, details: dict[str, object]) -> None:
        sys.stdout.buffer.write(msgspec.json.encode({"event": event, "message": message}) + b"\n")
        sys.stdout.buffer.flush()

    venue = FaultyVenue(
        settings.venue, database=paths.venue_database, symbols=symbols, clock=SystemClock.now_ns, log=log, faults=layer
    )
    app = web.Application()
    control = ControlSocket(venue, layer)
    app.add_routes(control.routes())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    market = asyncio.create_task(
        pace(
            play(settings.data.feeds, int(began_s * NS_PER_SECOND)),
            began_s=began_s,
            per_second=per_second,
            deliver=control.on_market_data,
        ),
        name="drill-market",
    )
    try:
        await venue.start()
        await web.UnixSite(runner, str(socket)).start()
        stopping = asyncio.create_task(ended.wait(), name="drill-stop")
        await asyncio.wait((market, stopping), return_when=asyncio.FIRST_COMPLETED)
        if market.done():
            market.result()
    finally:
        market.cancel()
        await runner.cleanup()
        await venue.stop()


def main() -> None:
    """Read the arguments that the runner gives, and serve."""
    parser = argparse.ArgumentParser(prog="tradingd.tools.drills.venue_process")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--began", type=float, required=True)
    parser.add_argument("--pace", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    given = parser.parse_args()
    given.socket.unlink(missing_ok=True)  # of a former life that was killed
    os.umask(0o077)
    import uvloop

    try:
        uvloop.run(serve(given.config, given.socket, given.began, given.pace, given.seed))
    except FatalError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(error.exit_code) from error


if __name__ == "__main__":
    main()
