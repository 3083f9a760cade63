"""What each exit code of a command means: one meaning for each, in every command.

The table of `tradingd --help` and the one in the README are this list. Errors bring their own code (`tradingd.errors`).
"""

from enum import IntEnum

from tradingd import errors


class ExitCode(IntEnum):
    """How a command ended."""

    DONE = errors.EXIT_OK
    NOT_RIGHT = errors.EXIT_NOT_RIGHT
    USAGE = errors.EXIT_USAGE
    FAULT = errors.EXIT_FAULT
    CREDENTIALS = errors.EXIT_CREDENTIALS
    UNREACHABLE = errors.EXIT_UNREACHABLE
    UNFINISHED = errors.EXIT_UNFINISHED
    REFUSED = errors.EXIT_REFUSED
    UNTESTED = errors.EXIT_UNTESTED
    INTERRUPTED = 130
    """As shells report a process that Ctrl-C ended."""


MEANINGS: dict[ExitCode, str] = {
    ExitCode.DONE: "done, or stopped in order; also when it was done already",
    ExitCode.NOT_RIGHT: "the work was done, and what was looked at is not right: damage, FAILED, a breach",
    ExitCode.USAGE: "the command line, the configuration or the environment is wrong; nothing was done",
    ExitCode.FAULT: "a fault; another start may help",
    ExitCode.CREDENTIALS: "the venue refused the account's keys",
    ExitCode.UNREACHABLE: "the daemon cannot be reached: it does not run, does not answer, or permission is denied",
    ExitCode.UNFINISHED: "accepted and not finished: something is left",
    ExitCode.REFUSED: "refused by the daemon, or nothing was found to act on; nothing was changed",
    ExitCode.UNTESTED: "nothing went wrong, and something was not tested",
    ExitCode.INTERRUPTED: "interrupted by Ctrl-C",
}


def table() -> str:
    """Every code with its meaning, for `--help`."""
    # The mark keeps the lines as they are.
    return "\n".join(["\b", "Exit codes:", *(f"  {code:>3}  {meaning}" for code, meaning in MEANINGS.items())])
