"""The smaller tables: daemon, data, strategies, execution, portfolio, journal, reporting, replay."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    Strict,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
)
from pydantic_core import PydanticKnownError

from tradingd.core.bars import parse_interval
from tradingd.core.identifiers import StrategyId
from tradingd.settings.feeds import FeedSettings
from tradingd.settings.fields import (
    AnyDecimal,
    IntervalText,
    NonNegativeFloat,
    NonNegativeInt,
    OptionalSymbols,
    PositiveDecimal,
    PositiveFloat,
    PositiveInt,
    Section,
    SymbolList,
)
from tradingd.settings.risk import RiskOverrides


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("no such time zone (write a name such as America/New_York, Europe/Zurich or UTC)") from error
    return name


class DaemonSettings(Section):
    """The process: where it keeps its state and how it speaks."""

    state_dir: Annotated[Path, Strict(False)] = Field(
        default=Path("/var/lib/tradingd"),
        description="Folder of journal, database and control socket; a relative path starts at the configuration "
        "file's folder. Left out: $STATE_DIRECTORY, else /var/lib/tradingd/NAME for NAME.toml.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", description="Least level logged.")
    log_format: Literal["auto", "json", "text"] = Field(
        default="auto", description="auto is text on a terminal and JSON lines elsewhere."
    )
    log_file: Annotated[Path, Strict(False)] | None = Field(
        default=None,
        description="Also log to this file; a relative path starts at the configuration file's folder. It is opened "
        "anew when it was moved away, and at SIGHUP.",
    )
    log_rotate_mb: NonNegativeInt = Field(
        default=50, description="Megabytes at which the log file is rotated; 0 never, as where logrotate does it."
    )
    log_rotate_days: NonNegativeInt = Field(
        default=0, description="Days (UTC) after which the log file is rotated: 1 is each midnight; 0 never."
    )
    log_keep: NonNegativeInt = Field(default=10, description="Rotated log files that are kept; 0 keeps all.")
    stop_timeout_s: PositiveFloat = Field(default=10.0, description="Seconds that an orderly stop may take.")
    trading_day_zone: Annotated[str, AfterValidator(_known_zone)] = Field(
        default="America/New_York",
        description="Zone whose midnights part one trading day from the next, for the loss of the day, daily returns, "
        "reports and statements.",
    )


class DataSettings(Section):
    """Market data: what counts as stale or wild, and where it comes from."""

    stale_after_s: NonNegativeFloat = Field(
        default=30.0, description="A symbol without data for longer takes no new orders; 0 turns the check off."
    )
    max_move_pct: PositiveFloat = Field(
        default=20.0,
        description="An event further than this from the last good price is set aside until a second one confirms it.",
    )
    history_days: PositiveInt = Field(default=30, description="Days of bars kept in the store.")
    feeds: Annotated[tuple[FeedSettings, ...], Strict(False)] = Field(
        default=(), description="Sources of market data, one [[data.feeds]] table each."
    )


_Id: TypeAlias = Annotated[StrategyId, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,19}$")]


class StrategySettings(Section):
    """One strategy: its class, what it trades and its parameters."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"retired": {"const": True}}, "required": ["retired"]},
            "else": {"required": ["class", "symbols"]},
        }
    )

    id: _Id = Field(description="Name in log, journal and order ids: up to 20 of a-z, 0-9, _ and -.")
    retired: bool = Field(
        default=False,
        description="Trades no more: its code does not run, its exits and protection go on, nothing is opened.",
    )
    formerly: _Id | None = Field(
        default=None,
        description="The id that it had before: position, results, orders, plans and saved state go over at the start.",
    )
    class_path: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")] = Field(
        default="",
        validate_default=True,
        alias="class",
        description='Where the class is: "package.module:Class".',
    )
    symbols: SymbolList = Field(
        default=(), validate_default=True, description="Symbols that the strategy sees and trades."
    )
    bars: IntervalText = Field(default="1m", description="Length of the bars it gets: 5s, 1m, 5m, 1h, 1d.")
    claims: OptionalSymbols = Field(
        default=(),
        description="Symbols whose positions and orders from outside are taken for this strategy's own.",
    )
    callback_budget_ms: NonNegativeInt = Field(
        default=250,
        description="Milliseconds that a callback may take: ten times as long, or often longer, stops the strategy. 0 "
        "turns the check off.",
    )
    on_stop: Literal["leave", "cancel", "flatten"] = Field(
        default="leave",
        description="What an orderly stop does with this strategy's orders and position: leave both, cancel the "
        "orders, or cancel the orders and close the position.",
    )
    unfilled_timeout_s: NonNegativeFloat = Field(
        default=0.0, description="Seconds that a limit order of this strategy may work; 0 sets no limit."
    )
    unfilled_action: Literal["cancel", "reprice", "market"] = Field(
        default="cancel",
        description="What then becomes of it: it is cancelled, moved to the best price of its side each time, or "
        "cancelled and what is left of it sent at market.",
    )
    params: dict[str, Any] = Field(default={}, description="Parameters; the class says which.")
    risk: RiskOverrides = Field(default=RiskOverrides(), description="Limits of this strategy alone.")

    @field_validator("class_path", "symbols", mode="wrap")
    @classmethod
    def _require_unless_retired(cls, value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        """A retired strategy needs neither: its code does not run, and it has the symbols that it holds."""
        if info.data.get("retired") and value in ("", (), []):
            return () if info.field_name == "symbols" else ""
        if value in ("", ()):
            raise PydanticKnownError("missing")
        return handler(value)

    @property
    def interval_ns(self) -> int:
        """Length of the strategy's bars in nanoseconds."""
        return parse_interval(self.bars)


class ExecutionSettings(Section):
    """Orders: how doubts about them are settled."""

    unknown_grace_s: PositiveFloat = Field(
        default=2.0, description="Seconds before the venue is asked about an order whose answer was lost."
    )
    in_flight_interval_s: PositiveFloat = Field(
        default=2.0, description="Seconds after which an order whose last command is unanswered is asked for."
    )
    open_orders_interval_s: PositiveFloat = Field(
        default=10.0, description="Seconds between two comparisons of our working orders with the venue's."
    )
    reconcile_interval_s: PositiveFloat = Field(
        default=60.0, description="Seconds between two comparisons of everything, positions and cash included."
    )
    max_queries: PositiveInt = Field(
        default=5, description="Orders that are asked for one by one in one round of a timer."
    )
    alarm_after_s: PositiveFloat = Field(
        default=60.0, description="Seconds after which an order still in doubt is an error in the log."
    )
    external: Literal["adopt", "ignore", "halt"] = Field(
        default="adopt",
        description="Orders and positions that no strategy explains: adopt books them, ignore does so only in symbols "
        "that a strategy trades, halt books them and stops trading.",
    )
    max_corrections: PositiveInt = Field(
        default=3, description="Corrections of one symbol's position within an hour; one more halts the symbol."
    )
    max_correction_value: PositiveDecimal | None = Field(
        default=None, description="Value of one correction that halts its symbol; off when left out."
    )
    max_unexplained_cash: AnyDecimal | None = Field(
        default=None,
        description="Cash that came or went without an order, up to which it is booked and said and never stops "
        "trading, whatever `external` says; a thousandth of equity when left out.",
    )


class PortfolioSettings(Section):
    """The books."""

    base_currency: Annotated[str, Field(pattern=r"^[A-Z]{3,5}$")] = Field(
        default="USD", description="Currency of all money."
    )
    equity_interval_s: PositiveFloat = Field(
        default=60.0, description="Seconds between two points of the equity curve."
    )


class JournalSettings(Section):
    """The journal."""

    durability: Literal["power", "process"] = Field(
        default="power",
        description="What an order intent must survive before it leaves: a power cut, or the end of the process.",
    )
    keep_days: PositiveInt = Field(default=7, description="Days that closed orders stay in snapshots.")
    reserve_mb: Annotated[int, Field(ge=0)] = Field(
        default=64,
        description="Megabytes of disk set aside for the journal. With less than as much again free, no new order "
        "leaves; a full disk takes from what is set aside. 0 turns this off.",
    )


class ReportingSettings(Section):
    """Performance reports."""

    annualisation_days: PositiveDecimal = Field(
        default=Decimal(252), description="Trading days in a year: 252 for equities, 365 for crypto."
    )
    risk_free_rate: AnyDecimal = Field(default=Decimal(0), description="Annual rate that the Sharpe ratio subtracts.")


class ReplaySettings(Section):
    """`tradingd replay`."""

    starting_cash: PositiveDecimal = Field(default=Decimal(100_000), description="Cash at the start of a replay.")
    fee_bps: AnyDecimal = Field(
        default=Decimal(0), description="Fee of a fill in hundredths of a percent of its value."
    )
