"""What an operator asks of the running daemon, as it comes over the control socket."""

import msgspec

from tradingd.core.identifiers import StrategyId, Symbol
from tradingd.core.scopes import Scope


class CommandRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One command: what, about what, by whom, and why."""

    command: str = ""
    """`halt`, `resume`, `flatten`, `close`, `cancel` or `cancel-all`; the path that it came to says it."""
    operator: str = ""
    """Who gives it, as the command line found out."""
    uid: int = -1
    """User who opened the socket, as the kernel says; never taken from the request."""
    reason: str = ""
    strategy: str | None = None
    symbol: str | None = None
    order_id: str = ""
    halt: bool = True
    """Whether `close` also keeps what it closes from being opened again."""

    @property
    def scope(self) -> Scope:
        """What it is about."""
        return Scope(
            None if self.strategy is None else StrategyId(self.strategy),
            None if self.symbol is None else Symbol(self.symbol),
        )
