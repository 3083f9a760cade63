"""The tables of Interactive Brokers: the account behind a TWS or IB Gateway, its contracts, and its market data."""

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from tradingd.core.bars import parse_interval
from tradingd.settings.fields import NonNegativeInt, PositiveFloat, Section, SymbolList

PAPER_PORTS = {7497: "TWS", 4002: "IB Gateway"}
LIVE_PORTS = {7496: "TWS", 4001: "IB Gateway"}
"""The ports that TWS and IB Gateway listen at unless they are told otherwise."""

Port = Annotated[int, Field(gt=0, lt=65536)]
ClientId = Annotated[int, Field(ge=0, lt=2**31)]
_INTERVALS = {"bars_5s": "5s", "bars_1m": "1m"}


class IbContractSettings(Section):
    """What a symbol is, where its name alone does not say it; what is left out is left to TWS."""

    symbol: Annotated[str, Field(min_length=1)] = Field(description="The symbol as TWS spells it: AAPL, ES, EUR.")
    sec_type: Literal["STK", "CASH", "FUT"] = Field(
        default="STK", description="Stocks and ETFs (STK), currencies (CASH) or futures (FUT)."
    )
    exchange: str = Field(default="", description="SMART, IDEALPRO, CME ...; SMART or IDEALPRO when left out.")
    currency: str = Field(default="USD", description="The currency that the contract trades in.")
    primary_exchange: str = Field(default="", description="Tells apart stocks of the same symbol: NASDAQ, ARCA ...")
    expiry: Annotated[str, Field(pattern=r"^(\d{6}|\d{8})?$")] = Field(
        default="", description="Of a future: YYYYMM or YYYYMMDD."
    )
    local_symbol: str = Field(default="", description="The exchange's own name of a future: ESZ6.")
    con_id: NonNegativeInt = Field(default=0, description="The number that TWS knows the contract by; 0 leaves it out.")
    multiplier: Annotated[str, Field(pattern=r"^\d*(\.\d+)?$")] = Field(
        default="", description="Value of one unit at a price of one, as TWS spells it."
    )
    trading_class: str = Field(default="", description="Tells apart futures of the same symbol and expiry.")


class IbBrokerSettings(Section):
    """An account at Interactive Brokers, through TWS or IB Gateway."""

    kind: Literal["ib"] = Field(description="Orders go to an Interactive Brokers account.")
    account_kind: Literal["paper", "live"] = Field(
        default="paper", description="Whether real money is at stake; must agree with the port and with the login."
    )
    host: Annotated[str, Field(min_length=1)] = Field(
        default="127.0.0.1", description="Where TWS or IB Gateway listens; whoever reaches it trades."
    )
    port: Port = Field(
        default=4002, validate_default=True, description="4002 IB Gateway paper, 4001 live; 7497 TWS paper, 7496 live."
    )
    client_id: ClientId = Field(
        default=17, description="Orders belong to the client id that sent them: keep it, and use it for nothing else."
    )
    account: str = Field(default="", description="The account, where the login has several; its only one otherwise.")
    region: Literal["america", "europe", "asia"] = Field(
        default="america", description="Whose servers keep the account: their nightly reset is expected."
    )
    restart_at: Annotated[str, Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$")] = Field(
        default="23:45",
        description='When TWS or IB Gateway restarts itself each day, in New York time; "" when it does not.',
    )
    check_margin: bool = Field(
        default=False, description="Ask for the margin of each new order first; it costs one message and its answer."
    )
    timeout_s: PositiveFloat = Field(default=10.0, description="Seconds to wait for an answer.")
    contracts: dict[str, IbContractSettings] = Field(
        default={},
        description="What a symbol is where its name does not tell: a [broker.contracts.SYMBOL] table each.",
    )

    @property
    def contract_tables(self) -> dict[str, dict[str, Any]]:
        """The contracts as plain tables."""
        return {symbol: contract.model_dump() for symbol, contract in self.contracts.items()}

    @property
    def answer_within_s(self) -> float:
        """How long a message may take to be carried out: after that it is given up."""
        return self.timeout_s

    @field_validator("port")
    @classmethod
    def _agrees_with_account(cls, port: int, info: ValidationInfo) -> int:
        """Refuse the usual port of one kind of account under the name of the other."""
        kind = info.data.get("account_kind")
        if kind == "paper" and port in LIVE_PORTS:
            raise ValueError(f'{port} is where {LIVE_PORTS[port]} trades real money, but account_kind is "paper"')
        if kind == "live" and port in PAPER_PORTS:
            raise ValueError(f'{port} is where {PAPER_PORTS[port]} trades on paper, but account_kind is "live"')
        return port


class IbFeedSettings(Section):
    """Market data of Interactive Brokers, over a connection of its own."""

    kind: Literal["ib"] = Field(description="Market data of Interactive Brokers.")
    symbols: SymbolList = Field(description="Symbols to subscribe to.")
    mode: Literal["ticks", "tick_by_tick", "bars_5s", "bars_1m"] = Field(
        default="ticks",
        description="ticks (a few quotes and trades a second), tick_by_tick (each one), bars_5s or bars_1m.",
    )
    allow_delayed: bool = Field(
        default=False, description="Take data that are 15 minutes old where the account has no live ones."
    )
    host: str = Field(default="", description="Where TWS or IB Gateway listens; that of [broker] when left out.")
    port: Annotated[int, Field(ge=0, lt=65536)] = Field(default=0, description="Its port; that of [broker] when 0.")
    client_id: Annotated[int, Field(ge=-1, lt=2**31)] = Field(
        default=-1, description="A client id of its own; the next free one after that of [broker] when -1."
    )

    @property
    def schemas(self) -> tuple[str, ...]:
        """Kinds of event that the feed delivers."""
        return ("bars",) if self.bar_interval_ns else ("quotes", "trades")

    @property
    def bar_interval_ns(self) -> int | None:
        """Length of the bars that it delivers, None where it delivers ticks."""
        text = _INTERVALS.get(self.mode)
        return None if text is None else parse_interval(text)

    def client_id_beside(self, broker: IbBrokerSettings | None, taken: int) -> int:
        """The client id to use, with so many feeds before this one."""
        if self.client_id >= 0:
            return self.client_id
        return (0 if broker is None else broker.client_id) + 1 + taken
