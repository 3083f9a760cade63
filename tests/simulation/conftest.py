"""The scripted venue and the paper venue of the adapter's tests, for the faults that live on the wire."""

from tests.brokers.conftest import broker, latch, recorder, venue
from tests.brokers.test_alpaca_over_venue import paper, trader

__all__ = ["broker", "latch", "paper", "recorder", "trader", "venue"]
