"""Bugs that seeds have found, each as the short list of events that it came down to."""

import msgspec
import pytest
from tests.simulation.faults import Fault, FaultKind
from tests.simulation.plans import NOON, Event, Market, Plan, Verb, Wish
from tests.simulation.world import run_plan
from tradingd.core.identifiers import StrategyId, Symbol
from tradingd.core.market import NS_PER_SECOND

ABC = Symbol("ABC")


def at(seconds: float) -> int:
    return round(seconds * NS_PER_SECOND)


def quote(seconds: float, bid: float, size: float = 100) -> Market:
    return Market(at_ns=at(seconds), symbol=ABC, bid=bid, ask=bid + 0.1, bid_size=size, ask_size=size)


def fault(seconds: float, kind: FaultKind, size: float = 0.5) -> Fault:
    return Fault(at_ns=at(seconds), kind=kind, size=size)


def wish(seconds: float, verb: Verb, quantity: int, cents: int = 0, strategy: str = "one") -> Wish:
    return Wish(
        at_ns=at(seconds), strategy_id=StrategyId(strategy), verb=verb, symbol=ABC, quantity=quantity, cents=cents
    )


def plan_of(*events: Event) -> Plan:
    return Plan(
        seed=1,
        start_ns=NOON,
        duration_ns=at(45),
        tight=False,
        halts_on_external=False,
        haste=0,
        max_behind_s=0.02,
        events=tuple(sorted(events, key=lambda event: event.at_ns)),
    )


STORIES: dict[str, Plan] = {
    "an order that is taken after it was given up is not left working unseen": plan_of(
        quote(5, 50.0),
        fault(9, FaultKind.SUBMIT_VERY_SLOW, 0.9),
        wish(9.5, Verb.BUY_LIMIT, 5, cents=100),
        fault(9.6, FaultKind.KILL_AFTER_SEND),
        quote(10, 50.0),
    ),
    "a fill of a leg whose terms a power cut took does not end the order": plan_of(
        quote(5, 50.0),
        wish(9, Verb.BUY_LIMIT, 7, cents=50),
        quote(9.5, 50.0),
        # The operator's `modify` takes quantity + quantity % 5 - 2: from 7 to 9.
        wish(12, Verb.MODIFY, 4, cents=0),
        fault(12.5, FaultKind.POWER_LOSS, 0.0),
        fault(12.6, FaultKind.SNAPSHOT_FAILS),
        fault(12.6, FaultKind.SNAPSHOT_FAILS),
        fault(12.6, FaultKind.SNAPSHOT_FAILS),
        quote(17.8, 49.3, size=8),
    ),
    "a late acknowledgement of a replaced leg does not become the order's name": plan_of(
        quote(5, 50.0),
        fault(10, FaultKind.REPORT_LATE, 0.5),
        fault(10.1, FaultKind.EXTERNAL_ORDER, 0.28),
        fault(12, FaultKind.EXTERNAL_REPLACE),
    ),
    "what filled while the clock was an hour ahead is found": plan_of(
        quote(5, 50.0),
        fault(6, FaultKind.CLOCK_FORWARD),
        fault(8, FaultKind.STREAM_MUTE, 0.9),
        wish(9, Verb.BUY, 5),
        quote(9.5, 50.0),
    ),
    "a protection whose end the journal did not take ends before the one that takes its place": plan_of(
        quote(5, 50.0),
        wish(7, Verb.BUY, 9),
        quote(7.5, 50.0),
        wish(9, Verb.PROTECT, 20, cents=20),
        quote(9.5, 50.0),
        wish(11.3, Verb.PROTECT, 18, cents=30),
        fault(11.45, FaultKind.JOURNAL_FAILS),
        quote(11.5, 50.0),
        fault(11.6, FaultKind.CRASH, 0.2),
    ),
    "what filled while the clock was an hour behind is found": plan_of(
        quote(5, 50.0),
        fault(6, FaultKind.CLOCK_BACK),
        fault(8, FaultKind.STREAM_MUTE, 0.9),
        wish(9, Verb.BUY, 5),
        quote(9.5, 50.0),
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_a_bug_once_found_stays_away(story: str) -> None:
    outcome = run_plan(STORIES[story])
    assert outcome.invariant is None, "\n".join((outcome.message, *outcome.trace))


@pytest.mark.parametrize("story", STORIES)
def test_the_story_still_happens(story: str) -> None:
    planned = [event.kind for event in STORIES[story].events if isinstance(event, Fault)]
    injected = run_plan(msgspec.structs.replace(STORIES[story])).injected
    assert sum(injected.values()) == len(planned)
