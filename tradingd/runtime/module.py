"""What every module is: a name, an inbox, and a synchronous `handle`.

Whoever drives a module (the live driver's task, the replay pump) moves events from the inbox to `handle`. `handle`
never waits; what must wait lives at the edges. `initialize`, `start` and `stop` are called by the orchestrator alone.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, Generic, TypeVar

import msgspec

from tradingd.runtime.inbox import Inbox

T = TypeVar("T")


class ClockTick(msgspec.Struct, frozen=True, tag="clock_tick"):
    """Time passed; sent about once a second in live, by the data's own time in replay."""

    now_ns: int


class Module(ABC, Generic[T]):
    """Base of the ten modules."""

    name: ClassVar[str]

    def __init__(self, inbox: Inbox[T]) -> None:
        self.inbox = inbox

    def initialize(self) -> None:
        """Take in what was durable, before anything runs."""

    def start(self) -> None:
        """Begin: everything that this module depends on has begun."""

    def stop(self) -> None:
        """End: no more events will come."""

    @abstractmethod
    def handle(self, event: T) -> None:
        """React to one event: consult the core, emit what follows, return."""
