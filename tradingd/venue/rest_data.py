"""The market-data endpoints: bars with paging, and the latest trade, quote and bar of each symbol."""

import base64
import binascii
from collections.abc import Callable

from aiohttp import web

from tradingd.core.market import DAY_NS
from tradingd.core.matching import SimulatedMarket
from tradingd.core.sessions import next_new_york_midnight
from tradingd.venue.assets import Asset, AssetDirectory
from tradingd.venue.bars import BarKeeper, parse_timeframe
from tradingd.venue.errors import Refusal
from tradingd.venue.gate import json_answer
from tradingd.venue.market_wire import bar_json, quote_json, trade_json
from tradingd.venue.rest_query import Query
from tradingd.venue.store import StoredBar

_LIMIT_DEFAULT, _LIMIT_MOST = 1000, 10_000


class DataApi:
    """Handlers over the bars and the market."""

    def __init__(
        self, bars: BarKeeper, market: SimulatedMarket, assets: AssetDirectory, clock: Callable[[], int]
    ) -> None:
        self._bars = bars
        self._market = market
        self._assets = assets
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """The endpoints; those of one symbol come last, as their pattern takes any word."""
        routes: list[web.RouteDef] = []
        for stem, latest in (("/v2/stocks", "{kind}/latest"), ("/v1beta3/crypto/{location}", "latest/{kind}")):
            routes += [
                web.get(f"{stem}/bars", self.bars),
                web.get(f"{stem}/snapshots", self.snapshots),
                web.get(f"{stem}/{latest}", self.latest),
            ]
        return [
            *routes,
            web.get("/v2/stocks/{symbol}/bars", self.symbol_bars),
            web.get("/v2/stocks/{symbol}/{kind}/latest", self.symbol_latest),
        ]

    def _wanted(self, request: web.Request, query: Query) -> list[Asset]:
        crypto = "location" in request.match_info
        names = query.names("symbols")
        if not names:
            raise Refusal(400, None, "symbols is required")
        found = {asset.symbol: asset for name in names if (asset := self._assets.find(name)) is not None}
        return [found[symbol] for symbol in sorted(found) if found[symbol].crypto is crypto]

    # -- bars ---------------------------------------------------------------------------------------------------------

    async def bars(self, request: web.Request) -> web.Response:
        """GET bars of many symbols: ordered by symbol, then time, at most `limit` over all of them."""
        query = Query(request.query, with_code=False)
        page, token = self._page(self._wanted(request, query), query)
        answer: dict[str, list[object]] = {}
        for bar in page:
            answer.setdefault(bar.symbol, []).append(bar_json(bar))
        return json_answer({"bars": answer, "next_page_token": token})

    async def symbol_bars(self, request: web.Request) -> web.Response:
        """GET bars of one symbol."""
        query = Query(request.query, with_code=False)
        name = request.match_info["symbol"]
        asset = self._assets.find(name)
        page, token = self._page([] if asset is None else [asset], query)
        return json_answer({"bars": [bar_json(bar) for bar in page] or None, "symbol": name, "next_page_token": token})

    def _page(self, assets: list[Asset], query: Query) -> tuple[list[StoredBar], str | None]:
        text = query.text("timeframe", "1Min")
        timeframe = parse_timeframe(text)
        if timeframe is None:
            raise Refusal(400, None, f"invalid timeframe: {text}")
        now = self._clock()
        start = query.instant("start")
        end = query.instant("end", end_of_day=True)
        start = next_new_york_midnight(now) - DAY_NS if start is None else start
        end = now if end is None else end
        limit = query.count("limit", _LIMIT_DEFAULT, _LIMIT_MOST)
        descending = query.word("sort", ("asc", "desc")) == "desc"
        from_symbol, from_ts = _read_token(query.text("page_token"))
        page: list[StoredBar] = []
        for asset in assets:
            if asset.symbol < from_symbol:
                continue
            bars = self._bars.find(asset.symbol, timeframe, start, end)
            if descending:
                bars.reverse()
            for bar in bars:
                if asset.symbol == from_symbol and (bar.ts_open > from_ts if descending else bar.ts_open < from_ts):
                    continue
                if len(page) == limit:
                    return page, _write_token(asset.symbol, bar.ts_open)
                page.append(bar)
        return page, None

    # -- latest -------------------------------------------------------------------------------------------------------

    async def latest(self, request: web.Request) -> web.Response:
        """GET the latest trades, quotes or bars of many symbols."""
        kind = request.match_info["kind"]
        wanted = self._wanted(request, Query(request.query, with_code=False))
        found = {asset.symbol: self._latest(asset, kind) for asset in wanted}
        return json_answer({kind: {symbol: item for symbol, item in found.items() if item is not None}})

    async def symbol_latest(self, request: web.Request) -> web.Response:
        """GET the latest trade, quote or bar of one symbol."""
        kind, name = request.match_info["kind"], request.match_info["symbol"]
        asset = self._assets.find(name)
        item = None if asset is None else self._latest(asset, kind)
        if item is None:
            raise Refusal(404, None, f"no {kind.removesuffix('s')} found for {name}")
        return json_answer({"symbol": name, kind.removesuffix("s"): item})

    def _latest(self, asset: Asset, kind: str) -> object:
        book = self._market.book(asset.symbol)
        match kind:
            case "trades":
                return None if book.trade is None else trade_json(book.trade)
            case "quotes":
                return None if book.quote is None else quote_json(book.quote)
            case "bars":
                bar = self._bars.latest(asset.symbol)
                return None if bar is None else bar_json(bar)
            case _:
                raise Refusal(404, None, "endpoint not found")

    async def snapshots(self, request: web.Request) -> web.Response:
        """GET everything that is latest, of many symbols."""
        now = self._clock()
        day = parse_timeframe("1Day")
        assert day is not None
        answer: dict[str, object] = {}
        for asset in self._wanted(request, Query(request.query, with_code=False)):
            days = self._bars.find(asset.symbol, day, next_new_york_midnight(now) - 8 * DAY_NS, now)
            today = [bar for bar in days if bar.ts_open == day.start_of(now)]
            before = [bar for bar in days if bar.ts_open < day.start_of(now)]
            answer[asset.symbol] = {
                "latestTrade": self._latest(asset, "trades"),
                "latestQuote": self._latest(asset, "quotes"),
                "minuteBar": self._latest(asset, "bars"),
                "dailyBar": bar_json(today[-1]) if today else None,
                "prevDailyBar": bar_json(before[-1]) if before else None,
            }
        return json_answer({"snapshots": answer} if "location" in request.match_info else answer)


def _write_token(symbol: str, ts_open: int) -> str:
    return base64.urlsafe_b64encode(f"{symbol}|{ts_open}".encode()).decode()


def _read_token(token: str) -> tuple[str, int]:
    """The place where a page begins: symbol and open time."""
    if not token:
        return "", 0
    try:
        symbol, _, ts_open = base64.urlsafe_b64decode(token).decode().partition("|")
        return symbol, int(ts_open)
    except (binascii.Error, ValueError) as error:
        raise Refusal(400, None, "invalid page_token") from error
