"""What the settings say to the execution engine and its parts, in their terms: ns, core values, our ids."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from tradingd.core.identifiers import StrategyId
from tradingd.core.plans.records import UnfilledTimeout
from tradingd.core.reconcile import Cadence, Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class InFlightConfig:
    """How long a command may be under way."""

    interval_ns: int
    """After so long without an answer the order is asked for."""
    grace_ns: int
    """How long an order that the venue does not know may still arrive there."""
    former_grace_ns: int
    """The same for one that a former run has sent: what is left of it may still be on its way."""
    alarm_after_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionConfig:
    """Frozen for a run."""

    broker: str
    """The kind of broker, for the journal's record of its account."""
    order_id_prefix: str
    """Names journal and run, so that no two runs ever make the same order id."""
    cadence: Cadence
    scope: Scope
    """Whose the things are that no order of ours explains."""
    in_flight: InFlightConfig
    max_corrections: int
    max_correction_value: Decimal | None
    max_unexplained_cash: Decimal | None
    halt_on_external: bool
    unfilled_timeouts: Mapping[StrategyId, UnfilledTimeout]
    retired: frozenset[StrategyId]
    """Strategies of which nothing but exits and reductions leaves."""
    max_repeated_orders: int
    max_refused_orders: int
