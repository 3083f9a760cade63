"""Reading the configuration for a command, as strictly as that command needs it."""

import os
import tomllib
from collections.abc import Callable
from pathlib import Path

import typer

from tradingd.settings import ConfigurationProblems, LoadedSettings, Problem, check_settings, load_settings
from tradingd.settings.layers import Layers, apply_environment, apply_paths
from tradingd.settings.paths import StatePaths
from tradingd.settings.places import check_places
from tradingd.settings.root import Settings


def load(config: Path) -> LoadedSettings:
    """Read a configuration whose keys and values are right; what stands between sections is not looked at."""
    return load_settings(config, os.environ)


def load_checked(config: Path, concerns: Callable[[Problem], bool] = lambda problem: True) -> LoadedSettings:
    """Read a configuration that can be run. Raises `ConfigurationProblems` with every problem that concerns."""
    loaded = load(config)
    problems = [problem for problem in check_settings(loaded) if concerns(problem)]
    if problems:
        raise ConfigurationProblems(problems)
    return loaded


def concerns_strategies(problem: Problem) -> bool:
    """True for what is wrong with strategies: keys, say, may be the service's alone."""
    return problem.key.startswith("strategies")


def load_startable(config: Path) -> LoadedSettings:
    """Read a configuration that can be run, with state and log where this user may write.

    Raises `ConfigurationProblems`; what leaves a daemon with nothing to do is a warning.
    """
    loaded = load_checked(config)
    if problems := check_places(loaded):
        raise ConfigurationProblems(problems)
    for warning in idle_warnings(loaded.settings):
        typer.echo(f"tradingd: warning: {config}: {warning}", err=True)
    return loaded


def idle_warnings(settings: Settings) -> list[str]:
    """What is missing for a daemon to do anything."""
    warnings = []
    if not settings.data.feeds:
        warnings.append("there are no feeds: nothing has a price, and nothing can be traded (add [[data.feeds]])")
    if not settings.strategies:
        warnings.append("there are no strategies: nothing will be traded (add [[strategies]])")
    return warnings


def state_paths(config: Path) -> StatePaths:
    """Say where a configuration's daemon keeps its state."""
    return StatePaths(load(config).settings.daemon.state_dir)


def state_paths_for_command(config: Path) -> StatePaths:
    """Say where the daemon is even when the file has been spoilt since it started: a halt must not wait for that."""
    try:
        return state_paths(config)
    except ConfigurationProblems as problems:
        paths = _find_state(config.absolute())
        if paths is None or not paths.control_socket.is_socket():
            raise
        typer.echo(f"{problems}\nnote: going on with the daemon in {paths.state_dir} all the same", err=True)
        return paths


def operator_name() -> str:
    """Name who gives a command, for the journal."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user id without a name, as in a container
        return str(os.getuid())


def _find_state(config: Path) -> StatePaths | None:
    try:
        layers = Layers(tomllib.loads(config.read_text()), {}, [])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return None
    apply_environment(layers, os.environ)
    apply_paths(layers, config, os.environ)
    daemon = layers.data.get("daemon")
    state_dir = daemon.get("state_dir") if isinstance(daemon, dict) else None
    return StatePaths(Path(state_dir)) if isinstance(state_dir, str) else None
