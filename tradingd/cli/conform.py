"""`conform`: the numbered cases that every broker and feed must hold, tried on the configuration's own."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradingd.cli.exit_codes import ExitCode
from tradingd.cli.options import JsonOption

if TYPE_CHECKING:
    from tradingd.settings.root import Settings
    from tradingd.tools.conform.case import DataCase, ExecutionCase
    from tradingd.tools.conform.runner import Result


def conform(
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", metavar="FILE", help="The configuration file (TOML).", show_default=False),
    ] = None,
    wanted: Annotated[
        list[str] | None,
        typer.Option("--case", metavar="CASE", help="A number (E17), a letter (E, D) or a chapter; may be repeated."),
    ] = None,
    *,
    list_only: Annotated[bool, typer.Option("--list", help="Show the cases that there are.")] = False,
    as_json: JsonOption = False,
    insist: Annotated[
        str | None,
        typer.Option("--insist", metavar="SENTENCE", help="For a live account: the sentence that the refusal names."),
    ] = None,
) -> None:
    """Try broker and feeds against numbered cases.

    Orders are placed, filled and taken back on the paper account of the configuration; the built-in paper venue is
    tried on an account of its own. Every case ends with no order of its own at work and the position as it was, and
    says so loudly when it cannot. Exit codes: 0 nothing failed; 1 a case failed; 2 usage or configuration;
    4 credentials refused by the venue; 8 no case could be played.
    """
    from tradingd.cli.render import Column, show_json, show_table
    from tradingd.errors import UsageError
    from tradingd.tools.conform.case import check_words, chosen
    from tradingd.tools.conform.cases import ALL, DATA, EXECUTION
    from tradingd.tools.conform.report import HEADINGS, details_of, document_of, list_rows, rows_of, summary_of
    from tradingd.tools.conform.runner import Verdict

    words = wanted or []
    check_words(words, ALL)
    execution, data = chosen(EXECUTION, words), chosen(DATA, words)
    if list_only:
        show_table([Column("case"), Column("chapter"), Column("title")], list_rows([*execution, *data]), empty="none")
        return
    if config is None:
        raise UsageError("-c FILE is missing: whose account is to be tried?")

    import asyncio

    from tradingd.cli.loading import load_checked
    from tradingd.tools.conform.selection import check_account

    settings = load_checked(config, lambda problem: not problem.key.startswith("strategies")).settings
    check_account(settings, insist)
    results = asyncio.run(_play(settings, execution, data))
    if as_json:
        show_json(document_of(results))
    else:
        show_table([Column(heading) for heading in HEADINGS], rows_of(results), empty="no case was played")
        for result in results:
            for line in details_of(result):
                typer.echo(line)
        typer.echo(summary_of(results))
    for result in results:
        for what in result.left_behind:
            typer.echo(f"LEFT BEHIND by {result.case}: {what}", err=True)
    if any(result.verdict is Verdict.FAILED for result in results):
        raise typer.Exit(ExitCode.NOT_RIGHT)
    if not any(result.verdict is Verdict.HELD for result in results):
        raise typer.Exit(ExitCode.UNTESTED)


async def _play(settings: "Settings", execution: "list[ExecutionCase]", data: "list[DataCase]") -> "list[Result]":
    """Play one after another, with a line of progress where somebody watches."""
    import secrets
    from contextlib import AsyncExitStack
    from functools import partial

    from tradingd.tools.conform.account_harness import account_harness
    from tradingd.tools.conform.harness import kept
    from tradingd.tools.conform.runner import OpenHarness, play_all
    from tradingd.tools.conform.selection import account_symbols, feed_harnesses, venue_symbols
    from tradingd.tools.conform.venue_harness import venue_harness

    results: list[Result] = []
    async with AsyncExitStack() as stack:
        account: OpenHarness = partial(venue_harness, venue_symbols(settings))
        if execution and settings.broker.kind != "paper":
            account = partial(
                kept, await stack.enter_async_context(account_harness(settings, account_symbols(settings)))
            )
        feeds = feed_harnesses(settings) if data else []
        total = len(execution) + len(data) * len(feeds)
        async for result in play_all([(account, execution)], [(feed, data) for feed in feeds], secrets.token_hex(3)):
            results.append(result)
            _print_result(result, len(results), total)
    return results


def _print_result(result: "Result", number: int, total: int) -> None:
    import sys

    if sys.stderr.isatty():
        typer.echo(f"[{number}/{total}] {result.case} on {result.target}: {result.verdict}", err=True)
