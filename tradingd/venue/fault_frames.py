"""Faults of the order stream: messages lost, late, doubled, out of order, wrong; and a stream that is mute or refused.

Reads: each event before it is queued for the listeners. Emits: what they get instead.
"""

import asyncio
import copy
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from tradingd.venue.changes import new_id
from tradingd.venue.fault_rules import FrameFault, LateFrameFault, ReplayFault
from tradingd.venue.faults import FaultLayer

Event = dict[str, Any]
"""The `data` of one trade_updates message."""

_GARBAGE = b'{"stream": "trade_updates", "data": {"event": \xff\xfe'
_REMEMBERED = 1_000
_REPLAY_AFTER_S = 0.1
_SWAP_WITHIN_S = 0.5


class FrameFaults:
    """Stands between the books' events and the listeners' queues.

    `deliver` queues an event for every listener, `deliver_raw` bytes, and `cut` resets their connections.
    """

    def __init__(
        self,
        layer: FaultLayer,
        deliver: Callable[[Event], None],
        deliver_raw: Callable[[bytes], None],
        cut: Callable[[], None],
    ) -> None:
        self._layer = layer
        self._deliver_now = deliver
        self._deliver_raw = deliver_raw
        self._cut = cut
        self._mute_until = self._refused_until = 0.0
        self._executions: deque[Event] = deque(maxlen=_REMEMBERED)
        self._withheld: Event | None = None

    def publish(self, event: Event) -> None:
        """Pass an event on, or do with it what a fault asks."""
        layer = self._layer
        layer.seen[f"event {event['event']}"] += 1
        if event["event"] in ("fill", "partial_fill"):
            layer.seen["executions"] += 1
            self._executions.append(copy.deepcopy(event))
        late = layer.find(LateFrameFault, lambda rule: _is_about(rule.event, event))
        if late is not None:
            layer.note(late, _name(event))
            asyncio.get_running_loop().call_later(late.seconds, self._deliver, event)
            return
        rule = layer.find(FrameFault, lambda rule: self._fits(rule, event))
        if rule is None:
            self._deliver(event)
        else:
            layer.note(rule, _name(event))
            self._spoil(rule, event)
        if rule is None or rule.kind != "frame_swapped":
            self._release()

    def mute(self, seconds: float) -> None:
        """Say nothing for a while."""
        self._mute_until = self._now() + seconds

    def refuse(self, seconds: float) -> None:
        """Let nobody listen for a while."""
        self._refused_until = self._now() + seconds
        self._cut()

    @property
    def is_refused(self) -> bool:
        """True while no new connection is taken."""
        return self._now() < self._refused_until and not self._layer.calm.is_set()

    def listening(self) -> None:
        """Take note of a client that listens: it may hear old executions again."""
        self._layer.seen["listening"] += 1
        rule = self._layer.find(ReplayFault)
        if rule is None:
            return
        self._layer.note(rule, f"{min(rule.executions, len(self._executions))} executions")
        for event in list(self._executions)[-rule.executions :]:
            asyncio.get_running_loop().call_later(_REPLAY_AFTER_S, self._deliver, event)

    # -- one event ----------------------------------------------------------------------------------------------------

    def _fits(self, rule: FrameFault, event: Event) -> bool:
        if rule.kind in ("frame_cumulative", "frame_priceless") and "price" not in event:
            return False
        if rule.kind == "frame_cumulative" and Decimal(event["order"]["filled_qty"]) == Decimal(event["qty"]):
            return False
        if rule.kind == "frame_stray_cancel":
            return bool(event["event"] == "replaced")
        return _is_about(rule.event, event)

    def _spoil(self, rule: FrameFault, event: Event) -> None:
        match rule.kind:
            case "frame_lost":
                return
            case "frame_twice":
                self._deliver(event)
                self._deliver(event)
            case "frame_swapped":
                self._release()
                self._withheld = event
                asyncio.get_running_loop().call_later(_SWAP_WITHIN_S, self._release)
            case "frame_garbage":
                self._deliver_raw(_GARBAGE)
            case "frame_cut":
                self._deliver_raw(_GARBAGE[:20])
                asyncio.get_running_loop().call_later(0.02, self._cut)
            case "frame_cumulative":
                self._deliver(event | {"qty": event["order"]["filled_qty"]})
            case "frame_priceless":
                self._deliver(event)
                self._deliver(event | {"qty": event["order"]["filled_qty"], "price": "0"})
            case "frame_stray_cancel":
                self._deliver(event)
                order = event["order"] | {"status": "canceled", "canceled_at": event["at"]}
                self._deliver(event | {"event": "canceled", "order": order, "execution_id": new_id()})

    def _release(self) -> None:
        event, self._withheld = self._withheld, None
        if event is not None:
            self._deliver(event)

    def _deliver(self, event: Event) -> None:
        if self._now() >= self._mute_until or self._layer.calm.is_set():
            self._deliver_now(event)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _is_about(name: str, event: Event) -> bool:
    word = event["event"]
    return name in ("any", word) or (name == "execution" and word in ("fill", "partial_fill"))


def _name(event: Event) -> str:
    return f"{event['event']} of {event['order']['client_order_id']}"
