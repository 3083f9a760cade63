"""Money that came to the account or left it without a trade, and what it means for figures of profit. Pure.

Owns: what of a correction is a flow, how a flow moves the record of equity, and how much cash may differ before
somebody has to look. A flow is neither profit nor loss: a loss in money stays what it was in money, a fall in percent
what it was in percent.
"""

from decimal import Decimal

import msgspec

from tradingd.core.accounting import value_of
from tradingd.core.coin_fees import FEE_CAUSES
from tradingd.core.entries import CashAdjusted, EquityTrack, PositionAdjusted
from tradingd.core.orders import ZERO

SPLIT_CAUSE = "the venue's position differs from the books by a ratio that splits have"
UNEXPLAINED_SHARE = Decimal("0.001")
"""Of equity: the cash that may come or go unexplained where the configuration names no amount."""
_FINEST = Decimal("1e-12")


def flow_of(adjustment: CashAdjusted | PositionAdjusted) -> Decimal:
    """What a correction brought in (above zero) or took out: no fee, no split, and nothing that is held on margin."""
    if adjustment.cause in FEE_CAUSES:
        return ZERO
    if isinstance(adjustment, CashAdjusted):
        return adjustment.amount
    if adjustment.cause == SPLIT_CAUSE or adjustment.contract.margined:
        return ZERO
    return value_of(adjustment.contract, adjustment.quantity, adjustment.price)


def shift_equity(track: EquityTrack, adjustment: CashAdjusted | PositionAdjusted) -> EquityTrack:
    """Move the record of equity with a flow, so that it is no loss and no profit.

    The day's opening moves by the amount, since the loss of a day is money. The peak and past days move in proportion,
    since a drawdown and returns are shares.
    """
    flow = flow_of(adjustment)
    if not flow or track.last is None:
        return track
    before = track.last if adjustment.equity is None else adjustment.equity
    after = before + flow
    moved = msgspec.structs.replace(
        track, last=track.last + flow, day_open=None if track.day_open is None else track.day_open + flow
    )
    if before <= 0 or after <= 0:
        # Nothing that is left, or was there, has a share: the record begins anew.
        return msgspec.structs.replace(moved, peak=after, daily=())
    scaled = [value * after / before for value in (track.peak or before, *track.daily)]
    peak, *daily = (value.quantize(_FINEST) for value in scaled)
    return msgspec.structs.replace(moved, peak=peak, daily=tuple(daily))


def unexplained_bound(equity: Decimal, setting: Decimal | None) -> Decimal:
    """How much cash may come or go without an order and nobody has to look."""
    return max(equity * UNEXPLAINED_SHARE, ZERO) if setting is None else setting
