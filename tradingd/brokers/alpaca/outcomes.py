"""What an HTTP answer, or the lack of one, proves about the request. No I/O.

Owns: the one table from status, error code and transport fault to a verdict.
Never: acts on the verdict; message texts of the venue are passed on but never matched, as they may change.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeAlias

import msgspec

from tradingd.brokers.alpaca.bars import PLAN_LACKS_SIP, SIP_REMEDY
from tradingd.brokers.alpaca.wire import UNREADABLE, WireErrorBody

_DUPLICATE_ID = (422, 40010001)
"""A 422 with a code of the 400 family: the client order id was used before. Test the pair, not the arithmetic."""
_RETRYABLE = frozenset({408, 425, 429, 500, 502, 503, 504})
_REFUSALS = frozenset({400, 401, 403, 404, 422, 429})
_REASON_LIMIT = 300
_REQUEST_ID_LIMIT = 64
UNPROVEN = "unproven"
"""The code of a 2xx answer that does not say what it should."""


class Operation(StrEnum):
    """What was asked; only queries may be asked again."""

    SUBMIT = "submit"
    CANCEL = "cancel"
    REPLACE = "replace"
    QUERY = "query"


class FaultKind(StrEnum):
    """How a request ended without an answer."""

    NOT_SENT = "not_sent"
    """No connection: not one byte of the request left."""
    TIMEOUT = "timeout"
    BROKEN = "broken"


class TransportFault(msgspec.Struct, frozen=True, kw_only=True):
    """A request without an answer."""

    kind: FaultKind
    detail: str


class HttpAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer read to its end."""

    status: int
    body: bytes
    headers: Mapping[str, str]


RequestEnd: TypeAlias = HttpAnswer | TransportFault


class Verdict(StrEnum):
    """What the end of a request proves."""

    DONE = "done"
    """The venue took it."""
    DEFINITE = "definite"
    """The venue, or the lack of a connection, proves that it was not taken."""
    DUPLICATE = "duplicate"
    """The client order id is known to the venue: evidence that an earlier send was accepted."""
    NOT_FOUND = "not_found"
    """The venue answers that what was asked for does not exist."""
    CREDENTIALS = "credentials"
    """The venue refuses the keys."""
    AMBIGUOUS = "ambiguous"
    """Nothing is proved; only evidence from the venue helps."""
    RETRYABLE = "retryable"
    """A query that may be asked again."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict with the machine's code and the operator's reason."""

    verdict: Verdict
    code: str = ""
    reason: str = ""


def classify(operation: Operation, end: RequestEnd) -> Outcome:
    """Judge the end of a request.

    Whether a 2xx body says what it should is for the caller to check: `unproven` is its verdict when it does not.
    """
    if isinstance(end, TransportFault):
        return _classify_fault(operation, end)
    status = end.status
    if 200 <= status < 300:
        return Outcome(verdict=Verdict.DONE)
    error = _error_body(end.body)
    code = _code(status, error)
    reason = f"HTTP {status}: {error.message or 'no message'}"[:_REASON_LIMIT] + request_name(end)
    if operation is Operation.QUERY:
        if status in _RETRYABLE:
            return Outcome(verdict=Verdict.RETRYABLE, code=code, reason=reason)
        if status == 401 or (status == 403 and _names_keys(error)):
            return Outcome(verdict=Verdict.CREDENTIALS, code=code, reason=reason)
        if (status, error.code) == PLAN_LACKS_SIP:
            reason = f"{reason}: {SIP_REMEDY}"
        verdict = Verdict.NOT_FOUND if status == 404 else Verdict.DEFINITE
        return Outcome(verdict=verdict, code=code, reason=reason)
    if operation is Operation.SUBMIT and (status, error.code) == _DUPLICATE_ID:
        return Outcome(verdict=Verdict.DUPLICATE, code=code, reason=reason)
    # A status that the venue does not document for commands (a proxy's 409, a redirect) proves nothing.
    verdict = Verdict.DEFINITE if status in _REFUSALS else Verdict.AMBIGUOUS
    return Outcome(verdict=verdict, code=code, reason=reason)


def request_name(answer: HttpAnswer) -> str:
    """The venue's name of a request, as its support asks for it, ready to stand behind a reason; else nothing."""
    name = answer.headers.get("X-Request-Id", "").strip()
    return f" (request {name[:_REQUEST_ID_LIMIT]})" if name else ""


def unproven(reason: str) -> Outcome:
    """The verdict on a 2xx answer whose body does not name the order that was asked for."""
    return Outcome(verdict=Verdict.AMBIGUOUS, code=UNPROVEN, reason=reason)


def _classify_fault(operation: Operation, fault: TransportFault) -> Outcome:
    reason = fault.detail or fault.kind.value
    if operation is Operation.QUERY:
        return Outcome(verdict=Verdict.RETRYABLE, code=fault.kind.value, reason=reason)
    verdict = Verdict.DEFINITE if fault.kind is FaultKind.NOT_SENT else Verdict.AMBIGUOUS
    return Outcome(verdict=verdict, code=fault.kind.value, reason=reason)


def _code(status: int, error: WireErrorBody) -> str:
    if status == 429:
        return "rate"
    return str(error.code) if error.code is not None else f"http_{status}"


def _names_keys(error: WireErrorBody) -> bool:
    # A 403 about the keys has a message and no code, or this one; others (a gateway's page, a data plan) are not final.
    return error.code == 40110000 or (error.code is None and bool(error.message))


def _error_body(body: bytes) -> WireErrorBody:
    try:
        return msgspec.json.decode(body, type=WireErrorBody)
    except UNREADABLE:
        # A gateway's HTML page: its text is of no use to the operator.
        return WireErrorBody()
