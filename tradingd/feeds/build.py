"""From a `[[data.feeds]]` table to a feed."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias, Union, assert_never

from pydantic import SecretStr

from tradingd.errors import UsageError
from tradingd.feeds.file import FileFeed
from tradingd.feeds.synthetic import SyntheticFeed
from tradingd.settings.broker import AlpacaBrokerSettings, BrokerSettings
from tradingd.settings.feeds import AlpacaFeedSettings, FeedSettings, FileFeedSettings, SyntheticFeedSettings

if TYPE_CHECKING:
    from tradingd.feeds.alpaca.stream import AlpacaFeed

AnyFeed: TypeAlias = Union[FileFeed, SyntheticFeed, "AlpacaFeed"]
"""Every feed; only the synthetic and the alpaca ones know bars of the past."""

_PLANS = frozenset({"iex", "sip", "otc", "boats", "overnight"})


def build_feed(
    settings: FeedSettings,
    broker: BrokerSettings,
    *,
    span: tuple[int, int] | None = None,
    expects_data: Callable[[], bool] = lambda: False,
) -> AnyFeed:
    """Make the feed that a table describes.

    `broker` lends its keys to an alpaca feed without keys of its own; `span` is the time that a replay covers;
    `expects_data` tells a live feed whether silence is strange now.
    """
    match settings:
        case FileFeedSettings():
            return FileFeed(
                settings.path,
                settings.symbol,
                settings.data_schema,
                interval_ns=settings.interval_ns,
                speed=None if settings.speed == "max" else settings.speed,
            )
        case SyntheticFeedSettings():
            return SyntheticFeed(
                settings.symbols,
                seed=settings.seed,
                start_price=settings.start_price,
                interval_ms=settings.interval_ms,
                volatility=settings.volatility,
                spread_bps=settings.spread_bps,
                span=span,
            )
        case AlpacaFeedSettings():
            # The client libraries are loaded only where they are needed, to keep start-up short.
            from tradingd.feeds.alpaca.history import AlpacaHistory
            from tradingd.feeds.alpaca.stream import AlpacaFeed

            key, secret = _keys(settings, broker)
            plan = settings.url.rstrip("/").rsplit("/", 1)[-1]
            return AlpacaFeed(
                settings.url,
                key,
                secret,
                settings.symbols,
                channels=settings.channels,
                encoding=settings.encoding,
                history=AlpacaHistory(settings.data_url, key, secret, feed=plan if plan in _PLANS else "iex"),
                expects_data=expects_data,
            )
        case _:
            assert_never(settings)


def _keys(settings: AlpacaFeedSettings, broker: BrokerSettings) -> tuple[str, str]:
    lender = broker if isinstance(broker, AlpacaBrokerSettings) else settings
    key: SecretStr | None = settings.api_key or lender.api_key
    secret: SecretStr | None = settings.api_secret or lender.api_secret
    if key is None or secret is None:
        raise UsageError(f"the feed {settings.url} needs api_key and api_secret")
    return key.get_secret_value(), secret.get_secret_value()
