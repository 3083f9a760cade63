"""What the adapter tells of an account beside its money: which kind it is, and what time it is there."""

import pytest
from tests.brokers.conftest import MakeBroker
from tests.brokers.scripted_venue import ACCOUNT, Drop, Recorder, Reply, ScriptedVenue
from tradingd.brokers.alpaca.adapter import AlpacaBroker
from tradingd.brokers.base import ReportsVenueTime
from tradingd.errors import VenueUnavailable


async def test_the_venues_clock_is_read_with_its_zone(broker: AlpacaBroker, venue: ScriptedVenue) -> None:
    assert isinstance(broker, ReportsVenueTime)
    venue.on("GET", "/v2/clock", Reply({"timestamp": "2026-03-02T09:30:00.25-05:00", "is_open": True}))
    await broker.connect(())
    assert await broker.server_time() == 1_772_461_800_250_000_000


@pytest.mark.parametrize("answer", [Reply({"timestamp": "soon"}), Reply({}), Reply({"message": "no"}, status=404)])
async def test_a_clock_that_tells_no_time_is_none(answer: Reply, broker: AlpacaBroker, venue: ScriptedVenue) -> None:
    venue.on("GET", "/v2/clock", answer)
    await broker.connect(())
    assert await broker.server_time() is None


async def test_a_venue_that_does_not_answer_is_unavailable(broker: AlpacaBroker, venue: ScriptedVenue) -> None:
    venue.on("GET", "/v2/clock", Drop())
    await broker.connect(())
    with pytest.raises(VenueUnavailable):
        await broker.server_time()


KINDS = {
    # declared, number -> told
    "paper as declared": ("paper", "PA1", False),
    "real money as declared": ("live", "123456789", False),
    "real money where paper was declared": ("paper", "123456789", True),
    "paper where real money was declared": ("live", "PA1", True),
    "no number": ("live", "", False),
}


@pytest.mark.parametrize("name", KINDS)
async def test_an_account_of_the_other_kind_is_told(
    name: str, make_broker: MakeBroker, venue: ScriptedVenue, recorder: Recorder
) -> None:
    declared, number, told = KINDS[name]
    venue.on("GET", "/v2/account", Reply(ACCOUNT | {"account_number": number}))
    await make_broker(account_kind=declared).connect(())
    assert [event for event, _, _ in recorder.problems] == (["broker.account_kind"] if told else [])
