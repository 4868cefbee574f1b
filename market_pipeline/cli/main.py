"""Entry point of `market-pipeline`: registers one module per verb.

A verb imports what it needs when it runs, so that help and wrong use answer at once.
"""

from __future__ import annotations

import sys

import typer

from market_pipeline.cli import (
    alert,
    backfill,
    backup,
    chart,
    cycle,
    doctor,
    drill,
    export,
    gaps,
    indicators,
    migrate,
    probe,
    report,
    restore,
    screen,
    silence,
    simulate,
    status,
    symbols,
    up,
    views,
    watchdog,
)
from market_pipeline.cli.console import ExitCode, notes, say_error

app = typer.Typer(
    name="market-pipeline",
    help="One trustworthy live picture of many markets, minute by minute.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for verb in (
    up,
    simulate,
    cycle,
    backfill,
    gaps,
    status,
    symbols,
    doctor,
    probe,
    drill,
    alert,
    silence,
    watchdog,
    chart,
    views,
    indicators,
    screen,
    report,
    export,
    backup,
    restore,
    migrate,
):
    app.command(name=verb.__name__.rsplit(".", 1)[-1])(verb.run)

INTERRUPTED = 130
"""What shells expect of a command that Ctrl-C ended."""


def main() -> None:
    """Run the command line; wrong use is one line on stderr and exit code 2."""
    try:
        code = app(prog_name="market-pipeline", standalone_mode=False)
    except typer.TyperException as error:  # a missing, unknown or unreadable option, or no verb at all
        if text := error.format_message():
            say_error(f"{text.replace('Value error, ', '').rstrip('.')}; {_where_help_is(error)}")
        sys.exit(ExitCode.WRONG_USE)
    if code == INTERRUPTED:
        notes.print("stopped by Ctrl-C; what was written stays, and the same command goes on from there")
    sys.exit(code if isinstance(code, int) else ExitCode.DONE)


def _where_help_is(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return f"`{context.command_path if context else 'market-pipeline'} --help` shows how it is used"
