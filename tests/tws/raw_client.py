"""A client of the protocol that takes nothing away: every message that came, as its fields.

Owns one socket. For tests that ask in which order things are told, or what a library would hide.
"""

import asyncio
from collections.abc import Callable
from typing import Self

from tests.tws.contracts import DEFAULT_CONTRACTS
from tests.tws.wire import GREETING, FrameReader, Value, frame, split

_BOUND_S = 5.0
_POLL_S = 0.002

OPEN_ORDER, ORDER_STATUS, ERROR, EXECUTION, COMMISSION = 5, 3, 4, 11, 59


async def until(condition: Callable[[], object], what: str = "") -> None:
    """Wait until a condition holds; fails after five seconds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _BOUND_S
    while not condition():
        assert loop.time() < deadline, f"never happened: {what}"
        await asyncio.sleep(_POLL_S)


def contract_fields(name: str, exchange: str = "") -> tuple[Value, ...]:
    """The twelve fields by which a request describes a contract of the catalogue."""
    contract = next(one for one in DEFAULT_CONTRACTS if one.local_symbol == name)
    return (contract.con_id, "", "", "", "0", "", "", exchange or contract.exchanges[0], "", "", "", "")


class RawClient:
    """One connection."""

    def __init__(self, port: int) -> None:
        self.messages: list[list[str]] = []
        self.is_closed = False
        self.version = 0
        self._port = port
        self._frames = FrameReader()
        self._task: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Connect and greet."""
        reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._task = asyncio.create_task(self._read(reader), name="raw-client")
        hello = b"v157..178"
        self._writer.write(GREETING + len(hello).to_bytes(4, "big") + hello)

    async def start(self, client_id: int = 1) -> None:
        """Say who this is, and wait until the session is ready or refused."""
        await until(lambda: self.version, "the version")
        self.send(71, 2, client_id, "")
        await until(lambda: self.is_closed or self.of(9) or self.codes(), "an answer to startApi")

    async def close(self) -> None:
        """Hang up."""
        if self._writer is not None:
            self._writer.close()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def send(self, *fields: Value) -> None:
        """Send one message."""
        assert self._writer is not None, "a message is sent on an open connection"
        self._writer.write(frame(*fields))

    def of(self, message: int) -> list[list[str]]:
        """The messages of one number, without it."""
        return [fields[1:] for fields in self.messages if fields[0] == str(message)]

    def codes(self) -> list[int]:
        """The codes of the errors and notices so far."""
        return [int(fields[2]) for fields in self.of(ERROR)]

    def order(self, *numbers: int) -> list[int]:
        """The numbers of the messages so far, of those that are asked for."""
        return [int(fields[0]) for fields in self.messages if int(fields[0]) in numbers]

    def statuses(self, order_id: int) -> list[str]:
        """The words of orderStatus of an order."""
        return [fields[1] for fields in self.of(ORDER_STATUS) if fields[0] == str(order_id)]

    async def answered(self) -> None:
        """Wait until the server has taken all that was sent before."""
        before = len(self.of(49))
        self.send(49, 1)
        await until(lambda: len(self.of(49)) > before or self.is_closed, "the current time")

    def place(
        self,
        order_id: int,
        action: str,
        quantity: Value,
        order_type: str = "MKT",
        *,
        name: str = "AAPL",
        limit: Value = "",
        aux: Value = "",
        tif: str = "DAY",
        oca: str = "",
        ref: str = "",
        transmit: bool = True,
        parent: int = 0,
        outside_rth: bool = False,
        good_till: str = "",
        oca_type: int = 0,
        exchange: str = "",
    ) -> None:
        """Send placeOrder, up to the last field that the emulator reads of a plain order."""
        adviser: tuple[Value, ...] = ("",) * (3 if self.version >= 177 else 4)
        self.send(
            3, order_id, *contract_fields(name, exchange), "", "",
            action, quantity, order_type, limit, aux, tif, oca, "", "", 0, ref, transmit, parent,
            False, False, "", 0, outside_rth, False,
            "", 0, "", good_till, *adviser, "", 0, "", -1, oca_type,
        )  # fmt: skip

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while data := await reader.read(1 << 16):
                for payload in self._frames.feed(data):
                    fields = split(payload)
                    if not self.version:
                        self.version = int(fields[0])
                    else:
                        self.messages.append(fields)
        except ConnectionError:
            pass
        finally:
            self.is_closed = True
