"""What a venue is asked for its truth, while it trades on."""

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from tradingd.tools.drills.truth import ask_venue


class BusyVenue:
    """Before each answer one more order is placed and filled."""

    def __init__(self) -> None:
        self._placed = 0
        self.app = web.Application(middlewares=[self._trade])
        self.app.router.add_get("/v2/account", self._account)
        self.app.router.add_get("/v2/orders", self._orders)
        self.app.router.add_get("/v2/account/activities/FILL", self._fills)
        self.app.router.add_get("/v2/positions", self._positions)

    @web.middleware
    async def _trade(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self._placed += 1
        response: web.StreamResponse = await handler(request)
        return response

    async def _account(self, _request: web.Request) -> web.Response:
        return web.json_response({"cash": "1000"})

    async def _orders(self, _request: web.Request) -> web.Response:
        when = "2026-01-05T12:00:00Z"
        orders = [
            {"id": f"v{number}", "client_order_id": f"c{number}", "replaces": None, "submitted_at": when}
            for number in range(self._placed)
        ]
        return web.json_response(orders)

    async def _fills(self, request: web.Request) -> web.Response:
        if "page_token" in request.query:
            return web.json_response([])
        fills = [{"id": f"{number}::e", "order_id": f"v{number}", "qty": "1"} for number in range(self._placed)]
        return web.json_response(fills)

    async def _positions(self, _request: web.Request) -> web.Response:
        return web.json_response([{"symbol": "SPY", "qty": str(self._placed)}])


@pytest.fixture
async def busy_venue() -> Any:
    server = TestServer(BusyVenue().app)
    await server.start_server()
    yield server
    await server.close()


async def test_no_fill_is_without_its_order_while_the_venue_trades_on(busy_venue: TestServer) -> None:
    """The lists are read one after the other, and orders are placed and filled between them."""
    truth = await ask_venue(str(busy_venue.make_url("/")), "key", "secret")
    assert truth.fills
    assert {fill["order_id"] for fill in truth.fills} <= {order["id"] for order in truth.orders}
