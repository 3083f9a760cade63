"""Positions over REST: closed whole, in part, or all at once."""

from tests.venue.running_venue import Desk


async def test_a_position_is_closed_whole_or_in_part(desk: Desk) -> None:
    desk.quote(100, 100)
    desk.quote(50_000, 50_000, symbol="BTC/USD")
    await desk.submit(qty="10")
    await desk.submit(symbol="BTC/USD", qty="1", time_in_force="gtc")
    assert (await desk.call("DELETE", "/v2/positions/AAPL", qty="2"))[1]["qty"] == "2"
    assert (await desk.call("DELETE", "/v2/positions/AAPL", percentage="25"))[1]["qty"] == "2"
    assert (await desk.get("/v2/positions/AAPL"))["qty"] == "6"
    assert (await desk.call("DELETE", "/v2/positions/AAPL", qty="7"))[0] == 403
    assert (await desk.call("DELETE", "/v2/positions/AAPL", percentage="101"))[0] == 422
    status, answers = await desk.call("DELETE", "/v2/positions")
    assert status == 207
    assert {(answer["symbol"], answer["status"]) for answer in answers} == {("AAPL", 200), ("BTCUSD", 200)}
    assert await desk.get("/v2/positions") == []
    status, body = await desk.call("GET", "/v2/positions/AAPL")
    assert (status, body["code"]) == (404, 40410000)
    assert (await desk.call("DELETE", "/v2/positions/AAPL"))[0] == 404


async def test_closing_all_says_which_could_not_be_closed_unless_orders_go_first(desk: Desk) -> None:
    desk.quote(100, 100)
    await desk.submit(qty="10")
    await desk.submit(qty="10", side="sell", type="limit", limit_price="120")
    _, (answer,) = await desk.call("DELETE", "/v2/positions")
    assert (answer["status"], answer["body"]["code"]) == (403, 40310000)
    _, (answer,) = await desk.call("DELETE", "/v2/positions", cancel_orders="True")
    assert answer["status"] == 200
    assert await desk.get("/v2/positions") == []
