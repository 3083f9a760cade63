"""Fees that a venue takes out of what was received, and tells nobody: how a difference is known for one. Pure.

Owns: which trades such a fee may belong to, the size that it has, and whose it is. A buyer of crypto at Alpaca receives
some thousandths less coin than the execution says, a seller less money; neither the order stream nor the list of
executions names the fee.
"""

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal

from tradingd.core.identifiers import StrategyId, Symbol
from tradingd.core.orders import ZERO, Side

COIN_FEE_CAUSE = "fees of crypto orders are taken in coin"
SALE_FEE_CAUSE = "fees of crypto orders are taken from what their sale brought"
FEE_CAUSES = frozenset({COIN_FEE_CAUSE, SALE_FEE_CAUSE})
"""Causes of adjustments that nobody has to look at."""

_LEAST, _MOST = Decimal("0.001"), Decimal("0.003")
"""What share of a trade a fee may be, over the tiers that a small account sees."""
_STEP = Decimal("0.000000001")


class CoinTrades:
    """Trades in pairs without a fee since positions and cash were last compared; memory alone, in no journal.

    A start from a journal that goes further back than the last comparison remembers more than there is to explain; then
    a fee is taken for what it cannot be told from, a difference of unknown cause.
    """

    def __init__(self) -> None:
        self.bought: dict[Symbol, dict[StrategyId, Decimal]] = {}
        self.sold = ZERO
        """Money that sales brought."""

    def add(self, strategy_id: StrategyId, symbol: Symbol, side: Side, quantity: Decimal, price: Decimal) -> None:
        """Remember a trade of which no fee was told; those in anything but pairs are not remembered."""
        if "/" not in symbol:
            return
        if side is Side.BUY:
            buyers = self.bought.setdefault(symbol, {})
            buyers[strategy_id] = buyers.get(strategy_id, ZERO) + quantity
        else:
            self.sold += quantity * price

    def compared(self, strategy_id: StrategyId, symbol: Symbol) -> None:
        """Forget what a correction of the position has settled: a buyer's share of the fees, or the whole."""
        buyers = self.bought.get(symbol, {})
        if buyers.pop(strategy_id, None) is None or not buyers:
            self.bought.pop(symbol, None)

    def transfer(self, source: StrategyId, target: StrategyId, symbol: Symbol) -> None:
        """Remember the purchases of one strategy as another's."""
        buyers = self.bought.get(symbol, {})
        if (bought := buyers.pop(source, None)) is not None:
            buyers[target] = buyers.get(target, ZERO) + bought

    def copy(self) -> "CoinTrades":
        """Another one that can be added to."""
        made = CoinTrades()
        made.bought = {symbol: dict(buyers) for symbol, buyers in self.bought.items()}
        made.sold = self.sold
        return made

    def forget(self) -> None:
        """Begin anew: books and venue agree."""
        self.bought.clear()
        self.sold = ZERO


def is_fee_of(missing: Decimal, traded: Decimal) -> bool:
    """True when what is missing has the size of a fee of what was traded."""
    return traded > 0 and _LEAST * traded <= missing <= _MOST * traded


def shares_of_fee(missing: Decimal, buyers: Mapping[StrategyId, Decimal]) -> dict[StrategyId, Decimal]:
    """How much of what is missing each buyer has paid, the whole exactly; empty when it is no fee of theirs."""
    bought = sum(buyers.values(), ZERO)
    if not is_fee_of(missing, bought):
        return {}
    shares = {buyer: (missing * part / bought).quantize(_STEP, ROUND_DOWN) for buyer, part in sorted(buyers.items())}
    last = next(reversed(shares))
    shares[last] += missing - sum(shares.values(), ZERO)
    return {buyer: share for buyer, share in shares.items() if share}
