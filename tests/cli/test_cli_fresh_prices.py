"""A position without a fresh price says so wherever it is shown."""

import json

import msgspec
import pytest
from tests.cli.far_side import OneOrderDaemon
from tests.core.making import ABC, D, account_opened, filled, fold, order
from tradingd.cli import answers
from tradingd.control.metrics import exposition
from tradingd.control.views import position_views
from tradingd.core.entries import OrderIntended
from tradingd.reporting.times import Times

REASON = "no price for 45 s"


def test_positions_mark_the_price_and_say_why(capsys: pytest.CaptureFixture[str]) -> None:
    books = fold([account_opened(), OrderIntended(order=order()), filled("10")])
    books.portfolio.mark(ABC, 98.5)
    books.portfolio.unpriced[ABC] = REASON
    answers.show_positions(position_views(books), as_json=False, wide=False)
    shown = capsys.readouterr().out
    assert "98.50*" in shown
    assert f"* not a fresh price: ABC: {REASON}" in shown
    answers.show_positions(position_views(books), as_json=True, wide=False)
    assert json.loads(capsys.readouterr().out)[0]["unpriced"] == REASON


def test_positions_of_a_journal_say_that_nobody_has_seen_a_price_since() -> None:
    books = fold([account_opened(), OrderIntended(order=order()), filled("10")])
    [view] = position_views(books, unpriced="the last that the daemon wrote down")
    assert view.unpriced == "the last that the daemon wrote down"
    assert view.quantity == D(10)


def test_status_and_risk_and_metrics_name_the_symbols(capsys: pytest.CaptureFixture[str]) -> None:
    daemon = OneOrderDaemon()
    status = msgspec.structs.replace(daemon.status(), without_fresh_price={"ABC": REASON})
    answers.show_status(status, as_json=False, times=Times.of_operator(utc=True))
    assert f"no fresh price ABC  {REASON}" in " ".join(capsys.readouterr().out.split("\n")).replace("   ", "  ")
    risk = msgspec.structs.replace(daemon.risk(), without_fresh_price={"ABC": REASON}, unpriced=("ABC",))
    answers.show_risk(risk, as_json=False)
    shown = capsys.readouterr().out
    assert f"no fresh price of ABC, counted at the worst that is known: {REASON}" in shown
    assert "without a price yet" not in shown
    assert b"tradingd_symbols_without_fresh_price 1.0" in exposition(status)
