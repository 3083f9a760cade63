"""What is wrong between sections."""

from pathlib import Path

import pytest
from pydantic import ValidationError
from tests.settings.sample_strategies import Cross, CrossParams
from tests.settings.writing import load, told
from tradingd.settings import import_strategy, validate_params
from tradingd.settings.check import check_settings

FEED = '[[data.feeds]]\nkind = "synthetic"\nsymbols = ["AAPL", "MSFT"]\n'
MODULE = "tests.settings.sample_strategies"


def strategy(class_path: str = f"{MODULE}:Cross", more: str = "", symbols: str = '"AAPL"', name: str = "a") -> str:
    return f'[[strategies]]\nid = "{name}"\nclass = "{class_path}"\nsymbols = [{symbols}]\n{more}'


def test_a_sound_configuration_has_no_problems(tmp_path: Path) -> None:
    text = FEED + strategy(more='params = { fast = 3, width = 2.5, long_only = false, label = "y" }\n')
    assert check_settings(load(tmp_path, text)) == []


@pytest.mark.parametrize(
    ("class_path", "expected"),
    [
        (f"{MODULE}:Cros", f"{MODULE} has no class Cros (did you mean Cross?)"),
        (f"{MODULE}:Zzzz", f"{MODULE} has no class Zzzz (known: Cross, Lax)"),
        (f"{MODULE}:NotAStrategy", "NotAStrategy is not a subclass of Strategy"),
        ("tests.settings.nowhere:X", "there is no module tests.settings.nowhere (is its folder on PYTHONPATH?)"),
        ("no_such_package.x:X", "there is no module no_such_package ("),
        ("tests.settings.broken_strategy:X", "broken_strategy cannot be imported: RuntimeError: no luck"),
        ("tests.settings.exiting_strategy:X", "exiting_strategy cannot be imported: SystemExit: 0"),
        (
            "tests.settings.unmakeable_strategies:Unmade",
            "Unmade cannot be made: KeyboardInterrupt (mend its __init__ or its warmup)",
        ),
        ("tests.settings.unmakeable_strategies:Endless", "warmup of Endless is 'many' (let it give a number of bars)"),
    ],
)
def test_a_class_that_cannot_be_had(tmp_path: Path, class_path: str, expected: str) -> None:
    (line,) = told(tmp_path, FEED + strategy(class_path))
    assert line.startswith("test.toml:6:1: strategies[0].class: ") and expected in line


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ("fats = 3", "strategies[0].params.fats: unknown key (did you mean fast?)"),
        ('fast = "3"', "strategies[0].params.fast: must be a whole number, not text (Bars in the fast average)"),
        ("fast = 0", "strategies[0].params.fast: must be greater than 0, not 0"),
        ("long_only = 1", "strategies[0].params.long_only: must be true or false, not a whole number"),
        ("label = 5", "strategies[0].params.label: must be text in quotes, not a whole number"),
        ("width = 'wide'", "strategies[0].params.width: "),
    ],
)
def test_parameters_are_validated_by_the_class_at_their_own_place(tmp_path: Path, params: str, expected: str) -> None:
    (line,) = told(tmp_path, FEED + strategy(more=f"[strategies.params]\n{params}\n"))
    assert line.startswith("test.toml:9:1: ") and expected in line


def test_parameters_that_contradict_each_other_are_told_at_their_table(tmp_path: Path) -> None:
    text = FEED + strategy("tradingd.strategies.sma_cross:SmaCross", "params = { fast = 9, slow = 3 }\n")
    (line,) = told(tmp_path, text)
    assert line.startswith("test.toml:8:1: strategies[0].params: fast (9) must be smaller than slow (3)")


def test_an_unknown_parameter_is_told_even_by_a_model_that_would_ignore_it(tmp_path: Path) -> None:
    (line,) = told(tmp_path, FEED + strategy(f"{MODULE}:Lax", "params = { sise = 2 }\n"))
    assert line == "test.toml:8:12: strategies[0].params.sise: unknown key (did you mean size?)"


def test_the_same_rules_hold_at_the_start() -> None:
    assert import_strategy(f"{MODULE}:Cross") is Cross
    assert validate_params(Cross, {"width": 0.1}) == CrossParams.model_validate({"width": "0.1"})
    with pytest.raises(ValidationError):
        validate_params(Cross, {"fast": "3"})


def test_an_id_names_one_strategy(tmp_path: Path) -> None:
    (line,) = told(tmp_path, FEED + strategy() + strategy())
    assert line == 'test.toml:9:1: strategies[1].id: "a" is the id of strategies[0] too (choose another)'


@pytest.mark.parametrize(
    ("feeds", "symbols", "expected"),
    [
        (
            FEED,
            '"AAPL", "APPL"',
            "strategies[0].symbols[1]: no feed delivers APPL (did you mean AAPL? the feeds deliver",
        ),
        (FEED, '"aapl"', "no feed delivers aapl (did you mean AAPL? the feeds deliver AAPL, MSFT)"),
        (FEED, '"XYZ"', "no feed delivers XYZ (the feeds deliver AAPL, MSFT)"),
        ("", '"AAPL"', "no feed delivers AAPL (there is no [[data.feeds]] table)"),
    ],
)
def test_a_symbol_that_no_feed_delivers(tmp_path: Path, feeds: str, symbols: str, expected: str) -> None:
    (line,) = told(tmp_path, feeds + strategy(symbols=symbols))
    assert expected in line


def file_feed(path: str, schema: str = "bars", interval: str = "1m") -> str:
    head = f'[[data.feeds]]\nkind = "file"\npath = "{path}"\nsymbol = "AAPL"\n'
    return f'{head}schema = "{schema}"\ninterval = "{interval}"\n'


def test_a_data_file_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "aapl_bars.csv").write_text("")
    (line,) = told(tmp_path, file_feed("aapl_bar.csv"))
    assert line == "test.toml:3:1: data.feeds[0].path: there is no file aapl_bar.csv (did you mean aapl_bars.csv?)"
    (line,) = told(tmp_path, file_feed("nowhere/x.csv"))
    assert "there is no file nowhere/x.csv" in line
    (line,) = told(tmp_path, file_feed(str(tmp_path)))
    assert "is not a file" in line
    assert told(tmp_path, file_feed("aapl_bars.csv")) == []


def test_two_feeds_for_the_same_data_are_one_too_many(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("")
    (line,) = told(tmp_path, FEED + file_feed("x.csv", "trades") + file_feed("x.csv", "bars"))
    assert "data.feeds[1].symbol: trades of AAPL already come from data.feeds[0]" in line


@pytest.mark.parametrize(
    ("interval", "bars", "wrong"), [("1m", "5s", True), ("1m", "5m", False), ("1m", "1m", False), ("5m", "7m", True)]
)
def test_bars_are_made_of_smaller_bars_that_add_up(tmp_path: Path, interval: str, bars: str, wrong: bool) -> None:
    (tmp_path / "x.csv").write_text("")
    lines = told(tmp_path, file_feed("x.csv", "bars", interval) + strategy(more=f'bars = "{bars}"\n'))
    assert len(lines) == wrong
    if wrong:
        assert f"strategies[0].bars: bars of {bars} cannot be made for AAPL (data.feeds[0] delivers bars of" in lines[0]


def test_ticks_make_bars_of_any_length(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("")
    text = file_feed("x.csv", "bars") + file_feed("x.csv", "trades") + strategy(more='bars = "5s"\n')
    assert told(tmp_path, text) == []


def test_an_alpaca_account_needs_keys(tmp_path: Path) -> None:
    lines = told(tmp_path, '\n[broker]\nkind = "alpaca"\napi_key = "k"\n')
    assert lines == [
        "test.toml:2:2: broker.api_secret: is missing"
        " (set TRADINGD_BROKER__API_SECRET or load the systemd credential broker.api_secret)"
    ]


def test_an_alpaca_feed_needs_keys_and_the_stream_of_its_symbols(tmp_path: Path) -> None:
    lines = told(tmp_path, '[[data.feeds]]\nkind = "alpaca"\nsymbols = ["AAPL", "BTC/USD"]\napi_key = "k"\n')
    assert [line.split(": ", 1)[1] for line in lines] == [
        "data.feeds[0].api_secret: is missing (set it here or use the keys of an alpaca [broker])",
        "data.feeds[0].symbols[1]: BTC/USD is not on a stock stream (use a feed each)",
    ]


def test_a_strategy_may_trade_only_what_is_allowed(tmp_path: Path) -> None:
    (line,) = told(tmp_path, FEED + strategy() + '[risk]\nallowed_symbols = ["MSFT"]\n')
    assert "strategies[0].symbols[0]: AAPL is not in risk.allowed_symbols" in line


def test_a_limit_for_a_misspelt_symbol_is_told(tmp_path: Path) -> None:
    (line,) = told(tmp_path, FEED + strategy() + "[risk.symbols.APPL]\nmax_order_value = 1\n")
    assert line == "test.toml:8:15: risk.symbols.APPL: no strategy trades APPL (did you mean AAPL?)"


def test_a_start_price_for_a_misspelt_symbol_is_told(tmp_path: Path) -> None:
    (line,) = told(tmp_path, FEED + "start_price = { APPL = 1 }\n")
    assert line == "test.toml:4:17: data.feeds[0].start_price.APPL: is no symbol of this feed (did you mean AAPL?)"


def test_a_key_has_one_connection_to_a_stream(tmp_path: Path) -> None:
    def table(symbol: str, more: str = "") -> str:
        keys = 'api_key = "k"\napi_secret = "s"\n' if "api_key" not in more else more
        return f'[[data.feeds]]\nkind = "alpaca"\nsymbols = ["{symbol}"]\n{keys}'

    (line,) = told(tmp_path, table("AAPL") + table("MSFT"))
    assert "data.feeds[1].url: data.feeds[0] reads wss://stream.data.alpaca.markets/v2/iex already" in line
    assert line.endswith("(put all symbols and channels into data.feeds[0])")
    assert told(tmp_path, table("AAPL") + table("MSFT", 'api_key = "k2"\napi_secret = "s2"\n')) == []
    crypto = 'url = "wss://stream.data.alpaca.markets/v1beta3/crypto/us"\n'
    assert told(tmp_path, table("AAPL") + table("BTC/USD") + crypto) == []


def test_a_retired_strategy_needs_neither_class_nor_symbols_and_others_do(tmp_path: Path) -> None:
    retired = (
        '[[strategies]]\nid = "old"\nretired = true\nclaims = ["AAPL"]\n[risk.symbols."MSFT"]\nmax_order_value = 5\n'
    )
    assert check_settings(load(tmp_path, FEED + strategy() + retired)) == []
    lines = told(tmp_path, FEED + '[[strategies]]\nid = "old"\n')
    assert [line.split(": ")[1:3] for line in lines] == [
        ["strategies[0].class", "is missing (Where the class is"],
        ["strategies[0].symbols", "is missing (Symbols that the strategy sees and trades)"],
    ]


def test_an_empty_list_of_symbols_is_taken_of_a_retired_strategy_alone(tmp_path: Path) -> None:
    retired = '[[strategies]]\nid = "old"\nretired = true\nclass = ""\nsymbols = []\n'
    assert check_settings(load(tmp_path, FEED + retired)) == []
    assert "must not be empty" in told(tmp_path, FEED + strategy(symbols=""))[0]


def test_the_code_and_the_symbols_of_a_retired_strategy_may_be_gone(tmp_path: Path) -> None:
    gone = strategy("no_such_package.x:X", more="retired = true\n", symbols='"NOFEED"')
    assert check_settings(load(tmp_path, FEED + gone)) == []


@pytest.mark.parametrize(
    ("formers", "expected"),
    [
        (("b", ""), 'strategies[0].formerly: "b" is a strategy of this file (a former id is one that no table has'),
        (("z", "z"), 'strategies[1].formerly: "z" is what a was formerly (one strategy takes it over)'),
    ],
)
def test_a_former_id_is_nobodys_and_goes_to_one_strategy(
    tmp_path: Path, formers: tuple[str, str], expected: str
) -> None:
    tables = [
        strategy(name=name, more=f'formerly = "{former}"\n' if former else "")
        for name, former in zip("ab", formers, strict=True)
    ]
    (line,) = told(tmp_path, FEED + "".join(tables))
    assert expected in line
