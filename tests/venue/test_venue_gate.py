"""Credentials, rates and headers."""

from base64 import b64encode
from typing import Any

import aiohttp
import pytest
from pydantic import ValidationError
from tests.venue.running_venue import Desk, Starter
from tradingd.settings.venue import VenueSession, VenueSettings


async def ask(desk: Desk, path: str, headers: dict[str, str]) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(desk.venue.base_url + path) as response,
    ):
        return response.status, await response.json()


async def test_without_keys_nothing_but_crypto_data_is_answered(desk: Desk) -> None:
    assert await ask(desk, "/v2/account", {}) == (401, {"message": "unauthorized."})
    wrong = {"APCA-API-KEY-ID": "paper", "APCA-API-SECRET-KEY": "guess"}
    assert await ask(desk, "/v2/account", wrong) == (403, {"message": "forbidden."})
    assert (await ask(desk, "/v2/stocks/quotes/latest?symbols=AAPL", {}))[0] == 401
    assert (await ask(desk, "/v1beta3/crypto/us/latest/quotes?symbols=BTC/USD", {}))[0] == 200


async def test_data_may_be_asked_for_with_basic_authentication(desk: Desk) -> None:
    path = "/v2/stocks/quotes/latest?symbols=AAPL"
    right = {"Authorization": f"Basic {b64encode(b'paper:paper-secret').decode()}"}
    wrong = {"Authorization": f"Basic {b64encode(b'paper:guess').decode()}"}
    assert (await ask(desk, path, right))[0] == 200
    assert (await ask(desk, path, wrong))[0] == 403
    assert (await ask(desk, path, {"Authorization": "Basic ?"}))[0] == 403
    assert (await ask(desk, "/v2/account", right))[0] == 401


async def test_the_rate_is_limited_by_the_minute_and_told_in_headers(start_venue: Starter) -> None:
    desk = await start_venue(rate_limit_per_minute=3)
    url = desk.venue.base_url + "/v2/account"
    for left in ("2", "1", "0"):
        async with desk.session.get(url) as response:
            assert response.status == 200
            assert response.headers["X-Ratelimit-Limit"] == "3"
            assert response.headers["X-Ratelimit-Remaining"] == left
            assert response.headers["X-Ratelimit-Reset"] == "1767632460"
            assert response.headers["X-Request-Id"]
    async with desk.session.get(url) as response:
        assert response.status == 429
        assert await response.json() == {"code": 42910000, "message": "rate limit exceeded"}
    desk.clock.advance(60)
    assert (await desk.call("GET", "/v2/account"))[0] == 200


async def test_unknown_paths_and_methods_are_answered_in_json(desk: Desk) -> None:
    assert (await desk.call("GET", "/v2/nothing"))[0] == 404
    assert (await desk.call("PUT", "/v2/orders"))[0] == 405


async def test_account_configurations_and_assets(desk: Desk) -> None:
    assert (await desk.get("/v2/account/configurations"))["max_margin_multiplier"] == "4"
    assets = await desk.get("/v2/assets", status="active", asset_class="crypto")
    assert [asset["symbol"] for asset in assets] == ["BTC/USD"]
    assert assets[0]["class"] == "crypto"
    for name in ("BTC%2FUSD", "BTCUSD", "btc%2fusd", assets[0]["id"]):
        async with desk.session.get(f"{desk.venue.base_url}/v2/assets/{name}") as response:
            assert (await response.json())["id"] == assets[0]["id"]
    status, body = await desk.call("GET", "/v2/assets/NIX")
    assert (status, body["code"]) == (404, 40410000)


@pytest.mark.parametrize("cash", [5000, 5000.0, "5000"])
def test_cash_is_read_from_every_spelling_of_a_number(cash: object) -> None:
    assert VenueSettings.model_validate({"starting_cash": cash}).starting_cash == 5000


def test_a_float_is_read_by_its_digits() -> None:
    assert str(VenueSettings.model_validate({"starting_cash": 0.1}).starting_cash) == "0.1"


@pytest.mark.parametrize(
    "values",
    [
        {"starting_cash": 0},
        {"starting_cash": -1},
        {"starting_cash": "NaN"},
        {"starting_cash": float("inf")},
        {"starting_cash": True},
        {"starting_cash": "much"},
        {"multiplier": 3},
        {"multiplier": "4"},
        {"session": "XLON"},
        {"port": 70000},
        {"rate_limit_per_minute": -1},
        {"api_key": ""},
        {"api_secret": ""},
        {"shorting_enabled": "yes"},
        {"prot": 80},
    ],
)
def test_settings_that_make_no_sense_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        VenueSettings.model_validate(values)


def test_settings_hide_the_secret_and_read_the_session() -> None:
    settings = VenueSettings.model_validate({"api_secret": "hush", "session": "XNYS"})
    assert settings.session is VenueSession.XNYS
    assert "hush" not in repr(settings)
