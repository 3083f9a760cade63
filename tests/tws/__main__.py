"""The emulator as a process of its own: `python -m tests.tws --port 0 --state FILE`.

Owns the command line. Prints one line of JSON with the ports, then serves until SIGTERM.
"""

import argparse
import asyncio
import json
import signal
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
from tradingd.core.identifiers import Symbol
from tradingd.core.market import MarketDataEvent
from tradingd.feeds.file import FileFeed

from tests.tws.control import Control
from tests.tws.server import NEWEST, OLDEST, TwsEmulator


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m tests.tws", description="An emulated TWS on loopback.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--control-port", type=int, default=0)
    parser.add_argument("--state", type=Path, help="file that keeps orders, executions, positions and cash")
    parser.add_argument("--server-version", type=int, default=176, help=f"{OLDEST} to {NEWEST}")
    parser.add_argument("--account", action="append", default=[])
    parser.add_argument("--cash", type=Decimal, default=Decimal(1_000_000))
    parser.add_argument("--master-client-id", type=int)
    parser.add_argument("--quote", action="append", default=[], metavar="NAME=BID:ASK")
    parser.add_argument("--ticks", action="append", default=[], metavar="NAME=FILE", help="a CSV of trades")
    parser.add_argument("--schema", default="trades", help="of the files of ticks: trades, quotes or bars")
    parser.add_argument("--tick-pause", type=float, default=0.01, help="seconds between two ticks of the files")
    arguments = parser.parse_args()
    asyncio.run(_serve(arguments))


async def _serve(arguments: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    tws = TwsEmulator(
        server_version=arguments.server_version,
        accounts=arguments.account or ("DU1234567",),
        cash=arguments.cash,
        port=arguments.port,
        state=arguments.state,
        master_client_id=arguments.master_client_id,
    )
    control = Control(tws)
    async with tws:
        for text in arguments.quote:
            name, _, prices = text.partition("=")
            bid, _, ask = prices.partition(":")
            tws.quote(name, float(bid), float(ask))
        control_port = await control.start(arguments.control_port)
        print(json.dumps({"port": tws.port, "control": control_port}), flush=True)
        players = [
            asyncio.create_task(_play(tws, text, arguments.schema, arguments.tick_pause), name=f"play-{text}")
            for text in arguments.ticks
        ]
        await stopped.wait()
        for player in players:
            player.cancel()
        await asyncio.gather(*players, return_exceptions=True)
        await control.stop()


async def _play(tws: TwsEmulator, text: str, schema: str, pause_s: float) -> None:
    name, _, path = text.partition("=")
    for event in _events(Path(path), name, schema):
        # The file tells prices; the time is now, for a client that judges how old its data are.
        now = tws.now()
        tws.on_market_data(msgspec.structs.replace(event, ts_event=now, ts_recv=now))
        await asyncio.sleep(pause_s)


def _events(path: Path, name: str, schema: str) -> Iterator[MarketDataEvent]:
    for event, _ in FileFeed(path, Symbol(name), schema, speed=None).read():
        if event is not None:
            yield event


if __name__ == "__main__":
    main()
