"""`tradingd conform`: what it plays, what it prints, how it ends."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.command_line import Ended, write_config
from tradingd.tools.conform.cases import DATA, EXECUTION

Call = Callable[..., Ended]


@pytest.fixture
def conform(tmp_path: Path, called: Call) -> Call:
    write_config(tmp_path)
    return lambda *arguments: called("conform", "-c", "c.toml", *arguments)


def test_a_table_and_a_sum_are_printed_at_the_end(conform: Call) -> None:
    ended = conform("--case", "E10", "--case", "E35", "--case", "D01")
    assert ended.code == 0, ended.out
    heading, rested, expired, up, total = ended.out.splitlines()
    assert heading.split() == ["case", "on", "title", "verdict", "seconds"]
    assert rested.split()[:2] == ["E10", "paper"]
    assert " held " in rested
    assert "skipped: the venue takes no GTD orders" in expired
    assert up.split()[:2] == ["D01", "synthetic:1"]
    assert total == "2 held, 0 failed, 1 skipped"


def test_json_is_one_document(conform: Call) -> None:
    ended = conform("--case", "E50", "--json")
    document = json.loads(ended.out)
    assert document["held"] is True
    (case,) = document["cases"]
    assert (case["case"], case["target"], case["verdict"], case["left_behind"]) == ("E50", "paper", "held", [])


def test_the_state_of_the_configuration_is_not_touched(conform: Call, tmp_path: Path) -> None:
    assert conform("--case", "E09").code == 0
    assert not (tmp_path / "state").exists()


def test_the_cases_are_listed_without_a_configuration(called: Call) -> None:
    ended = called("conform", "--list")
    assert ended.code == 0
    assert len(ended.out.splitlines()) == 1 + len(EXECUTION) + len(DATA)


def test_a_case_that_fails_is_exit_code_1_with_what_was_seen(conform: Call, tmp_path: Path) -> None:
    # A file that ends has no more to say, and so the feed that is started again has nothing new.
    (tmp_path / "trades.csv").write_text("ts_event,price,size\n1700000000000000000,10,1\n")
    (tmp_path / "c.toml").write_text(
        '[daemon]\nstate_dir = "state"\n[[data.feeds]]\nkind = "file"\npath = "trades.csv"\nsymbol = "AAPL"\n'
        'schema = "trades"\nspeed = "max"\n'
    )
    ended = conform("--case", "D12")
    assert ended.code == 1, ended.out
    assert "FAILED" in ended.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["conform"], "-c FILE is missing"),
        (["conform", "-c", "c.toml", "--case", "E999"], "--case E999: no such case"),
        (["conform", "-c", "c.toml", "--insist", "yes"], "--insist takes one sentence, word for word"),
        (["conform", "-c", "none.toml"], "cannot read the configuration file"),
    ],
    ids=["no configuration", "no such case", "not the sentence", "no such file"],
)
def test_wrong_input_is_one_line_and_exit_code_2(arguments: list[str], said: str, tmp_path: Path, called: Call) -> None:
    write_config(tmp_path)
    ended = called(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


def test_a_live_account_is_refused(tmp_path: Path, called: Call) -> None:
    write_config(
        tmp_path,
        '[daemon]\nstate_dir = "state"\n[broker]\nkind = "alpaca"\naccount_kind = "live"\n'
        'base_url = "http://127.0.0.1:9"\nstream_url = "ws://127.0.0.1:9/stream"\napi_key = "k"\napi_secret = "s"\n'
        '[[data.feeds]]\nkind = "synthetic"\nsymbols = ["AAPL"]\n',
    )
    ended = called("conform", "-c", "c.toml")
    assert ended.code == 2
    assert 'add --insist "place test orders in my live account"' in ended.err
