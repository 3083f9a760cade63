"""`transfer` and `accept`: what an operator says of an edit of the file, written to the journal of a stopped daemon."""

from typing import TYPE_CHECKING, Annotated

import typer

from tradingd.cli.options import ConfigOption

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tradingd.core.books import Books
    from tradingd.core.entries import StrategyTransferred
    from tradingd.settings.root import Settings


def transfer(
    config: ConfigOption,
    source: Annotated[str, typer.Argument(metavar="FROM", help="Strategy that holds it now, in the file or not.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="Strategy of the file that takes it over, or EXTERNAL.")],
    symbol: Annotated[str | None, typer.Argument(metavar="SYMBOL", help="This symbol alone.")] = None,
) -> None:
    """Hand over what one strategy holds to another.

    Positions with their results, working orders and plans go over; without SYMBOL saved state and quarantine too.
    Orders keep their ids, and their fills are the new owner's from then on. The daemon must be stopped; the next
    start goes on from there. TO may be EXTERNAL, which is nobody: what is held, and no order, is left alone then as a
    position from outside is, still counted in limits.
    """
    import time

    from tradingd.cli.loading import concerns_strategies, load_checked, operator_name
    from tradingd.core.conflicts import describe, has_anything
    from tradingd.core.entries import StrategyTransferred
    from tradingd.core.identifiers import EXTERNAL, StrategyId, Symbol
    from tradingd.errors import Refused, UsageError
    from tradingd.journal.offline import offline_journal
    from tradingd.settings.paths import StatePaths

    settings = load_checked(config, concerns_strategies).settings
    entry = StrategyTransferred(
        source=StrategyId(source),
        target=StrategyId(target),
        symbol=None if symbol is None else Symbol(symbol),
        operator=operator_name(),
    )
    if source == target:
        raise UsageError(f"{source} has it already: FROM and TO are the same")
    with offline_journal(StatePaths(settings.daemon.state_dir).journal, time.time_ns) as journal:
        books = journal.books
        if not has_anything(books, entry.source, entry.symbol):
            where = "" if symbol is None else f" in {symbol}"
            raise Refused(f"{source} has nothing{where} to hand over (see tradingd positions and tradingd orders)")
        lines = books.portfolio.lines.items()
        moved = {name for (owner, name), line in lines if line.quantity and entry.covers(owner, name)}
        moved |= {
            state.order.symbol
            for state in books.orders.open
            if entry.covers(state.order.strategy_id, state.order.symbol)
        }
        plans = [state.plan for state in books.plans.values()]
        moved |= {plan.symbol for plan in plans if entry.covers(plan.strategy_id, plan.symbol)}
        if entry.target == EXTERNAL:
            _require_idle(books, entry)
        else:
            _require_charge(settings, entry.target, sorted(moved))
        seq = journal.record(entry)
        typer.echo(f"{target} now {describe(books, entry.target)} (journal entry {seq})")


def _require_idle(books: "Books", entry: "StrategyTransferred") -> None:
    """Refuse to give orders and plans to nobody: a position may be left so, as one from outside is."""
    from tradingd.errors import Refused

    working = any(entry.covers(state.order.strategy_id, state.order.symbol) for state in books.orders.open)
    if working or any(entry.covers(state.plan.strategy_id, state.plan.symbol) for state in books.plans.values()):
        raise Refused(
            f"{entry.target} is nobody, and {entry.source} has orders or plans (start, tradingd cancel-all --strategy "
            f"{entry.source}, stop, then hand over what is held)"
        )


def _require_charge(settings: "Settings", target: str, symbols: "Iterable[str]") -> None:
    """Refuse a new owner that does not see what it is given."""
    from tradingd.errors import Refused

    found = next((one for one in settings.strategies if one.id == target), None)
    if found is None:
        known = ", ".join(one.id for one in settings.strategies) or "none"
        raise Refused(f"{target} is no strategy of the file (there are: {known})")
    unseen = [symbol for symbol in symbols if symbol not in found.symbols]
    if unseen and not found.retired:
        raise Refused(
            f"{target} does not see {', '.join(unseen)} (put it into its symbols, or hand it to a strategy that is "
            "retired)"
        )


def accept(config: ConfigOption) -> None:
    """Accept what a start would refuse.

    Another class for a strategy that holds something, a held symbol without a feed, a limit lowered below what is
    held. It is kept in the journal with your name; the same as a start with --accept-changes. The daemon must be
    stopped. A strategy or symbol that nobody is in charge of any more cannot be accepted: exit code 2.
    """
    import time

    from tradingd.cli.loading import concerns_strategies, load_checked, operator_name
    from tradingd.core.conflicts import acceptance
    from tradingd.journal.offline import offline_journal
    from tradingd.settings.conflicts import require_no_conflict
    from tradingd.settings.paths import StatePaths
    from tradingd.settings.to_core import configuration_facts

    loaded = load_checked(config, concerns_strategies)
    with offline_journal(StatePaths(loaded.settings.daemon.state_dir).journal, time.time_ns) as journal:
        require_no_conflict(loaded, journal.books, accept=True)
        entry = acceptance(configuration_facts(loaded.settings), journal.books, operator_name())
        if entry is None:
            typer.echo(f"nothing to accept: {config} goes with what the journal holds")
            return
        seq = journal.record(entry)
        for line in entry.accepted:
            typer.echo(f"accepted: {line}")
        typer.echo(f"kept in the journal (entry {seq}); the next start goes on with it")
