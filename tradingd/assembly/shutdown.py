"""The end of a run, in order and within a deadline: what is under way, what each strategy's policy says, what is left.

The gate is closed before any of this. A second signal, or the deadline, cuts it short; what is still out is listed, in
the log and in the journal, and the next start asks what became of it first.
"""

import asyncio

from tradingd.assembly.modules import Inboxes
from tradingd.assembly.quiescence import Quiescence
from tradingd.core.books import Books
from tradingd.core.entries import RunStopped
from tradingd.core.log import Level, LogEvent
from tradingd.core.orders import StopPolicy
from tradingd.errors import TradingdError
from tradingd.modules.execution_engine import ExecutionEngine
from tradingd.modules.trade_logger import TradeLogger
from tradingd.runtime.inbox import QueueInbox
from tradingd.runtime.live import drained
from tradingd.settings.root import Settings

MODULE = "orchestrator"


class Shutdown:
    """One stop under way; the deadline runs from its making."""

    def __init__(self, settings: Settings, books: Books, inboxes: Inboxes, logger: TradeLogger) -> None:
        self._settings = settings
        self._books = books
        self._inboxes = inboxes
        self._logger = logger
        self._by = asyncio.get_running_loop().time() + settings.daemon.stop_timeout_s

    async def await_quiescence(self, quiescence: Quiescence) -> None:
        """Wait until every event has been handled and every command answered."""
        inboxes = self._inboxes
        queues = (inboxes.strategies, inboxes.execution)
        try:
            async with asyncio.timeout_at(self._by):
                await drained([inbox for inbox in queues if isinstance(inbox, QueueInbox)])
                await quiescence.wait()
        except TimeoutError:
            self._complain("some commands were not answered in time; they are in doubt", Level.WARNING)

    async def wind_down(self, execution: ExecutionEngine) -> None:
        """Do what each strategy's `on_stop` says."""
        execution.wind_down({entry.id: StopPolicy(entry.on_stop) for entry in self._settings.strategies})
        try:
            async with asyncio.timeout_at(self._by):
                while not execution.wound_down:  # noqa: ASYNC110 - ends with a cascade of reports
                    await asyncio.sleep(0.01)
        except TimeoutError:
            self._complain(
                "not all orders could be cancelled or filled in time; what is left is listed at the end", Level.ERROR
            )

    def record(self, error: BaseException | None) -> None:
        """Write into the journal that the run has ended, and what it leaves."""
        reason = "stopped" if error is None else f"{type(error).__name__}: {error}"
        left = tuple(state.client_order_id for state in self._books.orders.open)
        stopped = RunStopped(run=self._books.run, reason=reason, orders_left=left)
        self._logger.record(stopped, durable=True)
        self._books.apply(stopped)

    def say(self, code: int) -> None:
        """Say what is still out: the last line of a run."""
        orders = {state.client_order_id: state.status.value for state in self._books.orders.open}
        held = {symbol: quantity for symbol, quantity in self._books.portfolio.net.items() if quantity}
        what = [f"{len(orders)} orders are still at the venue"] if orders else []
        what += [f"{len(held)} positions are held"] if held else []
        self._logger.log_event(
            Level.WARNING if orders else Level.INFO,
            f"stopped with exit code {code}; {' and '.join(what) or 'nothing is out'}",
            {"exit_code": code, "orders_left": orders, "positions_held": held},
            event=LogEvent.DAEMON_STOPPED,
            module=MODULE,
        )

    def _complain(self, message: str, level: Level) -> None:
        self._logger.log_event(level, message, event=LogEvent.DAEMON_STOPPING, module=MODULE)


def where(error: BaseException) -> list[str]:
    """Where an error came from, without values of variables."""
    frames: list[str] = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append(f"{code.co_filename}:{trace.tb_lineno} in {code.co_name}")
        trace = trace.tb_next
    return [] if isinstance(error, TradingdError) else frames[-8:]
