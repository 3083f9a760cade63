"""What foreign code raises becomes a value."""

import asyncio

import pytest
from tradingd.runtime.guard import MAX_FRAMES, guarded


def test_code_that_returns_gives_nothing() -> None:
    seen: list[int] = []
    assert guarded(seen.append, 3) is None
    assert seen == [3]


def test_what_is_raised_tells_what_and_where_without_values_of_variables() -> None:
    def fails() -> None:
        password = "hunter2"
        raise ValueError(f"{len(password)} is wrong")

    failure = guarded(fails)
    assert failure is not None
    assert failure.summary == "ValueError: 7 is wrong"
    assert len(failure.where) == 1
    assert failure.where[0].endswith("in fails")
    assert "hunter2" not in str(failure)


@pytest.mark.parametrize(
    "error",
    [SystemExit(0), KeyboardInterrupt(), MemoryError(), asyncio.CancelledError(), GeneratorExit(), SystemExit("over")],
)
def test_what_would_end_a_process_or_a_task_stays_with_the_caller_too(error: BaseException) -> None:
    def fails() -> None:
        raise error

    failure = guarded(fails)
    assert failure is not None
    assert failure.summary.startswith(type(error).__name__)


def test_of_a_full_stack_the_innermost_frames_are_kept() -> None:
    def deeper(depth: int) -> None:
        deeper(depth + 1)

    failure = guarded(deeper, 0)
    assert failure is not None
    assert failure.summary.startswith("RecursionError: ")
    assert len(failure.where) == MAX_FRAMES


def test_an_error_whose_words_end_the_process_is_a_failure_like_any_other() -> None:
    class Sly(Exception):
        def __str__(self) -> str:
            raise SystemExit(3)

    def fails() -> None:
        raise Sly

    failure = guarded(fails)
    assert failure is not None
    assert failure.summary == "Sly: its message cannot be shown"
