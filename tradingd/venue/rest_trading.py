"""The trading endpoints: orders and positions."""

from collections.abc import Callable

from aiohttp import web

from tradingd.venue.assets import AssetDirectory
from tradingd.venue.errors import not_found
from tradingd.venue.gate import json_answer
from tradingd.venue.intake import OrderBody, ReplaceBody, decode
from tradingd.venue.orders import OrderDesk
from tradingd.venue.portfolio import Portfolio
from tradingd.venue.rest_query import Query
from tradingd.venue.store import OrderQuery, VenueStore

_LIST_DEFAULT, _LIST_MOST = 50, 500


class TradingApi:
    """Handlers over the order desk."""

    def __init__(
        self, desk: OrderDesk, portfolio: Portfolio, assets: AssetDirectory, store: VenueStore, clock: Callable[[], int]
    ) -> None:
        self._desk = desk
        self._portfolio = portfolio
        self._assets = assets
        self._store = store
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """The endpoints."""
        return [
            web.post("/v2/orders", self.submit),
            web.get("/v2/orders", self.list_orders),
            web.delete("/v2/orders", self.cancel_all),
            web.get("/v2/orders:by_client_order_id", self.by_client_order_id),
            web.get("/v2/orders/{order_id}", self.get_order),
            web.patch("/v2/orders/{order_id}", self.replace),
            web.delete("/v2/orders/{order_id}", self.cancel),
            web.get("/v2/positions", self.list_positions),
            web.delete("/v2/positions", self.close_all),
            web.get("/v2/positions/{name:.+}", self.get_position),
            web.delete("/v2/positions/{name:.+}", self.close_position),
        ]

    async def submit(self, request: web.Request) -> web.Response:
        """POST /v2/orders."""
        body = decode(await request.read(), OrderBody)
        return json_answer(self._desk.submit(body))

    async def replace(self, request: web.Request) -> web.Response:
        """PATCH /v2/orders/{id}."""
        body = decode(await request.read(), ReplaceBody)
        return json_answer(self._desk.replace(request.match_info["order_id"], body))

    async def cancel(self, request: web.Request) -> web.Response:
        """DELETE /v2/orders/{id}."""
        self._desk.cancel(request.match_info["order_id"])
        return web.Response(status=204)

    async def cancel_all(self, request: web.Request) -> web.Response:
        """DELETE /v2/orders."""
        answers = []
        for order_id in self._desk.cancel_all():
            body = self._desk.describe(self._desk.find(order_id), nested=False)
            answers.append({"id": order_id, "status": 200, "body": body})
        return json_answer(answers, 207)

    async def get_order(self, request: web.Request) -> web.Response:
        """GET /v2/orders/{id}."""
        record = self._desk.find(request.match_info["order_id"])
        return json_answer(self._desk.describe(record, Query(request.query).flag("nested")))

    async def by_client_order_id(self, request: web.Request) -> web.Response:
        """GET /v2/orders:by_client_order_id."""
        client_order_id = Query(request.query).text("client_order_id")
        record = self._store.order_by_client_id(client_order_id)
        if record is None:
            raise not_found(f"order not found for {client_order_id}")
        return json_answer(self._desk.describe(record, nested=False))

    async def list_orders(self, request: web.Request) -> web.Response:
        """GET /v2/orders."""
        query = Query(request.query)
        nested = query.flag("nested")
        status = query.word("status", ("open", "closed", "all"))
        after, until = query.instant("after"), query.instant("until")
        # The newer way to page names an order instead of a time; submission times are unique, so it is the same.
        if query.text("after_order_id"):
            after = self._desk.find(query.text("after_order_id")).submitted_at
        if query.text("before_order_id"):
            until = self._desk.find(query.text("before_order_id")).submitted_at
        asset_classes = query.names("asset_class")
        crypto = None if len(asset_classes) != 1 else asset_classes[0] == "crypto"
        records = self._store.orders(
            OrderQuery(
                is_open=None if status == "all" else status == "open",
                after=after,
                until=until,
                symbols=self._spelled(query.names("symbols")),
                side=query.text("side").lower() or None,
                crypto=crypto,
                top_level=nested and status == "all",
                ascending=query.word("direction", ("desc", "asc")) == "asc",
                limit=query.count("limit", _LIST_DEFAULT, _LIST_MOST),
            )
        )
        if nested:
            # A leg stands under its parent; alone only where the parent itself is not of the asked-for status.
            listed = {record.id for record in records}
            records = [record for record in records if record.parent_id not in listed]
        return json_answer([self._desk.describe(record, nested) for record in records])

    def _spelled(self, names: tuple[str, ...]) -> tuple[str, ...]:
        found = ((name, self._assets.find(name)) for name in names)
        return tuple(name if asset is None else asset.symbol for name, asset in found)

    async def list_positions(self, request: web.Request) -> web.Response:
        """GET /v2/positions."""
        return json_answer(self._portfolio.positions_json(self._clock()))

    async def get_position(self, request: web.Request) -> web.Response:
        """GET /v2/positions/{symbol or asset id}."""
        return json_answer(self._portfolio.position_json(request.match_info["name"], self._clock()))

    async def close_position(self, request: web.Request) -> web.Response:
        """DELETE /v2/positions/{symbol or asset id}."""
        query = Query(request.query)
        return json_answer(
            self._portfolio.close_position(request.match_info["name"], query.amount("qty"), query.amount("percentage"))
        )

    async def close_all(self, request: web.Request) -> web.Response:
        """DELETE /v2/positions."""
        return json_answer(self._portfolio.close_all(Query(request.query).flag("cancel_orders")), 207)
