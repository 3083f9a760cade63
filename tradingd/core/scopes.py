"""What a command or a halt is about: the account, a strategy, a symbol, or a strategy's trading in a symbol."""

import msgspec

from tradingd.core.identifiers import StrategyId, Symbol


class Scope(msgspec.Struct, frozen=True):
    """A part of what is traded; without a name it is everything."""

    strategy_id: StrategyId | None = None
    symbol: Symbol | None = None

    @property
    def is_account(self) -> bool:
        """True when nothing is left out."""
        return self.strategy_id is None and self.symbol is None

    def covers(self, strategy_id: StrategyId, symbol: Symbol) -> bool:
        """Whether what a strategy has in a symbol belongs to it."""
        return self.strategy_id in (None, strategy_id) and self.symbol in (None, symbol)

    def __str__(self) -> str:
        """Name it as an operator would."""
        match self.strategy_id, self.symbol:
            case None, None:
                return "the account"
            case None, symbol:
                return f"{symbol}"
            case strategy_id, None:
                return f"strategy {strategy_id}"
            case strategy_id, symbol:
                return f"{symbol} of strategy {strategy_id}"


ACCOUNT = Scope()
