"""A small market file and a moment of its session."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from market_pipeline.markets.schema import CalendarSection, MarketFile, SourceRule, SymbolRule
from market_pipeline.model.session import MarketState, SessionState

MARKET_FILE = MarketFile(
    market="casablanca",
    title="Casablanca",
    exchange="Casablanca Stock Exchange",
    country="Morocco",
    currency="MAD",
    calendar=CalendarSection(name="XCAS", zone="Africa/Casablanca"),
    sources=(SourceRule(name="wafa_bourse", terms="public pages"),),
    symbols=(SymbolRule(symbol="ATW", name="Attijariwafa Bank"),),
)
STATE = MarketState(
    market="casablanca",
    at=datetime(2026, 11, 20, 9, 35, 7, tzinfo=UTC),
    state=SessionState.OPEN,
    session_date=date(2026, 11, 20),
    phase="continuous",
    reason="open",
    next_change=None,
)


def state_after(minutes: float) -> MarketState:
    """The same state, so many minutes later."""
    return replace(STATE, at=STATE.at + timedelta(minutes=minutes))
