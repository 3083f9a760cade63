"""From settings to what each module is told once and for all: durations in ns, core values, frozen for a run."""

from collections.abc import Callable
from pathlib import Path

from tradingd.core.identifiers import StrategyId
from tradingd.core.market import NS_PER_MS
from tradingd.core.reconcile import NEVER
from tradingd.execution.config import ExecutionConfig, InFlightConfig
from tradingd.modules.data_handler import DataConfig
from tradingd.modules.portfolio_manager import PortfolioConfig
from tradingd.modules.reporting_engine import Report, ReportingConfig
from tradingd.modules.risk_manager import RiskConfig
from tradingd.modules.strategy_engine import HostedStrategy
from tradingd.reporting.statement import render_statement_json, render_statement_markdown
from tradingd.runtime.clock import Clock
from tradingd.settings.params import import_strategy, make_strategy, validate_params
from tradingd.settings.root import Settings
from tradingd.settings.to_core import (
    cadence,
    next_close,
    price_due,
    reconciliation_scope,
    risk_limits,
    risk_rules,
    symbol_plans,
    to_ns,
    trading_days,
    unfilled_timeouts,
)
from tradingd.strategies.base import Strategy


def hosted_strategies(settings: Settings) -> tuple[HostedStrategy, ...]:
    """Make every strategy of the configuration that is not retired."""
    hosted: list[HostedStrategy] = []
    for entry in settings.strategies:
        if entry.retired:
            continue
        strategy_class = import_strategy(entry.class_path)
        params = validate_params(strategy_class, entry.params)
        hosted.append(
            HostedStrategy(
                strategy=make_strategy(strategy_class, entry.id, entry.symbols, params),
                interval_ns=entry.interval_ns,
                callback_budget_ns=entry.callback_budget_ms * NS_PER_MS,
            )
        )
    return tuple(hosted)


def data_config(settings: Settings, hosted: tuple[HostedStrategy, ...], clock: Clock) -> DataConfig:
    """What the data handler is told: of what symbol it builds which bars, and what it turns away."""
    readers = [one.strategy for one in hosted if type(one.strategy).on_tick is not Strategy.on_tick]
    return DataConfig(
        plans=symbol_plans(settings),
        max_move_pct=settings.data.max_move_pct,
        stale_after_ns=to_ns(settings.data.stale_after_s),
        tick_readers=frozenset(symbol for strategy in readers for symbol in strategy.symbols),
        due=price_due(settings, clock.now_ns),
    )


def portfolio_config(settings: Settings, sample_interval_ns: int) -> PortfolioConfig:
    """What the portfolio manager is told: when equity is sampled, and what a day is."""
    return PortfolioConfig(sample_interval_ns=sample_interval_ns, days=trading_days(settings))


def risk_config(settings: Settings) -> RiskConfig:
    """What the risk manager is told: the limits of an order, and those of the account."""
    return RiskConfig(
        rules=risk_rules(settings),
        limits=risk_limits(settings),
        annualisation_days=int(settings.reporting.annualisation_days),
    )


def execution_config(settings: Settings, *, order_id_prefix: str, asks_venue: bool) -> ExecutionConfig:
    """What the execution engine and its parts are told."""
    execution = settings.execution
    return ExecutionConfig(
        broker=settings.broker.kind,
        order_id_prefix=order_id_prefix,
        cadence=cadence(settings) if asks_venue else NEVER,
        scope=reconciliation_scope(settings),
        in_flight=InFlightConfig(
            interval_ns=to_ns(execution.in_flight_interval_s),
            grace_ns=to_ns(execution.unknown_grace_s),
            former_grace_ns=to_ns(settings.broker.answer_within_s),
            alarm_after_ns=to_ns(execution.alarm_after_s),
        ),
        max_corrections=execution.max_corrections,
        max_correction_value=execution.max_correction_value,
        max_unexplained_cash=execution.max_unexplained_cash,
        halt_on_external=execution.external == "halt",
        unfilled_timeouts=unfilled_timeouts(settings),
        retired=frozenset(StrategyId(entry.id) for entry in settings.strategies if entry.retired),
        max_repeated_orders=settings.risk.max_repeated_orders,
        max_refused_orders=settings.risk.max_refused_orders,
    )


def reporting_config(settings: Settings, folder: Path | None, render: Callable[[Report], str]) -> ReportingConfig:
    """What the reporting engine is told: when a day and a session end, and how and where files are written."""
    return ReportingConfig(
        days=trading_days(settings),
        next_close=next_close(settings),
        folder=folder,
        render=render,
        render_statement=(render_statement_json, render_statement_markdown),
    )
