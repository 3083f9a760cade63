"""Moving-average cross: long while the fast mean of closes is above the slow one, flat (or short) while it is below."""

from collections.abc import Sequence
from decimal import Decimal

from pydantic import Field, model_validator

from tradingd.core.identifiers import StrategyId, Symbol
from tradingd.core.market import PriceBar
from tradingd.strategies.base import Params, Strategy
from tradingd.strategies.indicators import RollingMean


class SmaCrossParams(Params):
    """Lengths in bars, quantity in units."""

    fast: int = Field(default=10, ge=1, description="Bars of the fast mean.")
    slow: int = Field(default=30, ge=2, description="Bars of the slow mean.")
    quantity: Decimal = Field(default=Decimal(10), gt=0, allow_inf_nan=False, description="Units held while in.")
    long_only: bool = Field(default=True, description="Flat instead of short while the fast mean is below.")

    @model_validator(mode="after")
    def _fast_is_faster(self) -> "SmaCrossParams":
        if self.fast >= self.slow:
            raise ValueError(f"fast ({self.fast}) must be smaller than slow ({self.slow})")
        return self


class SmaCross(Strategy[SmaCrossParams]):
    """Hold `quantity` while the fast mean is above the slow one."""

    Params = SmaCrossParams

    def __init__(self, strategy_id: StrategyId, symbols: Sequence[Symbol], params: SmaCrossParams) -> None:
        super().__init__(strategy_id, symbols, params)
        self._fast = {symbol: RollingMean(params.fast) for symbol in symbols}
        self._slow = {symbol: RollingMean(params.slow) for symbol in symbols}
        self._above: dict[Symbol, bool] = {}

    @property
    def warmup(self) -> int:
        """The slow mean needs `slow` bars."""
        return self.params.slow

    def on_history(self, bar: PriceBar) -> None:
        """Fill the means."""
        self._push(bar)

    def on_bar(self, bar: PriceBar) -> None:
        """Trade when the means change places."""
        self._push(bar)
        slow = self._slow[bar.symbol]
        if not slow.ready:
            return
        above = self._fast[bar.symbol].value > slow.value
        if self._above.get(bar.symbol) is above:
            return
        self._above[bar.symbol] = above
        below = Decimal(0) if self.params.long_only else -self.params.quantity
        self.target_position(
            bar.symbol,
            self.params.quantity if above else below,
            reason=f"fast mean {'above' if above else 'below'} slow mean",
        )

    def _push(self, bar: PriceBar) -> None:
        self._fast[bar.symbol].push(bar.close)
        self._slow[bar.symbol].push(bar.close)
