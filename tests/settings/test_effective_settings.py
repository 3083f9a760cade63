"""The configuration in force, and its schema."""

import json
import tomllib
from pathlib import Path

from tests.settings.writing import load
from tradingd.settings import effective_settings, settings_schema
from tradingd.settings.effective import NOT_SET

TEXT = """\
[broker]
kind = "alpaca"
api_key = "canary-1"
[risk]
max_daily_loss = "12.50"
allowed_symbols = ["AAPL", "BTC/USD"]
[risk.symbols."BTC/USD"]
max_order_value = 5
[[data.feeds]]
kind = "alpaca"
symbols = ["AAPL"]
api_secret = "canary-2"
[[strategies]]
id = "a"
class = "x:Y"
symbols = ["AAPL"]
params = { when = 2024-01-02, names = ["q\\"uote", "b"], table = { deep = 1 } }
"""


def test_every_key_is_listed_with_value_and_origin(tmp_path: Path) -> None:
    rows = effective_settings(load(tmp_path, TEXT, {"TRADINGD_BROKER__API_SECRET": "canary-3"}))
    by_key = {key: (value, origin.removeprefix(f"{tmp_path}/")) for key, value, origin in rows}
    assert by_key["broker.api_key"] == ('"********"', "test.toml:3")
    assert by_key["broker.api_secret"] == ('"********"', "env TRADINGD_BROKER__API_SECRET")
    assert by_key["data.feeds[0].api_secret"] == ('"********"', "test.toml:12")
    assert by_key["data.feeds[0].api_key"] == (NOT_SET, "default")
    assert by_key["risk.max_daily_loss"] == ("12.50", "test.toml:5")
    assert by_key["risk.allowed_symbols"] == ('["AAPL", "BTC/USD"]', "test.toml:6")
    assert by_key['risk.symbols."BTC/USD".max_order_value'] == ("5", "test.toml:8")
    assert by_key["risk.max_leverage"] == ("2", "default")
    assert by_key["strategies[0].class"] == ('"x:Y"', "test.toml:15")
    assert by_key["strategies[0].params.when"] == ("2024-01-02", "test.toml:17")
    assert by_key["strategies[0].params.table.deep"] == ("1", "test.toml:17")
    assert "canary" not in str(rows)


def test_every_value_is_toml(tmp_path: Path) -> None:
    for key, value, _ in effective_settings(load(tmp_path, TEXT)):
        if value != NOT_SET:
            assert "value" in tomllib.loads(f"value = {value}"), key


def test_the_schema_describes_every_key_and_allows_no_other() -> None:
    schema = json.loads(json.dumps(settings_schema()))
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) >= {"daemon", "data", "broker", "venue", "strategies", "risk", "journal"}
    for name, model in schema["$defs"].items():
        if model.get("type") == "object":
            assert model["additionalProperties"] is False, name
            for key, field in model["properties"].items():
                assert field.get("description"), f"{name}.{key}"
    strategy = schema["$defs"]["StrategySettings"]
    assert strategy["required"] == ["id"]
    assert strategy["else"]["required"] == ["class", "symbols"]  # of every strategy that is not retired
