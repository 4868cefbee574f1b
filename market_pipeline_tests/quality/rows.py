"""One good row of each table, to be spoiled by tests."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa

from market_pipeline.model.session import Session
from market_pipeline.quality.rule import Facts, Range, RuleResult
from market_pipeline.quality.validity import check_table
from market_pipeline.storage.tables import (
    BARS_1D,
    BARS_1M,
    FETCH_OUTCOMES,
    FUNDAMENTALS,
    GAPS,
    HEALTH,
    INSTRUMENTS,
    LEVELS_1M,
    LIVE_TICKERS,
    METRICS,
    RAW_QUOTES,
    SHARIA_SCREEN,
    Column,
    Table,
    indicators_table,
)

NOW = datetime(2026, 11, 20, 9, 35, 30, tzinfo=UTC)
MINUTE = datetime(2026, 11, 20, 9, 34, tzinfo=UTC)
DAY = date(2026, 11, 20)
SESSION = Session(
    "casablanca",
    DAY,
    datetime(2026, 11, 20, 9, 30, tzinfo=UTC),
    datetime(2026, 11, 20, 15, 20, tzinfo=UTC),
    datetime(2026, 11, 20, 15, 30, tzinfo=UTC),
    (),
)
INDICATORS_1M = indicators_table(
    [Column("RSI_14", pa.float32(), "relative strength"), Column("OBV", pa.float64(), "on-balance volume")]
)
FACTS = Facts(
    NOW,
    sessions=(SESSION,),
    requested=frozenset({("wafa_bourse", "ATW", "quote")}),
    ranges={"RSI_14": Range(0, 100)},
)

_IDENTITY = {"market": "casablanca", "symbol": "ATW", "session_date": DAY}
_OHLC = {"open": 500.0, "high": 505.0, "low": 499.0, "close": 504.0, "volume": 120.0, "turnover": 60_240.0}

GOOD: dict[str, tuple[Table, dict[str, Any]]] = {
    "raw_quotes": (
        RAW_QUOTES,
        _IDENTITY
        | {"source": "wafa_bourse", "as_of": MINUTE, "event_time": MINUTE, "received_time": NOW, "known_at": NOW}
        | {"price": 504.0, "price_kind": "trade", "high": 505.0, "low": 499.0, "bid": 503.9, "ask": 504.1},
    ),
    "fetch_outcomes": (
        FETCH_OUTCOMES,
        _IDENTITY
        | {"source": "wafa_bourse", "kind": "quote", "status": "ok", "attempts": 1, "latency_ms": 80.5}
        | {"as_of": MINUTE, "received_time": NOW, "rejected_records": 0},
    ),
    "live_tickers": (
        LIVE_TICKERS,
        _IDENTITY
        | {"ticker": "ATW", "price": 504.0, "high_24h": 505.0, "low_24h": 499.0, "source": "wafa_bourse"}
        | {"provenance": '{"last": {"source": "wafa_bourse"}}', "session_state": "open"}
        | {"event_time": MINUTE, "received_time": NOW, "known_at": NOW},
    ),
    "bars_1m": (
        BARS_1M,
        _IDENTITY
        | _OHLC
        | {"interval_start": MINUTE, "origin": "sampled", "n_ticks": 1, "is_final": True, "is_synthetic": False}
        | {"revision": 0, "known_at": NOW},
    ),
    "indicators_1m": (
        INDICATORS_1M,
        _IDENTITY | {"interval_start": MINUTE, "RSI_14": 61.5, "OBV": -4200.0, "known_at": NOW},
    ),
    "levels_1m": (
        LEVELS_1M,
        _IDENTITY
        | {"interval_start": MINUTE, "PP_CLASSIC": 500.0, "SUPPORT": 499.0, "SUPPORT_touches": 2, "SUPPORT_age": 4}
        | {"RESISTANCE": 505.0, "POC": 501.0, "VAH": 504.0, "VAL": 500.0, "known_at": NOW}
        | {"DEMAND_top": 499.0, "DEMAND_bottom": 498.0, "DEMAND_strength": 3.5},
    ),
    "instruments": (
        INSTRUMENTS,
        {"market": "casablanca", "symbol": "ATW", "isin": "MA0000012445", "currency": "MAD", "tick_size": 0.1}
        | {"status": "listed", "known_at": NOW},
    ),
    "bars_1d": (BARS_1D, _IDENTITY | _OHLC | {"source": "wafa_bourse", "known_at": NOW}),
    "gaps": (
        GAPS,
        _IDENTITY
        | {"first_minute": MINUTE - timedelta(minutes=3), "last_minute": MINUTE, "minutes": 4, "tier": 1}
        | {"cause": "timeout", "state": "open", "found_at": NOW, "attempts": 0, "known_at": NOW},
    ),
    "health": (
        HEALTH,
        {"market": "casablanca", "session_date": DAY, "as_of": MINUTE, "is_open": True, "known_at": NOW}
        | {"score": 75.0, "running": 30.0, "errors": 0.0, "freshness": 15.0, "performance": 10.0}
        | {"lost_points": "[{}]"},
    ),
    "metrics": (
        METRICS,
        _IDENTITY
        | {"as_of": MINUTE, "currency": "MAD", "known_at": NOW}
        | {"volume": 120.0, "volume_source": "wafa_bourse", "volume_as_of": MINUTE}
        | {"dividend_yield": 0.031, "dividend_yield_source": "wafa_bourse", "dividend_yield_as_of": MINUTE},
    ),
    "fundamentals": (
        FUNDAMENTALS,
        {"market": "casablanca", "source": "wafa_bourse", "symbol": "ATW", "currency": "MAD", "total_debt": 4e9}
        | {"period_end": date(2026, 6, 30), "received_time": NOW, "known_at": NOW},
    ),
    "sharia_screen": (
        SHARIA_SCREEN,
        _IDENTITY
        | {"as_of": MINUTE, "verdict": "compliant", "reason": "every ratio is within its limit", "sector": "cement"}
        | {"debt_ratio": 0.1, "debt_limit": 0.3, "deposits_ratio": 0.2, "deposits_limit": 0.3}
        | {"income_ratio": 0.01, "income_limit": 0.05, "known_at": NOW},
    ),
}


def table_of(name: str, *changes: dict[str, Any]) -> pa.Table:
    """One good row of `name` for each of `changes`, changed by it."""
    table, row = GOOD[name]
    return pa.Table.from_pylist([row | change for change in changes], schema=table.schema)


def results(name: str, *changes: dict[str, Any], facts: Facts = FACTS) -> dict[str, RuleResult]:
    """Rule → result over the changed rows."""
    key = GOOD[name][0].key
    return {result.rule: result for result in check_table(name, table_of(name, *changes), key=key, facts=facts)}


def broken(name: str, *changes: dict[str, Any], facts: Facts = FACTS) -> list[str]:
    """Sentences of the rules that fail."""
    return [rule for rule, result in results(name, *changes, facts=facts).items() if not result.passed]


def later(minutes: float) -> datetime:
    """A moment so many minutes after NOW."""
    return NOW + timedelta(minutes=minutes)
