"""A daemon as the command line meets it: the real control socket, with one open order behind it."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal

from tests.cli.command_line import NOON
from tradingd.control.requests import CommandRequest
from tradingd.control.server import ControlServer
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
)
from tradingd.core.limit_table import LimitUse, Unit
from tradingd.core.risk_metrics import RiskInputs, RiskLimits, assess
from tradingd.settings.paths import StatePaths

TIME = "2026-03-02T12:00:00.000000001Z"
ORDER_ID = "trend-abc-2"


class OneOrderDaemon:
    """A daemon with one position and one working order; it remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []
        self.requests: list[CommandRequest] = []
        self.halted = False
        self.failed: list[BaseException] = []

    def status(self) -> DaemonStatus:
        return DaemonStatus(
            state="halted" if self.halted else "trading",
            version="0.1.0",
            pid=4711,
            run=3,
            config="c.toml",
            broker="paper",
            account_id="A1",
            account_kind="paper",
            started=TIME,
            uptime_s=61,
            halt_reason=None,
            quarantined={},
            cash=Decimal("98099.64"),
            equity=Decimal("100000.25"),
            open_orders=1,
            orders_in_doubt=(),
            outbound_backlog={},
            order_stream="up",
            feeds=(FeedView(name="synthetic:1", state="up", detail="SYNTHETIC [invented]"),),
            events_accepted=100,
            events_kept_out={"crossed": 2},
            ticks_conflated=0,
            journal_seq=17,
        )

    def positions(self) -> list[PositionView]:
        return [
            PositionView(
                symbol="AAPL",
                strategy_id="trend",
                quantity=Decimal(10),
                average_price=Decimal("190.0166666666666666666666667"),
                market_price=Decimal("190.02"),
                market_value=Decimal("1900.20"),
                unrealised_pnl=Decimal("0.03"),
                realised_pnl=Decimal("-0.20"),
                fees_pending=0,
                fees=Decimal("0.20"),
            )
        ]

    def orders(self, *, open_only: bool) -> list[OrderView]:
        working = OrderView(
            client_order_id=ORDER_ID,
            venue_order_id="v2",
            strategy_id="trend",
            symbol="AAPL",
            side="BUY",
            order_type="LIMIT",
            quantity=Decimal(5),
            filled_quantity=Decimal(0),
            average_price=None,
            limit_price=Decimal("180.5"),
            stop_price=None,
            time_in_force="DAY",
            status="ACCEPTED",
            reject_reason="",
            ts_created=TIME,
            ts_updated=TIME,
        )
        return [working] if open_only else [working, working]

    async def trades(self) -> list[TradeView]:
        return []

    def risk(self) -> RiskView:
        inputs = RiskInputs(
            ts=NOON,
            equity=Decimal(900),
            peak_equity=Decimal(1000),
            day_open_equity=Decimal(1000),
            gross_exposure=Decimal(450),
            net_exposure=Decimal(450),
        )
        assessment = assess(inputs, RiskLimits(max_daily_loss=Decimal(50)))
        use = LimitUse(
            name="max_daily_loss",
            scope="account",
            unit=Unit.MONEY,
            value=Decimal(100),
            limit=Decimal(50),
            headroom=Decimal(-50),
            broken=True,
        )
        return RiskView(
            metrics=assessment.metrics,
            breaches=assessment.breaches,
            limits=(use,),
            unpriced=(),
            within_limits=False,
        )

    def sample_equity(self) -> CommandResult:
        return CommandResult(done=True, message="sampled")

    async def carry_out(self, request: CommandRequest) -> CommandResult:
        self.requests.append(request)
        match request.command:
            case "resume":
                return CommandResult(done=False, message="a limit is still broken")
            case "cancel" if request.order_id != ORDER_ID:
                return CommandResult(done=False, message=f"there is no order {request.order_id}")
            case "flatten" | "close":
                return CommandResult(done=True, message="flattening")
            case "halt":
                self.halted = True
        return CommandResult(done=True, message=f"{request.command} done", orders_working=(ORDER_ID,))

    async def reconcile(self, *, plan_only: bool, request: CommandRequest) -> ReconcileView:
        self.told.append(("reconcile", "plan" if plan_only else "apply"))
        if plan_only:
            return ReconcileView(done=True, message="they differ", reports=("OrderFilled t-1",), foreign=("cash: +5",))
        return ReconcileView(done=True, message="the books and the venue agree")

    async def statement(self, day: date | None) -> StatementView:
        self.told.append(("statement", str(day)))
        return StatementView(message="the venue cannot be reached")

    def fail(self, error: BaseException) -> None:
        self.failed.append(error)


@contextmanager
def running_daemon(paths: StatePaths) -> Iterator[OneOrderDaemon]:
    """Serve such a daemon from a thread of its own while the block runs."""
    paths.state_dir.mkdir(parents=True, exist_ok=True)
    daemon = OneOrderDaemon()
    loop = asyncio.new_event_loop()
    server = ControlServer(paths.control_socket, daemon)
    thread = threading.Thread(target=loop.run_forever, name="far-side")
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(5)
        yield daemon
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()
