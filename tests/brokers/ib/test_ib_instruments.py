"""Symbols become contracts, and contracts trading steps."""

import pytest
from tests.brokers.ib.making import D, Making
from tests.brokers.scripted_venue import Recorder
from tests.tws.contracts import DEFAULT_CONTRACTS, IbContract
from tests.tws.server import TwsEmulator
from tradingd.brokers.ib.instruments import ContractSpec, read_hours, read_symbol
from tradingd.core.identifiers import Symbol
from tradingd.core.instruments import AssetClass
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.orders import Side
from tradingd.errors import UsageError

TABLE = {"ES": ContractSpec(symbol="ES", sec_type="FUT", exchange="CME", expiry="202612")}


@pytest.mark.parametrize(
    ("symbol", "sec_type", "there", "exchange", "currency"),
    [
        ("AAPL", "STK", "AAPL", "SMART", "USD"),
        ("BRK.B", "STK", "BRK B", "SMART", "USD"),
        ("EUR/USD", "CASH", "EUR", "IDEALPRO", "USD"),
        ("ES", "FUT", "ES", "CME", "USD"),
    ],
)
def test_a_symbol_is_read(symbol: str, sec_type: str, there: str, exchange: str, currency: str) -> None:
    spec = read_symbol(Symbol(symbol), TABLE)
    assert (spec.sec_type, spec.symbol, spec.exchange, spec.currency) == (sec_type, there, exchange, currency)


async def test_contracts_are_described_by_their_own_rules(make_broker: Making) -> None:
    broker = make_broker(contracts=TABLE)
    await broker.connect([Symbol(name) for name in ("AAPL", "PENY", "EUR/USD", "ES")])
    share, penny, pair, future = (broker.instruments[Symbol(name)] for name in ("AAPL", "PENY", "EUR/USD", "ES"))
    assert [one.asset_class for one in (share, pair, future)] == [AssetClass.EQUITY, AssetClass.FX, AssetClass.FUTURE]
    assert penny.price_bands == ((D(0), D("0.0001")), (D(1), D("0.01")))
    assert penny.round_price(D("1.23456"), Side.BUY) == D("1.23")
    assert penny.round_price(D("0.12345"), Side.BUY) == D("0.1234")
    assert (share.tick(D(190)), pair.tick(D("1.1")), future.tick(D(6000))) == (D("0.01"), D("0.00005"), D("0.25"))
    assert (future.multiplier, future.currency, future.contract.margined) == (D(50), "USD", True)
    assert share.quantity_increment == share.min_quantity == 1
    hours = broker.contracts[Symbol("AAPL")]
    assert hours.liquid_hours
    assert hours.trading_hours[0].begin_ns < hours.liquid_hours[0].begin_ns


async def test_of_several_contracts_the_candidates_are_named(make_broker: Making) -> None:
    loose = {"ES": ContractSpec(symbol="ES", sec_type="FUT", exchange="CME")}
    with pytest.raises(UsageError, match=r"con_id.*495512563.*551601561"):
        await make_broker(contracts=loose).connect([Symbol("ES")])
    exact = {"ES": ContractSpec(symbol="ES", sec_type="FUT", con_id=551601561)}
    broker = make_broker(contracts=exact)
    await broker.connect([Symbol("ES")])
    assert broker.contracts[Symbol("ES")].con_id == 551601561


async def test_a_type_that_is_not_traded_is_refused(make_broker: Making) -> None:
    with pytest.raises(UsageError, match="OPT"):
        await make_broker(contracts={"X": ContractSpec(symbol="X", sec_type="OPT")}).connect([Symbol("X")])


async def test_what_is_traded_in_another_currency_is_refused(make_broker: Making) -> None:
    foreign = IbContract(con_id=14204, symbol="SAP", local_symbol="SAP", currency="EUR", exchanges=("SMART", "IBIS"))
    async with TwsEmulator(contracts=(*DEFAULT_CONTRACTS, foreign)) as tws:
        broker = make_broker(port=tws.port, contracts={"SAP": ContractSpec(symbol="SAP", currency="EUR")})
        with pytest.raises(UsageError, match="traded in EUR"):
            await broker.connect([Symbol("SAP")])


async def test_a_base_currency_that_is_not_the_accounts_is_refused(make_broker: Making, recorder: Recorder) -> None:
    with pytest.raises(UsageError, match="base_currency"):
        await make_broker(base_currency="CHF").connect([Symbol("AAPL")])


def test_hours_are_read_in_the_exchanges_zone() -> None:
    sessions = read_hours("20260309:0930-20260309:1600;20260310:CLOSED;20260306:0930-20260306:1600", "US/Eastern")
    summer, winter = sessions
    assert (summer.end_ns - summer.begin_ns) == (winter.end_ns - winter.begin_ns) == 6.5 * 3600 * NS_PER_SECOND
    assert summer.begin_ns // NS_PER_SECOND % 86_400 == 13.5 * 3600
    assert winter.begin_ns // NS_PER_SECOND % 86_400 == 14.5 * 3600
    assert read_hours("nonsense", "US/Eastern") == read_hours("20260309:0930-20260309:1600", "") == ()
