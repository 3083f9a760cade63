"""Questions and commands to a daemon, over its real socket; and what the journal answers without one."""

import getpass
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.command_line import CONFIG, Ended, environment, write_config, write_journal
from tests.cli.far_side import ORDER_ID, TIME, running_daemon
from tradingd.settings.paths import StatePaths

Called = Callable[..., Ended]


@pytest.fixture
def paths(tmp_path: Path) -> StatePaths:
    return write_config(tmp_path)


def document(ended: Ended) -> Any:
    """Decode the one JSON document on stdout of a command that went well."""
    assert (ended.code, ended.err) == (0, "")
    return json.loads(ended.out)


def test_answers_are_one_json_document_with_decimals_as_strings(paths: StatePaths, called: Called) -> None:
    with running_daemon(paths):
        status = document(called("status", "-c", "c.toml", "--json"))
        assert (status["state"], status["cash"], status["started"]) == ("trading", "98099.64", TIME)
        [position] = document(called("positions", "-c", "c.toml", "--json"))
        assert (position["quantity"], position["fees"]) == ("10", "0.20")
        [order] = document(called("orders", "-c", "c.toml", "--json"))
        assert (order["limit_price"], order["average_price"]) == ("180.5", None)
        assert len(document(called("orders", "-c", "c.toml", "--all", "--json"))) == 2
        assert document(called("trades", "-c", "c.toml", "--json")) == []
        risk = document(called("risk", "-c", "c.toml", "--json"))
        assert risk["metrics"]["ts"] == "2026-03-02T12:00:00.000000000Z"
        assert risk["breaches"][0]["limit"] == "50"


def test_answers_for_people_are_aligned_text_without_a_terminal(paths: StatePaths, called: Called) -> None:
    with running_daemon(paths):
        status = called("status", "-c", "c.toml").out
        assert "feed synthetic:1  up  SYNTHETIC [invented]\n" in status
        assert "kept out          crossed 2\n" in status
        assert called("positions", "-c", "c.toml").out.splitlines() == [
            "symbol  strategy  quantity  average   price     value  unrealised",
            "AAPL    trend           10  190.017  190.02  1,900.20        0.03",
        ]
        assert called("positions", "-c", "c.toml", "--symbol", "MSFT").out == "no position is open\n"
        wide = called("positions", "-c", "c.toml", "--wide").out.splitlines()
        assert wide[1].split() == ["AAPL", "trend", "10", "190.017", "190.02", "1,900.20", "0.03", "-0.20", "0.20"]
        assert called("trades", "-c", "c.toml").out == "no trades\n"
        risk = called("risk", "-c", "c.toml").out
        assert risk.splitlines()[:2] == [
            "limit (BROKEN)  scope     value  limit  headroom",
            "max_daily_loss  account  100.00  50.00    -50.00",
        ]
        assert "halts trading: MAX_DAILY_LOSS: lost 100.00 since the day began; the limit is\n  50.00\n" in risk
        assert risk.endswith("1 of 1 limits broken\n")
        orders = called("orders", "-c", "c.toml", "--utc").out.splitlines()
        assert orders[0].split() == ["time", "(UTC)", "id", "strategy", "symbol", "side", "quantity", "price", "state"]
        assert max(map(len, (status + risk).splitlines() + orders)) <= 80
        assert called("orders", "-c", "c.toml", "--strategy", "other").out == (
            "no working orders of strategy other (1 others)\n"
        )
        early = called("orders", "-c", "c.toml", "--until", "2020-01-01")
        assert early.out == "no working orders in that time (1 others)\n"
        assert called("orders", "-c", "c.toml", "--since", "soon").code == 2


def test_answers_are_the_same_on_a_terminal_and_in_a_pipe(paths: StatePaths, tmp_path: Path, called: Called) -> None:
    ours, theirs = pty.openpty()
    with running_daemon(paths):
        subprocess.run(
            [sys.executable, "-m", "tradingd", "orders", "-c", "c.toml"],
            cwd=tmp_path, env=environment({"COLUMNS": "200", "TERM": "xterm"}), stdout=theirs, check=True, timeout=20,
        )  # fmt: skip
        piped = called("orders", "-c", "c.toml").out
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert shown.replace("\r\n", "\n") == piped
    assert ORDER_ID.removeprefix("trend-") in shown


def test_commands_reach_the_daemon_with_their_operator(paths: StatePaths, called: Called) -> None:
    operator = getpass.getuser()
    with running_daemon(paths) as daemon:
        halted = called("halt", "-c", "c.toml", "--reason", "odd fills")
        line = f"still working: {ORDER_ID}  BUY 5 AAPL LIMIT at 180.5  ACCEPTED\n"
        assert (halted.code, halted.out) == (0, f"halt done\n{line}")
        quick = ("-c", "c.toml", "--wait", "0")
        cancelled = called("cancel", ORDER_ID, *quick)
        assert (cancelled.code, cancelled.out) == (6, f"cancel done\n{line}")
        assert called("cancel-all", "--symbol", "AAPL", *quick).code == 6
        assert called("cancel", "--strategy", "trend", *quick).code == 6
        flat = called("flatten", "--yes", "--reason", "weekend", *quick)
        assert (flat.code, flat.out) == (6, f"flattening\n{line}still held: 10 AAPL of trend\n")
        closed = called("close", "--strategy", "other", "--no-halt", *quick)
        assert (closed.code, closed.out) == (0, "flattening\nstrategy other: no orders, no positions\n")
        given = [(each.command, each.order_id, each.strategy, each.symbol, each.reason) for each in daemon.requests]
        assert given == [
            ("halt", "", None, None, "odd fills"),
            ("cancel", ORDER_ID, None, None, ""),
            ("cancel-all", "", None, "AAPL", ""),
            ("cancel-all", "", "trend", None, ""),
            ("flatten", "", None, None, "weekend"),
            ("close", "", "other", None, ""),
        ]
        assert [each.halt for each in daemon.requests] == [True] * 5 + [False]
        assert {(each.operator, each.uid) for each in daemon.requests} == {(operator, os.getuid())}


def test_what_the_daemon_refuses_is_said_in_its_words_with_exit_code_7(paths: StatePaths, called: Called) -> None:
    with running_daemon(paths) as daemon:
        for arguments, words in (
            (("resume",), "a limit is still broken"),
            (("cancel", "nobody/s ?order#1"), "there is no order nobody/s ?order#1"),
        ):
            ended = called(*arguments, "-c", "c.toml")
            assert (ended.code, ended.out, ended.err) == (7, "", f"tradingd: error: {words}\n")
        assert daemon.failed == []


@pytest.mark.parametrize(("answer", "code"), [("n", 2), ("y", 6)])
def test_flatten_asks_on_a_terminal(answer: str, code: int, paths: StatePaths, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    with running_daemon(paths) as daemon:
        os.write(ours, f"{answer}\n".encode())
        ended = subprocess.run(
            [sys.executable, "-m", "tradingd", "flatten", "-c", "c.toml", "--wait", "0"],
            cwd=tmp_path, env=environment(), stdin=theirs, capture_output=True, text=True, check=False, timeout=20,
        )  # fmt: skip
        assert ended.returncode == code, ended.stderr
        assert [each.command for each in daemon.requests] == (["flatten"] if answer == "y" else [])
    os.close(theirs)
    os.close(ours)


def test_a_file_spoilt_since_the_start_does_not_keep_the_operator_from_a_halt(
    paths: StatePaths, tmp_path: Path, called: Called
) -> None:
    write_config(tmp_path, CONFIG + "\n[risk]\nmax_ordr_value = 5\n")
    assert called("halt", "-c", "c.toml").code == 2
    with running_daemon(paths) as daemon:
        ended = called("halt", "-c", "c.toml")
        assert (ended.code, ended.out.splitlines()[0]) == (0, "halt done")
        assert "risk.max_ordr_value: unknown key" in ended.err
        assert len(daemon.requests) == 1
        assert called("status", "-c", "c.toml").code == 2


def test_the_journal_answers_when_the_daemon_is_down(paths: StatePaths, called: Called) -> None:
    write_journal(paths)
    trades = called("trades", "-c", "c.toml", "--json")
    assert trades.code == 0
    assert trades.err.startswith(f"note: not running: no daemon answers at {paths.control_socket}")
    assert trades.err.endswith("; this is what the journal has\n")
    assert json.loads(trades.out)[0] == {
        "execution_id": "e1",
        "client_order_id": "trend-abc-1",
        "venue_order_id": "v1",
        "strategy_id": "trend",
        "symbol": "AAPL",
        "side": "BUY",
        "quantity": "4",
        "price": "190.01",
        "fee": "0.10",
        "fee_pending": False,
        "trace_id": "t1",
        "ts_event": "2026-03-02T12:01:00.000000000Z",
    }
    assert len(json.loads(trades.out)) == 2
    assert [line.split()[6:8] for line in called("trades", "-c", "c.toml", "--limit", "1").out.splitlines()[1:]] == [
        ["6", "190.02"]
    ]
    assert called("denials", "-c", "c.toml").out == "no refused orders\n"
    [working] = json.loads(called("orders", "-c", "c.toml", "--json").out)
    assert (working["client_order_id"], working["status"]) == ("trend-abc-2", "ACCEPTED")
    assert len(json.loads(called("orders", "-c", "c.toml", "--all", "--json").out)) == 2
    [position] = json.loads(called("positions", "-c", "c.toml", "--json").out)
    assert (position["symbol"], position["quantity"]) == ("AAPL", "10")


def test_a_damaged_journal_is_a_fault_that_names_the_line(paths: StatePaths, called: Called) -> None:
    write_journal(paths)
    [segment] = paths.journal.glob("*.jsonl")
    segment.write_bytes(segment.read_bytes().replace(b'"190.01"', b'"191.01"'))
    ended = called("trades", "-c", "c.toml", "--json")
    assert (ended.code, ended.out) == (3, "")
    assert f"{segment}:6: the hash does not match" in ended.err


def test_a_reconciliation_tells_what_differs_and_ends_with_1_when_anything_does(
    paths: StatePaths, called: Called
) -> None:
    with running_daemon(paths) as daemon:
        plan = called("reconcile", "-c", "c.toml", "--plan")
        assert (plan.code, plan.out) == (1, "they differ\norder: OrderFilled t-1\nforeign: cash: +5\n")
        shown = called("reconcile", "-c", "c.toml", "--plan", "--json")
        assert (shown.code, json.loads(shown.out)["foreign"]) == (1, ["cash: +5"])
        done = called("reconcile", "-c", "c.toml")
        assert (done.code, done.out) == (0, "the books and the venue agree\n")
        assert daemon.told == [("reconcile", "plan"), ("reconcile", "plan"), ("reconcile", "apply")]
