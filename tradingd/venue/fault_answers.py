"""Faults of requests: lost, repeated, answered late, wrongly, or never.

Reads: each admitted REST request, in place of its handler. Emits: an answer, or a reset connection.
"""

import asyncio
from collections.abc import Callable
from decimal import Decimal

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from tradingd.core.identifiers import Symbol
from tradingd.venue.errors import Refusal, not_found, not_permitted
from tradingd.venue.fault_rules import LagFault, LateFault, ListFault, RequestFault, StatusFault
from tradingd.venue.faults import FaultLayer
from tradingd.venue.intake import OrderBody

_COMMANDS = frozenset({"submit", "replace", "cancel"})
_GARBAGE = b'{"id": "\xff", <html>502'


def request_name(method: str, path: str) -> str:
    """The word by which a fault names a request; empty for one that no fault is about."""
    single = path.startswith("/v2/orders/")
    match method:
        case "POST" if path == "/v2/orders":
            return "submit"
        case "PATCH" if single:
            return "replace"
        case "DELETE" if single:
            return "cancel"
        case "GET" if single or path == "/v2/orders:by_client_order_id":
            return "order"
        case "GET" if path == "/v2/orders":
            return "orders"
        case "GET" if path == "/v2/positions":
            return "positions"
        case "GET" if path == "/v2/account":
            return "account"
        case "GET" if path.startswith("/v2/account/activities"):
            return "fills"
    return ""


class RequestFaults:
    """Stands between the gate and the handlers; `position_of` tells what is held of a symbol."""

    def __init__(self, layer: FaultLayer, position_of: Callable[[Symbol], Decimal]) -> None:
        self._layer = layer
        self._position_of = position_of
        self._hidden: dict[str, float] = {}
        self._held: set[asyncio.Task[None]] = set()

    async def answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a request, rightly or not; raises a `Refusal` as handlers do."""
        name = request_name(request.method, request.path)
        if not name:
            return await handler(request)
        layer = self._layer
        layer.seen[name] += 1
        body = _read_order(await request.read()) if name == "submit" else None
        if body is not None and body.client_order_id:
            self._hide(body.client_order_id)
        late = layer.find(LateFault, lambda rule: _is_about(rule.on, name))
        if late is not None:
            layer.note(late, f"{name} {request.path}")
            return await self._late(late, request, handler)
        status = layer.find(StatusFault, lambda rule: _is_about(rule.on, name))
        if status is not None:
            layer.note(status, f"{status.status} to {name} {request.path}")
            if status.carried_out:
                await _carry_out(request, handler)
            headers = {} if status.retry_after_s is None else {"Retry-After": str(status.retry_after_s)}
            return _raw(b'{"message": "a fault on purpose"}', status.status, headers)
        wrong = layer.find(
            RequestFault,
            lambda rule: _is_about(rule.on, name) and (rule.kind != "exit_refused" or self._is_exit(body)),
        )
        if wrong is not None:
            layer.note(wrong, f"{name} {request.path}")
            return await self._wrong(wrong, request, handler)
        if name == "orders" and (cut := layer.find(ListFault)) is not None:
            layer.note(cut, f"a page of {cut.limit}")
            request = request.clone(rel_url=request.rel_url.update_query(limit=str(cut.limit)))
        response = await handler(request)
        return self._without_hidden(response) if self._hidden and name in ("order", "orders") else response

    async def settled(self) -> None:
        """Wait until every command that was held back is carried out."""
        await asyncio.gather(*self._held, return_exceptions=True)

    # -- one fault ----------------------------------------------------------------------------------------------------

    async def _late(self, late: LateFault, request: web.Request, handler: Handler) -> web.StreamResponse:
        match late.kind:
            case "request_late":
                await self._layer.wait(late.seconds)
                return await handler(request)
            case "answer_late":
                response = await handler(request)
                await self._layer.wait(late.seconds)
                return response
            case "answer_never":
                await _carry_out(request, handler)
                await self._layer.wait(late.seconds)
                return _reset(request)
            case "command_held":
                await request.read()
                task = asyncio.create_task(self._carry_out_later(late, request, handler), name="venue-held-command")
                self._held.add(task)
                task.add_done_callback(self._held.discard)
                return web.Response(status=204)

    async def _carry_out_later(self, late: LateFault, request: web.Request, handler: Handler) -> None:
        await self._layer.wait(late.seconds)
        await _carry_out(request, handler)

    async def _wrong(self, wrong: RequestFault, request: web.Request, handler: Handler) -> web.StreamResponse:
        match wrong.kind:
            case "request_lost":
                return _reset(request)
            case "request_twice":
                await _carry_out(request, handler)
                return await handler(request)
            case "answer_lost":
                await _carry_out(request, handler)
                return _reset(request)
            case "answer_cut":
                return await _cut(request, await handler(request))
            case "answer_garbage":
                await _carry_out(request, handler)
                return _raw(_GARBAGE, 200, {})
            case "answer_empty":
                await _carry_out(request, handler)
                return web.Response(status=200)
            case "exit_refused":
                raise not_permitted("a fault on purpose: the exit is refused")

    def _is_exit(self, body: OrderBody | None) -> bool:
        if body is None or body.symbol is None or body.side is None:
            return False
        held = self._position_of(Symbol(body.symbol))
        return held > 0 if body.side.lower() == "sell" else held < 0

    # -- orders that are not to be found yet --------------------------------------------------------------------------

    def _hide(self, client_order_id: str) -> None:
        lag = self._layer.find(LagFault)
        if lag is not None:
            self._layer.note(lag, client_order_id)
            self._hidden[client_order_id] = asyncio.get_running_loop().time() + lag.seconds

    def _without_hidden(self, response: web.StreamResponse) -> web.StreamResponse:
        now = asyncio.get_running_loop().time()
        if self._layer.calm.is_set():
            self._hidden.clear()
        if not isinstance(response, web.Response) or not isinstance(response.body, bytes):
            return response
        document = msgspec.json.decode(response.body)
        if isinstance(document, dict):
            if self._hidden.get(document["client_order_id"], 0.0) > now:
                raise not_found("order not found")
            return response
        seen = [order for order in document if self._hidden.get(order["client_order_id"], 0.0) <= now]
        return _raw(msgspec.json.encode(seen), response.status, {})


def _read_order(raw: bytes) -> OrderBody | None:
    try:
        return msgspec.json.decode(raw, type=OrderBody)
    except msgspec.MsgspecError:
        return None  # the handler refuses it in its own words


def _is_about(on: str, name: str) -> bool:
    return on in ("any", name) or on == ("command" if name in _COMMANDS else "query")


async def _carry_out(request: web.Request, handler: Handler) -> None:
    """Do what was asked and keep the answer to oneself."""
    try:
        await handler(request)
    except Refusal:
        return  # nobody hears of it


def _raw(body: bytes, status: int, headers: dict[str, str]) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)


def _reset(request: web.Request) -> web.Response:
    """Reset the connection; the answer that is returned finds no one."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def _cut(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Send the head and half of the body, then reset."""
    body = response.body if isinstance(response, web.Response) and isinstance(response.body, bytes) else b""
    half = web.StreamResponse(status=response.status, headers={"Content-Type": "application/json"})
    half.content_length = max(len(body), 2)
    await half.prepare(request)
    await half.write(body[: len(body) // 2] or b"{")
    _reset(request)
    return half
