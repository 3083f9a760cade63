"""What a configuration contradicts of what the journal holds, as problems with their places in the file.

Owns: the words between the core's judgement and the operator. Called by a start before anything trades, by `check` and
`doctor` when there is a journal, and for a file that was edited while the daemon runs.
"""

from tradingd.core.books import Books
from tradingd.core.conflicts import Conflict, find_refusals
from tradingd.settings.loaded import LoadedSettings
from tradingd.settings.problems import ConfigurationProblems, Problem
from tradingd.settings.to_core import configuration_facts


def conflict_problem(loaded: LoadedSettings, conflict: Conflict) -> Problem:
    """Say one conflict at its place in the file."""
    found = loaded.problem(conflict.place, conflict.message)
    return Problem(
        file=found.file,
        line=found.line,
        column=found.column,
        key=found.key,
        message=found.message,
        ways_out=conflict.ways_out,
    )


def refused_changes(loaded: LoadedSettings, books: Books, *, accept: bool = False) -> list[Problem]:
    """Everything for which a start with this configuration and these books is refused."""
    conflicts = find_refusals(configuration_facts(loaded.settings), books, accept=accept)
    return [conflict_problem(loaded, conflict) for conflict in conflicts]


def require_no_conflict(loaded: LoadedSettings, books: Books, *, accept: bool = False) -> None:
    """Raise `ConfigurationProblems` that names everything for which a start is refused."""
    if problems := refused_changes(loaded, books, accept=accept):
        raise ConfigurationProblems(problems)
