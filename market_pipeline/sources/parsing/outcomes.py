"""From errors to outcomes: every requested symbol gets exactly one, whatever happened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from market_pipeline.errors import (
    Blocked,
    BreakerOpen,
    BudgetExhausted,
    MarketPipelineError,
    NoData,
    PayloadError,
    RateLimited,
    SourceTimeout,
    SourceUnreachable,
    Unauthorised,
    UnknownSymbol,
)
from market_pipeline.model.outcome import Outcome, OutcomeStatus, RequestKind
from market_pipeline.sources.source import Answer

FETCH_ERRORS = (
    SourceUnreachable,
    SourceTimeout,
    RateLimited,
    BreakerOpen,
    BudgetExhausted,
    Unauthorised,
    Blocked,
    PayloadError,
    UnknownSymbol,
    NoData,
)
"""What concerns a source or a symbol and becomes an outcome; a full disk or a wrong setting is raised instead."""

_STATUS: dict[type[MarketPipelineError], OutcomeStatus] = {
    SourceUnreachable: OutcomeStatus.TIMEOUT,
    SourceTimeout: OutcomeStatus.TIMEOUT,
    RateLimited: OutcomeStatus.RATE_LIMITED,
    BudgetExhausted: OutcomeStatus.DEFERRED,
    Unauthorised: OutcomeStatus.UNAUTHORISED,
    Blocked: OutcomeStatus.BLOCKED,
    PayloadError: OutcomeStatus.PARSE_ERROR,
    UnknownSymbol: OutcomeStatus.UNKNOWN,
    NoData: OutcomeStatus.EMPTY,
}


def outcome_status(error: MarketPipelineError) -> OutcomeStatus:
    """Return the status that `error` gives to the symbols it was about.

    An open breaker passes on what opened it. An error that is no source's or symbol's fault is raised again.
    """
    kind = (error.cause or BudgetExhausted) if isinstance(error, BreakerOpen) else type(error)
    for known, status in _STATUS.items():
        if issubclass(kind, known):
            return status
    raise error


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What was asked of which source for which market: the part that all its outcomes share."""

    market: str
    source: str
    kind: RequestKind

    def answered(
        self, symbol: str, status: OutcomeStatus, answer: Answer, *, reason: str | None = None, rejected: int = 0
    ) -> Outcome:
        """Return the outcome of one symbol that `answer` spoke of, or was silent about."""
        return Outcome(
            self.market,
            self.source,
            symbol,
            self.kind,
            status,
            answer.received_time,
            reason=reason,
            attempts=answer.attempts,
            http_status=answer.http_status,
            latency_ms=answer.latency_ms,
            rejected_records=rejected,
            payload_sha=answer.payload_sha,
        )

    def not_asked(self, symbol: str, status: OutcomeStatus, reason: str, *, at: datetime) -> Outcome:
        """Return the outcome of one symbol that no request was sent for."""
        return Outcome(self.market, self.source, symbol, self.kind, status, at, reason=reason, attempts=0)

    def failed(self, symbols: Iterable[str], error: MarketPipelineError, *, at: datetime) -> tuple[Outcome, ...]:
        """Return one outcome for each of `symbols` that a failed request was about."""
        status = outcome_status(error)
        return tuple(
            Outcome(
                self.market,
                self.source,
                symbol,
                self.kind,
                status,
                at,
                reason=str(error),
                attempts=error.attempts,
                http_status=error.http_status,
            )
            for symbol in symbols
        )
