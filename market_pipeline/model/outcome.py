"""What became of one requested symbol at one source: there is exactly one outcome for each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class OutcomeStatus(StrEnum):
    """How a request for one symbol ended."""

    OK = "ok"
    EMPTY = "empty"
    NOT_TRADED = "not_traded"
    HALTED = "halted"
    DELISTED = "delisted"
    UNKNOWN = "unknown"
    DEFERRED = "deferred"
    RATE_LIMITED = "rate_limited"
    BLOCKED = "blocked"
    PARSE_ERROR = "parse_error"
    TIMEOUT = "timeout"
    UNAUTHORISED = "unauthorised"


ANSWERED = frozenset({OutcomeStatus.OK, OutcomeStatus.NOT_TRADED, OutcomeStatus.HALTED})
"""The source knew the symbol and told us its state."""


class RequestKind(StrEnum):
    """What was asked for."""

    QUOTE = "quote"
    MINUTE_BARS = "minute_bars"
    DAILY_BARS = "daily_bars"
    TRADES = "trades"
    ORDER_BOOK = "order_book"
    INSTRUMENTS = "instruments"
    METRICS = "metrics"
    FUNDAMENTALS = "fundamentals"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One requested symbol's fate. `reason` is for people; None when there is nothing to say."""

    market: str
    source: str
    symbol: str
    kind: RequestKind
    status: OutcomeStatus
    received_time: datetime
    reason: str | None = None
    attempts: int = 1
    http_status: int | None = None
    latency_ms: float | None = None
    rejected_records: int = 0
    """Records of this symbol that were set aside (bad price, outside the window, duplicate …)."""
    payload_sha: str | None = None
