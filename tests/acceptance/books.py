"""The judge: compares a venue's own truth with a daemon's journal, reading nothing else."""

from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
from tradingd.core.entries import OrderIntended
from tradingd.core.order_state import execution_names
from tradingd.core.orders import OrderDenied, OrderFilled
from tradingd.journal.history import read_history
from tradingd.journal.segments import read_records


class VenueTruth:
    """Everything that an Alpaca-compatible venue says about its account, each list read to its end."""

    def __init__(self, account: dict[str, Any], orders: list[Any], fills: list[Any], positions: list[Any]) -> None:
        self.cash = Decimal(account["cash"])
        self.orders = orders
        self.fills = fills
        self.positions = {entry["symbol"].replace("/", ""): Decimal(entry["qty"]) for entry in positions}


async def ask_venue(base_url: str, key: str, secret: str) -> VenueTruth:
    """Read account, orders, fills and positions."""
    headers = {"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret}
    async with aiohttp.ClientSession(base_url, headers=headers) as session:

        async def get(path: str, **query: str) -> Any:
            async with session.get(path, params=query) as response:
                assert response.status == 200, await response.text()
                return await response.json()

        orders: dict[str, Any] = {}
        after = "2000-01-01T00:00:00Z"
        while True:
            page = await get("/v2/orders", status="all", limit="500", direction="asc", after=after)
            fresh = [order for order in page if order["id"] not in orders]
            orders |= {order["id"]: order for order in fresh}
            if len(page) < 500:
                break
            assert fresh, "more than a page of orders share one time"
            after = page[-1]["submitted_at"]
        fills: list[Any] = []
        token = ""
        while page := await get(
            "/v2/account/activities/FILL", direction="asc", page_size="100", **({"page_token": token} if token else {})
        ):
            fills += page
            token = page[-1]["id"]
        return VenueTruth(await get("/v2/account"), list(orders.values()), fills, await get("/v2/positions"))


def compare(venue: VenueTruth, journal: Path) -> dict[str, int]:
    """Fail on the first difference; return how much was compared."""
    intents: Counter[str] = Counter()
    denied: set[str] = set()
    executions: Counter[str] = Counter()
    booked: set[str] = set()
    for record in read_records(journal, whole=True):
        match record.entry:
            case OrderIntended(order=order):
                intents[order.client_order_id] += 1
            case OrderDenied(client_order_id=order_id):
                denied.add(order_id)
            case OrderFilled() as fill:
                executions[fill.execution_id] += 1
                booked.update(execution_names(fill))
    assert all(count == 1 for count in intents.values()), "an order id was used for two intents"
    # A replacement is the same order under a new name of the venue's own making.
    first_legs = [order for order in venue.orders if not order["replaces"]]
    chains = {order["id"] for order in venue.orders}
    assert all(order["replaces"] in chains for order in venue.orders if order["replaces"])
    at_venue = Counter(order["client_order_id"] for order in first_legs)
    assert all(count == 1 for count in at_venue.values()), "an order id is twice at the venue"
    unknown = set(at_venue) - set(intents)
    assert not unknown, f"orders at the venue that the journal never intended: {unknown}"
    assert not denied & set(at_venue), "a refused order reached the venue"
    assert all(count == 1 for count in executions.values()), "an execution was booked twice"
    for fill in venue.fills:
        cum = Decimal(fill["cum_qty"]).normalize()
        assert f"{fill['order_id']}@{cum:f}" in booked, f"a fill that the journal does not have: {fill}"
    assert len(venue.fills) == sum(executions.values()), "the journal has fills that the venue does not"
    books = read_history(journal, 0, 1 << 62).books
    net = {symbol.replace("/", ""): quantity for symbol, quantity in books.portfolio.net.items() if quantity}
    assert net == venue.positions
    assert books.portfolio.cash == venue.cash
    for state in books.orders.open:
        assert state.venue_order_id is not None, f"{state.client_order_id} is still in doubt"
    return {"orders": len(at_venue), "fills": len(venue.fills), "intents": len(intents)}
