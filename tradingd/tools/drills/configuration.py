"""The configurations of a drill's two processes, made from the user's own.

Owns: what of the user's configuration a drill changes, and the words that say so. Emits: two files in the drill's
folder. Never: takes over a key, an address or a folder of the user's.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from pydantic import BaseModel

from tradingd.errors import UsageError
from tradingd.settings import LoadedSettings
from tradingd.settings.broker import PaperBrokerSettings
from tradingd.settings.effective import toml_text
from tradingd.settings.feeds import AlpacaFeedSettings, FeedSettings, FileFeedSettings, SyntheticFeedSettings
from tradingd.settings.ib import IbFeedSettings
from tradingd.settings.problems import format_key
from tradingd.settings.root import Settings
from tradingd.tools.drills.market import slow_down
from tradingd.tools.drills.scenario import Scenario
from tradingd.tools.drills.strategies import ADDED_ID, TRADER_ID

KEY = "drill"
TRADES = "trades"
"""The file in the drill's folder that lets the drill trade itself."""
_TIMEOUT_S = 2.0
_INTERVALS = {
    "unknown_grace_s": 1.0,
    "in_flight_interval_s": 1.0,
    "open_orders_interval_s": 2.0,
    "reconcile_interval_s": 4.0,
}
"""Longest times between two questions: the user's own where they are shorter."""
_CHANNELS = {"quotes": ("quotes",), "trades": ("trades",), "bars": ("quotes", "trades")}


class DrillConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Where a drill's files are, and how the venue is reached."""

    folder: Path
    daemon: Path
    venue: Path
    state_dir: Path
    port: int
    secret: str
    added: str

    @property
    def base_url(self) -> str:
        """The venue's REST address."""
        return f"http://127.0.0.1:{self.port}"


def drilled_feeds(settings: Settings) -> list[FeedSettings]:
    """The feeds that the drill's market is made of; raises `UsageError` where there is none."""
    if not settings.data.feeds:
        raise UsageError("a drill needs prices: add a [[data.feeds]] table")
    bars = [strategy.bars for strategy in settings.strategies]
    return [slow_down(_replaced(feed), bars) for feed in settings.data.feeds]


def explain_changes(settings: Settings) -> list[str]:
    """Say what a drill changes of a configuration, a line each."""
    lines = ["state, journal and log are a temporary folder's; the account is a new one at a paper venue with faults"]
    if not isinstance(settings.broker, PaperBrokerSettings):
        lines.append(f"[broker] kind = {settings.broker.kind} is not asked: no key and no address of it is used")
    for feed in settings.data.feeds:
        if isinstance(feed, AlpacaFeedSettings | IbFeedSettings):
            lines.append(f"the {feed.kind} feed is replaced by an invented market of {', '.join(feed.symbols)}")
        elif isinstance(feed, FileFeedSettings) and feed.data_schema == "bars":
            lines.append(f"the bars of {feed.path.name} are played as ticks")
    lines.append("where the strategies give a fault no occasion, the drill trades itself until there is one")
    lines.append("the market is sped up; equities trade at all hours; request rates have no limit")
    lines.append("[execution] intervals are at most " + ", ".join(f"{k} = {v:g}" for k, v in _INTERVALS.items()))
    return lines


def write_configs(
    loaded: LoadedSettings, scenario: Scenario, folder: Path, *, port: int, secret: str, seed: int
) -> DrillConfig:
    """Write both configurations of one drill."""
    settings = loaded.settings
    feeds = [_seeded(feed, seed) for feed in drilled_feeds(settings)]
    state_dir = folder / "state"
    venue = {
        "daemon": {"state_dir": folder / "venue", "log_format": "json"},
        "data": {"feeds": [_plain(feed) for feed in feeds]},
        "venue": {
            **_plain(settings.venue),
            "host": "127.0.0.1",
            "port": port,
            "api_key": KEY,
            "api_secret": secret,
            "session": "always_open",
            "rate_limit_per_minute": 0,
            "symbol_limit": 0,
        },
    }
    daemon = _plain(settings)
    base = f"http://127.0.0.1:{port}"
    daemon["daemon"] |= {"state_dir": state_dir, "log_level": "INFO", "log_format": "json"}
    daemon["daemon"].pop("log_file", None)
    daemon["venue"] = {}
    daemon["broker"] = {
        "kind": "alpaca",
        "base_url": base,
        "stream_url": f"ws://127.0.0.1:{port}/stream",
        "data_url": base,
        "api_key": KEY,
        "api_secret": secret,
        "timeout_s": _TIMEOUT_S,
        "requests_per_minute": 0,  # a drill's market is in a hurry
    }
    daemon["data"]["feeds"] = _streams(feeds, port, secret)
    execution = daemon["execution"]
    for name, most in _INTERVALS.items():
        execution[name] = min(execution[name], most)
    daemon["journal"]["reserve_mb"] = min(daemon["journal"]["reserve_mb"], 1)
    daemon["strategies"].append(_trader(folder / TRADES, settings))
    if scenario.added != "none":
        daemon["strategies"].append(_added(scenario.added, settings))
    paths = folder / "daemon.toml", folder / "venue.toml"
    for path, tables in zip(paths, (daemon, venue), strict=True):
        path.touch(mode=0o600)
        path.write_text(to_toml(tables))
    return DrillConfig(
        folder=folder,
        daemon=paths[0],
        venue=paths[1],
        state_dir=state_dir,
        port=port,
        secret=secret,
        added=scenario.added,
    )


def to_toml(tables: dict[str, Any]) -> str:
    """Write tables of plain values as TOML."""
    text = ""
    for name, value in tables.items():
        if isinstance(value, dict):
            text += f"[{name}]\n"
            text += "".join(f"{format_key((key,))} = {toml_text(item)}\n" for key, item in value.items())
        else:
            # Keys of the root must come before the first table.
            text = f"{name} = {toml_text(value)}\n" + text
    return text


def _replaced(feed: FeedSettings) -> FeedSettings:
    if isinstance(feed, AlpacaFeedSettings | IbFeedSettings):
        return SyntheticFeedSettings(kind="synthetic", symbols=feed.symbols)
    return feed


def _seeded(feed: FeedSettings, seed: int) -> FeedSettings:
    """Give each seed another invented market."""
    return feed.model_copy(update={"seed": feed.seed + seed}) if isinstance(feed, SyntheticFeedSettings) else feed


def _streams(feeds: list[FeedSettings], port: int, secret: str) -> list[dict[str, Any]]:
    """The venue's streams that carry the symbols of the feeds: stocks by one, pairs by the other."""
    tables = []
    for path, pairs in (("/v2/iex", False), ("/v1beta3/crypto/us", True)):
        wanted: dict[str, None] = {}
        channels: dict[str, None] = {}
        for feed in feeds:
            symbols = [symbol for symbol in feed.symbols if ("/" in symbol) is pairs]
            wanted |= dict.fromkeys(symbols)
            if symbols:
                channels |= dict.fromkeys(channel for schema in feed.schemas for channel in _CHANNELS[schema])
        if wanted:
            tables.append(
                {
                    "kind": "alpaca",
                    "url": f"ws://127.0.0.1:{port}{path}",
                    "data_url": f"http://127.0.0.1:{port}",
                    "api_key": KEY,
                    "api_secret": secret,
                    "symbols": list(wanted),
                    "channels": list(channels),
                }
            )
    return tables


def _added(kind: str, settings: Settings) -> dict[str, Any]:
    return {
        "id": ADDED_ID,
        "class": f"tradingd.tools.drills.strategies:{kind.capitalize()}",
        "symbols": [_symbol(settings)],
        "bars": "1m",
    }


def _trader(starts_with: Path, settings: Settings) -> dict[str, Any]:
    """The strategy by which the drill trades itself, once that file is there."""
    return {
        "id": TRADER_ID,
        "class": "tradingd.tools.drills.strategies:Trader",
        "symbols": [_symbol(settings)],
        "bars": "1m",
        "params": {"starts_with": str(starts_with)},
    }


def _symbol(settings: Settings) -> str:
    symbols = [symbol for strategy in settings.strategies for symbol in strategy.symbols]
    return next((symbol for symbol in symbols if "/" not in symbol), symbols[0])


def _plain(model: BaseModel) -> dict[str, Any]:
    """A model as plain values under the keys of the file, without what is not set."""
    plain = _without_none(model.model_dump(by_alias=True))
    assert isinstance(plain, dict)
    return plain


def _without_none(value: Any) -> Any:
    match value:
        case dict():
            return {key: _without_none(item) for key, item in value.items() if item is not None}
        case list() | tuple():
            return [_without_none(item) for item in value]
        case Decimal():
            return str(value)  # text keeps every digit on its way through TOML
    return value
