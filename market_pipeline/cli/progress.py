"""Progress of long work, on stderr: bars on a terminal, lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from market_pipeline.cli.console import notes


class PlainProgress:
    """Progress for logs and pipes: a line when something new begins or ends, and at most one each few seconds besides.

    Each line begins with the seconds since the start. Safe to use from several threads.
    """

    EVERY_SECONDS = 5.0

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._said: dict[int, tuple[str, float]] = {}

    def add_task(self, description: str, total: float | None = None) -> TaskID:
        """Begin a task and say so."""
        del total
        task = TaskID(len(self._said))
        self._say(task, description)
        return task

    def update(
        self,
        task: TaskID,
        *,
        completed: float | None = None,
        total: float | None = None,
        description: str | None = None,
    ) -> None:
        """Say how far a task is, unless the last line is only seconds old."""
        text, said_at = self._said[task]
        is_done = completed is not None and completed == total
        if is_done or time.monotonic() - said_at >= self.EVERY_SECONDS:
            counted = "" if completed is None or not total or total == 1 else f" ({completed:g} of {total:g})"
            self._say(task, f"{description or text}{counted}")

    def _say(self, task: TaskID, text: str) -> None:
        now = time.monotonic()
        self._said[task] = (text, now)
        notes.print(f"{now - self._began:4.0f} s  {escape(text)}")


@contextmanager
def progress_bar(*, quiet: bool = False) -> Iterator[Progress | PlainProgress]:
    """Show progress on stderr, so that stdout stays clean; nothing when quiet."""
    if not notes.is_terminal and not quiet:
        yield PlainProgress()
        return
    columns = (
        SpinnerColumn(finished_text="[green]✓[/]"),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=notes, disable=quiet) as progress:
        yield progress
