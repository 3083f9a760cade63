"""The contracts that the emulated TWS knows, and the market rules that give their ticks.

Owns the catalogue and how an incomplete description is resolved against it. Figures are those that Interactive
Brokers gave for these contracts at some time; conIds of the futures are made up.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec
from tradingd.core.calendar import NewYorkStockExchange
from tradingd.core.market import NS_PER_SECOND

from tests.tws.wire import Fields

STOCK_ORDER_TYPES = (
    "ACTIVETIM,AD,ADJUST,ALERT,ALGO,ALLOC,AON,COND,DAY,GTC,GTD,IOC,LMT,LOC,MKT,MOC,OCA,OPG,STP,STPLMT,TRAIL,WHATIF"
)

MARKET_RULES: Mapping[int, tuple[tuple[Decimal, Decimal], ...]] = {
    26: ((Decimal(0), Decimal("0.01")),),
    239: ((Decimal(0), Decimal("0.00005")),),
    67: ((Decimal(0), Decimal("0.25")),),
    # A share below a dollar has ticks of a hundredth of a cent.
    32: ((Decimal(0), Decimal("0.0001")), (Decimal(1), Decimal("0.01"))),
    635: ((Decimal(0), Decimal("0.005")), (Decimal(20), Decimal("0.01")), (Decimal(50), Decimal("0.02"))),
}


class IbContract(msgspec.Struct, frozen=True, kw_only=True):
    """One contract as contractDetails tells it; `local_symbol` is its name in the emulator."""

    con_id: int
    symbol: str
    local_symbol: str
    sec_type: str = "STK"
    expiry: str = ""
    multiplier: str = ""
    primary_exchange: str = "NASDAQ"
    currency: str = "USD"
    trading_class: str = ""
    market_name: str = "NMS"
    long_name: str = ""
    stock_type: str = "COMMON"
    min_tick: Decimal = Decimal("0.01")
    rule_id: int = 26
    exchanges: tuple[str, ...] = ("SMART", "NASDAQ", "NYSE", "ARCA", "IEX", "OVERNIGHT")
    order_types: str = STOCK_ORDER_TYPES
    time_zone: str = "US/Eastern"
    min_size: Decimal = Decimal(1)
    size_increment: Decimal = Decimal(1)
    suggested_size_increment: Decimal = Decimal(100)
    margin_rate: Decimal = Decimal("0.25")
    initial_margin: Decimal | None = None
    """In money for one contract, where it does not depend on the price (futures)."""

    @property
    def factor(self) -> Decimal:
        """The multiplier as a number."""
        return Decimal(self.multiplier or 1)

    def tick_at(self, price: Decimal) -> Decimal:
        """The smallest step of a price at this level."""
        step = self.min_tick
        for low_edge, increment in MARKET_RULES[self.rule_id]:
            if abs(price) >= low_edge:
                step = increment
        return step

    def takes(self, price: Decimal) -> bool:
        """Tell whether a price stands on a tick."""
        return price % self.tick_at(price) == 0


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A contract as a client describes it."""

    con_id: int
    symbol: str
    sec_type: str
    expiry: str
    multiplier: str
    exchange: str
    primary_exchange: str
    currency: str
    local_symbol: str
    trading_class: str

    def describes(self, contract: IbContract) -> bool:
        """Tell whether a contract is one of those meant; what is left out restricts nothing."""
        pairs = (
            (self.symbol, contract.symbol),
            (self.multiplier, contract.multiplier),
            (self.primary_exchange, contract.primary_exchange),
            (self.currency, contract.currency),
            (self.local_symbol, contract.local_symbol),
            (self.trading_class, contract.trading_class or contract.symbol),
        )
        return (
            (not self.con_id or self.con_id == contract.con_id)
            and self.sec_type in ("", contract.sec_type, f"CONT{contract.sec_type}")
            and contract.expiry.startswith(self.expiry)
            and (not self.exchange or self.exchange in contract.exchanges)
            and all(not asked or asked == has for asked, has in pairs)
        )


def read_contract(fields: Fields) -> Asked:
    """Read the twelve fields by which every request describes its contract."""
    con_id, symbol, sec_type, expiry = fields.integer(), fields.text(), fields.text(), fields.text()
    fields.skip(2)  # strike and right: no options here
    return Asked(
        con_id=con_id,
        symbol=symbol,
        sec_type=sec_type,
        expiry=expiry,
        multiplier=fields.text(),
        exchange=fields.text(),
        primary_exchange=fields.text(),
        currency=fields.text(),
        local_symbol=fields.text(),
        trading_class=fields.text(),
    )


class Catalogue:
    """The contracts by conId and by local symbol."""

    def __init__(self, contracts: Iterable[IbContract]) -> None:
        self._by_id: dict[int, IbContract] = {}
        self._by_name: dict[str, IbContract] = {}
        for contract in contracts:
            self.add(contract)

    def add(self, contract: IbContract) -> None:
        """Make a contract known, or replace what is known of it."""
        self._by_id[contract.con_id] = contract
        self._by_name[contract.local_symbol] = contract

    def by_id(self, con_id: int) -> IbContract:
        """The contract of a conId."""
        return self._by_id[con_id]

    def by_name(self, local_symbol: str) -> IbContract:
        """The contract of a local symbol."""
        return self._by_name[local_symbol]

    def find(self, asked: Asked) -> list[IbContract]:
        """All contracts that a description fits."""
        return [contract for contract in self._by_id.values() if asked.describes(contract)]

    def search(self, pattern: str) -> list[IbContract]:
        """The contracts whose symbol or name begins with a pattern."""
        wanted = pattern.upper()
        return [c for c in self._by_id.values() if c.symbol.startswith(wanted) or c.long_name.startswith(wanted)]


def trading_hours(contract: IbContract, now_ns: int, *, liquid: bool) -> str:
    """The hours of six days from today, as contractDetails gives them, in the contract's own zone."""
    zone = ZoneInfo(contract.time_zone)
    today = datetime.fromtimestamp(now_ns // NS_PER_SECOND, UTC).astimezone(zone).date()
    days = [today + timedelta(days=ahead) for ahead in range(6)]
    match contract.sec_type:
        case "STK":
            return ";".join(_stock_hours(day, liquid=liquid) for day in days)
        case "CASH":
            return ";".join(_overnight_hours(day, "1715", "1700") for day in days)
        case _:
            return ";".join(_overnight_hours(day, "1700", "1600") for day in days)


def _stock_hours(day: date, *, liquid: bool) -> str:
    session = next(iter(NewYorkStockExchange().days(day, day)), None)
    if session is None:
        return f"{day:%Y%m%d}:CLOSED"
    opens, closes = (session.open, session.close) if liquid else (session.extended_open, session.extended_close)
    return f"{day:%Y%m%d}:{opens:%H%M}-{day:%Y%m%d}:{closes:%H%M}"


def _overnight_hours(day: date, start: str, end: str) -> str:
    if day.weekday() >= 5:
        return f"{day:%Y%m%d}:CLOSED"
    return f"{day - timedelta(days=1):%Y%m%d}:{start}-{day:%Y%m%d}:{end}"


FUTURE_ORDER_TYPES = "ACTIVETIM,AD,ADJUST,ALERT,COND,DAY,GTC,GTD,IOC,LMT,MKT,OCA,STP,STPLMT,TRAIL,WHATIF"

DEFAULT_CONTRACTS = (
    IbContract(con_id=265598, symbol="AAPL", local_symbol="AAPL", long_name="APPLE INC"),
    IbContract(con_id=272093, symbol="MSFT", local_symbol="MSFT", long_name="MICROSOFT CORP"),
    IbContract(con_id=76792991, symbol="TSLA", local_symbol="TSLA", long_name="TESLA INC"),
    IbContract(con_id=208813719, symbol="GOOGL", local_symbol="GOOGL", long_name="ALPHABET INC-CL A"),
    IbContract(
        con_id=756733,
        symbol="SPY",
        local_symbol="SPY",
        primary_exchange="ARCA",
        long_name="SS SPDR S&P 500 ETF TRUST-US",
        stock_type="ETF",
    ),
    IbContract(
        con_id=320227571, symbol="QQQ", local_symbol="QQQ", long_name="INVESCO QQQ TRUST SERIES 1", stock_type="ETF"
    ),
    IbContract(
        con_id=481863000,
        symbol="PENY",
        local_symbol="PENY",
        long_name="PENNY MINING CORP",
        min_tick=Decimal("0.0001"),
        rule_id=32,
    ),
    IbContract(
        con_id=12087792,
        symbol="EUR",
        local_symbol="EUR.USD",
        sec_type="CASH",
        primary_exchange="",
        trading_class="EUR.USD",
        market_name="EUR.USD",
        long_name="European Monetary Union Euro",
        stock_type="",
        min_tick=Decimal("0.00005"),
        rule_id=239,
        exchanges=("IDEALPRO",),
        min_size=Decimal("0.01"),
        size_increment=Decimal("0.01"),
        suggested_size_increment=Decimal("0.01"),
        margin_rate=Decimal("0.03"),
    ),
    *(
        IbContract(
            con_id=con_id,
            symbol="ES",
            local_symbol=local_symbol,
            sec_type="FUT",
            expiry=expiry,
            multiplier="50",
            primary_exchange="",
            trading_class="ES",
            market_name="ES",
            long_name="E-mini S&P 500",
            stock_type="",
            min_tick=Decimal("0.25"),
            rule_id=67,
            exchanges=("CME", "QBALGO"),
            order_types=FUTURE_ORDER_TYPES,
            time_zone="US/Central",
            suggested_size_increment=Decimal(1),
            initial_margin=Decimal(15000),
        )
        for con_id, local_symbol, expiry in (
            (495512563, "ESZ6", "20261218"),
            (551601561, "ESH7", "20270319"),
        )
    ),
)
