"""The exception tree, named by the reaction that each error asks for.

`RecoverableError`: the part that raised it is restarted in place, with capped, jittered backoff.
`FatalError`: the process stops in order and exits with `exit_code`; systemd decides what follows.
A refusal (of an order, of a signal) is never an exception: it is a value with its reasons.
"""

from typing import ClassVar

EXIT_OK = 0
EXIT_NOT_RIGHT = 1
EXIT_USAGE = 2
EXIT_FAULT = 3
EXIT_CREDENTIALS = 4
EXIT_UNREACHABLE = 5
EXIT_UNFINISHED = 6
EXIT_REFUSED = 7
EXIT_UNTESTED = 8


class TradingdError(Exception):
    """Root of every error that this program raises on purpose; the message is one line for the operator."""


class RecoverableError(TradingdError):
    """The part that raised it may be restarted in place."""


class FeedError(RecoverableError):
    """A market-data feed lost its source or could not reach it."""


class VenueUnavailable(RecoverableError):
    """The venue did not answer, or answered with an outage; nothing is known about what was asked."""


class FatalError(TradingdError):
    """The process must stop; `exit_code` tells the service manager what to do."""

    exit_code: ClassVar[int] = EXIT_FAULT


class UsageError(FatalError):
    """The command line, the configuration file or the environment is wrong; nothing was started."""

    exit_code = EXIT_USAGE


class DaemonUnreachable(FatalError):
    """A command has no daemon that hears it: none runs, none answers, or this user may not ask it."""

    exit_code = EXIT_UNREACHABLE


class Refused(FatalError):
    """The daemon refused a command, or there is nothing that it could act on; nothing was changed."""

    exit_code = EXIT_REFUSED


class CredentialsRefused(FatalError):
    """The venue refused the account's keys: trying again with the same keys is of no use."""

    exit_code = EXIT_CREDENTIALS


class InvariantBroken(FatalError):
    """The books contradict themselves; going on would be worse than stopping."""


class JournalError(FatalError):
    """The journal cannot be read or written; nothing may be sent without it."""


class SourceMissing(UsageError):
    """A file that the configuration names does not exist or cannot be read."""


def described(error: BaseException) -> str:
    """Kind and words of what foreign code raised; its words are foreign code too, and may fail."""
    try:
        text = str(error)
    except BaseException:  # noqa: BLE001 - whatever it is, it stays here
        text = "its message cannot be shown"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
