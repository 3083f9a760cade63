"""What each end of a request proves."""

import json

import pytest
from tradingd.brokers.alpaca.outcomes import (
    FaultKind,
    HttpAnswer,
    Operation,
    RequestEnd,
    TransportFault,
    Verdict,
    classify,
)

S, C, R, Q = Operation.SUBMIT, Operation.CANCEL, Operation.REPLACE, Operation.QUERY
V = Verdict


def answer(status: int, code: int | None = None, message: str = "m") -> HttpAnswer:
    body = {"message": message} if code is None else {"code": code, "message": message}
    return HttpAnswer(status=status, body=json.dumps(body).encode(), headers={})


def page(status: int) -> HttpAnswer:
    return HttpAnswer(status=status, body=b"<html>gateway</html>", headers={})


def fault(kind: FaultKind) -> TransportFault:
    return TransportFault(kind=kind, detail="d")


CASES: list[tuple[Operation, RequestEnd, Verdict, str]] = [
    (S, answer(200), V.DONE, ""),
    (S, answer(400, 40010000), V.DEFINITE, "40010000"),
    (S, answer(401), V.DEFINITE, "http_401"),
    (S, answer(403, 40310000), V.DEFINITE, "40310000"),
    (S, answer(404, 40410000), V.DEFINITE, "40410000"),
    (S, answer(422, 42210000), V.DEFINITE, "42210000"),
    (S, answer(422, 40010001), V.DUPLICATE, "40010001"),
    (S, answer(400, 40010001), V.DEFINITE, "40010001"),  # the same code, but not with 422: a malformed request
    (S, answer(429, 42910000), V.DEFINITE, "rate"),
    (S, answer(429), V.DEFINITE, "rate"),
    (S, page(403), V.DEFINITE, "http_403"),
    (S, answer(408), V.AMBIGUOUS, "http_408"),
    (S, answer(409), V.AMBIGUOUS, "http_409"),
    (S, page(302), V.AMBIGUOUS, "http_302"),
    (S, answer(500, 50010000), V.AMBIGUOUS, "50010000"),
    (S, page(502), V.AMBIGUOUS, "http_502"),
    (S, page(503), V.AMBIGUOUS, "http_503"),
    (S, page(504), V.AMBIGUOUS, "http_504"),
    (S, fault(FaultKind.NOT_SENT), V.DEFINITE, "not_sent"),
    (S, fault(FaultKind.TIMEOUT), V.AMBIGUOUS, "timeout"),
    (S, fault(FaultKind.BROKEN), V.AMBIGUOUS, "broken"),
    (C, answer(204), V.DONE, ""),
    (C, answer(404, 40410000), V.DEFINITE, "40410000"),
    (C, answer(422, 42210000), V.DEFINITE, "42210000"),
    (C, page(504), V.AMBIGUOUS, "http_504"),
    (C, fault(FaultKind.BROKEN), V.AMBIGUOUS, "broken"),
    (R, answer(200), V.DONE, ""),
    (R, answer(422, 42210000), V.DEFINITE, "42210000"),
    (R, answer(422, 40010001), V.DEFINITE, "40010001"),
    (R, page(500), V.AMBIGUOUS, "http_500"),
    (Q, answer(200), V.DONE, ""),
    (Q, answer(404, 40410000), V.NOT_FOUND, "40410000"),
    (Q, answer(401), V.CREDENTIALS, "http_401"),
    (Q, answer(403), V.CREDENTIALS, "http_403"),
    (Q, answer(403, 40110000), V.CREDENTIALS, "40110000"),
    (Q, answer(403, 42210000), V.DEFINITE, "42210000"),  # the data plan, not the keys
    (Q, page(403), V.DEFINITE, "http_403"),
    (Q, answer(422, 42210000), V.DEFINITE, "42210000"),
    *[(Q, page(status), V.RETRYABLE, f"http_{status}") for status in (408, 425, 500, 502, 503, 504)],
    (Q, answer(429), V.RETRYABLE, "rate"),
    (Q, page(302), V.DEFINITE, "http_302"),
    *[(Q, fault(kind), V.RETRYABLE, kind.value) for kind in FaultKind],
]


def name(value: object) -> str:
    match value:
        case HttpAnswer(status=status, body=body):
            return f"{status}:{body.decode()[:30]}"
        case TransportFault(kind=kind):
            return kind.value
        case _:
            return str(value)


@pytest.mark.parametrize(("operation", "end", "verdict", "code"), CASES, ids=name)
def test_every_end_of_a_request_proves_what_the_table_says(
    operation: Operation, end: RequestEnd, verdict: Verdict, code: str
) -> None:
    outcome = classify(operation, end)
    assert (outcome.verdict, outcome.code) == (verdict, code)


def test_a_reason_names_the_status_and_the_venues_words() -> None:
    assert classify(S, answer(403, 40310000, "insufficient buying power")).reason == (
        "HTTP 403: insufficient buying power"
    )
    assert classify(S, page(502)).reason == "HTTP 502: no message"
