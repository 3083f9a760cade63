"""What an edit changed, in words: keys with old and new value, strategies by their ids, secrets masked."""

from pathlib import Path

from tests.settings.writing import load
from tradingd.settings.changes import setting_changes

FEED = '[[data.feeds]]\nkind = "synthetic"\nsymbols = ["AAPL", "MSFT"]\n'


def table(strategy_id: str, more: str = "") -> str:
    head = f'[[strategies]]\nid = "{strategy_id}"\nclass = "tests.settings.sample_strategies:Cross"\n'
    return head + f'symbols = ["AAPL"]\n{more}\n'


def changes(folder: Path, before: str, after: str) -> tuple[str, ...]:
    return setting_changes(load(folder, FEED + before).settings, load(folder, FEED + after).settings)


def test_nothing_is_said_of_comments_and_order(tmp_path: Path) -> None:
    assert changes(tmp_path, table("a") + table("b"), "# new\n" + table("b") + table("a")) == ()


def test_a_value_is_said_with_what_it_was_and_what_it_is(tmp_path: Path) -> None:
    limits = "[risk]\nmax_daily_loss = 1500\nmax_position_quantity = 7\n"
    assert changes(tmp_path, "", limits) == (
        "risk.max_daily_loss: 1000 → 1500",
        "risk.max_position_quantity: not set → 7",
    )


def test_strategies_are_told_by_their_ids(tmp_path: Path) -> None:
    after = table("b", "params = { fast = 3 }") + table("c")
    said = changes(tmp_path, table("a") + table("b"), after)
    assert said == ("strategies.a: taken out", "strategies.c: added", "strategies.b.params.fast: not set → 3")


def test_a_secret_that_changed_is_said_and_not_shown(tmp_path: Path) -> None:
    broker = '[broker]\nkind = "alpaca"\naccount_kind = "paper"\napi_key = "k"\napi_secret = "{}"\n'
    [said] = changes(tmp_path, broker.format("first"), broker.format("second"))
    assert said == "broker.api_secret: changed, not shown"
