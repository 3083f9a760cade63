"""`transfer` and `accept`, and what `check` says of an edit beside what the journal holds."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.command_line import CONFIG, NOON, Ended, write_config, write_journal
from tradingd.core.identifiers import VenueOrderId
from tradingd.core.orders import OrderCanceled
from tradingd.journal.offline import offline_journal
from tradingd.journal.segments import JournalLock
from tradingd.settings.paths import StatePaths

Called = Callable[..., Ended]
SECOND = '[[strategies]]\nid = "{}"\nclass = "tradingd.strategies.sma_cross:SmaCross"\nsymbols = ["{}"]\n'


@pytest.fixture
def paths(tmp_path: Path) -> StatePaths:
    """A journal in which `trend` holds 10 AAPL and has an order that works."""
    paths = write_config(tmp_path)
    write_journal(paths)
    return paths


def edit(paths: StatePaths, *more: str, was: str = "", becomes: str = "") -> None:
    text = CONFIG.replace(was, becomes) if was else CONFIG
    (paths.state_dir.parent / "c.toml").write_text(text + "".join(more))


def test_a_check_compares_the_file_with_what_is_held(paths: StatePaths, called: Called) -> None:
    assert called("check", "-c", "c.toml").code == 0
    edit(paths, was='id = "trend"', becomes='id = "other"')
    ended = called("check", "-c", "c.toml")
    assert ended.code == 2
    first, *ways = ended.err.splitlines()
    assert '"trend" is not in the file, and holds 10 AAPL at 190.02 and has 1 working order (BUY 5 AAPL LIMIT)' in first
    assert [way[:6] for way in ways] == ["    - "] * 3


def test_keys_that_only_the_service_has_hide_nothing_and_are_not_needed_to_hand_over(
    paths: StatePaths, called: Called
) -> None:
    broker = '[broker]\nkind = "alpaca"\naccount_kind = "paper"\n'
    edit(paths, broker, was='id = "trend"', becomes='id = "other"')
    ended = called("check", "-c", "c.toml")
    assert ended.code == 2
    assert "broker.api_key: is missing" in ended.err
    assert 'the journal is of an account at "paper", the file names "alpaca"' in ended.err
    assert called("transfer", "-c", "c.toml", "trend", "other").code == 0


def test_a_check_without_a_journal_or_with_one_that_cannot_be_read_goes_on(paths: StatePaths, called: Called) -> None:
    segment = next(paths.journal.glob("*.jsonl"))
    segment.write_bytes(segment.read_bytes().replace(b'"cash":"100000"', b'"cash":"900000"', 1))
    ended = called("check", "-c", "c.toml")
    assert ended.code == 0
    assert "note: what is held was not compared" in ended.err
    segment.unlink()
    assert called("check", "-c", "c.toml").err == ""


def test_a_transfer_is_kept_with_who_asked_for_it(paths: StatePaths, called: Called) -> None:
    edit(paths, SECOND.format("other", "AAPL"))
    ended = called("transfer", "-c", "c.toml", "trend", "other", "AAPL")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("other now holds 10 AAPL at 190.02 and has 1 working order (BUY 5 AAPL LIMIT)")
    rows = [json.loads(line) for line in called("journal", "export", "-c", "c.toml").out.splitlines()]
    entry = rows[-1]["entry"]
    assert (entry["type"], entry["source"], entry["target"]) == ("strategy_transferred", "trend", "other")
    assert entry["operator"]
    again = called("transfer", "-c", "c.toml", "trend", "other", "AAPL")
    assert (again.code, "trend has nothing in AAPL to hand over" in again.err) == (7, True)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("trend", "trend"), 2, "trend has it already"),
        (("trend", "nobody"), 7, "nobody is no strategy of the file (there are: trend, blind)"),
        (("trend", "blind"), 7, "blind does not see AAPL"),
        (("stranger", "trend"), 7, "stranger has nothing to hand over"),
    ],
)
def test_a_transfer_that_cannot_be_is_refused_and_writes_nothing(
    paths: StatePaths, called: Called, arguments: tuple[str, str], code: int, said: str
) -> None:
    edit(paths, SECOND.format("blind", "MSFT"), was='["AAPL"]\nseed', becomes='["AAPL", "MSFT"]\nseed')
    before = next(paths.journal.glob("*.jsonl")).read_bytes()
    ended = called("transfer", "-c", "c.toml", *arguments)
    assert (ended.code, said in ended.err) == (code, True), ended.err
    assert next(paths.journal.glob("*.jsonl")).read_bytes() == before


def test_what_is_held_may_be_left_to_nobody_and_what_works_may_not(paths: StatePaths, called: Called) -> None:
    ended = called("transfer", "-c", "c.toml", "trend", "EXTERNAL")
    assert (ended.code, "EXTERNAL is nobody, and trend has orders or plans" in ended.err) == (7, True)
    with offline_journal(paths.journal, lambda: NOON) as journal:
        [working] = journal.books.orders.open
        gone = OrderCanceled(
            client_order_id=working.client_order_id, venue_order_id=VenueOrderId("v2"), ts_event=NOON, ts_recv=NOON
        )
        journal.record(gone)
    assert called("transfer", "-c", "c.toml", "trend", "EXTERNAL").out.startswith("EXTERNAL now holds 10 AAPL")
    (paths.state_dir.parent / "c.toml").write_text(CONFIG[: CONFIG.index("[[strategies]]")])
    assert called("check", "-c", "c.toml").code == 0


@pytest.mark.parametrize("command", [("transfer", "trend", "other"), ("accept",)])
def test_both_are_refused_while_the_daemon_runs(paths: StatePaths, called: Called, command: tuple[str, ...]) -> None:
    edit(paths, SECOND.format("other", "AAPL"))
    lock = JournalLock(paths.journal)
    try:
        ended = called(command[0], "-c", "c.toml", *command[1:])
    finally:
        lock.release()
    assert ended.code == 2
    assert "the daemon runs" in ended.err


def test_what_nobody_is_in_charge_of_cannot_be_accepted(paths: StatePaths, called: Called) -> None:
    edit(paths, was='id = "trend"', becomes='id = "other"')
    ended = called("accept", "-c", "c.toml")
    assert (ended.code, '"trend" is not in the file' in ended.err) == (2, True)


def test_there_may_be_nothing_to_accept(paths: StatePaths, called: Called) -> None:
    ended = called("accept", "-c", "c.toml")
    assert (ended.code, ended.out) == (0, "nothing to accept: c.toml goes with what the journal holds\n")


def test_a_held_symbol_without_a_feed_is_accepted_once(paths: StatePaths, called: Called) -> None:
    text = CONFIG[: CONFIG.index("[[strategies]]")].replace("AAPL", "MSFT")
    (paths.state_dir.parent / "c.toml").write_text(text + '[[strategies]]\nid = "trend"\nretired = true\n')
    assert "no feed delivers AAPL" in called("check", "-c", "c.toml").err
    ended = called("accept", "-c", "c.toml")
    assert ended.code == 0
    assert ended.out.startswith('accepted: no feed delivers AAPL, and "trend" holds 10 AAPL')
    assert called("check", "-c", "c.toml").code == 0
