"""What modules that change the books stand on: one clock, one state, one record of it, one log, one last gate."""

from dataclasses import dataclass

from tradingd.core.books import Books
from tradingd.runtime.clock import Clock
from tradingd.runtime.kill_switch import KillSwitch
from tradingd.runtime.ports import EventLog, Journal


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """The parts of one run that there is one of.

    Modules that neither read nor change the books (data, configuration, reporting) are given clock and log alone.
    """

    clock: Clock
    books: Books
    journal: Journal
    log: EventLog
    kill_switch: KillSwitch
