"""Fixtures of other folders, for the faults that live on the wire or in a whole process."""

from tests.acceptance.conftest import write_config
from tests.brokers.alpaca.making_over_venue import paper, trader
from tests.brokers.conftest import broker, kill_switch, make_broker, recorder, venue

__all__ = ["broker", "kill_switch", "make_broker", "paper", "recorder", "trader", "venue", "write_config"]
