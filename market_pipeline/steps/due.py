"""When a market has work: while trades can happen, and after the close for as long as its sources lag."""

from __future__ import annotations

from datetime import datetime, timedelta

from market_pipeline.model.session import SessionState
from market_pipeline.steps.runtime import MarketRuntime

TRAILING_MINUTES = 2


def in_reach(market: MarketRuntime, at: datetime) -> bool:
    """Tell whether bars of the session in progress can still arrive at `at`.

    After the last phase that is so for as long as the slowest source says it lags, plus two minutes: the last
    trades of a delayed source are seen only then.
    """
    state = market.calendar.state(at)
    if state.is_open or state.state is SessionState.POST_CLOSE:
        return True
    session = market.calendar.session(state.session_date)
    if session is None or at < session.open:
        return False
    lag = timedelta(seconds=max(rule.declared_delay_seconds for rule in market.file.sources))
    return at < session.last_phase_end + lag + timedelta(minutes=TRAILING_MINUTES)


def skip_reason(market: MarketRuntime, at: datetime) -> str | None:
    """Return why no minute cycle is due at `at`, in words for people; None when one is due."""
    return None if in_reach(market, at) else market.calendar.state(at).reason
