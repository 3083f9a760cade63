"""Refusals as Alpaca words them: HTTP status, code and body.

Status and code are the contract; the texts are for people. A refusal is raised inside the venue and turned into an
answer at its edge.
"""

from decimal import Decimal

from tradingd.venue.wire import decimal_text


class Refusal(Exception):
    """A request that the venue answers with an error body."""

    def __init__(self, status: int, code: int | None, message: str, **extras: object) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.extras = extras

    def body(self) -> dict[str, object]:
        """The JSON body; without a code where Alpaca's own gateway gives none."""
        head: dict[str, object] = {} if self.code is None else {"code": self.code}
        return head | {"message": self.message} | self.extras


def malformed(message: str) -> Refusal:
    """The request cannot be read."""
    return Refusal(400, 40010001, message)


def unauthorized() -> Refusal:
    """No credentials came."""
    return Refusal(401, None, "unauthorized.")


def forbidden() -> Refusal:
    """The credentials are wrong."""
    return Refusal(403, None, "forbidden.")


def not_found(message: str) -> Refusal:
    """There is no such thing."""
    return Refusal(404, 40410000, message)


def unprocessable(message: str) -> Refusal:
    """The request can be read and makes no sense as an order."""
    return Refusal(422, 42210000, message)


def duplicate_client_order_id() -> Refusal:
    """The client's id of the order was used before, whatever became of that order."""
    return Refusal(422, 40010001, "client_order_id must be unique")


def not_permitted(message: str, **extras: object) -> Refusal:
    """The account may not do this."""
    return Refusal(403, 40310000, message, **extras)


def insufficient_buying_power(buying_power: Decimal, cost_basis: Decimal) -> Refusal:
    """The order costs more than the account may spend."""
    return not_permitted(
        "insufficient buying power", buying_power=decimal_text(buying_power), cost_basis=decimal_text(cost_basis)
    )


def insufficient_quantity(
    symbol: str, requested: Decimal, existing: Decimal, held: Decimal, related: list[str]
) -> Refusal:
    """The order closes more than is held and not yet promised to other orders."""
    available = decimal_text(existing - held)
    return not_permitted(
        f"insufficient qty available for order (requested: {decimal_text(requested)}, available: {available})",
        available=available,
        existing_qty=decimal_text(existing),
        held_for_orders=decimal_text(held),
        symbol=symbol,
        related_orders=related,
    )


def too_many_requests() -> Refusal:
    """The key's requests of this minute are used up."""
    return Refusal(429, 42910000, "rate limit exceeded")


def broken() -> Refusal:
    """The venue could not write its database and answers nothing more."""
    return Refusal(500, 50010000, "internal server error occurred")
