"""`drill`: the configuration's strategies against a paper venue that commits faults."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradingd.cli.exit_codes import ExitCode
from tradingd.cli.options import JsonOption

if TYPE_CHECKING:
    from tradingd.settings import LoadedSettings
    from tradingd.tools.drills.runner import Outcome
    from tradingd.tools.drills.scenario import Scenario


def drill(
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", metavar="FILE", help="The configuration file (TOML).", show_default=False),
    ] = None,
    scenario: Annotated[
        str | None,
        typer.Option("--scenario", metavar="NAME|PATH", help="One drill: a name or case of --list, or a file."),
    ] = None,
    *,
    list_only: Annotated[bool, typer.Option("--list", help="Show the scenarios that there are.")] = False,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="How many seeds each scenario is played with.")] = 1,
    first_seed: Annotated[int, typer.Option("--first-seed", min=0, help="The first of the seeds.")] = 1,
    as_json: JsonOption = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the files of every drill, and say where.")] = False,
) -> None:
    """Play faults against the strategies.

    The daemon runs as its own process with a copy of the configuration, on an account at a paper venue that commits
    faults. The user's state, account and keys are not touched. Exit codes: 0 all held; 1 a breach; 2 usage or
    configuration; 8 no breach, and some scenario was not tested.
    """
    from tradingd.cli.render import Column, show_json, show_table
    from tradingd.errors import UsageError
    from tradingd.tools.drills.report import HEADINGS, details_of, document_of, list_rows, rows_of
    from tradingd.tools.drills.scenario import find_scenarios

    scenarios = find_scenarios(scenario)
    if list_only:
        columns = [Column("name"), Column("case"), Column("what goes wrong")]
        show_table(columns, list_rows(scenarios), empty="no scenarios")
        return
    if config is None:
        raise UsageError("-c FILE is missing: whose strategies are to be drilled?")

    from tradingd.cli.loading import load_checked
    from tradingd.tools.drills.configuration import drilled_feeds, explain_changes

    loaded = load_checked(config, lambda problem: not problem.key.startswith("broker"))
    if not loaded.settings.strategies:
        raise UsageError(f"{config}: a drill needs strategies: add a [[strategies]] table")
    drilled_feeds(loaded.settings)
    changes = explain_changes(loaded.settings)
    if not as_json:
        for change in changes:
            typer.echo(f"drill: {change}", err=True)
    outcomes = _play(loaded, scenarios, range(first_seed, first_seed + seeds), keep=keep)
    if as_json:
        show_json(document_of(outcomes, changes))
    else:
        show_table([Column(heading) for heading in HEADINGS], rows_of(outcomes), empty="nothing was played")
        for outcome in outcomes:
            for line in details_of(outcome):
                typer.echo(line)
        if keep:
            typer.echo("\n".join(f"files of {o.scenario} (seed {o.seed}): {o.folder}" for o in outcomes if o.held))
    if any(outcome.breaches for outcome in outcomes):
        raise typer.Exit(ExitCode.NOT_RIGHT)
    if any(outcome.untested for outcome in outcomes):
        raise typer.Exit(ExitCode.UNTESTED)


def _play(loaded: "LoadedSettings", scenarios: "list[Scenario]", seeds: range, *, keep: bool) -> "list[Outcome]":
    """Play one after another, with a line of progress for each; on a terminal also for the one that is played."""
    import asyncio
    import sys

    from tradingd.tools.drills.report import result_of
    from tradingd.tools.drills.runner import Drill

    outcomes: list[Outcome] = []
    total = len(scenarios) * len(seeds)
    for scenario in scenarios:
        for seed in seeds:
            if sys.stderr.isatty():
                typer.echo(f"\r\x1b[K[{len(outcomes) + 1}/{total}] {scenario.name} (seed {seed})", err=True, nl=False)
            outcome = asyncio.run(Drill(loaded, scenario, seed).run(keep=keep))
            outcomes.append(outcome)
            begin = "\r\x1b[K" if sys.stderr.isatty() else ""
            line = f"[{len(outcomes)}/{total}] {scenario.name} (seed {seed}): {result_of(outcome)}"
            typer.echo(f"{begin}{line}, {outcome.seconds:.1f} s", err=True)
    return outcomes
