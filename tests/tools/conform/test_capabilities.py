"""What follows from a broker's own description of itself."""

from decimal import Decimal

from tradingd.brokers.alpaca.model import ALPACA
from tradingd.brokers.simulated.model import SIMULATED
from tradingd.core.identifiers import Symbol
from tradingd.core.instruments import default_instrument
from tradingd.core.venue_view import AccountInfo
from tradingd.tools.conform.capabilities import Capability, derived_capabilities

C = Capability
ACCOUNT = AccountInfo(
    account_id="A",
    account_kind="paper",
    currency="USD",
    cash=Decimal(1),
    equity=Decimal(1),
    buying_power=Decimal(1),
    multiplier=Decimal(1),
    shorting_enabled=True,
)
SHARE, PAIR = default_instrument(Symbol("AAPL")), default_instrument(Symbol("BTC/USD"))


def test_the_simulated_venue_has_every_kind_of_order_of_a_share() -> None:
    found = derived_capabilities(SIMULATED, SHARE, ACCOUNT)
    assert {C.DAY, C.GTC, C.GTD, C.IOC, C.FOK, C.OPG, C.CLS, C.STOP, C.STOP_LIMIT} <= found
    assert {C.TRAIL_AMOUNT, C.TRAIL_PERCENT, C.REPLACE_PRICE, C.REPLACE_QUANTITY, C.SHORTING} <= found


def test_alpaca_has_no_gtd_and_its_pairs_have_no_days() -> None:
    assert C.GTD not in derived_capabilities(ALPACA, SHARE, ACCOUNT)
    pairs = derived_capabilities(ALPACA, PAIR, ACCOUNT)
    assert C.GTC in pairs
    assert not {C.DAY, C.FOK, C.STOP, C.TRAIL_AMOUNT, C.EXTENDED_HOURS, C.SHORTING} & pairs
    assert C.NO_SHORTING in pairs


def test_every_reason_for_leaving_a_case_out_is_its_own() -> None:
    assert len({str(word) for word in Capability}) == len(Capability.__members__)
