"""Show the table of alerts for whoever holds no warehouse: here, or in a process that gives its memory back."""

from __future__ import annotations

import multiprocessing
from datetime import datetime

from market_pipeline.clock import HandClock
from market_pipeline.settings import Settings
from market_pipeline.steps.tell import alert_life, show

LONGEST_SECONDS = 60


def show_alerts(settings: Settings, at: datetime) -> None:
    """Write the alerts that changed into their table, known at `at` by the feed's clock."""
    from market_pipeline.steps.runtime import stored_warehouse

    show(alert_life(settings, HandClock(at)), stored_warehouse(settings), at)


def show_alerts_apart(settings: Settings, at: datetime) -> None:
    """Do it in a process of its own: the tables' libraries take 100 MB, which a watchdog would hold for weeks."""
    process = multiprocessing.get_context("spawn").Process(target=show_alerts, args=(settings, at))
    process.start()
    process.join(LONGEST_SECONDS)
    if process.exitcode is None:
        process.kill()
        process.join()
