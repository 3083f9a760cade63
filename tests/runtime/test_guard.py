"""What foreign code raises becomes a value."""

from tradingd.runtime.guard import guarded


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
