"""A reader as people are: it asks market.duckdb again and again for the newest indicators, and notes when they came."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from types import TracebackType

import duckdb

from market_pipeline.settings import Settings
from market_pipeline.steps.feed_clock import simulated_clock

POLL_SECONDS = 0.5
"""Its looks take from the cores that the cycles share: no closer than need be."""
NEWEST = "SELECT market, max(known_at) FROM indicators_1m_latest GROUP BY market"


class LatestRows:
    """While it is open, a thread polls; afterwards it tells when something newer than a moment was seen."""

    def __init__(self, settings: Settings) -> None:
        self.failures: list[str] = []
        self._path = settings.feed_folder / "market.duckdb"
        self.shift = simulated_clock(settings.simulator_url).now() - datetime.now(UTC)
        """By how much the feed's clock is ahead of the machine's."""
        self._seen: dict[str, list[tuple[datetime, float]]] = {}
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="reader")

    def __enter__(self) -> LatestRows:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._is_over.set()
        self._thread.join()

    def seen_since(self, market: str, tick: datetime, *, until: float) -> float | None:
        """Return when (seconds since 1970) indicators were first read that became known after the machine's `tick`.

        None when that was after `until`: a cycle that found no new bar is not given its successor's rows.
        """
        for known_at, read_at in self._seen.get(market, []):
            if known_at >= tick + self.shift:
                return read_at if read_at <= until else None
        return None

    def _poll(self) -> None:
        with duckdb.connect(str(self._path), read_only=True) as connection:
            connection.sql("SET TimeZone = 'UTC'")
            while not self._is_over.wait(POLL_SECONDS):
                try:
                    newest = connection.sql(NEWEST).fetchall()
                except duckdb.IOException as error:
                    self.failures.append(str(error))
                else:
                    self._note(newest)

    def _note(self, newest: Iterable[tuple[str, datetime]]) -> None:
        for market, known_at in newest:
            seen = self._seen.setdefault(market, [])
            if not seen or seen[-1][0] != known_at:
                seen.append((known_at, datetime.now(UTC).timestamp()))
