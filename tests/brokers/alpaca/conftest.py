"""Fixtures of the tests over a real paper venue."""

from tests.brokers.alpaca.making_over_venue import paper, trader

__all__ = ["paper", "trader"]
