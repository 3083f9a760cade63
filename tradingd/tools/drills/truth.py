"""What a venue says about its account: the one side of every judgement.

Reads: an Alpaca-compatible venue over REST, each list to its end. Never: asks a daemon.
"""

from decimal import Decimal
from typing import Any

import aiohttp
import msgspec

from tradingd.errors import VenueUnavailable

_PAGE = 500


class VenueTruth(msgspec.Struct, frozen=True):
    """Account, orders, fills and positions, as the venue words them."""

    cash: Decimal
    orders: list[dict[str, Any]]
    fills: list[dict[str, Any]]
    positions: dict[str, Decimal]
    """By symbol without its slash, as the venue spells positions."""

    @property
    def roots(self) -> dict[str, str]:
        """For the id of each order the id of the order that it replaces in the end, its own where it replaces none."""
        before = {order["id"]: order["replaces"] for order in self.orders}
        roots = {}
        for order_id in before:
            root = order_id
            while before.get(root):
                root = before[root]
            roots[order_id] = root
        return roots


async def ask_venue(base_url: str, key: str, secret: str) -> VenueTruth:
    """Read everything; raises `VenueUnavailable` when the venue does not answer."""
    headers = {"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret}
    timeout = aiohttp.ClientTimeout(total=20)
    try:
        async with aiohttp.ClientSession(base_url, headers=headers, timeout=timeout) as session:
            account = await _get(session, "/v2/account")
            # Before the orders: one placed meanwhile may lack its fills, but no fill lacks its order.
            fills = await _fills(session)
            orders = await _orders(session)
            positions = await _get(session, "/v2/positions")
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise VenueUnavailable(f"{base_url}: the venue does not answer: {error}") from error
    return VenueTruth(
        cash=Decimal(account["cash"]),
        orders=orders,
        fills=fills,
        positions={entry["symbol"].replace("/", ""): Decimal(entry["qty"]) for entry in positions},
    )


async def _get(session: aiohttp.ClientSession, path: str, **query: str) -> Any:
    async with session.get(path, params=query) as response:
        if response.status != 200:
            raise VenueUnavailable(f"GET {path}: HTTP {response.status}: {await response.text()}")
        return await response.json()


async def _orders(session: aiohttp.ClientSession) -> list[dict[str, Any]]:
    orders: dict[str, dict[str, Any]] = {}
    after = "2000-01-01T00:00:00Z"
    while True:
        page = await _get(session, "/v2/orders", status="all", limit=str(_PAGE), direction="asc", after=after)
        fresh = [order for order in page if order["id"] not in orders]
        orders |= {order["id"]: order for order in fresh}
        if len(page) < _PAGE:
            return list(orders.values())
        if not fresh:
            raise VenueUnavailable("GET /v2/orders: more than a page of orders share one time")
        after = page[-1]["submitted_at"]


async def _fills(session: aiohttp.ClientSession) -> list[dict[str, Any]]:
    fills: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    while page := await _get(session, "/v2/account/activities/FILL", direction="asc", page_size="100", **token):
        fills += page
        token = {"page_token": page[-1]["id"]}
    return fills
