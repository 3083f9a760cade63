"""Where a configuration contradicts what the books hold: a pure judgement, made before anything trades.

Reads: facts of the configuration, and the books. Emits: conflicts, each with what is held and the ways out. A conflict
is made by an edit of the file, never by the market: an unattended restart with the file of the run before finds none.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

import msgspec

from tradingd.core.accounting import EXACT, value_of
from tradingd.core.books import Books
from tradingd.core.entries import ChangesAccepted, Declaration, StrategyDeclaration, StrategyTransferred
from tradingd.core.identifiers import EXTERNAL, StrategyId, Symbol
from tradingd.core.orders import ZERO
from tradingd.core.portfolio import PortfolioState

Place: TypeAlias = tuple[str | int, ...]
"""Steps from the root of the configuration to a key."""

BY_FORMERLY = "formerly"
"""Who asked for a transfer that stands in the configuration."""
GROSS, LEVERAGE, SHORT = "risk.max_gross_exposure", "risk.max_leverage", "risk.allow_short"
QUANTITY, VALUE = "max_position_quantity", "max_position_value"


class StrategyFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One `[[strategies]]` table."""

    strategy_id: StrategyId
    class_path: str = ""
    symbols: tuple[Symbol, ...] = ()
    retired: bool = False
    formerly: StrategyId | None = None


class LimitFact(msgspec.Struct, frozen=True, kw_only=True):
    """One limit on what may be held."""

    key: str
    limit: Decimal
    place: Place
    symbol: Symbol | None = None
    """The symbol that it is about; None for every symbol, each by itself."""
    strategy_id: StrategyId | None = None
    """The strategy that it is about; None for the account."""


class ConfigurationFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What of a configuration is compared with the books."""

    strategies: tuple[StrategyFacts, ...]
    fed: frozenset[Symbol]
    limits: tuple[LimitFact, ...]
    broker: str
    account_kind: str
    account_id: str = ""
    """Empty where the configuration does not name the account."""

    @property
    def declaration(self) -> Declaration:
        """What the journal keeps of them, for the next start to compare with."""
        return Declaration(
            strategies=tuple(
                StrategyDeclaration(strategy_id=one.strategy_id, class_path=one.class_path, symbols=one.symbols)
                for one in sorted(self.strategies, key=lambda one: one.strategy_id)
                if not one.retired
            ),
            limits={limit.key: limit.limit for limit in self.limits},
            fed=tuple(sorted(self.fed)),
        )


class ConflictKind(StrEnum):
    """What an edit did."""

    STRATEGY_GONE = "strategy_gone"
    CLASS_CHANGED = "class_changed"
    SYMBOL_LOST = "symbol_lost"
    NO_FEED = "no_feed"
    LIMIT_LOWERED = "limit_lowered"
    BROKER_CHANGED = "broker_changed"
    ACCOUNT_CHANGED = "account_changed"


_ACCEPTABLE = frozenset({ConflictKind.CLASS_CHANGED, ConflictKind.NO_FEED, ConflictKind.LIMIT_LOWERED})


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """One contradiction between the file and what is held."""

    kind: ConflictKind
    subject: str
    """The strategy, the symbol or the limit that it is about."""
    message: str
    """What is wrong, and what is held."""
    ways_out: tuple[str, ...]
    """Each one thing to do: a line of the file, or a command."""
    place: Place = ()

    @property
    def acceptable(self) -> bool:
        """True where the operator may have it so; otherwise somebody must be in charge of what is held."""
        return self.kind in _ACCEPTABLE


def transfers_due(facts: ConfigurationFacts, books: Books) -> tuple[StrategyTransferred, ...]:
    """What `formerly` asks to hand over; nothing once it was done."""
    return tuple(
        StrategyTransferred(source=one.formerly, target=one.strategy_id, operator=BY_FORMERLY)
        for one in facts.strategies
        if one.formerly is not None and has_anything(books, one.formerly)
    )


def has_anything(books: Books, strategy_id: StrategyId, symbol: Symbol | None = None) -> bool:
    """True when a transfer from a strategy would move something, be it an old result."""
    return (
        any(owner == strategy_id and symbol in (None, name) for owner, name in books.portfolio.lines)
        or any(
            state.order.strategy_id == strategy_id and symbol in (None, state.order.symbol) for state in books.orders
        )
        or any(
            state.plan.strategy_id == strategy_id and symbol in (None, state.plan.symbol)
            for state in books.plans.values()
        )
        or (symbol is None and (strategy_id in books.strategy_states or strategy_id in books.quarantined))
    )


def symbols_held(books: Books, strategy_id: StrategyId) -> tuple[Symbol, ...]:
    """Symbols in which a strategy has a position, a working order or a plan."""
    held = {symbol for (owner, symbol), line in books.portfolio.lines.items() if owner == strategy_id and line.quantity}
    held |= {state.order.symbol for state in books.orders.open if state.order.strategy_id == strategy_id}
    held |= {state.plan.symbol for state in books.plans.values() if state.plan.strategy_id == strategy_id}
    return tuple(sorted(held))


def holders(books: Books) -> tuple[StrategyId, ...]:
    """Strategies that hold something; what came from outside is nobody's."""
    names = {owner for (owner, _), line in books.portfolio.lines.items() if line.quantity}
    names |= {state.order.strategy_id for state in books.orders.open}
    names |= {state.plan.strategy_id for state in books.plans.values()}
    return tuple(sorted(names - {EXTERNAL}))


def find_conflicts(facts: ConfigurationFacts, books: Books) -> tuple[Conflict, ...]:
    """Compare a configuration with the books as they are, what `formerly` asks for being done first."""
    if books.account is not None and (wrong := tuple(_other_account(facts, books))):
        return wrong  # nothing that is held is at the venue that the file names
    after = Books()
    after.apply(books.snapshot())
    for transfer in transfers_due(facts, books):
        after.apply(transfer)
    return (
        *_about_strategies(facts, after),
        *_without_feed(facts, after),
        *_above_limits(facts, after),
    )


def find_refusals(facts: ConfigurationFacts, books: Books, *, accept: bool) -> tuple[Conflict, ...]:
    """Conflicts for which a start is refused; `accept` takes those that an operator may have so."""
    return tuple(one for one in find_conflicts(facts, books) if not (accept and one.acceptable))


def acceptance(facts: ConfigurationFacts, books: Books, operator: str) -> ChangesAccepted | None:
    """The journal's word on what an operator accepts, None where there is nothing to accept."""
    accepted = tuple(one.message for one in find_conflicts(facts, books) if one.acceptable)
    if not accepted:
        return None
    return ChangesAccepted(accepted=accepted, declared=facts.declaration, operator=operator)


# -- the account ------------------------------------------------------------------------------------------------------


def _other_account(facts: ConfigurationFacts, books: Books) -> Iterator[Conflict]:
    account = books.account
    assert account is not None
    own_folder = "give each account a daemon.state_dir of its own"
    if account.broker and account.broker != facts.broker:
        yield Conflict(
            kind=ConflictKind.BROKER_CHANGED,
            subject=facts.broker,
            message=f'the journal is of an account at "{account.broker}", the file names "{facts.broker}"',
            ways_out=(own_folder, f'set kind = "{account.broker}" again'),
            place=("broker", "kind"),
        )
    elif account.account_kind != facts.account_kind:
        yield Conflict(
            kind=ConflictKind.ACCOUNT_CHANGED,
            subject=facts.account_kind,
            message=f"the journal is of a {account.account_kind} account, the file names a {facts.account_kind} one",
            ways_out=(own_folder,),
            place=("broker",),
        )
    elif facts.account_id and account.account_id and facts.account_id != account.account_id:
        yield Conflict(
            kind=ConflictKind.ACCOUNT_CHANGED,
            subject=facts.account_id,
            message=f"the journal is of account {account.account_id}, the file names {facts.account_id}",
            ways_out=(own_folder, f'set account = "{account.account_id}" again'),
            place=("broker", "account"),
        )


# -- strategies -------------------------------------------------------------------------------------------------------


def _about_strategies(facts: ConfigurationFacts, books: Books) -> Iterator[Conflict]:
    named = {one.strategy_id: (index, one) for index, one in enumerate(facts.strategies)}
    declared: Mapping[StrategyId, StrategyDeclaration] = (
        {} if books.declared is None else {one.strategy_id: one for one in books.declared.strategies}
    )
    for strategy_id in holders(books):
        if strategy_id not in named:
            yield _gone(strategy_id, facts, books, declared)
            continue
        index, one = named[strategy_id]
        before = declared.get(strategy_id)
        if one.retired:
            continue
        if before is not None and before.class_path != one.class_path:
            yield Conflict(
                kind=ConflictKind.CLASS_CHANGED,
                subject=strategy_id,
                message=f'"{strategy_id}" was of class {before.class_path} and {describe(books, strategy_id)}; '
                f"{one.class_path} would go on with it",
                ways_out=(
                    f'set class = "{before.class_path}" again',
                    f"if {one.class_path} knows what to do with it: tradingd accept",
                    f'keep "{strategy_id}" with retired = true and give {one.class_path} an id of its own',
                ),
                place=("strategies", index, "class"),
            )
        for symbol in symbols_held(books, strategy_id):
            # A strategy may trade what others list: only what it has listed itself can be lost.
            if symbol not in one.symbols and (before is None or symbol in before.symbols):
                yield Conflict(
                    kind=ConflictKind.SYMBOL_LOST,
                    subject=f"{strategy_id} {symbol}",
                    message=f'"{strategy_id}" no longer has {symbol}, and {describe(books, strategy_id, symbol)}',
                    ways_out=(
                        f"put {symbol} back into its symbols, start, tradingd close --strategy {strategy_id} --symbol "
                        f"{symbol}, then take it out",
                        _hand_over(facts, strategy_id, symbol),
                    ),
                    place=("strategies", index, "symbols"),
                )


def _hand_over(facts: ConfigurationFacts, strategy_id: StrategyId, symbol: Symbol) -> str:
    others = [one.strategy_id for one in facts.strategies if one.strategy_id != strategy_id and symbol in one.symbols]
    if others:
        return f"hand it over: tradingd transfer {strategy_id} {others[0]} {symbol}"
    return f"hand it over: tradingd transfer {strategy_id} OTHER {symbol}, OTHER being a strategy that may be retired"


def _gone(
    strategy_id: StrategyId,
    facts: ConfigurationFacts,
    books: Books,
    declared: Mapping[StrategyId, StrategyDeclaration],
) -> Conflict:
    before = declared.get(strategy_id)
    heirs = [
        index
        for index, one in enumerate(facts.strategies)
        if one.strategy_id not in declared and not one.retired and one.formerly is None
    ]
    same = [at for at in heirs if before is not None and facts.strategies[at].class_path == before.class_path]
    heir = next(iter(same or heirs), None)
    new = "the strategy" if heir is None else f'"{facts.strategies[heir].strategy_id}"'
    return Conflict(
        kind=ConflictKind.STRATEGY_GONE,
        subject=strategy_id,
        message=f'"{strategy_id}" is not in the file, and {describe(books, strategy_id)}',
        ways_out=(
            f'it has a new name: write formerly = "{strategy_id}" into the table of {new}',
            f"another strategy takes over: tradingd transfer {strategy_id} OTHER",
            f'it is to trade no more: [[strategies]] with id = "{strategy_id}" and retired = true keeps exits and '
            f"protection and opens nothing; once started, tradingd close --strategy {strategy_id} closes it",
        ),
        place=("strategies",) if heir is None else ("strategies", heir, "id"),
    )


def describe(books: Books, strategy_id: StrategyId, symbol: Symbol | None = None) -> str:
    """What a strategy holds, in words that follow its name: `holds 10 AAPL at 190.02 and has 1 working order (…)`."""
    said: list[str] = []
    lines = [
        f"{plain(line.quantity)} {name} at {line.average_price:.2f}"
        for (owner, name), line in sorted(books.portfolio.lines.items())
        if owner == strategy_id and line.quantity and symbol in (None, name)
    ]
    if lines:
        said.append(f"holds {', '.join(lines)}")
    orders = [
        f"{state.order.side} {plain(state.open_quantity)} {state.order.symbol} {state.terms.order_type}"
        for state in books.orders.open
        if state.order.strategy_id == strategy_id and symbol in (None, state.order.symbol)
    ]
    if orders:
        said.append(f"has {_count(len(orders), 'working order')} ({', '.join(orders)})")
    plans = [
        f"{state.plan.plan_id} on {state.plan.symbol}"
        for state in books.plans.values()
        if state.plan.strategy_id == strategy_id and symbol in (None, state.plan.symbol)
    ]
    if plans:
        said.append(f"has {_count(len(plans), 'plan')} ({', '.join(plans)})")
    return " and ".join(filter(None, (", ".join(said[:-1]), *said[-1:]))) or "holds nothing"


# -- prices and limits ------------------------------------------------------------------------------------------------


def _without_feed(facts: ConfigurationFacts, books: Books) -> Iterator[Conflict]:
    fed_before = None if books.declared is None else frozenset(books.declared.fed)
    named = {one.strategy_id for one in facts.strategies}
    for symbol in dict.fromkeys(
        symbol for owner in holders(books) if owner in named for symbol in symbols_held(books, owner)
    ):
        if symbol in facts.fed or (fed_before is not None and symbol not in fed_before):
            continue
        owners = [owner for owner in holders(books) if symbol in symbols_held(books, owner)]
        held = "; ".join(f'"{owner}" {describe(books, owner, symbol)}' for owner in owners)
        yield Conflict(
            kind=ConflictKind.NO_FEED,
            subject=symbol,
            message=f"no feed delivers {symbol}, and {held}: it would have no price, no protection and no limit",
            ways_out=(
                f"put {symbol} back into the symbols of a [[data.feeds]] table",
                "if it is to be held without a price: tradingd accept",
            ),
            place=("data", "feeds"),
        )


def _above_limits(facts: ConfigurationFacts, books: Books) -> Iterator[Conflict]:
    """Limits that were lowered below what is held: one that the market broke is no reason to refuse a start."""
    if books.declared is None:
        return
    before = books.declared.limits
    for fact in facts.limits:
        if fact.limit >= before.get(fact.key, fact.limit + 1):
            continue
        was = plain(before[fact.key]) if fact.key in before else "no limit"
        for what, value in _held_under(fact, books.portfolio):
            if value > fact.limit:
                yield Conflict(
                    kind=ConflictKind.LIMIT_LOWERED,
                    subject=fact.key,
                    message=f"shorts are no longer allowed, and {plain(value)} {what} are held short"
                    if fact.key == SHORT
                    else f"{plain(fact.limit)} (it was {was}) is below what is held: {what} {value:,.2f}",
                    ways_out=(
                        "put it back, start, reduce what is held (tradingd close), then change it again",
                        "if what is held may stay as it is (nothing can be added): tradingd accept",
                    ),
                    place=fact.place,
                )


def _held_under(fact: LimitFact, portfolio: PortfolioState) -> Iterator[tuple[str, Decimal]]:
    """What counts under a limit: its name and its figure."""
    if fact.key == GROSS:
        yield "gross exposure", portfolio.exposure()[0]
        return
    if fact.key == LEVERAGE:
        equity = portfolio.equity()
        if equity > 0:
            yield "leverage", EXACT.divide(portfolio.exposure()[0], equity)
        return
    for symbol, quantity in _quantities(fact, portfolio):
        if fact.key == SHORT:
            yield symbol, max(-quantity, ZERO)
        elif fact.key.endswith(QUANTITY):
            yield f"units of {symbol}", abs(quantity)
        else:
            price = portfolio.price(symbol) or ZERO
            yield f"{symbol} worth", abs(value_of(portfolio.contract(symbol), quantity, price))


def _quantities(fact: LimitFact, portfolio: PortfolioState) -> Iterator[tuple[Symbol, Decimal]]:
    if fact.strategy_id is None:
        held = portfolio.net
    else:
        held = {name: line.quantity for (owner, name), line in portfolio.lines.items() if owner == fact.strategy_id}
    for symbol, quantity in sorted(held.items()):
        if quantity and fact.symbol in (None, symbol):
            yield symbol, quantity


def plain(value: Decimal) -> str:
    """A number as people write it: no exponent, no zeros at the end."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
