"""What Interactive Brokers takes, as a table. Source: https://www.interactivebrokers.com/en/trading/ordertypes.php

No order is split at zero, none is refused for meeting one of our own, and an order that comes after an auction's
cut-off waits for the next one.
"""

from collections.abc import Mapping

from tradingd.core.broker_model import BrokerModel, ClassRules
from tradingd.core.instruments import AssetClass
from tradingd.core.orders import OrderType, TimeInForce

_MARKET, _LIMIT, _STOP = OrderType.MARKET, OrderType.LIMIT, OrderType.STOP
_STOP_LIMIT, _TRAILING_STOP = OrderType.STOP_LIMIT, OrderType.TRAILING_STOP
_DAY, _GTC, _IOC, _FOK = TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK
_GTD, _OPG, _CLS = TimeInForce.GTD, TimeInForce.OPG, TimeInForce.CLS
_RESTING = (_DAY, _GTC, _GTD)

_EQUITIES = {
    _MARKET: (*_RESTING, _IOC, _OPG, _CLS),
    _LIMIT: (*_RESTING, _IOC, _FOK, _OPG, _CLS),
    _STOP: _RESTING,
    _STOP_LIMIT: _RESTING,
    _TRAILING_STOP: _RESTING,
}
_AROUND_THE_CLOCK = {
    _MARKET: (*_RESTING, _IOC),
    _LIMIT: (*_RESTING, _IOC),
    _STOP: _RESTING,
    _STOP_LIMIT: _RESTING,
    _TRAILING_STOP: _RESTING,
}


def _pairs(table: Mapping[OrderType, tuple[TimeInForce, ...]]) -> frozenset[tuple[OrderType, TimeInForce]]:
    return frozenset((kind, time) for kind, times in table.items() for time in times)


IB = BrokerModel(
    name="Interactive Brokers",
    by_class={
        AssetClass.EQUITY: ClassRules(
            pairs=_pairs(_EQUITIES),
            # Outside the regular session there are limit orders alone; stops may be elected there.
            extended_hours=_pairs({_LIMIT: (*_RESTING, _IOC), _STOP_LIMIT: _RESTING}),
        ),
        AssetClass.FX: ClassRules(pairs=_pairs(_AROUND_THE_CLOCK)),
        AssetClass.FUTURE: ClassRules(
            pairs=_pairs(_AROUND_THE_CLOCK),
            extended_hours=_pairs({_LIMIT: (*_RESTING, _IOC), _STOP: _RESTING, _STOP_LIMIT: _RESTING}),
        ),
    },
)
