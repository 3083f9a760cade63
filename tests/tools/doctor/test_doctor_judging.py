"""Verdicts on symbols and clocks, as tables."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tradingd.brokers.alpaca.model import ALPACA
from tradingd.brokers.ib.model import IB
from tradingd.brokers.ib.windows import Region, restart_at
from tradingd.core.broker_model import BrokerModel, Figure
from tradingd.core.identifiers import Symbol
from tradingd.core.instruments import AssetClass, Instrument, default_instrument
from tradingd.core.market import DAY_NS, MINUTE_NS, NS_PER_SECOND
from tradingd.core.orders import OrderType
from tradingd.settings.sections import StrategySettings
from tradingd.tools.doctor.clocks import judge_offset, judge_synchronisation
from tradingd.tools.doctor.examine import away_within
from tradingd.tools.doctor.findings import Verdict
from tradingd.tools.doctor.judging import judge_symbol, terms_of

AAPL, BTC = default_instrument(Symbol("AAPL")), default_instrument(Symbol("BTC/USD"))
WHOLE = msgspec.structs.replace(AAPL, fractionable=False)
FUTURE = Instrument(
    symbol=Symbol("ESZ6"),
    asset_class=AssetClass.FUTURE,
    price_increment=Decimal("0.25"),
    quantity_increment=Decimal(1),
    min_quantity=Decimal(1),
)


def without(model: BrokerModel, kind: OrderType) -> BrokerModel:
    """The same venue that takes no orders of a kind."""
    rules = {
        asset_class: msgspec.structs.replace(
            found, pairs=frozenset((other, time) for other, time in found.pairs if other is not kind)
        )
        for asset_class, found in model.by_class.items()
    }
    return msgspec.structs.replace(model, by_class=rules)


def unchanging(model: BrokerModel) -> BrokerModel:
    """The same venue that changes nothing but the quantity of a working order."""
    rules = {
        asset_class: msgspec.structs.replace(found, replaceable=frozenset({Figure.QUANTITY}))
        for asset_class, found in model.by_class.items()
    }
    return msgspec.structs.replace(model, by_class=rules)


def strategy(**otherwise: object) -> StrategySettings:
    return StrategySettings.model_validate({"id": "s", "class": "a.b:C", "symbols": ["AAPL"], **otherwise})


REPRICE = {"unfilled_timeout_s": 5.0, "unfilled_action": "reprice"}
SYMBOLS: dict[str, tuple[Instrument, BrokerModel, dict[str, Any], Verdict, str]] = {
    # instrument, venue, strategy -> verdict, words
    "shares": (AAPL, ALPACA, {}, Verdict.OK, "equity, tradable in parts of a unit"),
    "a pair": (BTC, ALPACA, {}, Verdict.OK, "not sold short"),
    "an asset class that the venue does not trade": (FUTURE, ALPACA, {}, Verdict.FAILED, "takes none of future ESZ6"),
    "a future where futures are traded": (FUTURE, IB, {}, Verdict.OK, "future, tradable"),
    "no market orders to flatten with": (AAPL, without(ALPACA, OrderType.MARKET), {}, Verdict.FAILED, "flatten"),
    "no limit orders to reprice": (AAPL, without(ALPACA, OrderType.LIMIT), REPRICE, Verdict.FAILED, "LIMIT orders"),
    "no limit orders, and none to be timed out": (AAPL, without(ALPACA, OrderType.LIMIT), {}, Verdict.OK, "tradable"),
    "prices that cannot be changed": (AAPL, unchanging(ALPACA), REPRICE, Verdict.FAILED, "changes no price"),
    "prices that can": (AAPL, ALPACA, REPRICE, Verdict.OK, "tradable"),
    "part of a unit of what has none": (WHOLE, ALPACA, {"params": {"quantity": "0.5"}}, Verdict.WARNING, "quantity"),
    "whole units of it": (WHOLE, ALPACA, {"params": {"quantity": 5, "width": 0.5}}, Verdict.OK, "whole units"),
    "part of a pair": (
        msgspec.structs.replace(BTC, fractionable=False),
        ALPACA,
        {"params": {"quantity": "0.5"}},
        Verdict.OK,
        "tradable",
    ),
    "words for a quantity": (WHOLE, ALPACA, {"params": {"quantity": "all"}}, Verdict.OK, "tradable"),
    "not traded now": (msgspec.structs.replace(AAPL, tradable=False), ALPACA, {}, Verdict.FAILED, "does not trade"),
}


@pytest.mark.parametrize("name", SYMBOLS)
def test_a_symbol_is_judged_by_what_the_configuration_names(name: str) -> None:
    instrument, model, settings, verdict, words = SYMBOLS[name]
    (told,) = judge_symbol(instrument, model, [strategy(**settings)])
    assert (told.verdict, words in told.text) == (verdict, True), told
    assert bool(told.remedy) is (verdict is not Verdict.OK)


def test_what_a_venue_takes_of_an_unknown_asset_class_is_nothing() -> None:
    assert terms_of(FUTURE, ALPACA, []).order_types == {}


OFFSETS = {
    "right": (0, Verdict.OK),
    "whole seconds alone": (-NS_PER_SECOND, Verdict.OK),
    "3 s": (3 * NS_PER_SECOND, Verdict.WARNING),
    "3 s the other way": (-3 * NS_PER_SECOND, Verdict.WARNING),
    "a minute": (60 * NS_PER_SECOND, Verdict.FAILED),
    "not told": (None, Verdict.NOT_CHECKED),
}


@pytest.mark.parametrize("name", OFFSETS)
def test_a_difference_of_clocks_is_judged_by_its_size(name: str) -> None:
    offset, verdict = OFFSETS[name]
    assert judge_offset(offset).verdict is verdict


def test_a_machine_that_is_behind_is_told_so() -> None:
    assert judge_offset(60 * NS_PER_SECOND).text.startswith("this machine is 60.000 s behind the venue")


def test_the_kernels_word_on_its_clock() -> None:
    assert judge_synchronisation(0x2001, "").verdict is Verdict.OK
    assert judge_synchronisation(0x0041, "").verdict is Verdict.WARNING
    assert judge_synchronisation(None, "EPERM").verdict is Verdict.NOT_CHECKED


def test_the_interruptions_of_a_day_are_listed_in_order() -> None:
    friday = 1_772_802_000 * NS_PER_SECOND  # 2026-03-06 08:00 in New York
    # The nightly reset of America falls into the weekend's, which ends later.
    (night,) = away_within(friday, friday + DAY_NS, Region.AMERICA)
    assert night.reason == "the weekend reset"
    assert (night.ts_begin - friday, night.ts_end - friday) == (15 * 60 * MINUTE_NS, 19 * 60 * MINUTE_NS)


def test_an_interruption_that_goes_on_begins_now() -> None:
    within = 1_772_520_600 * NS_PER_SECOND  # 2026-03-03 01:50 in New York, just after the nightly reset
    assert away_within(within, within + MINUTE_NS, Region.AMERICA) == ()
    (reset,) = away_within(within - 20 * MINUTE_NS, within, Region.AMERICA)
    assert (reset.ts_begin, reset.ts_end) == (within - 20 * MINUTE_NS, within - 5 * MINUTE_NS)


def test_the_daily_restart_of_the_gateway_is_told_beside_the_nightly_reset() -> None:
    noon = 1_770_829_200_000_000_000  # 2026-02-11 12:00 in New York
    told = away_within(noon, noon + 86_400 * 10**9, Region.AMERICA, restart_at("23:45"))
    assert [(away.ts_begin - noon) // (60 * 10**9) for away in told] == [11 * 60 + 45, 12 * 60 + 15]
