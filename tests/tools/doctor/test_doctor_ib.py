"""The doctor at Interactive Brokers, over an emulated TWS."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.tools.doctor.examining import examined, finding, verdicts
from tests.tools.doctor.journals import write_entries
from tests.tws.server import TwsEmulator
from tradingd.brokers.ib.codes import READ_ONLY_REMEDY
from tradingd.core.market import DAY_NS, NS_PER_SECOND
from tradingd.errors import UsageError
from tradingd.journal.segments import JournalLock
from tradingd.settings.paths import StatePaths
from tradingd.tools.doctor.account import tell_usage_error
from tradingd.tools.doctor.findings import Examination, Part, Verdict
from tradingd.tools.doctor.report import exit_code_of, lines_of

MONDAY_NOON = 1_767_632_400 * NS_PER_SECOND
"""2026-01-05 12:00 in New York."""
RISK = "[risk]\nmax_order_value = 10000\nmax_gross_exposure = 100000\nmax_daily_loss = 1000\nmax_leverage = 1\n"


@pytest.fixture
async def tws() -> AsyncIterator[TwsEmulator]:
    # An account of its own: whoever trades one of the same name at this moment on this machine would be found.
    async with TwsEmulator(accounts=[f"DU{os.getpid()}"]) as emulator:
        emulator.quote("AAPL", 189.9, 190.1)
        yield emulator


async def ask(tws: TwsEmulator, folder: Path, *, kind: str = "paper", symbol: str = "AAPL") -> Examination:
    text = (
        f'[[data.feeds]]\nkind = "synthetic"\nsymbols = ["{symbol}"]\ninterval_ms = 10\n'
        f'[broker]\nkind = "ib"\naccount_kind = "{kind}"\nport = {tws.port}\nclient_id = 7\ntimeout_s = 2\n'
        f'[[strategies]]\nid = "trend"\nclass = "tradingd.strategies.sma_cross:SmaCross"\nsymbols = ["{symbol}"]\n'
    )
    return await examined(folder, text + RISK)


async def test_a_gateway_where_all_is_well_passes(tws: TwsEmulator, tmp_path: Path) -> None:
    examination = await ask(tws, tmp_path)
    assert verdicts(examination, Verdict.FAILED) == []
    assert finding(examination, "kind").verdict is Verdict.OK
    assert [symbol.symbol for symbol in examination.symbols] == ["AAPL"]
    assert tws.working_orders() == []


async def test_an_interface_that_is_read_only_is_told_with_the_switch_to_set() -> None:
    told = tell_usage_error(Part.ACCOUNT, "account", UsageError(READ_ONLY_REMEDY))
    assert (told.verdict, told.text) == (Verdict.FAILED, "the API of TWS or IB Gateway is read-only")
    assert told.remedy.startswith("clear Configure > ")


async def test_an_account_of_the_other_kind_fails(tws: TwsEmulator, tmp_path: Path) -> None:
    told = finding(await ask(tws, tmp_path, kind="live"), "account")
    assert (told.verdict, "is a paper account" in told.text) == (Verdict.FAILED, True)


async def test_a_symbol_that_tws_does_not_know_fails(tws: TwsEmulator, tmp_path: Path) -> None:
    assert finding(await ask(tws, tmp_path, symbol="NOSUCH"), "NOSUCH").verdict is Verdict.FAILED


async def test_a_gateway_that_serves_a_daemon_is_left_alone(tws: TwsEmulator, tmp_path: Path) -> None:
    paths = StatePaths(tmp_path / "state")
    write_entries(paths)
    lock = JournalLock(paths.journal)
    (paths.journal / "00000001-2026-03-02.jsonl").touch()
    try:
        examination = await ask(tws, tmp_path)
    finally:
        lock.release()
    assert finding(examination, "venue").verdict is Verdict.NOT_CHECKED
    assert exit_code_of(examination) == 0


async def test_interruptions_to_come_are_told(tws: TwsEmulator, tmp_path: Path) -> None:
    examination = await ask(tws, tmp_path)
    assert examination.interruptions
    assert examination.interruptions[0].ts_begin < examination.ts + DAY_NS + NS_PER_SECOND
    assert any(line.startswith("the venue is away from ") for line in lines_of(examination))


FEEDS = {
    # has the account live data, are delayed ones allowed -> verdict, words
    "live": (True, False, Verdict.OK, "live prices of every symbol"),
    "no live data": (False, False, Verdict.FAILED, "Requested market data is not subscribed"),
    "delayed data": (False, True, Verdict.WARNING, "only delayed data is to be had"),
}


@pytest.mark.parametrize("name", FEEDS)
async def test_a_feed_tells_whether_its_data_are_live(name: str, tws: TwsEmulator, tmp_path: Path) -> None:
    is_live, allowed, verdict, words = FEEDS[name]
    tws.faults.delayed_data = not is_live
    text = f'[[data.feeds]]\nkind = "ib"\nsymbols = ["AAPL"]\nallow_delayed = {str(allowed).lower()}\n'
    text += f'[broker]\nkind = "ib"\nport = {tws.port}\nclient_id = 7\ntimeout_s = 2\n'
    told = finding(await examined(tmp_path, text, within_s=2.0, clock=lambda: MONDAY_NOON), "ib:ticks")
    assert (told.verdict, words in told.text) == (verdict, True), told
