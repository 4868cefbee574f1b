"""Every requested symbol gets an outcome whose status follows from the error."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

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
    StorageError,
    Unauthorised,
    UnknownSymbol,
)
from market_pipeline.model.outcome import OutcomeStatus, RequestKind
from market_pipeline.sources.parsing.outcomes import FETCH_ERRORS, Inquiry, outcome_status

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (SourceUnreachable(""), "timeout"),
        (SourceTimeout(""), "timeout"),
        (RateLimited(""), "rate_limited"),
        (BudgetExhausted(""), "deferred"),
        (Unauthorised(""), "unauthorised"),
        (Blocked(""), "blocked"),
        (PayloadError(""), "parse_error"),
        (UnknownSymbol(""), "unknown"),
        (NoData(""), "empty"),
        (BreakerOpen(""), "deferred"),
    ],
)
def test_an_error_has_one_status(error: MarketPipelineError, status: str) -> None:
    assert outcome_status(error) == status
    assert isinstance(error, FETCH_ERRORS)


def test_an_open_breaker_has_the_status_of_what_opened_it() -> None:
    error = BreakerOpen("left alone")
    error.cause = RateLimited
    assert outcome_status(error) is OutcomeStatus.RATE_LIMITED


def test_a_full_disk_is_no_symbols_fault_and_is_raised() -> None:
    with pytest.raises(StorageError, match="disk"):
        outcome_status(StorageError("the disk is full"))


def test_every_symbol_of_a_failed_request_gets_the_reason_the_status_and_the_attempts() -> None:
    error = RateLimited("HTTP 429: a retry may help")
    error.http_status, error.attempts = 429, 3
    outcomes = Inquiry("india", "dhan", RequestKind.QUOTE).failed(["TCS", "INFY"], error, at=NOON)
    assert [outcome.symbol for outcome in outcomes] == ["TCS", "INFY"]
    assert {(o.status, o.reason, o.http_status, o.attempts, o.received_time) for o in outcomes} == {
        (OutcomeStatus.RATE_LIMITED, "HTTP 429: a retry may help", 429, 3, NOON)
    }
