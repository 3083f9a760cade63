"""`check` and `config`: what a configuration says, and what is wrong with it."""

from typing import TYPE_CHECKING

import typer

from tradingd.cli.options import ConfigOption

if TYPE_CHECKING:
    from tradingd.settings.loaded import LoadedSettings
    from tradingd.settings.problems import Problem


def check(config: ConfigOption) -> None:
    """Validate a configuration.

    Every problem is shown at once, on stderr, one a line: FILE:LINE:COL: section.key: what is wrong (what would
    be right). Where there is a journal, the file is also compared with what is held, as a start does it: what an edit
    would leave alone is shown with every way out. Exit code 2.
    """
    from tradingd.cli.loading import load, load_startable
    from tradingd.settings import ConfigurationProblems

    try:
        loaded = load_startable(config)
    except ConfigurationProblems as found:
        # Keys, say, may be the service's alone: what is held is compared all the same, where the file can be read.
        raise ConfigurationProblems([*found.problems, *_conflicts(load(config))]) from found
    if conflicts := _conflicts(loaded):
        raise ConfigurationProblems(conflicts)
    settings = loaded.settings
    strategies = _count(len(settings.strategies), "strategy", "strategies")
    feeds = _count(len(settings.data.feeds), "feed", "feeds")
    typer.echo(f"{config}: ok ({strategies}, {feeds}, broker {settings.broker.kind} ({settings.account_kind} account))")


def _conflicts(loaded: "LoadedSettings") -> "list[Problem]":
    """What an edit would leave alone of what the journal holds."""
    from tradingd.errors import TradingdError
    from tradingd.journal.segments import load, segment_paths
    from tradingd.settings.conflicts import refused_changes
    from tradingd.settings.paths import StatePaths

    folder = StatePaths(loaded.settings.daemon.state_dir).journal
    try:
        if not segment_paths(folder):
            return []
        books, _ = load(folder)
    except (TradingdError, OSError) as error:
        why = f"{folder}: {error.strerror}" if isinstance(error, OSError) else error
        typer.echo(f"note: what is held was not compared, the journal cannot be read: {why}", err=True)
        return []
    return refused_changes(loaded, books)


def show(config: ConfigOption) -> None:
    """Show every setting and its source.

    A source is a place in the file, a variable, a credential or the default. Secrets are masked.
    """
    from tradingd.cli.loading import load
    from tradingd.settings import effective_settings

    for key, value, provenance in effective_settings(load(config)):
        typer.echo(f"{key} {value}  # {provenance}" if value.startswith("#") else f"{key} = {value}  # {provenance}")


def schema() -> None:
    """Print the JSON Schema of the file.

    Editors complete and check a configuration by it.
    """
    import json

    from tradingd.settings import settings_schema

    typer.echo(json.dumps(settings_schema(), indent=2, ensure_ascii=False))


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
