"""What every verb shares: the consoles, JSON output, and errors turned into one line and an exit code.

Every run of the command imports this module: what reads settings, markets or tables is imported by the verb that runs.
"""

from __future__ import annotations

import functools
import json
import logging
import math
import sys
import traceback
from collections.abc import Callable, Mapping
from datetime import date, datetime
from enum import IntEnum
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from market_pipeline.errors import MarketPipelineError, Transient

WIDTH_WITHOUT_TERMINAL = 400
"""Wide enough that a pipe, a file or grep gets each row of a table on one line."""
SHOWN = "screen: "
"""How a line of a part begins that people are to see where `up` runs."""
log = logging.getLogger("market_pipeline.cli")

out = Console(width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL, highlight=False)
notes = Console(
    stderr=True, width=None if sys.stderr.isatty() else WIDTH_WITHOUT_TERMINAL, highlight=False, soft_wrap=True
)


class ExitCode(IntEnum):
    """What a script may rely on."""

    DONE = 0
    BELOW_LIMITS = 1
    WRONG_USE = 2
    UNREACHABLE = 3


def exit_code(error: MarketPipelineError) -> ExitCode:
    """Return 3 for what may work later, when the source or service is back, and 2 for what somebody must mend."""
    return ExitCode.UNREACHABLE if isinstance(error, Transient) else ExitCode.WRONG_USE


def say_error(text: object) -> None:
    """Print one error on stderr."""
    notes.print(f"[bold red]error:[/] {escape(str(text))}")


def guarded[**P](verb: Callable[P, None]) -> Callable[P, None]:
    """Turn errors into one line and the documented exit code. Nobody is shown a traceback; a defect's is in the log."""

    @functools.wraps(verb)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            verb(*args, **kwargs)
        except MarketPipelineError as error:
            say_error(error)
            raise typer.Exit(exit_code(error)) from None
        except (typer.Exit, typer.Abort, typer.TyperException, BrokenPipeError):
            raise
        except Exception as defect:  # outermost frame: a traceback on the screen helps nobody who only uses this
            say_error(described_defect(defect))
            raise typer.Exit(ExitCode.WRONG_USE) from None

    return run


def described_defect(defect: Exception) -> str:
    """Write the traceback into the feed's log, if one is open, and return the line for people."""
    frame = traceback.extract_tb(defect.__traceback__)[-1]
    if log.hasHandlers():
        log.error("defect", exc_info=defect)
    seen = " ".join(f"{type(defect).__name__}: {defect}".split())
    return (
        f"a defect of market-pipeline itself: {seen} ({Path(frame.filename).name}, line {frame.lineno}); a retry may "
        "not help; please report it with its traceback from the feed's logs folder"
    )


def print_table(table: Table) -> None:
    """Print a table; without a terminal there are no blanks at the end of its lines."""
    if out.is_terminal:
        out.print(table)
        return
    with out.capture() as captured:
        out.print(table)
    for line in captured.get().splitlines():
        typer.echo(line.rstrip())


def print_json(document: Any) -> None:
    """Print one JSON document on stdout and nothing else: times as ISO 8601, what is not a number as null."""
    typer.echo(json.dumps(_plain(document), default=_as_text, ensure_ascii=False, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
