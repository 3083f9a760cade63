"""What the simulated venue takes: everything that the matching can do, and nothing that it could not explain."""

from tradingd.core.broker_model import BrokerModel, ClassRules
from tradingd.core.instruments import AssetClass
from tradingd.core.orders import OrderType, TimeInForce

_AUCTIONS = (TimeInForce.OPG, TimeInForce.CLS)
_IMMEDIATE = (TimeInForce.IOC, TimeInForce.FOK)
_LASTING = frozenset(
    (kind, time) for kind in OrderType for time in TimeInForce if time not in _AUCTIONS and time not in _IMMEDIATE
)
_AT_ONCE = frozenset((kind, time) for kind in OrderType for time in _IMMEDIATE if kind is not OrderType.TRAILING_STOP)
_IN_AUCTIONS = frozenset((kind, time) for kind in (OrderType.MARKET, OrderType.LIMIT) for time in _AUCTIONS)

SIMULATED = BrokerModel(
    name="the simulated venue",
    by_class={
        AssetClass.EQUITY: ClassRules(
            pairs=_LASTING | _AT_ONCE | _IN_AUCTIONS,
            extended_hours=_LASTING | _AT_ONCE,
            fractional=_LASTING | _AT_ONCE | _IN_AUCTIONS,
        ),
        AssetClass.CRYPTO: ClassRules(
            pairs=_LASTING | _AT_ONCE,
            # A market that never closes has no other hours: the flag means nothing there.
            extended_hours=_LASTING | _AT_ONCE,
            fractional=_LASTING | _AT_ONCE,
        ),
        AssetClass.FX: ClassRules(
            pairs=_LASTING | _AT_ONCE,
            extended_hours=_LASTING | _AT_ONCE,
            fractional=_LASTING | _AT_ONCE,
        ),
        AssetClass.FUTURE: ClassRules(
            pairs=_LASTING | _AT_ONCE | _IN_AUCTIONS,
            extended_hours=_LASTING | _AT_ONCE,
        ),
    },
)
