"""A venue that keeps its fee in coin: the books follow it, and nothing halts for it."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from tests.modules import desk as desks
from tests.modules.acting import Acting
from tests.modules.desk import ONE, START, Desk, DeskBroker
from tradingd.core.coin_fees import COIN_FEE_CAUSE
from tradingd.core.entries import PositionAdjusted
from tradingd.core.identifiers import Symbol
from tradingd.core.log import LogEvent
from tradingd.core.orders import TimeInForce
from tradingd.core.venue_view import VenueSnapshot
from tradingd.journal.segments import read_records

D = Decimal
PAIR = Symbol("BTC/USD")
FEE = D("0.0025")


class KeepsCoin(DeskBroker):
    """A quarter of a percent of each position in coin never arrives."""

    def __init__(self, clock: Callable[[], int], cash: Decimal, journal: Path) -> None:
        super().__init__(clock, cash, journal)
        self.share = FEE

    async def snapshot(self, since_ns: int) -> VenueSnapshot:
        told = await super().snapshot(since_ns)
        positions = tuple(
            msgspec.structs.replace(held, quantity=held.quantity * (1 - self.share)) if held.symbol == PAIR else held
            for held in told.positions
        )
        return msgspec.structs.replace(told, positions=positions)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(desks, "CONFIG", desks.CONFIG.replace('"XYZ"', f'"{PAIR}"'))
    venue = KeepsCoin(lambda: START, D(100_000), tmp_path / "journal")
    strict = '[execution]\nexternal = "halt"\nmax_correction_value = 0.01\nmax_corrections = 1\n'
    made = Desk(tmp_path, strict, venue=venue)
    made.stream_up()
    made.quote(99.5, 100.5, PAIR)
    return made


def buy(strategy: Acting) -> None:
    strategy.buy(PAIR, D(2), limit_price=D(101), time_in_force=TimeInForce.GTC)


def test_the_buyers_position_is_corrected_with_its_cause_named_and_nothing_halts(desk: Desk) -> None:
    desk.act(buy)
    assert desk.books.portfolio.quantity_of(ONE, PAIR) == D(2)
    desk.wait(75)
    desk.act(buy)
    desk.wait(75)
    assert desk.books.portfolio.quantity_of(ONE, PAIR) == D("3.99")
    entries = [record.entry for record in read_records(desk.journal, whole=True)]
    made = [entry for entry in entries if isinstance(entry, PositionAdjusted)]
    assert {(entry.strategy_id, entry.cause, entry.quantity) for entry in made} == {(ONE, COIN_FEE_CAUSE, D("-0.005"))}
    assert len(made) == 2
    assert desk.books.halt is None and not desk.books.halted_symbols
    assert any(COIN_FEE_CAUSE in str(line.details) for line in desk.said(LogEvent.RECONCILE_CORRECTED))
    desk.check()


def test_a_larger_difference_halts_as_before(desk: Desk) -> None:
    assert isinstance(desk.broker, KeepsCoin)
    desk.broker.share = D("0.05")
    desk.act(buy)
    desk.wait(75)
    assert desk.books.halt is not None and PAIR in desk.books.halted_symbols
