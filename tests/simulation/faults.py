"""What can go wrong: kinds of fault, and those that wait for the next thing that they apply to."""

from collections import Counter, deque
from enum import StrEnum

import msgspec


class FaultKind(StrEnum):
    """Kinds of fault; all but the last two groups wait for the next thing that they apply to."""

    # commands
    SUBMIT_LOST = "submit lost"
    SUBMIT_ANSWER_LOST = "submit taken, answer lost"
    SUBMIT_SLOW = "submit slow"
    SUBMIT_VERY_SLOW = "submit slower than grace"
    RATE_LIMITED = "submit 429"
    SERVER_ERROR = "submit 5xx, not taken"
    SERVER_ERROR_TAKEN = "submit 5xx, taken"
    CANCEL_LOST = "cancel lost"
    CANCEL_SLOW = "cancel slow"
    CANCEL_ANSWER_LOST = "cancel done, answer lost"
    CANCEL_RATE_LIMITED = "cancel 429"
    CANCEL_RACE = "fill before cancel"
    REPLACE_LOST = "replace lost"
    REPLACE_SLOW = "replace slow"
    REPLACE_ANSWER_LOST = "replace done, answer lost"
    ANSWER_LATE = "answer late"
    # reports
    REPORT_LOST = "report lost"
    REPORT_LATE = "report late"
    REPORT_DUPLICATED = "report duplicated"
    REPORT_REORDERED = "report overtaken"
    FILL_BEFORE_ACK = "fill before ack"
    # questions
    SNAPSHOT_FAILS = "snapshot fails"
    SNAPSHOT_SLOW = "snapshot slow"
    SNAPSHOT_STALE = "snapshot stale"
    SNAPSHOT_TORN = "snapshot torn"
    LOOKUP_FAILS = "lookup fails"
    LOOKUP_LAGS = "lookup lags"
    # points where the process dies
    KILL_BEFORE_WRITE = "killed before write"
    KILL_AFTER_WRITE = "killed after write"
    KILL_BEFORE_SEND = "killed before send"
    KILL_AFTER_SEND = "killed after send"
    TORN_LINE = "killed, last line torn"
    POWER_LOSS_BEFORE_COMMIT = "power lost before commit"
    POWER_LOSS_IN_COMMIT = "power lost in commit"
    KILL_AFTER_COMMIT = "killed after commit"
    # the disk
    COMMIT_SLOW = "commit slow"
    COMMIT_FAILS = "commit fails"
    JOURNAL_FAILS = "journal fails"
    STRATEGY_RAISES = "strategy raises"
    # at their time: the stream, the venue's account
    STREAM_DOWN = "stream down"
    STREAM_MUTE = "stream mute"
    OVERFILL = "over-fill"
    EXTERNAL_ORDER = "external order"
    EXTERNAL_CANCEL = "external cancel"
    EXTERNAL_REPLACE = "external replace"
    CASH_MOVED = "cash moved"
    POSITION_MOVED = "position moved"
    # at their time: the machine
    CRASH = "crash"
    POWER_LOSS = "power loss"
    STOP = "orderly stop"
    CLOCK_FORWARD = "clock +1 h"
    CLOCK_BACK = "clock -1 h"


OUTSIDE_HANDS = frozenset(
    {
        FaultKind.OVERFILL,
        FaultKind.EXTERNAL_ORDER,
        FaultKind.EXTERNAL_CANCEL,
        FaultKind.EXTERNAL_REPLACE,
        FaultKind.CASH_MOVED,
        FaultKind.POSITION_MOVED,
    }
)
"""Faults that move the account past what the daemon asked for: not drawn where limits are judged to the unit."""


INSTANT = frozenset({FaultKind.STREAM_DOWN, FaultKind.STREAM_MUTE, *OUTSIDE_HANDS})
"""Faults of the stream and of the account, which happen at their own time."""


class Fault(msgspec.Struct, frozen=True, kw_only=True, tag="fault"):
    """Something that goes wrong; `size` in [0, 1) says how much of it."""

    at_ns: int
    kind: FaultKind
    size: float


class Armed:
    """Faults that wait for the next thing that they apply to."""

    def __init__(self) -> None:
        self._waiting: dict[FaultKind, deque[float]] = {}
        self.injected: Counter[FaultKind] = Counter()

    def arm(self, fault: Fault) -> None:
        """Let the fault meet whatever comes next."""
        self._waiting.setdefault(fault.kind, deque()).append(fault.size)

    def take(self, kind: FaultKind) -> float | None:
        """The size of a waiting fault of this kind, which is now injected; None when none waits."""
        waiting = self._waiting.get(kind)
        if not waiting:
            return None
        self.injected[kind] += 1
        return waiting.popleft()

    def clear(self) -> None:
        """Let nothing more go wrong."""
        self._waiting.clear()
