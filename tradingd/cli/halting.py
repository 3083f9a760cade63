"""A halt without a daemon: written into the journal for the next start to find."""

import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tradingd.core.scopes import Scope
    from tradingd.settings.paths import StatePaths


def halt_offline(paths: "StatePaths", scope: "Scope", reason: str) -> str:
    """Halt the next start, or find that it would be halted; return the sentence that says so.

    Raises `UsageError` where the journal cannot be written without a start, or there is none.
    """
    from tradingd.cli.loading import operator_name
    from tradingd.core.entries import HaltEngaged, OperatorCommand, ScopeHalted
    from tradingd.errors import UsageError
    from tradingd.journal.offline import offline_journal
    from tradingd.journal.segments import segment_paths

    if not segment_paths(paths.journal):
        raise UsageError(
            f"{paths.journal}: there is no journal yet, and no daemon runs (start it with `tradingd run --halted`)"
        )
    operator = operator_name()
    with offline_journal(paths.journal, time.time_ns) as journal:
        books = journal.books
        halted = books.halt if scope.is_account else books.halted_scopes.get(scope)
        if halted is not None:
            return f"the daemon is not running; {scope} is halted already ({halted.reason}), and the next start will be"
        journal.record(
            OperatorCommand(
                command="halt",
                operator=operator,
                uid=os.getuid(),
                reason=reason,
                strategy_id=scope.strategy_id,
                symbol=scope.symbol,
            )
        )
        if scope.is_account:
            seq = journal.record(HaltEngaged(reason=reason, operator=operator))
        else:
            seq = journal.record(
                ScopeHalted(strategy_id=scope.strategy_id, symbol=scope.symbol, reason=reason, operator=operator)
            )
    return f"the daemon is not running; {scope} is halted for the next start (journal entry {seq}): {reason}"
