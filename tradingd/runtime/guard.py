"""Calling code that is not ours: what it raises stays with the caller, as a value.

An `exit()`, a `KeyboardInterrupt` or a cancellation that foreign code raises is its own failure too: signals reach the
process by handlers of the event loop (see `cli.interrupts` for a replay), never through a callback.
"""

import traceback
from collections.abc import Awaitable, Callable

import msgspec

from tradingd.errors import described

MAX_FRAMES = 20
"""Frames of a failure that are kept: those next to where it happened."""


class Failure(msgspec.Struct, frozen=True):
    """What went wrong in foreign code: one line, and where, without values of variables."""

    summary: str
    where: tuple[str, ...]


def guarded(call: Callable[..., None], *arguments: object) -> Failure | None:
    """Call it; return what it raised instead of letting it spread."""
    try:
        call(*arguments)
    except BaseException as error:  # noqa: BLE001 - foreign code may raise anything; the caller quarantines it
        return _failure(error)
    return None


async def attempted(step: Callable[[], Awaitable[None] | None]) -> Failure | None:
    """Take one step of a stop; return what it raised, so that the steps after it are taken all the same."""
    try:
        waiting = step()
        if waiting is not None:
            await waiting
    except Exception as error:  # noqa: BLE001 - whatever one part raises, the others are still to be closed
        return _failure(error)
    return None


def _failure(error: BaseException) -> Failure:
    frames = traceback.extract_tb(error.__traceback__)[1:][-MAX_FRAMES:]
    return Failure(
        described(error),
        tuple(f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames),
    )
