"""The running daemon as its control socket sees it: questions and commands in terms of the modules."""

import asyncio
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import msgspec

from tradingd import __version__
from tradingd.assembly.modules import Modules
from tradingd.control.desk import NOT_UP, OperatorDesk
from tradingd.control.requests import CommandRequest
from tradingd.control.views import (
    CommandResult,
    DaemonStatus,
    FeedView,
    OrderView,
    PositionView,
    ReconcileView,
    RiskView,
    StatementView,
    TradeView,
    order_views,
    plan_views,
    position_views,
    reconcile_view,
    risk_view,
    trade_views,
)
from tradingd.core.books import Books
from tradingd.core.encoding import rfc3339
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.reconcile import ReconciliationPlan
from tradingd.errors import JournalError, Refused, VenueUnavailable
from tradingd.journal.writer import Committed
from tradingd.reporting.day_statement import take_statement
from tradingd.runtime.clock import Clock
from tradingd.settings.loaded import LoadedSettings
from tradingd.settings.root import Settings
from tradingd.settings.to_core import trading_days

FOR_EVER_NS = 1 << 62
COMMIT_WITHIN_S = 2.0
"""How long an operator waits for the disk; what was ordered is in force all the same."""
RECONCILE_TIMEOUT_S = 30


async def committed(after_commit: Callable[[Committed], None], within_s: float) -> bool:
    """Wait until what was written is committed; False when the disk takes longer. Raises `JournalError`."""
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def settle(error: JournalError | None) -> None:
        if done.done():
            return  # nobody waits any more
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    after_commit(settle)
    try:
        async with asyncio.timeout(within_s):
            await done
    except TimeoutError:
        return False
    return True


class DaemonFacade:
    """Implements `control.server.Daemon`."""

    def __init__(
        self,
        *,
        loaded: LoadedSettings,
        settings: Settings,
        books: Books,
        modules: Modules,
        clock: Clock,
        phase: Callable[[], str],
        is_up: Callable[[], bool],
        journal: Path,
        journal_seq: Callable[[], int],
        after_commit: Callable[[Committed], None],
        disk_shortage: Callable[[], str | None],
        conflated: Callable[[], int],
        fail: Callable[[BaseException], None],
    ) -> None:
        self._loaded = loaded
        self._books = books
        self._modules = modules
        self._clock = clock
        self._phase = phase
        self._is_up = is_up
        self._desk = OperatorDesk(settings=settings, books=books, modules=modules, is_up=is_up)
        self._journal = journal
        self._journal_seq = journal_seq
        self._after_commit = after_commit
        self._disk_shortage = disk_shortage
        self._conflated = conflated
        self.fail = fail
        self._started_ns = clock.now_ns()

    # -- questions ----------------------------------------------------------------------------------------------------

    def status(self) -> DaemonStatus:
        """How the daemon is."""
        books, data = self._books, self._modules.data
        account = books.account
        return DaemonStatus(
            state=self._state(),
            version=__version__,
            pid=os.getpid(),
            run=books.run,
            config=str(self._loaded.path),
            broker=self._loaded.settings.broker.kind,
            account_id=None if account is None else account.account_id,
            account_kind=self._loaded.settings.account_kind,
            started=rfc3339(self._started_ns),
            uptime_s=(self._clock.now_ns() - self._started_ns) // NS_PER_SECOND,
            halt_reason=self._modules.risk.halted,
            quarantined={strategy_id: entry.reason for strategy_id, entry in books.quarantined.items()},
            messages_unreadable=books.messages_kept,
            without_fresh_price={str(symbol): reason for symbol, reason in books.portfolio.unpriced.items()},
            halted_symbols={symbol: entry.reason for symbol, entry in books.halted_symbols.items()},
            halted_scopes={
                str(scope): f"{entry.reason} (by {entry.operator})" for scope, entry in books.halted_scopes.items()
            },
            closing=tuple(str(scope) for scope in self._modules.execution.closing),
            cash=books.portfolio.settled_cash,
            equity=books.portfolio.equity(),
            open_orders=books.orders.open_count,
            outbound_backlog=dict(self._modules.broker.adapter.backlog),
            orders_in_doubt=tuple(self._modules.execution.reconciliation.in_doubt()),
            plans=plan_views(books.plans.values()),
            order_stream="up" if self._modules.broker.stream_up else "down",
            feeds=tuple(
                FeedView(name=status.feed, state=status.state.value, detail=status.detail)
                for status in data.feeds.values()
            ),
            events_accepted=data.accepted,
            events_kept_out=dict(data.defect_counts()),
            ticks_conflated=self._conflated(),
            journal_seq=self._journal_seq(),
            disk_shortage=self._disk_shortage(),
        )

    def _state(self) -> str:
        phase = self._phase()
        if phase == "trading" and self._modules.risk.halted is not None:
            return "halted"
        if phase == "trading" and not self._modules.execution.reconciliation.reconciled:
            return "reconciling"
        return phase

    def positions(self) -> list[PositionView]:
        """What is held."""
        return position_views(self._books)

    def orders(self, *, open_only: bool) -> list[OrderView]:
        """Orders of the last days, or the working ones."""
        return order_views(self._books.orders.open if open_only else tuple(self._books.orders))

    async def trades(self) -> list[TradeView]:
        """Every execution that the journal has."""
        return trade_views(await asyncio.to_thread(self._modules.logger.get_trade_history, 0, FOR_EVER_NS))

    def risk(self) -> RiskView:
        """Risk now, and every limit."""
        manager = self._modules.risk
        assessment, table = manager.assess_portfolio_risk(self._books.portfolio), manager.limits()
        known = self._books.account is not None
        return risk_view(assessment.metrics, assessment.breaches, table, known=known)

    def sample_equity(self) -> CommandResult:
        """Write the equity of this moment into the journal, for a report that is about to read it."""
        if self._books.account is None:
            return CommandResult(done=False, message="the account is not known yet")
        self._modules.portfolio.sample_equity()
        return CommandResult(done=True, message="sampled")

    # -- commands -----------------------------------------------------------------------------------------------------

    async def carry_out(self, request: CommandRequest) -> CommandResult:
        """Do what an operator asks, or say why not; what the answer says is committed, or is said not to be yet.

        Raises `JournalError`.
        """
        result = self._desk.carry_out(request)
        if await committed(self._after_commit, COMMIT_WITHIN_S):
            return result
        late = f"{result.message}; the journal's disk has not taken it yet: a power cut now would undo it"
        return msgspec.structs.replace(result, message=late)

    async def reconcile(self, *, plan_only: bool, request: CommandRequest) -> ReconcileView:
        """Compare the books with the venue now; correct them, or only say what would be corrected."""
        if not self._is_up():
            return ReconcileView(done=False, message=NOT_UP)
        if not plan_only:
            self._desk.record(request)
        answer: asyncio.Future[ReconciliationPlan | str] = asyncio.get_running_loop().create_future()
        self._modules.execution.reconciliation.reconcile_now(
            lambda plan: None if answer.done() else answer.set_result(plan), plan_only=plan_only
        )
        try:
            async with asyncio.timeout(RECONCILE_TIMEOUT_S):
                plan = await answer
        except TimeoutError:
            plan = f"the venue did not answer within {RECONCILE_TIMEOUT_S} s"
        return reconcile_view(plan, applied=not plan_only)

    async def statement(self, day: date | None) -> StatementView:
        """A trading day's books beside the venue's account; today's when no day is given."""
        modules = self._modules
        if not self._is_up():
            return StatementView(message=NOT_UP)
        days = trading_days(self._loaded.settings)
        try:
            taken = await take_statement(
                self._journal,
                modules.broker.adapter,
                day or days.date(self._clock.now_ns()),
                modules.execution.books_version,
                days=days,
            )
        except (VenueUnavailable, JournalError, Refused) as error:
            return StatementView(message=str(error))
        return StatementView(statement=taken)
