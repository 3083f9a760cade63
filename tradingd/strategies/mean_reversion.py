"""Mean reversion in Bollinger bands: buy below the lower band, leave at the middle; the mirror image when shorting."""

from collections.abc import Sequence
from decimal import Decimal

from pydantic import Field

from tradingd.core.identifiers import StrategyId, Symbol
from tradingd.core.market import PriceBar
from tradingd.core.orders import Trade
from tradingd.strategies.base import Params, Strategy
from tradingd.strategies.indicators import RollingDeviation


class MeanReversionParams(Params):
    """Window in bars, width in standard deviations, quantity in units."""

    window: int = Field(default=20, ge=2, description="Bars of the bands.")
    width: float = Field(default=2.0, gt=0, allow_inf_nan=False, description="Standard deviations to each band.")
    quantity: Decimal = Field(default=Decimal(10), gt=0, allow_inf_nan=False, description="Units held while in.")
    long_only: bool = Field(default=True, description="Never short above the upper band.")


class MeanReversion(Strategy[MeanReversionParams]):
    """Hold `quantity` from a close outside a band until a close back at the middle."""

    Params = MeanReversionParams

    def __init__(self, strategy_id: StrategyId, symbols: Sequence[Symbol], params: MeanReversionParams) -> None:
        super().__init__(strategy_id, symbols, params)
        self._bands = {symbol: RollingDeviation(params.window) for symbol in symbols}

    @property
    def warmup(self) -> int:
        """The bands need `window` bars."""
        return self.params.window

    def on_history(self, bar: PriceBar) -> None:
        """Fill the bands."""
        self._bands[bar.symbol].push(bar.close)

    def on_bar(self, bar: PriceBar) -> None:
        """Enter outside a band, leave at the middle."""
        bands = self._bands[bar.symbol]
        bands.push(bar.close)
        if not bands.ready:
            return
        mean, reach = bands.mean, self.params.width * bands.deviation
        held = self.position(bar.symbol) + self.working(bar.symbol)
        if (held > 0 and bar.close >= mean) or (held < 0 and bar.close <= mean):
            self.target_position(bar.symbol, Decimal(0), reason="back at the middle")
        elif held == 0 and bar.close < mean - reach:
            self.target_position(bar.symbol, self.params.quantity, reason="below the lower band")
        elif held == 0 and bar.close > mean + reach and not self.params.long_only:
            self.target_position(bar.symbol, -self.params.quantity, reason="above the upper band")

    def on_fill(self, trade: Trade) -> None:
        """Count round turns; the count is there again after a restart."""
        if self.position(trade.symbol) == 0:
            self.state["round_turns"] = int(self.state.get("round_turns") or 0) + 1
