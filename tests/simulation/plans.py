"""The seeded drawing of a run: one list of market events, wishes and faults, each with its time.

Everything that a run draws beforehand is in this list, so that a failing run can be made shorter by leaving events out.
"""

import random
from enum import StrEnum
from typing import TypeAlias

import msgspec
from tests.simulation.faults import OUTSIDE_HANDS, Fault, FaultKind
from tradingd.core.identifiers import StrategyId, Symbol
from tradingd.core.market import NS_PER_SECOND

SYMBOLS = (Symbol("ABC"), Symbol("XYZ"), Symbol("QQQ"))
STRATEGIES = (StrategyId("one"), StrategyId("two"))
NOON = 1_767_632_400 * NS_PER_SECOND  # 2026-01-05 17:00 UTC
MIDNIGHT = 1_767_657_600 * NS_PER_SECOND  # 2026-01-06 00:00 UTC


class Market(msgspec.Struct, frozen=True, kw_only=True, tag="market"):
    """A quote."""

    at_ns: int
    symbol: Symbol
    bid: float
    ask: float
    bid_size: float
    ask_size: float


class Verb(StrEnum):
    """What a strategy or an operator can want."""

    BUY = "buy"
    SELL = "sell"
    BUY_LIMIT = "buy limit"
    SELL_LIMIT = "sell limit"
    BUY_AT_ONCE = "buy ioc"
    TARGET = "target"
    BRACKET = "bracket"
    PROTECT = "protect"
    SLICES = "slices"
    CHASE = "chase"
    CANCEL = "cancel"
    CANCEL_ALL = "cancel all"
    MODIFY = "modify"
    HALT = "halt"
    FLATTEN = "flatten"
    RESUME = "resume"
    HALT_PART = "halt a part"
    RESUME_PART = "resume a part"
    CLOSE_PART = "close a part"
    CANCEL_PART = "cancel a part"


PARTS = frozenset({Verb.HALT_PART, Verb.RESUME_PART, Verb.CLOSE_PART, Verb.CANCEL_PART})
"""Commands on a strategy, a symbol, or both."""
OPERATORS = PARTS | {Verb.CANCEL_ALL, Verb.MODIFY, Verb.HALT, Verb.FLATTEN, Verb.RESUME}


class Wish(msgspec.Struct, frozen=True, kw_only=True, tag="wish"):
    """Something that a strategy (at its next callback) or an operator (at once) wants."""

    at_ns: int
    strategy_id: StrategyId
    verb: Verb
    symbol: Symbol
    quantity: int
    cents: int
    """How far a limit price is from the market, in its passive direction."""


class EditKind(StrEnum):
    """What the owner does to the configuration file; it is read at the next start."""

    RENAME = "rename"
    RENAME_SILENTLY = "rename without saying so"
    REMOVE = "remove"
    RETIRE = "retire"
    RESTORE = "restore"
    LOWER_LIMIT = "lower limit"
    RAISE_LIMIT = "raise limit"


class Edit(msgspec.Struct, frozen=True, kw_only=True, tag="edit"):
    """A change of the configuration file."""

    at_ns: int
    kind: EditKind
    strategy_id: StrategyId
    """The strategy that it is about, by its first name."""


Event: TypeAlias = Market | Wish | Fault | Edit


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A run before it runs."""

    seed: int
    start_ns: int
    duration_ns: int
    tight: bool
    """Position limits small enough to be met."""
    halts_on_external: bool
    haste: float
    """How likely time moves on while events wait, per step."""
    max_behind_s: float
    """How long an event may wait."""
    events: tuple[Event, ...]


def draw(seed: int) -> Plan:
    """Draw the plan of a seed."""
    rng = random.Random(seed)
    duration_ns = rng.choice((30, 45, 60, 90)) * NS_PER_SECOND
    tight = rng.random() < 0.25
    market = _draw_market(rng, duration_ns)
    wishes = [*_draw_wishes(rng, duration_ns), *_draw_halts(rng, duration_ns), *_draw_worked(seed, duration_ns)]
    faults = _draw_faults(rng, duration_ns, tight=tight)
    return Plan(
        seed=seed,
        start_ns=MIDNIGHT - rng.randrange(60) * NS_PER_SECOND if rng.random() < 0.2 else NOON,
        duration_ns=duration_ns,
        tight=tight,
        halts_on_external=rng.random() < 0.2,
        haste=rng.choice((0.0, 0.05, 0.3)),
        max_behind_s=rng.choice((0.02, 0.2, 3.0)),
        events=tuple(
            sorted(
                [*market, *wishes, *faults, *_draw_edits(seed, duration_ns), *_draw_parts(seed, duration_ns)],
                key=lambda event: event.at_ns,
            )
        ),
    )


def _draw_market(rng: random.Random, duration_ns: int) -> list[Event]:
    """Draw a random walk of each symbol, a quote a second and more."""
    events: list[Event] = []
    for number, symbol in enumerate(SYMBOLS):
        cents = 5_000 * (number + 1)
        at_ns = 0
        while at_ns < duration_ns:
            cents += rng.randint(-12, 12)
            spread = rng.randint(1, 6)
            events.append(
                Market(
                    at_ns=at_ns,
                    symbol=symbol,
                    bid=(cents - spread) / 100,
                    ask=(cents + spread) / 100,
                    bid_size=float(rng.randint(2, 25)),
                    ask_size=float(rng.randint(2, 25)),
                )
            )
            at_ns += rng.randrange(NS_PER_SECOND // 2, 2 * NS_PER_SECOND)
    return events


def _draw_wishes(rng: random.Random, duration_ns: int) -> list[Event]:
    verbs = (
        *[Verb.BUY, Verb.SELL] * 3,
        *[Verb.BUY_LIMIT, Verb.SELL_LIMIT] * 5,
        *[Verb.CANCEL, Verb.MODIFY] * 4,
        *[Verb.TARGET, Verb.BUY_AT_ONCE] * 2,
        Verb.CANCEL_ALL,
    )
    return [
        Wish(
            at_ns=rng.randrange(duration_ns),
            strategy_id=rng.choice(STRATEGIES),
            verb=rng.choice(verbs),
            symbol=rng.choice(SYMBOLS),
            quantity=rng.randint(1, 20),
            cents=rng.randint(-10, 20),
        )
        for _ in range(rng.randint(20, 120))
    ]


def _draw_worked(seed: int, duration_ns: int) -> list[Event]:
    """Draw wishes that the daemon works on with orders of its own, in half of the runs."""
    rng = random.Random(f"worked {seed}")  # its own, so that the rest of a run is the same with and without
    if rng.random() < 0.5:
        return []
    return [
        Wish(
            at_ns=rng.randrange(duration_ns),
            strategy_id=rng.choice(STRATEGIES),
            verb=rng.choice((Verb.BRACKET, Verb.BRACKET, Verb.PROTECT, Verb.SLICES, Verb.CHASE)),
            symbol=rng.choice(SYMBOLS),
            quantity=rng.randint(1, 20),
            cents=rng.randint(-10, 20),
        )
        for _ in range(rng.randint(5, 30))
    ]


def _draw_parts(seed: int, duration_ns: int) -> list[Event]:
    """Draw commands on a part of what is traded, in a third of the runs."""
    rng = random.Random(f"parts {seed}")  # its own, so that the rest of a run is the same with and without
    if rng.random() > 1 / 3:
        return []
    verbs = (Verb.HALT_PART, Verb.HALT_PART, Verb.RESUME_PART, Verb.RESUME_PART, Verb.CLOSE_PART, Verb.CANCEL_PART)
    return [
        Wish(
            at_ns=rng.randrange(duration_ns),
            strategy_id=rng.choice(STRATEGIES),
            verb=rng.choice(verbs),
            symbol=rng.choice(SYMBOLS),
            quantity=1,
            cents=rng.randrange(3),
        )
        for _ in range(rng.randint(2, 8))
    ]


def _draw_edits(seed: int, duration_ns: int) -> list[Event]:
    """Draw edits of the configuration file with the restart that makes them count, in a third of the runs."""
    rng = random.Random(f"edits {seed}")  # its own, so that the rest of a run is the same with and without
    if rng.random() > 1 / 3:
        return []
    events: list[Event] = []
    for _ in range(rng.randint(1, 5)):
        at_ns = rng.randrange(duration_ns)
        events.append(Edit(at_ns=at_ns, kind=rng.choice(list(EditKind)), strategy_id=rng.choice(STRATEGIES)))
        kind = rng.choice((FaultKind.STOP, FaultKind.STOP, FaultKind.CRASH))
        events.append(Fault(at_ns=at_ns + rng.randrange(2 * NS_PER_SECOND), kind=kind, size=rng.random()))
    return events


def _draw_halts(rng: random.Random, duration_ns: int) -> list[Event]:
    """Draw a halt or a flattening now and then, and the operator's leave to go on."""
    if rng.random() > 0.25:
        return []
    at_ns = rng.randrange(duration_ns)
    verbs = (rng.choice((Verb.HALT, Verb.FLATTEN)), Verb.RESUME)
    times = (at_ns, at_ns + rng.randrange(1, 15) * NS_PER_SECOND)
    return [
        Wish(at_ns=time, strategy_id=STRATEGIES[0], verb=verb, symbol=SYMBOLS[0], quantity=1, cents=0)
        for time, verb in zip(times, verbs, strict=True)
    ]


def _draw_faults(rng: random.Random, duration_ns: int, *, tight: bool) -> list[Event]:
    """Draw a few kinds of fault, so that a run is about something, and a handful of each."""
    kinds = [kind for kind in FaultKind if not (tight and kind in OUTSIDE_HANDS)]
    chosen = rng.sample(kinds, rng.choice((1, 2, 3, 5, 8, 16)))
    faults: list[Event] = []
    for kind in chosen:
        for _ in range(1 if kind in (FaultKind.CLOCK_BACK, FaultKind.CLOCK_FORWARD) else rng.randint(1, 4)):
            faults.append(Fault(at_ns=rng.randrange(duration_ns), kind=kind, size=rng.random()))
    return faults
