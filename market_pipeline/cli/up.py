"""`market-pipeline up`: start everything on this machine, fill the tables, and say where to look."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from market_pipeline.cli.console import ExitCode, guarded, notes, say_error
from market_pipeline.cli.feed import feed_settings

if TYPE_CHECKING:
    from market_pipeline.settings import Settings


class At(StrEnum):
    """Where the simulated exchange's clock starts."""

    OPEN = "open"
    NOW = "now"


@guarded
def run(
    at: Annotated[At, typer.Option(help="simulated feed: a moment when markets are open, or the real time")] = At.OPEN,
) -> None:
    """Start simulated exchange (or live sources), Dagster with schedules on, fill the tables, stay until Ctrl-C."""
    # a script's `make run &` starts us with SIGINT ignored: nothing could interrupt us before the supervisor takes over
    signal.signal(signal.SIGINT, signal.default_int_handler)
    settings = feed_settings()
    from market_pipeline.cli.processes import processes
    from market_pipeline.cli.supervision import only_one, supervise
    from market_pipeline.markets.zones import check_zone_table

    check_zone_table()
    with only_one(settings.feed_folder):
        specs = processes(settings, starts_open=at is At.OPEN)
        preparation = Preparation(settings)
        ended = supervise(specs, logs=settings.feed_folder / "logs", when_started=preparation.run)
        preparation.stop()
    notes.show_cursor()  # a progress bar that was cut off hides it
    if ended is not None:
        say_error(f"{ended}; the whole story is in {settings.feed_folder / 'logs'}")
    notes.print("stopped; every process that was started has ended")
    code = preparation.failure if ended is None else ExitCode.UNREACHABLE
    if code:
        raise typer.Exit(code)


class Preparation:
    """The process that fills the tables and prints the screen: what it takes of memory is free again when it ends.

    It says itself what went wrong; a failure stops everything.
    """

    def __init__(self, settings: Settings) -> None:
        self.failure = 0
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> bool:
        """Run it to its end, and tell whether all is well; when not, remember its code and have everything stopped."""
        from market_pipeline.settings import child_environment

        command = [sys.executable, "-m", "market_pipeline.cli.prepare"]
        self._process = subprocess.Popen(command, env=child_environment(self._settings))
        code = self._process.wait()
        if code > 0:
            self.failure = code
            os.kill(os.getpid(), signal.SIGTERM)
        return code == 0

    def stop(self) -> None:
        """End it where it is, if it still runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
