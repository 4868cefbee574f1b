"""One lock a market: whoever writes its slices holds it. The system frees it when a holder dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from market_pipeline.errors import WarehouseBusy
from market_pipeline.storage.files import storage_error
from market_pipeline.storage.layout import Layout

POLL_SECONDS = 0.01
LOCK_TIMEOUT_SECONDS = 20.0


class MarketLocks:
    """The locks of one warehouse. A thread that holds a lock may take it again."""

    def __init__(self, layout: Layout, timeout_seconds: float) -> None:
        self._layout = layout
        self._timeout_seconds = timeout_seconds
        self._locks: dict[str, FileLock] = {}

    @contextmanager
    def hold(self, market: str, timeout_seconds: float | None = None) -> Iterator[None]:
        """Hold the market's lock. Raises WarehouseBusy when another writer keeps it too long."""
        path = self._layout.lock(market)
        timeout = self._timeout_seconds if timeout_seconds is None else timeout_seconds
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = self._locks.setdefault(market, FileLock(path))
            lock.acquire(timeout=timeout, poll_interval=POLL_SECONDS)
        except Timeout as error:
            raise WarehouseBusy(
                f"waited {timeout:g} s to write slices of {market}, and another process held the lock "
                f"{self._layout.relative(path)} all the while; a retry helps once that process is done",
                retry_after_seconds=timeout,
            ) from error
        except OSError as error:
            raise storage_error(path, error) from error
        try:
            yield
        finally:
            lock.release()
