"""What can be traded here, and the spellings by which clients ask for it."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from urllib.parse import unquote
from uuid import UUID, uuid5

import msgspec

from tradingd.core.identifiers import Symbol
from tradingd.core.instruments import AssetClass, Instrument, default_instrument
from tradingd.venue.wire import decimal_text

# Any fixed UUID will do: an asset's id is the same on every start and on every machine.
_NAMESPACE = UUID("6f1c2f0e-2a57-4d0b-9d53-5f0a4a1d7c11")


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """One tradable symbol."""

    id: str
    symbol: Symbol
    instrument: Instrument

    @property
    def crypto(self) -> bool:
        """True for a pair such as BTC/USD."""
        return self.instrument.asset_class is AssetClass.CRYPTO

    @property
    def position_symbol(self) -> str:
        """How positions spell it: crypto without the slash."""
        return self.symbol.replace("/", "")

    @property
    def exchange(self) -> str:
        """The exchange that Alpaca would name."""
        return "CRYPTO" if self.crypto else "NASDAQ"

    def json(self, shorting: bool) -> dict[str, object]:
        """Describe it as Alpaca does."""
        instrument = self.instrument
        shortable = instrument.shortable and shorting
        body: dict[str, object] = {
            "id": self.id,
            "class": "crypto" if self.crypto else "us_equity",
            "exchange": self.exchange,
            "symbol": self.symbol,
            "name": self.symbol,
            "status": "active",
            "tradable": instrument.tradable,
            "marginable": not self.crypto,
            "maintenance_margin_requirement": 100 if self.crypto else 30,
            "margin_requirement_long": "100" if self.crypto else "30",
            "margin_requirement_short": "100" if self.crypto else "30",
            "shortable": shortable,
            "easy_to_borrow": shortable,
            "borrow_status": "easy_to_borrow" if shortable else "not_available",
            "fractionable": instrument.fractionable,
            "attributes": [],
        }
        if self.crypto:
            body |= {
                "min_order_size": decimal_text(instrument.min_quantity),
                "min_trade_increment": decimal_text(instrument.quantity_increment),
                "price_increment": decimal_text(instrument.price_increment or Decimal("0.000000001")),
            }
        return body


class AssetDirectory:
    """All assets of a venue, found by symbol, squeezed symbol or id."""

    def __init__(self, symbols: Iterable[Symbol]) -> None:
        self._assets: dict[Symbol, Asset] = {}
        self._by_name: dict[str, Asset] = {}
        for symbol in symbols:
            asset = Asset(
                id=str(uuid5(_NAMESPACE, symbol)), symbol=Symbol(symbol), instrument=default_instrument(symbol)
            )
            self._assets[symbol] = asset
            for name in (asset.id, asset.position_symbol.upper(), symbol.upper()):
                self._by_name[name] = asset

    def __iter__(self) -> Iterator[Asset]:
        return iter(self._assets.values())

    def of(self, symbol: Symbol) -> Asset:
        """The asset of a symbol that is known to be here."""
        return self._assets[symbol]

    def find(self, name: str) -> Asset | None:
        """The asset that a client means, None when there is none."""
        return self._by_name.get(name) or self._by_name.get(unquote(name).upper())
