"""A progress bar on stderr where that is a terminal, silence elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

OnProgress: TypeAlias = Callable[[float | None, int, int], None]
"""Takes the fraction done (None: not known), events so far, and the time that the replay has reached."""


@contextmanager
def progress_bar(title: str) -> Iterator[OnProgress]:
    """Show how far something has come while the block runs."""
    if not sys.stderr.isatty():
        yield lambda fraction, events, ts: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from tradingd.core.encoding import rfc3339

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[reached]}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=None, reached="")

        def on_progress(fraction: float | None, events: int, ts: int) -> None:
            reached = f"{events:,} events, {rfc3339(ts)[:16].replace('T', ' ')}"
            total = None if fraction is None else 1.0
            progress.update(task, total=total, completed=fraction or 0.0, reached=reached)

        yield on_progress
