"""What every module is: a name and a life; and, where events drive it, an inbox and a synchronous `handle`.

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


class Part:
    """Base of the modules: a name, and a life that the orchestrator leads it through."""

    name: ClassVar[str]

    def initialize(self) -> None:
        """Take in what was durable, before anything runs."""

    def start(self) -> None:
        """Begin: everything that this module depends on has begun."""

    def stop(self) -> None:
        """End: no more events will come."""


class Module(Part, ABC, Generic[T]):
    """A module that is driven by the events in its inbox."""

    def __init__(self, inbox: Inbox[T]) -> None:
        self.inbox = inbox

    @abstractmethod
    def handle(self, event: T) -> None:
        """React to one event: consult the core, emit what follows, return."""
