"""The faults of the cases, in the words of the emulated TWS.

TWS answers over the socket that it tells of events by, so that what is lost of an answer is one message: openOrder for
an order or a change, the notice 202 for a cancel.
"""

from decimal import Decimal

from tests.tws.faults import Harm, Spoil
from tests.tws.server import TwsEmulator
from tradingd.errors import UsageError
from tradingd.venue.fault_rules import (
    FaultRule,
    FrameFault,
    LinkFault,
    RaceFault,
    RequestFault,
    StatusFault,
    StreamCutFault,
)

_OPEN_ORDER, _ERROR, _EXECUTION, _ORDERS_END = 5, 4, 11, 53
_REFUSED, _UNHEARD_OF = 201, 10_000
"""A refusal that proves that nothing was done, and a code that no table has."""
_HARM = {
    "answer_cut": Harm.CUT,
    "answer_garbage": Harm.GARBLED,
    "answer_empty": Harm.LOST,
    "frame_lost": Harm.LOST,
    "frame_twice": Harm.TWICE,
    "frame_garbage": Harm.GARBLED,
}


def play(fault: FaultRule, tws: TwsEmulator) -> None:
    """Commit a fault, or arm it; raises `UsageError` for one that TWS does not know."""
    faults, acts = tws.faults, tws.acts
    match fault:
        case StreamCutFault():
            acts.cut()
        case LinkFault():
            acts.shut_down()
        case RequestFault(kind="request_lost", on="submit"):
            faults.swallow_orders += 1
        case RequestFault(kind="answer_lost", on="submit" | "replace"):
            faults.cut_after_orders += 1
        case RequestFault(kind="answer_lost", on="cancel"):
            faults.spoil.append(Spoil(_ERROR, Harm.LOST))
        case RequestFault(kind="answer_cut" | "answer_garbage" | "answer_empty" as kind, on="submit" | "orders"):
            faults.spoil.append(Spoil(_OPEN_ORDER, _HARM[kind]))
        case StatusFault(on="submit" | "replace", status=status):
            faults.fail_orders.append(_REFUSED if status < 500 else _UNHEARD_OF)
        case StatusFault(on="cancel"):
            faults.fail_cancels.append(_UNHEARD_OF)
        case StatusFault(on="orders"):
            faults.spoil.append(Spoil(_ORDERS_END, Harm.LOST))
        case FrameFault(kind="frame_lost" | "frame_twice" | "frame_garbage" as kind, event="execution"):
            faults.spoil.append(Spoil(_EXECUTION, _HARM[kind]))
        case RaceFault(before=before, fills=fills):
            shares = faults.fills_before_cancel if before == "cancel" else faults.fills_before_change
            shares.append(Decimal(1) if fills == "all" else Decimal("0.5"))
        case _:
            raise UsageError(f"TWS commits no {fault.kind} on such a thing")
