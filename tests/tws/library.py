"""Whichever of ib_insync and ib_async is installed, started as it must be inside the running loop.

Owns the import: both keep the loop that is current when they are imported, so it comes after that loop is set.
"""

import asyncio
import importlib
import importlib.util
from types import ModuleType
from typing import Any

from tests.tws.server import TwsEmulator

NAME = next((name for name in ("ib_insync", "ib_async") if importlib.util.find_spec(name)), "")


def load() -> ModuleType:
    """Import the library that is installed; needs a running loop."""
    asyncio.set_event_loop(asyncio.get_running_loop())
    return importlib.import_module(NAME)


class Connected:
    """A connected `IB` object and the codes that it was told."""

    def __init__(self, library: ModuleType) -> None:
        self.library: Any = library
        self.ib: Any = self.library.IB()
        self.codes: list[int] = []
        self.ib.errorEvent += lambda _, code, *__: self.codes.append(code)

    async def connect(self, tws: TwsEmulator, client_id: int = 7) -> Any:
        """Connect with the library's own start sequence."""
        await self.ib.connectAsync("127.0.0.1", tws.port, clientId=client_id, timeout=4)
        return self.ib

    def stock(self, symbol: str = "AAPL") -> Any:
        """A stock as users of the library describe it."""
        return self.library.Stock(symbol, "SMART", "USD")
