"""Calling code that is not ours: what it raises stays with the caller, as a value."""

import traceback
from collections.abc import Awaitable, Callable

import msgspec


class Failure(msgspec.Struct, frozen=True):
    """What went wrong in foreign code: one line, and where, without values of variables."""

    summary: str
    where: tuple[str, ...]


def guarded(call: Callable[..., None], *arguments: object) -> Failure | None:
    """Call it; return what it raised instead of letting it spread."""
    try:
        call(*arguments)
    except Exception as error:  # noqa: BLE001 - foreign code may raise anything; the caller quarantines it
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


def _failure(error: Exception) -> Failure:
    frames = traceback.extract_tb(error.__traceback__)[1:]
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - even the words of a foreign error are foreign code
        text = "its message cannot be shown"
    return Failure(
        f"{type(error).__name__}: {text}",
        tuple(f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames),
    )
