"""tradingd: one unattended process that turns market data into orders and never loses track of one."""

__version__ = "0.1.0"
