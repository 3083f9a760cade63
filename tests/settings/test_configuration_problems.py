"""What is wrong with a file, each with its place, all at once."""

# ruff: noqa: E501 - a table of cases reads best with one case a line

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.settings.writing import told, write
from tradingd.settings import ConfigurationProblems, load_settings
from tradingd.settings.problems import format_key, near_miss

FEED = '[[data.feeds]]\nkind = "synthetic"\nsymbols = ["AAPL"]\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[riks]\n", "test.toml:1:2: riks: unknown section (did you mean risk?)"),
        ("speed = 1\n", "test.toml:1:1: speed: unknown key"),
        ("_env_file = 'x'\n", "test.toml:1:1: _env_file: unknown key"),
        ("[risk]\nmax_ordervalue = 1\n", "test.toml:2:1: risk.max_ordervalue: unknown key (did you mean max_order_value?)"),
        ("risk.xyzzy = 1\n", "test.toml:1:6: risk.xyzzy: unknown key (known: allow_short, allowed_symbols,"),
        ("[risk]\nmax_order_value = -1\n", "test.toml:2:1: risk.max_order_value: must be greater than 0, not -1"),
        ("[risk]\nmax_order_value = 0\n", "must be greater than 0, not 0"),
        ("[risk]\nmax_order_value = inf\n", "risk.max_order_value: must be a finite number"),
        ("[risk]\nmax_order_value = true\n", "risk.max_order_value: must be a number"),
        ('[risk]\nmax_order_value = "lots"\n', "risk.max_order_value: must be a number"),
        ('[risk]\nmax_order_value = "nan"\n', "risk.max_order_value: must be a finite number"),
        ("[risk]\nmax_drawdown_pct = 101\n", "risk.max_drawdown_pct: must be at most 100, not 101"),
        ('[risk]\nmax_orders_per_minute = "9"\n', "must be a whole number, not text"),
        ("[risk]\nmax_orders_per_minute = true\n", "must be a whole number, not true or false"),
        ("[risk]\nallow_short = 1\n", "risk.allow_short: must be true or false, not a whole number"),
        ("[risk]\nallowed_symbols = []\n", "risk.allowed_symbols: must not be empty"),
        ('[risk]\nallowed_symbols = ["A", "B", "A"]\n', "risk.allowed_symbols: names A twice"),
        ('[risk]\nallowed_symbols = ["A",\n  5]\n', "test.toml:3:3: risk.allowed_symbols[1]: must be text in quotes"),
        ("[data]\nstale_after_s = nan\n", "data.stale_after_s: must be a finite number"),
        ("[data]\nstale_after_s = -1\n", "data.stale_after_s: must be at least 0, not -1"),
        ('[daemon]\nlog_level = "debug"\n', 'daemon.log_level: "debug" is not one of DEBUG, INFO, WARNING, ERROR (did you mean DEBUG?)'),
        ("[daemon]\nlog_level = 3\n", "daemon.log_level: must be one of DEBUG, INFO, WARNING, ERROR, not a whole number"),
        ('[daemon]\ntrading_day_zone = "Mars/Olympus"\n', "test.toml:2:1: daemon.trading_day_zone: no such time zone (write a name such as America/New_York"),
        ("[execution]\nmax_unexplained_cash = -1\n", "execution.max_unexplained_cash: must be at least 0, not -1"),
        ("risk = 5\n", "test.toml:1:1: risk: must be a table, not a whole number"),
        ("daemon = 5\n", "test.toml:1:1: daemon: must be a table, not a whole number"),
        ("data = 5\n", "test.toml:1:1: data: must be a table, not a whole number"),
        ("broker = 5\n", "test.toml:1:1: broker"),
        ("strategies = 5\n", "test.toml:1:1: strategies: must be an array, not a whole number"),
        ("[strategies]\nid = 'x'\n", "test.toml:1:2: strategies: must be an array, not a table"),
        ('[broker]\nkind = "alpacca"\n', 'test.toml:2:1: broker.kind: "alpacca" is not one of paper, alpaca, ib (did you mean alpaca?)'),
        ("[broker]\nkind = 5\n", "test.toml:2:1: broker.kind: must be text in quotes, not a whole number"),
        ("[[data.feeds]]\n", "test.toml:1:8: data.feeds[0].kind: is missing (one of file, synthetic, alpaca, ib)"),
        ('[[data.feeds]]\nkind = "file"\npath = "x"\nschema = "bars"\n', "test.toml:1:8: data.feeds[0].symbol: is missing"),
        (FEED + FEED.replace("AAPL", "A PL"), 'test.toml:6:12: data.feeds[1].symbols[0]: "A PL" is not of the right form'),
        (FEED + "start_price = { AAPL = -1 }\n", "test.toml:4:17: data.feeds[0].start_price.AAPL: must be greater than 0"),
        (FEED + "interval_ms = 1.5\n", "data.feeds[0].interval_ms: must be a whole number"),
        ('[risk.symbols."BTC/USD"]\nmax_order_valu = 1\n', 'test.toml:2:1: risk.symbols."BTC/USD".max_order_valu: unknown key'),
        ('[[strategies]]\nid = "A"\nclass = "x:Y"\nsymbols = ["AAPL"]\n', 'strategies[0].id: "A" is not of the right form'),
        ('[[strategies]]\nid = "a"\nclass = "x.Y"\nsymbols = ["AAPL"]\n', 'strategies[0].class: "x.Y" is not of the right form'),
        ('[[strategies]]\nid = "a"\nclass = "x:Y"\nsymbols = ["AAPL"]\nbars = "1M"\n', "strategies[0].bars: '1M' is not an interval"),
        ('[[strategies]]\nclass_path = "x:Y"\n', "strategies[0].class_path: unknown key (did you mean class?)"),
        ("[data]\nstale_after_s = true\n", "data.stale_after_s: must be a number, not true or false"),
        ("[journal]\ndurability = 'powr'\n", "(did you mean power?)"),
        ("[venue]\nportt = 1\n", "test.toml:2:1: venue.portt: unknown key (did you mean port?)"),
        ('[venue]\nsession = "xnys"\n', "test.toml:2:1: venue.session:"),
        ("[venue]\nport = 70000\n", "test.toml:2:1: venue.port: must be at most 65535, not 70000"),
        ('[data]\nfeeds = [{kind = "file", speed = -1}]\n', "test.toml:2:26: data.feeds[0].speed: must be a positive number"),
        ("# é\n[risk]\n'max_ördervalue' = 1\n", "test.toml:3:1: risk."),
        ("a = 1\na = 2\n", "test.toml:2:6: not TOML: Cannot overwrite a value"),
        ("[risk]\nmax = \n", "test.toml:2:7: not TOML: Invalid value"),
        ("[risk", "test.toml:1:6: not TOML: "),
    ],
)  # fmt: skip
def test_a_problem_is_told_with_its_place_and_what_would_be_right(tmp_path: Path, text: str, expected: str) -> None:
    lines = told(tmp_path, text)
    assert any(expected in line for line in lines), lines


def test_columns_count_characters(tmp_path: Path) -> None:
    lines = told(tmp_path, '[risk]\nallowed_symbols = ["ÄÖÜ", 5]\n')
    assert lines[0].startswith("test.toml:2:27: risk.allowed_symbols[1]:")


def test_everything_wrong_is_told_in_one_go_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = """\
[daemon]
state_dirr = "x"
log_level = "INF"
[data]
stale_after_s = "30"
[[data.feeds]]
kind = "file"
path = "nope.csv"
symbol = "AAPL"
schema = "bar"
[[data.feeds]]
kind = "sinthetic"
symbols = ["X"]
[broker]
kind = "alpaca"
base_url = "https://api.alpaca.markets"
[riks]
a = 1
[risk]
max_order_value = -5
[[strategies]]
id = "Bad Id"
class = "tests.settings.sample_strategies:Cros"
symbols = []
[[strategies]]
class = "tests.settings.no_such_module:X"
symbols = ["AAPL"]
[[strategies]]
id = "c"
class = "tests.settings.sample_strategies:Cross"
symbols = ["AAPL"]
params = { fats = 1 }
"""
    lines = told(tmp_path, text, {"TRADINGD_RISK__ALOW_SHORT": "true"})
    assert [line.split(": ")[0] + " " + line.split(": ")[1] for line in lines] == [
        "test.toml:2:1 daemon.state_dirr",
        "test.toml:3:1 daemon.log_level",
        "test.toml:5:1 data.stale_after_s",
        "test.toml:8:1 data.feeds[0].path",
        "test.toml:10:1 data.feeds[0].schema",
        "test.toml:12:1 data.feeds[1].kind",
        "test.toml:14:2 broker.api_key",
        "test.toml:14:2 broker.api_secret",
        "test.toml:16:1 broker.base_url",
        "test.toml:17:2 riks",
        "test.toml:20:1 risk.max_order_value",
        "test.toml:22:1 strategies[0].id",
        "test.toml:23:1 strategies[0].class",
        "test.toml:24:1 strategies[0].symbols",
        "test.toml:25:3 strategies[1].id",
        "test.toml:26:1 strategies[1].class",
        "test.toml:32:12 strategies[2].params.fats",
        "env TRADINGD_RISK__ALOW_SHORT risk.alow_short",
    ]


def test_tables_after_one_that_cannot_be_used_keep_their_numbers(tmp_path: Path) -> None:
    good = '[[strategies]]\nid = "a"\nsymbols = ["AAPL"]\nclass = "tests.settings.sample_strategies:Cross"\n'
    text = FEED + '[[strategies]]\nid = "z"\nsymbols = ["AAPL"]\n' + good + good
    lines = told(tmp_path, text)
    assert [line.split(": ")[1] for line in lines] == ["strategies[0].class", "strategies[2].id"]
    assert '"a" is the id of strategies[1] too' in lines[1]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("risk",), "risk"),
        (("strategies", 0, "params", "fast"), "strategies[0].params.fast"),
        (("risk", "symbols", "BTC/USD"), 'risk.symbols."BTC/USD"'),
    ],
)
def test_keys_are_written_as_people_do(path: tuple[str | int, ...], text: str) -> None:
    assert format_key(path) == text


def test_a_near_miss_does_not_mind_the_case() -> None:
    assert near_miss("aapl", ["MSFT", "AAPL"]) == "AAPL"
    assert near_miss("zzz", ["MSFT", "AAPL"]) == ""


WORDS = st.sampled_from(["risk", "data", "broker", "kind", "feeds", "strategies", "id", "symbols", "x", "max_leverage"])
VALUES = st.recursive(
    st.sampled_from(["1", "-2.5", '"paper"', '"file"', "true", "nan", "[]", '["AAPL"]', "2020-01-01", "{}"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2).map(lambda items: f"[{', '.join(items)}]"),
        st.tuples(WORDS, inner).map(lambda pair: f"{{ {pair[0]} = {pair[1]} }}"),
    ),
    max_leaves=3,
)
LINES = st.one_of(
    st.tuples(WORDS, VALUES).map(lambda pair: f"{pair[0]} = {pair[1]}"),
    st.lists(WORDS, min_size=1, max_size=2).map(lambda names: f"[{'.'.join(names)}]"),
    st.lists(WORDS, min_size=1, max_size=2).map(lambda names: f"[[{'.'.join(names)}]]"),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(LINES, max_size=8), name=WORDS, value=VALUES)
def test_no_file_and_no_variable_makes_anything_but_settings_or_problems_with_places(
    tmp_path: Path, lines: list[str], name: str, value: str
) -> None:
    path = write(tmp_path, "\n".join(lines))
    try:
        load_settings(path, {f"TRADINGD_{name.upper()}__KIND": value, f"TRADINGD_{name.upper()}__0__ID": value})
    except ConfigurationProblems as error:
        assert error.problems
        for problem in error.problems:
            assert problem.line >= 1 or problem.file.startswith("env ")
            assert "\n" not in str(problem)
