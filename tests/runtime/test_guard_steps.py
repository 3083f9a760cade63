"""A stop goes on over a step that fails."""

from tradingd.runtime.guard import attempted


async def test_what_a_step_raises_is_a_value_and_the_next_step_is_taken() -> None:
    taken: list[str] = []

    async def waits() -> None:
        taken.append("waits")

    def breaks() -> None:
        taken.append("breaks")
        raise OSError("the disk is gone")

    async def breaks_later() -> None:
        taken.append("breaks later")
        raise ValueError("no such thing")

    failures = [await attempted(step) for step in (waits, breaks, breaks_later, waits)]
    assert taken == ["waits", "breaks", "breaks later", "waits"]
    assert [failure and failure.summary for failure in failures] == [
        None,
        "OSError: the disk is gone",
        "ValueError: no such thing",
        None,
    ]
