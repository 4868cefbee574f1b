"""What every verb shares: the console, JSON output, and errors turned into one line and an exit code."""

from __future__ import annotations

import functools
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from enum import IntEnum
from typing import Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from market_pipeline.errors import MarketPipelineError, SourceUnreachable, Transient, UsageError
from market_pipeline.logs import configure_logging
from market_pipeline.settings import load_settings
from market_pipeline.steps.runtime import Runtime, open_runtime

WIDTH_WITHOUT_TERMINAL = 150

out = Console(width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL)
notes = Console(stderr=True, width=None if sys.stderr.isatty() else WIDTH_WITHOUT_TERMINAL)


class ExitCode(IntEnum):
    """What a script may rely on."""

    DONE = 0
    BELOW_LIMITS = 1
    WRONG_USE = 2
    UNREACHABLE = 3


def guarded[**P](verb: Callable[P, None]) -> Callable[P, None]:
    """Turn our errors into one red line and the documented exit code; a traceback is a defect."""

    @functools.wraps(verb)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            verb(*args, **kwargs)
        except MarketPipelineError as error:
            notes.print(f"[bold red]error:[/] {error}", highlight=False, soft_wrap=True)
            unreachable = isinstance(error, SourceUnreachable | Transient)
            raise typer.Exit(ExitCode.UNREACHABLE if unreachable else ExitCode.WRONG_USE) from None

    return run


def runtime() -> Runtime:
    """Open the feed that the environment names, with logs going to its folder."""
    settings = load_settings()
    configure_logging(settings)
    return open_runtime(settings)


def print_json(document: Any) -> None:
    """Print one JSON document on stdout and nothing else; times as ISO 8601."""
    typer.echo(json.dumps(document, default=str, ensure_ascii=False, allow_nan=False))


def parse_day(text: str) -> date:
    """Return the date that an option names. Raise UsageError for anything but YYYY-MM-DD."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a date; a retry does not help; write YYYY-MM-DD, like 2026-11-20") from None


def feed_banner(opened: Runtime) -> str:
    """Return the line that says which feed this is, and whether its data is made up."""
    now = f"{opened.clock.now():%Y-%m-%d %H:%M:%S} UTC"
    if not opened.is_simulated:
        return f"[bold green]LIVE[/] · real sources · {now}"
    return f"[bold yellow]SIMULATED[/] · made-up prices, clock of the simulated exchange: {now}"


class PlainProgress:
    """Progress for logs and pipes: a line when something new begins, and at most one each few seconds besides."""

    EVERY_SECONDS = 5.0

    def __init__(self) -> None:
        self._last: dict[int, tuple[str, float]] = {}

    def add_task(self, description: str, total: float | None = None) -> TaskID:
        """Begin a task and say so."""
        del total
        task = TaskID(len(self._last))
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
        _, said_at = self._last[task]
        is_done = completed is not None and completed == total
        if is_done or time.monotonic() - said_at >= self.EVERY_SECONDS:
            counted = "" if completed is None or not total or total == 1 else f" ({completed:g} of {total:g})"
            self._say(task, f"{description or self._last[task][0]}{counted}")

    def _say(self, task: TaskID, text: str) -> None:
        self._last[task] = (text, time.monotonic())
        notes.print(f"· {text}", highlight=False, soft_wrap=True)


@contextmanager
def progress_bar(*, quiet: bool = False) -> Iterator[Progress | PlainProgress]:
    """Show progress on stderr, so that stdout stays clean: bars on a terminal, lines elsewhere."""
    if not notes.is_terminal and not quiet:
        yield PlainProgress()
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=notes, disable=quiet) as progress:
        yield progress
