"""The account endpoints: account, activities, history, assets, clock and calendar."""

from collections.abc import Callable
from datetime import date, timedelta

from aiohttp import web

from tradingd.core.calendar import Calendar
from tradingd.core.market import DAY_NS
from tradingd.core.sessions import new_york_date
from tradingd.settings.venue import VenueSettings
from tradingd.venue.assets import AssetDirectory
from tradingd.venue.errors import not_found, unprocessable
from tradingd.venue.gate import json_answer
from tradingd.venue.portfolio import Portfolio
from tradingd.venue.rest_query import Query
from tradingd.venue.sessions import session_json
from tradingd.venue.store import VenueStore
from tradingd.venue.wire import activity_json, new_york_text

_PAGE_MOST = 100
_CALENDAR_MOST = timedelta(days=3660)


class AccountApi:
    """Handlers over the portfolio, the assets and the calendar."""

    def __init__(
        self,
        *,
        settings: VenueSettings,
        portfolio: Portfolio,
        assets: AssetDirectory,
        calendar: Calendar,
        store: VenueStore,
        clock: Callable[[], int],
    ) -> None:
        self._settings = settings
        self._portfolio = portfolio
        self._assets = assets
        self._calendar = calendar
        self._store = store
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """The endpoints."""
        return [
            web.get("/v2/account", self.account),
            web.get("/v2/account/configurations", self.configurations),
            web.get("/v2/account/activities", self.activities),
            web.get("/v2/account/activities/{kind}", self.activities),
            web.get("/v2/account/portfolio/history", self.history),
            web.get("/v2/assets", self.list_assets),
            web.get("/v2/assets/{name:.+}", self.get_asset),
            web.get("/v2/clock", self.clock),
            web.get("/v2/calendar", self.calendar),
        ]

    async def account(self, request: web.Request) -> web.Response:
        """GET /v2/account."""
        return json_answer(self._portfolio.account_json(self._clock()))

    async def configurations(self, request: web.Request) -> web.Response:
        """GET /v2/account/configurations."""
        return json_answer(self._portfolio.configurations_json())

    async def activities(self, request: web.Request) -> web.Response:
        """GET /v2/account/activities; fills are the only activities of this account."""
        query = Query(request.query)
        kind = request.match_info.get("kind")
        kinds = query.names("activity_types") if kind is None else (kind,)
        if kinds and "FILL" not in kinds:
            return json_answer([])
        after, until = query.instant("after"), query.instant("until")
        if query.text("date"):
            if after is not None or until is not None:
                raise unprocessable("date cannot be combined with after or until")
            day = query.instant("date") or 0
            after, until = day - 1, day + DAY_NS
        executions = self._store.executions(
            after=after,
            until=until,
            page_token=query.text("page_token") or None,
            ascending=query.word("direction", ("desc", "asc")) == "asc",
            limit=query.count("page_size", _PAGE_MOST, _PAGE_MOST),
        )
        return json_answer([activity_json(execution, self._portfolio.account_id) for execution in executions])

    async def history(self, request: web.Request) -> web.Response:
        """GET /v2/account/portfolio/history."""
        query = Query(request.query)
        end = query.instant("end", end_of_day=True) or query.instant("date_end", end_of_day=True)
        return json_answer(
            self._portfolio.history_json(
                query.text("period", "1M"),
                query.text("timeframe", "1D"),
                query.instant("start"),
                end,
                self._clock(),
            )
        )

    async def list_assets(self, request: web.Request) -> web.Response:
        """GET /v2/assets."""
        query = Query(request.query)
        kind, status, exchange = query.text("asset_class"), query.text("status"), query.text("exchange")
        described = [asset.json(self._settings.shorting_enabled) for asset in self._assets]
        return json_answer(
            [
                asset
                for asset in described
                if kind in ("", asset["class"]) and status in ("", "active") and exchange in ("", asset["exchange"])
            ]
        )

    async def get_asset(self, request: web.Request) -> web.Response:
        """GET /v2/assets/{symbol or id}."""
        name = request.match_info["name"]
        asset = self._assets.find(name)
        if asset is None:
            raise not_found(f"asset not found for {name}")
        return json_answer(asset.json(self._settings.shorting_enabled))

    async def clock(self, request: web.Request) -> web.Response:
        """GET /v2/clock."""
        now = self._clock()
        return json_answer(
            {
                "timestamp": new_york_text(now),
                "is_open": self._calendar.is_open(now),
                "next_open": new_york_text(self._calendar.next_open(now)),
                "next_close": new_york_text(self._calendar.next_close(now)),
            }
        )

    async def calendar(self, request: web.Request) -> web.Response:
        """GET /v2/calendar."""
        query = Query(request.query)
        today = new_york_date(self._clock())
        start = query.day("start", today)
        end = query.day("end", date(today.year, 12, 31) if start <= today else start)
        end = min(end, start + _CALENDAR_MOST)
        return json_answer([session_json(day) for day in self._calendar.days(start, end)])
