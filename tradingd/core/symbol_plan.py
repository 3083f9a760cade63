"""What is to be made of each symbol's market data, worked out once from the configuration."""

import msgspec

from tradingd.core.identifiers import Symbol


class SymbolPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is built of a symbol: the bar lengths wanted, and what its feeds deliver."""

    symbol: Symbol
    intervals: tuple[int, ...]
    ticks: bool
    trades: bool
    """True when bars are built from trades; from the middle of quotes otherwise."""
    bar_interval: int | None
    """Length of the bars that a feed delivers itself."""
    realtime: bool
