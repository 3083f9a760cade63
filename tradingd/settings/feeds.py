"""The `[[data.feeds]]` tables: where market data comes from, one model for each `kind`."""

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, Strict

from tradingd.core.bars import parse_interval
from tradingd.core.identifiers import Symbol
from tradingd.settings.fields import (
    IntervalText,
    PositiveFloat,
    PositiveInt,
    Secret,
    Section,
    Speed,
    SymbolList,
    SymbolText,
)
from tradingd.settings.ib import IbFeedSettings


class FileFeedSettings(Section):
    """A CSV file, plain or gzip."""

    kind: Literal["file"] = Field(description="A file of quotes, trades or bars.")
    path: Annotated[Path, Strict(False)] = Field(
        description="CSV or CSV.gz file; a relative path starts at the configuration file's folder."
    )
    symbol: SymbolText = Field(description="The symbol that the file's rows belong to.")
    data_schema: Literal["quotes", "trades", "bars"] = Field(alias="schema", description="Layout of the file's rows.")
    speed: Speed = Field(default=1.0, description='Multiple of real time, or "max" for as fast as possible.')
    interval: IntervalText = Field(default="1m", description="Length of the file's bars.")

    @property
    def interval_ns(self) -> int:
        """Length of the file's bars in nanoseconds."""
        return parse_interval(self.interval)

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """What the feed delivers."""
        return (self.symbol,)

    @property
    def schemas(self) -> tuple[str, ...]:
        """Kinds of event that the feed delivers."""
        return (self.data_schema,)


class SyntheticFeedSettings(Section):
    """An invented market, the same for the same seed."""

    kind: Literal["synthetic"] = Field(description="An invented random market.")
    symbols: SymbolList = Field(description="Symbols to invent prices for.")
    seed: Annotated[int, Field(ge=0)] = Field(default=1, description="The same seed gives the same market.")
    start_price: dict[str, PositiveFloat] = Field(
        default={},
        description="First price of a symbol; a symbol that is left out gets one of its own. A daemon that is "
        "started again goes on from the last price that it has seen.",
    )
    interval_ms: PositiveInt = Field(default=200, description="Mean time between two quotes of a symbol.")
    volatility: PositiveFloat = Field(default=0.4, description="Annual volatility: 0.4 is 40 percent.")
    spread_bps: PositiveFloat = Field(default=2.0, description="Distance of bid and ask in hundredths of a percent.")

    @property
    def schemas(self) -> tuple[str, ...]:
        """Kinds of event that the feed delivers."""
        return ("quotes", "trades")


class AlpacaFeedSettings(Section):
    """Alpaca's market-data stream, or a server that speaks like it."""

    kind: Literal["alpaca"] = Field(description="Alpaca's market-data stream.")
    symbols: SymbolList = Field(description="Symbols to subscribe to; crypto pairs need a crypto url.")
    url: Annotated[str, Field(pattern=r"^wss?://[^\s]+$")] = Field(
        default="wss://stream.data.alpaca.markets/v2/iex",
        description="The stream; crypto is at wss://stream.data.alpaca.markets/v1beta3/crypto/us.",
    )
    data_url: Annotated[str, Field(pattern=r"^https?://[^\s]+$")] = Field(
        default="https://data.alpaca.markets", description="Where bars of the past are asked for."
    )
    api_key: Secret | None = Field(default=None, description="Key id; that of [broker] when left out.")
    api_secret: Secret | None = Field(default=None, description="Secret key; that of [broker] when left out.")
    encoding: Literal["json", "msgpack"] = Field(default="msgpack", description="How the stream is encoded.")
    channels: Annotated[tuple[Literal["quotes", "trades", "bars"], ...], Field(min_length=1), Strict(False)] = Field(
        default=("quotes", "trades"), description="Which channels to subscribe to for every symbol."
    )
    adjustment: Literal["raw", "split", "dividend", "spin-off", "all"] = Field(
        default="split", description="What prices of the past allow for; raw ones jump where a share was split."
    )

    @property
    def schemas(self) -> tuple[str, ...]:
        """Kinds of event that the feed delivers."""
        return self.channels


FeedSettings: TypeAlias = Annotated[
    FileFeedSettings | SyntheticFeedSettings | AlpacaFeedSettings | IbFeedSettings, Field(discriminator="kind")
]
"""One `[[data.feeds]]` table."""
