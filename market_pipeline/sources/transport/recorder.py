"""Stands between a source and its transport and remembers what was asked and answered, for a probe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from market_pipeline.clock import Clock
from market_pipeline.errors import MarketPipelineError
from market_pipeline.model.outcome import RequestKind
from market_pipeline.sources.source import Answer, Request, Transport


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came of it. `http_status` and `body` are None where there was none."""

    kind: RequestKind
    http_status: int | None
    latency_ms: float
    body: bytes | None


class Recorder:
    """Implements Transport by another one. Not shared among threads."""

    def __init__(self, keep: Callable[[bytes], str]) -> None:
        """`keep` stores a body; this recorder's own `keep` takes its place in the transport."""
        self.exchanges: list[Exchange] = []
        self._keep = keep
        self._body: bytes | None = None
        self._transport: Transport | None = None
        self._clock: Clock | None = None

    def around(self, transport: Transport, *, clock: Clock) -> Self:
        """Record what goes through `transport`."""
        self._transport, self._clock = transport, clock
        return self

    def keep(self, body: bytes) -> str:
        """Remember a 2xx body, also one that fails the transport's checks, and store it."""
        self._body = body
        return self._keep(body)

    def send(self, request: Request) -> Answer:
        """Pass the request on. Raises what the transport raises."""
        if self._transport is None or self._clock is None:
            raise AssertionError("a recorder needs a transport before its first request")
        self._body = None
        started = self._clock.monotonic()
        try:
            answer = self._transport.send(request)
        except MarketPipelineError as error:
            waited = 1000 * (self._clock.monotonic() - started)
            self.exchanges.append(Exchange(request.kind, error.http_status, waited, self._body))
            raise
        self.exchanges.append(Exchange(request.kind, answer.http_status, answer.latency_ms, answer.body))
        return answer
