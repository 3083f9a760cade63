"""The simulated venue of the deterministic drivers: no socket, no task.

broker      commands, fills, cash and positions
orders      one order at this venue
timetable   what the data's time does to orders: ends of days, stated ends, auctions, closed sessions
model       what it takes
"""

from tradingd.brokers.simulated.broker import SimulatedBroker

__all__ = ["SimulatedBroker"]
