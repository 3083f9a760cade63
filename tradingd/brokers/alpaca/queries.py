"""Questions to Alpaca, each page read to the end.

Owns: URLs, paging and decoding of queries.
Never: returns part of an answer: what cannot be had or read in full raises `VenueUnavailable`.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec
from yarl import URL

from tradingd.brokers.alpaca.bars import BarReader
from tradingd.brokers.alpaca.rest import RestClient
from tradingd.brokers.alpaca.wire import (
    UNREADABLE,
    WireAccount,
    WireActivity,
    WireAsset,
    WireClock,
    WireOrder,
    WirePosition,
)
from tradingd.brokers.pacing import Priority
from tradingd.core.identifiers import Symbol
from tradingd.core.market import PriceBar
from tradingd.core.timestamps import format_timestamp, parse_timestamp
from tradingd.errors import FeedError, VenueUnavailable

T = TypeVar("T")

_ORDERS_PAGE = 500
_FILLS_PAGE = 100
_MAX_PAGES = 1_000
_MICROSECOND_NS = 1_000


class AlpacaQueries:
    """Typed GETs of one account."""

    def __init__(
        self,
        rest: RestClient,
        base: URL,
        data_url: str,
        *,
        bar_feed: str,
        bar_adjustment: str,
        clock: Callable[[], int],
    ) -> None:
        self._rest = rest
        self._base = base
        self._bars = BarReader(data_url, self._bar_page, feed=bar_feed, adjustment=bar_adjustment, clock=clock)

    async def account(self) -> WireAccount:
        """The account."""
        return await self._expect(self._base / "v2/account", WireAccount)

    async def server_time(self) -> int | None:
        """The venue's clock, ns UTC; None when it has none or its answer cannot be read as a time."""
        answer = await self._ask(self._base / "v2/clock", WireClock)
        try:
            return None if answer is None else parse_timestamp(answer.timestamp)
        except ValueError:
            return None

    async def asset(self, symbol_or_id: str) -> WireAsset | None:
        """An asset by symbol or id, None when the venue knows none."""
        # The slash of a pair has to arrive as %2F: it is not a path's.
        return await self._ask(
            self._base.joinpath("v2/assets", symbol_or_id.replace("/", "%2F"), encoded=True), WireAsset
        )

    async def positions(self) -> list[WirePosition]:
        """Every open position; this list has no pages."""
        return await self._expect(self._base / "v2/positions", list[WirePosition])

    async def order(self, venue_order_id: str) -> WireOrder | None:
        """An order by the venue's id."""
        return await self._ask(self._base / "v2/orders" / venue_order_id, WireOrder)

    async def order_by_client_id(self, client_order_id: str) -> WireOrder | None:
        """An order by our id, also one that is done."""
        url = self._base / "v2/orders:by_client_order_id"
        return await self._ask(url.with_query(client_order_id=client_order_id), WireOrder)

    async def orders(self, status: str, after_ns: int | None) -> list[WireOrder]:
        """Orders submitted after a time, oldest first, children under their parents.

        The list has no page token and its `after` is exclusive, while orders can share a time of submission: each page
        begins one microsecond before the last order of the page before it, and what came twice is dropped. The end is
        the page that brings nothing new; a short page is no proof, as the venue may count children.
        """
        found: dict[str, WireOrder] = {}
        for _ in range(_MAX_PAGES):
            query = {"status": status, "limit": str(_ORDERS_PAGE), "direction": "asc", "nested": "true"}
            if after_ns is not None:
                query["after"] = format_timestamp(after_ns)
            url = (self._base / "v2/orders").with_query(query)
            page = await self._expect(url, list[WireOrder])
            fresh = [order for order in page if order.id not in found]
            found.update((order.id, order) for order in fresh)
            if not fresh:
                if len(page) >= _ORDERS_PAGE:
                    raise VenueUnavailable("GET /v2/orders: a whole page of orders shares one time of submission")
                return list(found.values())
            after_ns = _submitted(page[-1]) - _MICROSECOND_NS
        raise VenueUnavailable("GET /v2/orders: the list does not end")

    async def fills(self, after_ns: int) -> list[WireActivity]:
        """Executions after a time, oldest first; the end is an empty page."""
        found: dict[str, WireActivity] = {}
        token: str | None = None
        for _ in range(_MAX_PAGES):
            query = {"after": format_timestamp(after_ns), "direction": "asc", "page_size": str(_FILLS_PAGE)}
            if token is not None:
                query["page_token"] = token
            url = (self._base / "v2/account/activities/FILL").with_query(query)
            page = await self._expect(url, list[WireActivity])
            if not page:
                return list(found.values())
            if page[-1].id == token:
                raise VenueUnavailable("GET /v2/account/activities/FILL: the page token does not advance")
            found.update((fill.id, fill) for fill in page)
            token = page[-1].id
        raise VenueUnavailable("GET /v2/account/activities/FILL: the list does not end")

    async def bars(self, symbol: Symbol, interval_ns: int, start_ns: int, end_ns: int) -> Sequence[PriceBar]:
        """Closed bars with open time in `[start_ns, end_ns)`."""
        try:
            return await self._bars.fetch_bars(symbol, interval_ns, start_ns, end_ns)
        except FeedError as error:
            raise VenueUnavailable(f"GET {error}") from error

    async def _bar_page(self, url: URL) -> bytes:
        body = await self._rest.get(url, Priority.HISTORY)
        if body is None:
            raise VenueUnavailable(f"GET {url.path}: HTTP 404 where there must be an answer")
        return body

    async def _ask(self, url: URL, kind: type[T]) -> T | None:
        body = await self._rest.get(url)
        if body is None:
            return None
        try:
            return msgspec.json.decode(body, type=kind)
        except UNREADABLE as error:
            raise VenueUnavailable(f"GET {url.path}: the answer cannot be read ({error})") from error

    async def _expect(self, url: URL, kind: type[T]) -> T:
        answer = await self._ask(url, kind)
        if answer is None:
            raise VenueUnavailable(f"GET {url.path}: HTTP 404 where there must be an answer")
        return answer


def _submitted(order: WireOrder) -> int:
    try:
        return parse_timestamp(order.submitted_at or order.created_at or "")
    except ValueError as error:
        raise VenueUnavailable(f"GET /v2/orders: order {order.id} has no time of submission") from error
