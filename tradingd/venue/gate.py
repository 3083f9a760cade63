"""Who may come in: credentials, the request rate, and the shape of every answer.

Reads headers; turns refusals into bodies. Each answer carries `X-Request-Id`, and the rate figures where there is a
limit.
"""

import hmac
from base64 import b64decode
from collections.abc import Awaitable, Callable
from typing import TypeAlias
from uuid import uuid4

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from tradingd.core.market import MINUTE_NS, NS_PER_SECOND
from tradingd.errors import JournalError
from tradingd.settings.venue import VenueSettings
from tradingd.venue.errors import Refusal, broken, forbidden, not_found, too_many_requests, unauthorized

_PUBLIC = "/v1beta3/crypto/"
"""Crypto market data needs no credentials."""
_DATA = ("/v2/stocks/", _PUBLIC)


class Credentials:
    """The one pair of keys of this venue."""

    def __init__(self, settings: VenueSettings) -> None:
        self.key = settings.api_key
        self._secret = settings.api_secret.get_secret_value()

    def match(self, key: object, secret: object) -> bool:
        """Compare in constant time."""
        if not isinstance(key, str) or not isinstance(secret, str):
            return False
        same_key = hmac.compare_digest(key.encode(), self.key.encode())
        return hmac.compare_digest(secret.encode(), self._secret.encode()) and same_key

    def check(self, request: web.Request) -> None:
        """Refuse a request without the right header pair; data requests may use HTTP Basic instead."""
        key, secret = request.headers.get("APCA-API-KEY-ID"), request.headers.get("APCA-API-SECRET-KEY")
        basic = request.headers.get("Authorization", "")
        if key is None and basic.startswith("Basic ") and request.path.startswith(_DATA):
            try:
                key, _, secret = b64decode(basic.removeprefix("Basic "), validate=True).decode().partition(":")
            except ValueError as error:
                raise forbidden() from error
        if key is None or secret is None:
            raise unauthorized()
        if not self.match(key, secret):
            raise forbidden()


class RateLimit:
    """Requests left in the minute under way; trading and data are counted apart, as Alpaca does."""

    def __init__(self, per_minute: int, clock: Callable[[], int]) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._minute = 0
        self._used: dict[bool, int] = {}

    def count(self, data: bool) -> tuple[bool, dict[str, str]]:
        """Count one request; say whether it is within the limit, and the headers that tell the client."""
        if self.per_minute == 0:
            return True, {}
        now = self._clock()
        minute = now // MINUTE_NS
        if minute != self._minute:
            self._minute, self._used = minute, {}
        used = self._used[data] = self._used.get(data, 0) + 1
        return used <= self.per_minute, {
            "X-Ratelimit-Limit": str(self.per_minute),
            "X-Ratelimit-Remaining": str(max(0, self.per_minute - used)),
            "X-Ratelimit-Reset": str((minute + 1) * MINUTE_NS // NS_PER_SECOND),
        }


def json_answer(body: object, status: int = 200) -> web.Response:
    """An answer with a JSON body."""
    return web.Response(body=msgspec.json.encode(body), status=status, content_type="application/json")


Faults: TypeAlias = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]
"""Answers an admitted request in the handler's place, rightly or not."""


def build_gate(
    credentials: Credentials, limit: RateLimit, failed: Callable[[], bool], faults: Faults | None = None
) -> Middleware:
    """The middleware in front of every REST handler; websockets admit their clients themselves."""

    @web.middleware
    async def gate(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await handler(request)
        headers: dict[str, str] = {}
        try:
            if failed():
                raise broken()
            if not request.path.startswith(_PUBLIC):
                credentials.check(request)
            within, headers = limit.count(request.path.startswith(_DATA))
            if not within:
                raise too_many_requests()
            response = await (handler(request) if faults is None else faults(request, handler))
        except Refusal as refusal:
            response = json_answer(refusal.body(), refusal.status)
        except JournalError:
            response = json_answer(broken().body(), 500)
        except web.HTTPNotFound:
            response = json_answer(not_found("endpoint not found").body(), 404)
        except web.HTTPMethodNotAllowed:
            response = json_answer({"message": "method not allowed"}, 405)
        except web.HTTPRequestEntityTooLarge:
            response = json_answer({"message": "request body is too large"}, 413)
        if not response.prepared:  # half an answer, on purpose, has left already
            response.headers.update(headers)
            response.headers["X-Request-Id"] = uuid4().hex
        return response

    return gate
