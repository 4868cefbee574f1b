"""Whose turn it is: one process at a time completes a market's sessions, so that no history is asked for twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from market_pipeline.steps.runtime import MarketRuntime, Runtime


@contextmanager
def session_turn(runtime: Runtime, market: MarketRuntime) -> Iterator[None]:
    """Hold the turn to complete sessions of this market; waits for whoever has it."""
    with _lock(runtime, market):
        yield


def is_taken(runtime: Runtime, market: MarketRuntime) -> bool:
    """Tell whether another process is completing sessions of this market now."""
    try:
        with _lock(runtime, market).acquire(timeout=0):
            return False
    except Timeout:
        return True


def _lock(runtime: Runtime, market: MarketRuntime) -> FileLock:
    folder = runtime.folder / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"session_{market.name}.lock")
