"""Settings from a file, credentials and the environment."""

import hashlib
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import SecretStr
from tests.settings.writing import load, refused, told, write
from tradingd.errors import SourceMissing
from tradingd.settings import load_settings
from tradingd.settings.broker import AlpacaBrokerSettings, PaperBrokerSettings
from tradingd.settings.feeds import AlpacaFeedSettings, FileFeedSettings, SyntheticFeedSettings

ALPACA = '[broker]\nkind = "alpaca"\n'


def test_an_empty_file_gives_a_careful_trader(tmp_path: Path) -> None:
    settings = load(tmp_path, "").settings
    assert isinstance(settings.broker, PaperBrokerSettings) and settings.account_kind == "paper"
    assert settings.risk.max_order_value == 10_000 and settings.risk.max_daily_loss == 1_000
    assert settings.journal.durability == "power"
    assert settings.data.feeds == () and settings.strategies == ()
    assert settings.daemon.state_dir == Path("/var/lib/tradingd/test")


def test_every_kind_of_table_is_read(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        """
        [[data.feeds]]
        kind = "file"
        path = "bars.csv"
        symbol = "AAPL"
        schema = "bars"
        speed = "max"
        interval = "5m"
        [[data.feeds]]
        kind = "synthetic"
        symbols = ["MSFT"]
        start_price = { MSFT = 400 }
        [[data.feeds]]
        kind = "alpaca"
        symbols = ["BTC/USD"]
        channels = ["bars"]
        [[strategies]]
        id = "a"
        class = "x.y:Z"
        symbols = ["AAPL"]
        bars = "5m"
        params = { fast = 3 }
        risk.max_order_value = "12.50"
        [risk]
        max_order_value = 0.1
        [risk.symbols."BTC/USD"]
        max_position_quantity = 2
        """,
    ).settings
    file, synthetic, alpaca = settings.data.feeds
    assert isinstance(file, FileFeedSettings)
    assert (file.path, file.speed, file.interval_ns) == (tmp_path / "bars.csv", "max", 300 * 10**9)
    assert isinstance(synthetic, SyntheticFeedSettings) and synthetic.start_price == {"MSFT": 400.0}
    assert isinstance(alpaca, AlpacaFeedSettings) and alpaca.schemas == ("bars",)
    (strategy,) = settings.strategies
    assert (strategy.class_path, strategy.params, strategy.interval_ns) == ("x.y:Z", {"fast": 3}, 300 * 10**9)
    assert strategy.risk.max_order_value == Decimal("12.50")
    assert settings.risk.max_order_value == Decimal("0.1")
    assert settings.risk.symbols["BTC/USD"].max_position_quantity == 2


def test_a_missing_file_is_a_missing_source(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match=r"none\.toml: cannot read the configuration file: No such file"):
        load_settings(tmp_path / "none.toml", {})


def test_relative_paths_start_at_the_folder_of_the_file(tmp_path: Path) -> None:
    text = '[daemon]\nstate_dir = "../state/x"\nlog_file = "/var/log/x.log"\n'
    settings = load(tmp_path, text).settings
    assert settings.daemon.state_dir == tmp_path.parent / "state" / "x"
    assert settings.daemon.log_file == Path("/var/log/x.log")


def test_the_state_folder_of_the_service_manager_is_taken_unless_the_file_has_one(tmp_path: Path) -> None:
    environ = {"STATE_DIRECTORY": "/var/lib/one:/var/lib/two"}
    loaded = load(tmp_path, "", environ)
    assert loaded.settings.daemon.state_dir == Path("/var/lib/one")
    assert loaded.provenance(("daemon", "state_dir")) == "env STATE_DIRECTORY"
    assert load(tmp_path, '[daemon]\nstate_dir = "/s"', environ).settings.daemon.state_dir == Path("/s")


def test_the_environment_goes_over_the_file_in_the_type_of_the_key(tmp_path: Path) -> None:
    environ = {
        "TRADINGD_RISK__MAX_ORDER_VALUE": "99.5",
        "TRADINGD_RISK__MAX_ORDERS_PER_MINUTE": "7",
        "TRADINGD_RISK__ALLOW_SHORT": "false",
        "TRADINGD_RISK__ALLOWED_SYMBOLS": '["AAPL"]',
        "TRADINGD_RISK__SYMBOLS__AAPL__MAX_ORDER_VALUE": "5",
        "TRADINGD_DAEMON__LOG_LEVEL": "DEBUG",
        "TRADINGD_DAEMON__LOG_FILE": "x.log",
        "TRADINGD_DATA__FEEDS__0__SPEED": "2.5",
        "TRADINGD_STRATEGIES__0__PARAMS__FAST": "4",
        "TRADINGD_STRATEGIES__0__PARAMS__NAME": "plain words",
        "TRADINGD_VENUE__API_KEY": "123",
        "TRADINGD_HOME": "not a setting: it names no section",
        "OTHER__X": "not ours",
    }
    text = """
        [risk]
        max_order_value = 1
        [[data.feeds]]
        kind = "file"
        path = "x"
        symbol = "AAPL"
        schema = "bars"
        [[strategies]]
        id = "a"
        class = "x:Y"
        symbols = ["AAPL"]
        params = { fast = 3, slow = 5 }
        """
    loaded = load(tmp_path, text, environ)
    risk = loaded.settings.risk
    assert (risk.max_order_value, risk.max_orders_per_minute, risk.allow_short) == (Decimal("99.5"), 7, False)
    assert risk.allowed_symbols == ("AAPL",)
    assert risk.symbols["AAPL"].max_order_value == 5
    assert loaded.settings.daemon.log_level == "DEBUG"
    assert loaded.settings.daemon.log_file == tmp_path / "x.log"
    (feed,) = loaded.settings.data.feeds
    assert isinstance(feed, FileFeedSettings) and feed.speed == 2.5
    assert loaded.settings.strategies[0].params == {"fast": 4, "slow": 5, "name": "plain words"}
    assert loaded.settings.venue.api_key == "123"
    assert loaded.provenance(("risk", "max_order_value")) == "env TRADINGD_RISK__MAX_ORDER_VALUE"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("TRADINGD_RISK__MAX_ORDER_VALEU", "risk.max_order_valeu: unknown key (did you mean max_order_value?)"),
        ("TRADINGD_RIKS__MAX_ORDER_VALUE", "riks: unknown key (did you mean risk?)"),
        ("TRADINGD_STRATEGIES__0__ID", "strategies[0]: names no table of the file"),
        ("TRADINGD_BROKER__API_KEY", "broker.api_key: unknown key (known: kind)"),
        ("TRADINGD_RISK__SYMBOLS__AAPL", "risk.symbols.AAPL: is a table, not a key"),
    ],
)
def test_a_variable_that_names_no_key_is_an_error(tmp_path: Path, name: str, expected: str) -> None:
    (line,) = told(tmp_path, "", {name: "1"})
    assert line.startswith(f"env {name}: {expected}")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("TRADINGD_RISK__ALLOW_SHORT", "yes", "risk.allow_short: must be true or false, not text"),
        ("TRADINGD_RISK__MAX_ORDERS_PER_MINUTE", "1.5", "must be a whole number, not a number with a fraction"),
        ("TRADINGD_RISK__MAX_DAILY_LOSS", "nan", "must be a finite number"),
        ("TRADINGD_DATA__STALE_AFTER_S", "1\nb = 2", "must be a number, not text"),
    ],
)
def test_a_wrong_value_is_told_by_the_name_of_its_variable(
    tmp_path: Path, name: str, value: str, expected: str
) -> None:
    (line,) = told(tmp_path, "", {name: value})
    assert line.startswith(f"env {name}: ") and expected in line


def test_the_kind_of_broker_can_come_from_the_environment_together_with_its_keys(tmp_path: Path) -> None:
    environ = {"TRADINGD_BROKER__API_KEY": "k", "TRADINGD_BROKER__API_SECRET": "s", "TRADINGD_BROKER__KIND": "alpaca"}
    broker = load(tmp_path, "", environ).settings.broker
    assert isinstance(broker, AlpacaBrokerSettings) and broker.api_key == SecretStr("k")


def test_credentials_stand_between_file_and_environment(tmp_path: Path) -> None:
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "broker.api_key").write_text("from-credential\n")
    (folder / "broker.api_secret").write_text("from-credential\n")
    (folder / "something-else").write_text("for another program")
    environ = {"CREDENTIALS_DIRECTORY": str(folder), "TRADINGD_BROKER__API_SECRET": "from-env"}
    loaded = load(tmp_path, ALPACA + 'api_key = "from-file"\n', environ)
    broker = loaded.settings.broker
    assert isinstance(broker, AlpacaBrokerSettings)
    assert broker.api_key is not None and broker.api_key.get_secret_value() == "from-credential"
    assert broker.api_secret is not None and broker.api_secret.get_secret_value() == "from-env"
    assert loaded.provenance(("broker", "api_key")) == "credential broker.api_key"
    assert loaded.provenance(("broker", "api_secret")) == "env TRADINGD_BROKER__API_SECRET"


def test_a_credential_that_the_broker_has_no_use_for_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "broker.api_key").write_text("k")
    assert load(tmp_path, "", {"CREDENTIALS_DIRECTORY": str(tmp_path)}).settings.account_kind == "paper"


def test_provenance_names_the_line_or_the_default(tmp_path: Path) -> None:
    loaded = load(tmp_path, "[risk]\n\nmax_daily_loss = 5\n")
    assert loaded.provenance(("risk", "max_daily_loss")) == f"{tmp_path}/test.toml:3"
    assert loaded.provenance(("risk", "max_leverage")) == "default"
    assert loaded.provenance(("daemon", "state_dir")) == "default"
    assert loaded.text_sha256 == hashlib.sha256(b"[risk]\n\nmax_daily_loss = 5\n").hexdigest()


@pytest.mark.parametrize(
    ("kind", "url"), [("paper", "https://api.alpaca.markets"), ("live", "https://paper-api.alpaca.markets/")]
)
def test_an_address_of_the_other_kind_of_account_is_refused(tmp_path: Path, kind: str, url: str) -> None:
    text = f'{ALPACA}account_kind = "{kind}"\nbase_url = "{url}"\nstream_url = "ws://localhost/stream"\n'
    assert any(":4:1: broker.base_url:" in line and kind in line for line in told(tmp_path, text))


def test_a_live_account_needs_its_own_addresses_both(tmp_path: Path) -> None:
    text = f'{ALPACA}account_kind = "live"\nbase_url = "https://api.alpaca.markets"\n'
    assert any("broker.stream_url" in line for line in told(tmp_path, text))
    text += 'stream_url = "wss://api.alpaca.markets/stream"\napi_key = "k"\napi_secret = "s"\n'
    assert load(tmp_path, text).settings.account_kind == "live"


def test_settings_never_change(tmp_path: Path) -> None:
    settings = load(tmp_path, "").settings
    with pytest.raises(ValueError, match="frozen"):
        settings.risk.max_daily_loss = Decimal(1)  # type: ignore[misc]


def test_this_process_own_environment_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADINGD_RISK__MAX_DAILY_LOSS", "5")
    monkeypatch.setenv("RISK", "{}")
    assert load(tmp_path, "").settings.risk.max_daily_loss == 1000


def test_a_secret_is_in_no_message_and_no_repr(tmp_path: Path) -> None:
    canary = "canary-4711"
    text = f'{ALPACA}api_key = "{canary}"\napi_secret = ["{canary}"]\ntimeout_s = "x"\napi_sekret = "{canary}"\n'
    error = refused(tmp_path, text, {"TRADINGD_BROKER__API_KEYS": canary})
    assert len(error.problems) >= 4
    assert canary not in str(error) and canary not in repr(error)
    good = load(tmp_path, f'{ALPACA}api_key = "{canary}"\napi_secret = "{canary}"\n')
    assert canary not in repr(good.settings) and canary not in str(good.settings.model_dump())


def test_a_file_that_is_no_text_is_told_by_line(tmp_path: Path) -> None:
    path = write(tmp_path, "")
    path.write_bytes(b"[risk]\nx = \xff\n")
    with pytest.raises(ValueError, match=r"."):
        path.read_text("utf-8")
    assert "test.toml:2:5: the file is not UTF-8 text" in str(refused_path(path))


def refused_path(path: Path) -> Exception:
    with pytest.raises(Exception, match="UTF-8") as caught:
        load_settings(path, {})
    return caught.value
