"""The floor: the smallest program that does the wire work, with the same libraries, and nothing else.

Websocket in, typed decode, HTTP POST out, on uvloop: no modules, no risk check, no journal, no log. What the daemon
needs more than this is what it costs.
"""

import asyncio
import sys

import aiohttp
import msgspec
import uvloop
import websockets
from tests.benchmarks.trigger import MARK


class Quote(msgspec.Struct, tag_field="T", tag="q", gc=False):
    """The fields of a quote that a client needs."""

    symbol: str = msgspec.field(name="S")
    bid: float = msgspec.field(name="bp")
    bid_size: float = msgspec.field(name="bs")


class Success(msgspec.Struct, tag_field="T", tag="success"):
    """A control message."""

    msg: str


class Subscription(msgspec.Struct, tag_field="T", tag="subscription"):
    """The answer to a subscribe."""


_decoder = msgspec.json.Decoder(list[Quote | Success | Subscription])


async def main(port: int) -> None:
    """Trade until cancelled."""
    base = f"http://127.0.0.1:{port}"
    headers = {"APCA-API-KEY-ID": "key", "APCA-API-SECRET-KEY": "secret", "Content-Type": "application/json"}
    sending: set[asyncio.Task[None]] = set()
    count = 0
    async with aiohttp.ClientSession(headers=headers) as session:

        async def post(body: bytes) -> None:
            async with session.post(f"{base}/v2/orders", data=body) as response:
                await response.read()

        async with session.get(f"{base}/v2/account") as response:
            await response.read()
        async with websockets.connect(
            f"ws://127.0.0.1:{port}/v2/iex", compression=None, max_queue=1024, proxy=None
        ) as socket:
            await socket.recv()
            await socket.send('{"action":"auth","key":"key","secret":"secret"}')
            await socket.recv()
            await socket.send('{"action":"subscribe","quotes":["BENCH"]}')
            while True:
                for message in _decoder.decode(await socket.recv()):
                    if isinstance(message, Quote) and message.bid_size == MARK:
                        count += 1
                        side = "buy" if count % 2 else "sell"
                        body = (
                            b'{"symbol":"BENCH","qty":"1","side":"%b","type":"market","time_in_force":"day",'
                            b'"client_order_id":"floor-%d"}' % (side.encode(), count)
                        )
                        task = asyncio.create_task(post(body))
                        sending.add(task)
                        task.add_done_callback(sending.discard)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
