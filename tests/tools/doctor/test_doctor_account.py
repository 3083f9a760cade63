"""What the doctor makes of a venue's answers, over real connections to a scripted one."""

import json
import os
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.brokers import scripted_venue
from tests.brokers.scripted_venue import AAPL, BTC, Drop, Hang, Reply, ScriptedVenue, Seen
from tests.tools.doctor.examining import FEED, RISK, STRATEGY, alpaca, examined, finding, verdicts
from tests.tools.doctor.journals import write_entries
from tradingd.core.entries import AccountOpened
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.timestamps import format_timestamp
from tradingd.service.account_lock import AccountLock
from tradingd.settings.paths import StatePaths
from tradingd.tools.doctor.findings import Examination, Part, Verdict
from tradingd.tools.doctor.report import exit_code_of

ACCOUNT: dict[str, object] = scripted_venue.ACCOUNT | {"id": f"account-{os.getpid()}"}
"""An account that no other process of the tests asks about at the same time."""


def tells_time(offset_s: float) -> Any:
    """Answer with a clock that is off."""

    def answer(_seen: Seen) -> Reply:
        there = time.time_ns() + round(offset_s * NS_PER_SECOND)
        return Reply({"timestamp": format_timestamp(there), "is_open": True})

    return answer


@pytest.fixture
async def venue() -> AsyncIterator[ScriptedVenue]:
    """A venue where nothing is wrong."""
    scripted = ScriptedVenue()
    await scripted.start()
    scripted.on("GET", "/v2/account", Reply(ACCOUNT))
    scripted.on("GET", "/v2/assets/AAPL", Reply(AAPL))
    scripted.on("GET", "/v2/assets/BTC%2FUSD", Reply(BTC))
    scripted.on("GET", "/v2/clock", tells_time(0))
    yield scripted
    await scripted.stop()


async def ask(venue: ScriptedVenue, folder: Path, *more: str, **otherwise: Any) -> Examination:
    text = "".join((alpaca(venue.url, **otherwise), FEED, *(more or (STRATEGY, RISK))))
    return await examined(folder, text)


async def test_a_venue_where_all_is_well_passes(venue: ScriptedVenue, tmp_path: Path) -> None:
    examination = await ask(venue, tmp_path)
    assert verdicts(examination, Verdict.FAILED) == []
    assert verdicts(examination, Verdict.NOT_CHECKED) in ([], ["time synchronisation"])
    assert exit_code_of(examination) == 0
    assert finding(examination, "standing").text.startswith("the account may trade: equity 101,000.00")
    assert {seen.method for seen in venue.seen} == {"GET"}
    assert venue.streams == []


async def test_wrong_keys_are_told_as_such_and_end_with_the_code_for_them(venue: ScriptedVenue, tmp_path: Path) -> None:
    venue.on("GET", "/v2/account", Reply({"message": "forbidden."}, status=403))
    examination = await ask(venue, tmp_path)
    assert finding(examination, "keys").verdict is Verdict.FAILED
    assert examination.credentials_refused
    assert exit_code_of(examination) == 4


BLOCKED: dict[str, dict[str, object]] = {
    "trading is blocked": {"trading_blocked": True},
    "the account is blocked": {"account_blocked": True},
    "its owner has suspended it": {"trade_suspended_by_user": True},
    "it is not yet approved": {"status": "APPROVAL_PENDING"},
}


@pytest.mark.parametrize("name", BLOCKED)
async def test_a_blocked_account_fails(name: str, venue: ScriptedVenue, tmp_path: Path) -> None:
    venue.on("GET", "/v2/account", Reply(ACCOUNT | BLOCKED[name]))
    examination = await ask(venue, tmp_path)
    assert finding(examination, "standing").text == "the venue does not let this account trade"
    assert exit_code_of(examination) == 1


@pytest.mark.parametrize(("declared", "number"), [("live", "PA3XYZ"), ("paper", "123456789")])
async def test_an_account_of_the_other_kind_fails(
    declared: str, number: str, venue: ScriptedVenue, tmp_path: Path
) -> None:
    venue.on("GET", "/v2/account", Reply(ACCOUNT | {"account_number": number}))
    examination = await ask(venue, tmp_path, kind=declared)
    assert finding(examination, "kind").text == f"the account is no {declared} account"
    assert exit_code_of(examination) == 1


async def test_a_live_account_that_is_declared_live_passes(venue: ScriptedVenue, tmp_path: Path) -> None:
    venue.on("GET", "/v2/account", Reply(ACCOUNT | {"account_number": "123456789"}))
    assert finding(await ask(venue, tmp_path, kind="live"), "kind").verdict is Verdict.OK


async def test_no_shorting_is_a_warning_where_the_configuration_allows_it(venue: ScriptedVenue, tmp_path: Path) -> None:
    venue.on("GET", "/v2/account", Reply(ACCOUNT | {"shorting_enabled": False}))
    allowed = await ask(venue, tmp_path, STRATEGY, RISK.replace("false", "true"))
    assert finding(allowed, "shorting").verdict is Verdict.WARNING
    assert finding(await ask(venue, tmp_path), "shorting").verdict is Verdict.OK


async def test_a_symbol_that_the_venue_lends_nobody_is_a_warning(venue: ScriptedVenue, tmp_path: Path) -> None:
    venue.on("GET", "/v2/assets/AAPL", Reply(AAPL | {"shortable": False}))
    told = finding(await ask(venue, tmp_path, STRATEGY, RISK.replace("false", "true")), "shorting")
    assert (told.verdict, "lends no AAPL" in told.text) == (Verdict.WARNING, True)


async def test_an_asset_that_is_missing_fails_and_the_others_are_still_looked_at(
    venue: ScriptedVenue, tmp_path: Path
) -> None:
    venue.on("GET", "/v2/assets/AAPL", Reply({"message": "asset not found for AAPL"}, status=404))
    examination = await ask(venue, tmp_path, STRATEGY.replace('["AAPL"]', '["AAPL", "BTC/USD"]'), RISK)
    assert finding(examination, "AAPL").text == "Alpaca knows no asset AAPL"
    assert finding(examination, "AAPL").part is Part.SYMBOLS
    assert finding(examination, "BTC/USD").verdict is Verdict.OK
    assert exit_code_of(examination) == 1


async def test_an_asset_that_is_not_traded_fails(venue: ScriptedVenue, tmp_path: Path) -> None:
    venue.on("GET", "/v2/assets/AAPL", Reply(AAPL | {"tradable": False}))
    assert finding(await ask(venue, tmp_path), "AAPL").text == "the venue does not trade AAPL now"


CLOCKS = {"a minute ahead": (60, Verdict.FAILED), "4 s behind": (-4, Verdict.WARNING), "right": (0, Verdict.OK)}


@pytest.mark.parametrize("name", CLOCKS)
async def test_the_venues_clock_is_compared(name: str, venue: ScriptedVenue, tmp_path: Path) -> None:
    offset_s, verdict = CLOCKS[name]
    venue.on("GET", "/v2/clock", tells_time(offset_s))
    examination = await ask(venue, tmp_path)
    assert finding(examination, "venue's clock").verdict is verdict
    assert examination.clock_offset_ms is not None
    assert abs(examination.clock_offset_ms - offset_s * 1000) < 1000


@pytest.mark.parametrize("body", [{"timestamp": "noon"}, {}])
async def test_a_venue_that_does_not_tell_the_time_is_no_failure(
    body: dict[str, str], venue: ScriptedVenue, tmp_path: Path
) -> None:
    venue.on("GET", "/v2/clock", Reply(body))
    examination = await ask(venue, tmp_path)
    assert finding(examination, "venue's clock").verdict is Verdict.NOT_CHECKED
    assert examination.clock_offset_ms is None


async def test_a_venue_that_never_answers_is_waited_for_no_longer_than_told(
    venue: ScriptedVenue, tmp_path: Path
) -> None:
    venue.on("GET", "/v2/account", Hang())
    text = alpaca(venue.url, timeout_s=30) + FEED + STRATEGY
    began = time.monotonic()
    examination = await examined(tmp_path, text, within_s=0.3)
    assert time.monotonic() - began < 5
    assert finding(examination, "venue").text == "the venue has not answered everything within 0.3 s"
    assert exit_code_of(examination) == 1


async def test_a_venue_that_breaks_connections_is_told(venue: ScriptedVenue, tmp_path: Path) -> None:
    venue.on("GET", "/v2/account", Drop())
    assert "the connection broke" in finding(await ask(venue, tmp_path), "venue").text


async def test_the_journal_of_another_account_fails(venue: ScriptedVenue, tmp_path: Path) -> None:
    opened = AccountOpened(broker="alpaca", account_id="other", account_kind="paper", currency="USD", cash=Decimal(100))
    write_entries(StatePaths(tmp_path / "state"), opened)
    told = finding(await ask(venue, tmp_path), "journal's account")
    assert (told.verdict, "journal of account other" in told.text) == (Verdict.FAILED, True)


async def test_the_journal_of_the_account_passes(venue: ScriptedVenue, tmp_path: Path) -> None:
    opened = AccountOpened(
        broker="alpaca", account_id=str(ACCOUNT["id"]), account_kind="paper", currency="USD", cash=Decimal(100)
    )
    write_entries(StatePaths(tmp_path / "state"), opened)
    assert finding(await ask(venue, tmp_path), "journal's account").verdict is Verdict.OK


async def test_an_account_that_another_daemon_trades_fails(venue: ScriptedVenue, tmp_path: Path) -> None:
    venue.on("GET", "/v2/account", Reply(ACCOUNT | {"id": "traded-elsewhere"}))
    lock = AccountLock("alpaca", "traded-elsewhere")
    try:
        assert finding(await ask(venue, tmp_path), "other daemons").verdict is Verdict.FAILED
    finally:
        lock.release()
    assert finding(await ask(venue, tmp_path), "other daemons").verdict is Verdict.OK


async def test_an_account_in_another_currency_fails(venue: ScriptedVenue, tmp_path: Path) -> None:
    venue.on("GET", "/v2/account", Reply(ACCOUNT | {"currency": "EUR"}))
    assert finding(await ask(venue, tmp_path), "currency").verdict is Verdict.FAILED


async def test_limits_are_measured_by_the_accounts_equity_and_margin(venue: ScriptedVenue, tmp_path: Path) -> None:
    venue.on("GET", "/v2/account", Reply(ACCOUNT | {"equity": "5000", "multiplier": "1"}))
    examination = await ask(venue, tmp_path)
    assert verdicts(examination, Verdict.WARNING)[:1] == ["leverage"]
    assert {"max_daily_loss", "max_order_value"} <= set(verdicts(examination, Verdict.WARNING))
    assert examination.worst_day is not None
    assert examination.worst_day.losses[1].amount == 500


async def test_no_key_is_shown(venue: ScriptedVenue, tmp_path: Path) -> None:
    venue.on("GET", "/v2/account", Reply({"message": "no"}, status=401))
    examination = await ask(venue, tmp_path, key="PKSECRETKEY", secret="do-not-show-me")
    told = json.dumps([f"{found.text} {found.remedy}" for found in examination.findings])
    assert "PKSECRETKEY" not in told
    assert "do-not-show-me" not in told
