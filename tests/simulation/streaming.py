"""An adapter's order stream, up for the length of a block."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.brokers.scripted_venue import Recorder
from tradingd.brokers.alpaca.adapter import AlpacaBroker
from tradingd.core.broker_events import OrderStreamUp


@asynccontextmanager
async def streaming(broker: AlpacaBroker, recorder: Recorder) -> AsyncIterator[None]:
    """Keep the stream up while the block runs."""
    run = asyncio.create_task(broker.run())
    await recorder.first(OrderStreamUp)
    try:
        yield
    finally:
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
