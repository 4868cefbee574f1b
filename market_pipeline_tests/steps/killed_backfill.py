"""A backfill that kills itself, the hard way, once it comes to a given session.

Run as a module with the data folder, the simulated exchange's address, the moment, first and last day, the day to die.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import date, datetime
from pathlib import Path

from market_pipeline.clock import HandClock
from market_pipeline.settings import Settings
from market_pipeline.steps.backfill import backfill
from market_pipeline.steps.runtime import Runtime


def main(folder: str, url: str, now: str, first: str, last: str, dies_on: str) -> None:
    settings = Settings(data=Path(folder), simulator_url=url, budgets=False, _env_file=None)
    runtime = Runtime(settings, HandClock(datetime.fromisoformat(now)))

    def progress(done: int, total: int, what: str) -> None:
        if what.startswith(dies_on):
            os.kill(os.getpid(), signal.SIGKILL)

    backfill(
        runtime,
        "crypto",
        first=date.fromisoformat(first),
        last=date.fromisoformat(last),
        progress=progress,
        with_daily=False,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
