"""`explain`: what a name of the log, a reason of a refusal or an exit code means."""

from collections.abc import Iterable
from textwrap import fill
from typing import Annotated

import typer

WIDTH = 80


def explain(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="A refusal's code, an event of the log, or an exit code."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Explain every name.")] = False,
) -> None:
    """Say what a code, a log event or an exit code means.

    A code is one of a refusal (HALTED), an event one of the log (order.overdue), an exit code a number (6). An event's
    first part explains all of its kind (`order`). Needs no configuration and no daemon.
    """
    from tradingd.errors import UsageError

    if bool(names) is every:
        raise UsageError("explain what? Name a code or an event, or give --all (and nothing else)")
    groups = _groups()
    if every:
        for heading, lines in groups.items():
            typer.echo(f"{heading}:\n")
            typer.echo("\n".join(_paragraph(name, meaning) for name, meaning in lines.items()) + "\n")
        return
    known = {name: meaning for lines in groups.values() for name, meaning in lines.items()}
    for name in names or ():
        found = [known_name for known_name in known if _is_meant(known_name, name)]
        if not found:
            raise UsageError(f"{name}: no code or event has this name{_hint(name, known)}")
        typer.echo("\n".join(_paragraph(known_name, known[known_name]) for known_name in found))


def _groups() -> dict[str, dict[str, str]]:
    from tradingd.cli.exit_codes import MEANINGS
    from tradingd.core.log import LogEvent
    from tradingd.core.orders import DenialCode

    return {
        "Denial codes: the order was refused because": {code.value: code.meaning for code in DenialCode},
        "Log events": {event.value: event.meaning for event in LogEvent},
        "Exit codes": {str(int(code)): meaning for code, meaning in MEANINGS.items()},
    }


def _is_meant(known: str, asked: str) -> bool:
    return known.casefold() == asked.casefold() or known.startswith(f"{asked.casefold()}.")


def _paragraph(name: str, meaning: str) -> str:
    return fill(f"{name}: {meaning}", WIDTH, subsequent_indent="    ", break_on_hyphens=False)


def _hint(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    folded = {one.casefold(): one for one in known}
    near = [folded[match] for match in get_close_matches(name.casefold(), folded, n=3)]
    return f" (near it: {', '.join(near)})" if near else " (`tradingd explain --all` lists them)"
