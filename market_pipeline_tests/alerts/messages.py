"""Messages and verdicts that tests send around."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from market_pipeline.alerts.conditions import Condition, Key, Verdict
from market_pipeline.alerts.message import Message, MessageKind, Origin

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SIMULATED = Origin(is_simulated=True, ui_url="http://127.0.0.1:3000")
LIVE = Origin(is_simulated=False, ui_url="http://127.0.0.1:3000")


def message(**change: Any) -> Message:
    """An alert about stale data, changed."""
    facts: dict[str, Any] = {
        "name": "alert.casablanca.stale_data.20261120T120000",
        "kind": MessageKind.ALERT,
        "market": "casablanca",
        "title": "data is stale",
        "at": NOW,
        "since": NOW - timedelta(minutes=9),
        "evidence": "live_tickers: newest event 2026-11-20 11:51 UTC, 9.0 open minutes old (limit 5 min)",
        "what_to_do": "compare raw_quotes per source",
        "origin": SIMULATED,
    }
    return Message(**(facts | change))


def condition(key: Key = Key.STALE_DATA, market: str = "casablanca", since: datetime = NOW) -> Condition:
    """A condition that holds."""
    return Condition(key, market, f"{key.value} holds", since, "seen", "act")


def verdict(*holding: Condition, undecided: frozenset[Key] = frozenset(), market: str = "casablanca") -> Verdict:
    """A verdict over one market."""
    return Verdict(market, holding, undecided)
