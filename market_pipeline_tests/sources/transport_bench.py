"""A transport on a hand clock before a scripted server; it keeps what it waited for and what it stored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from market_pipeline.clock import HandClock
from market_pipeline.markets.schema import SourceRule
from market_pipeline.settings import Feed, Settings
from market_pipeline.sources.transport.http_transport import HttpTransport
from market_pipeline.sources.transport.patience import Patience
from market_pipeline_tests.sources.scripted_server import Reply, ScriptedServer, serving

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class FullJitter:
    """Draws the upper end of every interval, so that pauses can be written out."""

    def uniform(self, _low: float, high: float) -> float:
        return high


@dataclass
class Bench:
    server: ScriptedServer
    transport: HttpTransport
    clock: HandClock
    pauses: list[float]
    kept: list[bytes]


@contextmanager
def bench(
    folder: Path, script: Sequence[Reply], *, rule: dict[str, Any] | None = None, at: datetime = NOON, **patience: Any
) -> Iterator[Bench]:
    clock, pauses, kept = HandClock(at), [], []

    def sleep(seconds: float) -> None:
        pauses.append(round(seconds, 3))
        clock.advance(timedelta(seconds=seconds))

    def keep(body: bytes) -> str:
        kept.append(body)
        return hashlib.sha256(body).hexdigest()

    with serving(script) as server:
        settings = Settings(feed=Feed.SIMULATED, data=folder, simulator_url=server.url, contact="mailto:us@example.org")
        source = SourceRule(**({"name": "dhan", "terms": "test"} | (rule or {})))
        waits = Patience(sleep=sleep, jitter=FullJitter(), **patience)  # type: ignore[arg-type]
        transport = HttpTransport(source, settings=settings, clock=clock, keep=keep, patience=waits)
        try:
            yield Bench(server, transport, clock, pauses, kept)
        finally:
            transport.close()
