"""What the doctor answers with: one finding for each question, with a verdict, a reason and a remedy. No I/O."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum

import msgspec

from tradingd.core.venue_view import AccountInfo
from tradingd.core.worst_day import WorstDay


class Verdict(StrEnum):
    """How a question was answered."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "FAILED"
    NOT_CHECKED = "not checked"


class Part(StrEnum):
    """What a question is about."""

    FILES = "files"
    JOURNAL = "journal"
    ACCOUNT = "account"
    SYMBOLS = "symbols"
    DATA = "data"
    CLOCK = "clock"
    LIMITS = "limits"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one question; `remedy` is one sentence, empty where there is nothing to do."""

    part: Part
    check: str
    verdict: Verdict
    text: str
    remedy: str = ""


def ok(part: Part, check: str, text: str) -> Finding:
    """Nothing is to be done."""
    return Finding(part=part, check=check, verdict=Verdict.OK, text=text)


def warning(part: Part, check: str, text: str, remedy: str) -> Finding:
    """It will run, and the owner should know."""
    return Finding(part=part, check=check, verdict=Verdict.WARNING, text=text, remedy=remedy)


def failed(part: Part, check: str, text: str, remedy: str) -> Finding:
    """It will not run, or must not."""
    return Finding(part=part, check=check, verdict=Verdict.FAILED, text=text, remedy=remedy)


def unchecked(part: Part, check: str, text: str, remedy: str = "") -> Finding:
    """The question could not be put."""
    return Finding(part=part, check=check, verdict=Verdict.NOT_CHECKED, text=text, remedy=remedy)


class SymbolTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue takes of one symbol."""

    symbol: str
    strategies: tuple[str, ...]
    asset_class: str
    tradable: bool
    shortable: bool
    fractionable: bool
    min_quantity: Decimal
    quantity_increment: Decimal
    order_types: Mapping[str, Sequence[str]]
    """Each order type with the times in force that it is taken with."""
    extended_hours: Mapping[str, Sequence[str]]
    """Those of them that may trade outside the regular session."""


class LimitRow(msgspec.Struct, frozen=True, kw_only=True):
    """One limit, what it is worth and what part of the equity that is."""

    scope: str
    """`account`, a strategy's id or a symbol."""
    limit: str
    value: Decimal
    unit: str
    money: Decimal | None
    share_pct: Decimal | None


class Interruption(msgspec.Struct, frozen=True, kw_only=True):
    """A time in which the venue is away as a matter of course."""

    reason: str
    ts_begin: int
    ts_end: int


class Examination(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one run of the doctor found."""

    ts: int
    config: str
    broker: str
    account_kind: str
    findings: tuple[Finding, ...]
    account: AccountInfo | None = None
    clock_offset_ms: Decimal | None = None
    """The venue's clock minus this machine's."""
    symbols: tuple[SymbolTerms, ...] = ()
    limits: tuple[LimitRow, ...] = ()
    worst_day: WorstDay | None = None
    interruptions: tuple[Interruption, ...] = ()
    credentials_refused: bool = False
