"""What Alpaca takes, as a table. Source: https://docs.alpaca.markets/docs/orders-at-alpaca and .../user-protection."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from tradingd.core.broker_model import BrokerModel, ClassRules
from tradingd.core.instruments import AssetClass
from tradingd.core.orders import OrderType, TimeInForce

_MARKET, _LIMIT, _STOP = OrderType.MARKET, OrderType.LIMIT, OrderType.STOP
_STOP_LIMIT, _TRAILING_STOP = OrderType.STOP_LIMIT, OrderType.TRAILING_STOP
_DAY, _GTC, _IOC, _FOK = TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK
_OPG, _CLS = TimeInForce.OPG, TimeInForce.CLS

_EQUITIES = {
    _MARKET: (_DAY, _GTC, _IOC, _FOK, _OPG, _CLS),
    _LIMIT: (_DAY, _GTC, _IOC, _FOK, _OPG, _CLS),
    _STOP: (_DAY, _GTC),
    _STOP_LIMIT: (_DAY, _GTC),
    _TRAILING_STOP: (_DAY, _GTC),
}
_CRYPTO = {
    _MARKET: (_GTC, _IOC),
    _LIMIT: (_GTC, _IOC),
    _STOP_LIMIT: (_GTC, _IOC),
}


def _pairs(table: Mapping[OrderType, tuple[TimeInForce, ...]]) -> frozenset[tuple[OrderType, TimeInForce]]:
    return frozenset((kind, time) for kind, times in table.items() for time in times)


ALPACA = BrokerModel(
    name="Alpaca",
    by_class={
        AssetClass.EQUITY: ClassRules(
            pairs=_pairs(_EQUITIES),
            extended_hours=frozenset({(_LIMIT, _DAY), (_LIMIT, _GTC)}),
            fractional=frozenset((kind, _DAY) for kind in (_MARKET, _LIMIT, _STOP, _STOP_LIMIT)),
        ),
        AssetClass.CRYPTO: ClassRules(
            pairs=_pairs(_CRYPTO),
            fractional=_pairs(_CRYPTO),
            min_notional=Decimal(10),
            shortable=False,
        ),
    },
    # Shares that are held and a short sale of others are two things there: "insufficient qty available for order".
    splits_zero_crossing=True,
    # "potential wash trade detected": opposite side limit order exists, opposite side market/stop order exists.
    refuses_self_cross=frozenset(OrderType),
    auction_cutoffs=True,
)


def paper_venue_model(*, always_open: bool) -> BrokerModel:
    """The embedded paper venue: Alpaca's rules, but that it compares limit orders alone, and may never close."""
    return msgspec.structs.replace(
        ALPACA,
        name="the paper venue",
        refuses_self_cross=frozenset({_LIMIT}),
        auction_cutoffs=not always_open,
    )
