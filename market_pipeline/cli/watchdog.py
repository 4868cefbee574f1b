"""`market-pipeline watchdog`: look at Dagster from outside, and alert when its daemon is silent. `up` starts one."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Annotated

import structlog
import typer

from market_pipeline.cli.console import SHOWN, guarded, out
from market_pipeline.cli.feed import feed_settings

if TYPE_CHECKING:
    from market_pipeline.components.dagster_pulse import PulseReader
    from market_pipeline.steps.watch_platform import DagsterSigns, PlatformWatch

LOOK_SECONDS = 20.0
STATUS_SECONDS = 300.0


@guarded
def run(
    once: Annotated[bool, typer.Option("--once", help="look once, print the status line, and end")] = False,
    for_up: Annotated[bool, typer.Option("--for-up", hidden=True)] = False,
) -> None:
    """Watch Dagster, its sensor and the supervised parts; alert, mend, and print a status line every five minutes."""
    settings = feed_settings()
    from market_pipeline.components.dagster_pulse import PulseReader
    from market_pipeline.steps.show_alerts import show_alerts_apart
    from market_pipeline.steps.watch_platform import PlatformWatch

    reader = PulseReader(settings.feed_folder / "dagster")
    watch = PlatformWatch(settings, show=show_alerts_apart)
    try:
        if once:
            signs = _signs(reader, None)
            watch.look(signs)
            out.print(watch.status_line(signs), markup=False, soft_wrap=True)
        else:
            _watch(reader, watch, mark=SHOWN if for_up else "")
    finally:
        reader.close()


def _watch(reader: PulseReader, watch: PlatformWatch, *, mark: str) -> None:
    """Look until told to stop. Whatever goes wrong in one look is logged, and the next one comes all the same."""
    log = structlog.get_logger("market_pipeline.watchdog")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    looks, failures, signs = 0, 0, None
    while not stopping.is_set():
        try:
            signs = _signs(reader, signs)
            watch.look(signs)
            if looks % int(STATUS_SECONDS / LOOK_SECONDS) == 0:
                typer.echo(f"{mark}{watch.status_line(signs)}")
        except Exception as error:  # the outermost loop of a process that must not die of what it watches
            failures += 1
            log.warning("look_failed", failures=failures, error=f"{type(error).__name__}: {error}")
        else:
            looks += 1
        stopping.wait(LOOK_SECONDS)


def _signs(reader: PulseReader, before: DagsterSigns | None) -> DagsterSigns:
    """Read Dagster's pulse. Where its storage does not answer, what was seen before counts, and grows old."""
    from market_pipeline.clock import SystemClock
    from market_pipeline.steps.watch_platform import DagsterSigns

    try:
        pulse = reader.read(SystemClock().now())
    except Exception as error:  # any error of whatever database is behind it: its silence is what we watch for
        structlog.get_logger("market_pipeline.watchdog").warning(
            "pulse_unread", error=f"{type(error).__name__}: {error}"
        )
        return before or DagsterSigns(None, {})
    return DagsterSigns(pulse.newest_tick, pulse.heartbeats)
