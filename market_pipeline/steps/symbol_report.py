"""How each symbol of a market does: what it trades at, and how well we know it. Reads only what is stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from market_pipeline.errors import UsageError
from market_pipeline.markets.loader import load_market
from market_pipeline.markets.trading_calendar import TradingCalendar, calendar_for
from market_pipeline.storage.tables import FETCH_OUTCOMES, LIVE_TICKERS
from market_pipeline.storage.warehouse import Warehouse

SESSIONS = 5
_SQL = """
WITH days AS (SELECT unnest($days::DATE[]) AS session_date),
latest AS (SELECT * FROM live_tickers_latest WHERE market = $market),
daily AS (
    SELECT d.symbol, arg_max(d.close_adjusted, d.session_date) AS close
    FROM bars_1d_adjusted d JOIN latest t USING (market, symbol)
    WHERE d.session_date <= $five_ago AND d.session_date > $five_ago::DATE - 10 AND d.close_adjusted IS NOT NULL
    GROUP BY ALL),
minutes AS (
    SELECT symbol, count(*) AS bars, count(*) FILTER (WHERE origin = 'sampled') AS sampled
    FROM bars_1m SEMI JOIN days USING (session_date) WHERE market = $market GROUP BY ALL),
holes AS (
    SELECT symbol, count(*) FILTER (WHERE NOT untraded) AS gaps,
        (sum(minutes) FILTER (WHERE NOT untraded AND state <> 'healed'))::BIGINT AS gap_minutes,
        (sum(minutes) FILTER (WHERE untraded))::BIGINT AS untraded_minutes
    FROM (SELECT *, cause IN ('not_traded', 'halted') AS untraded FROM gaps)
    SEMI JOIN days USING (session_date) WHERE market = $market GROUP BY ALL),
asked AS (
    SELECT symbol, map_from_entries(list((status, n) ORDER BY n DESC, status)) AS outcomes, sum(n)::BIGINT AS requests,
        sum(n) FILTER (WHERE status = 'ok') AS ok
    FROM (SELECT symbol, status, count(*) AS n FROM fetch_outcomes SEMI JOIN days USING (session_date)
          WHERE market = $market GROUP BY ALL) GROUP BY ALL),
refused AS (
    SELECT symbol, count(*) AS set_aside FROM set_aside SEMI JOIN days USING (session_date)
    WHERE market = $market GROUP BY ALL),
disputes AS (
    SELECT symbol, avg(list_contains(flags, 'disputed')::INT) AS disputed
    FROM live_tickers SEMI JOIN days USING (session_date) WHERE market = $market GROUP BY ALL),
apart AS (
    SELECT symbol, sum(different)::BIGINT AS different_bars, max(abs(worst_percent)) AS worst_percent
    FROM session_differences SEMI JOIN days USING (session_date) WHERE market = $market GROUP BY ALL),
known AS (SELECT symbol FROM latest UNION SELECT symbol FROM asked UNION SELECT symbol FROM instruments
          WHERE market = $market)
SELECT symbol, name, price, change_1d_percent, 100 * (price / daily.close - 1) AS change_5d_percent, volume,
    coalesce(bars, 0) AS bars, sampled, coalesce(gaps, 0) AS gaps, coalesce(gap_minutes, 0) AS gap_minutes,
    untraded_minutes, coalesce(requests, 0) AS requests, ok / requests AS ok_share, outcomes,
    coalesce(set_aside, 0) AS set_aside, disputed AS disputed_share, different_bars, worst_percent,
    event_time AS last_event, source
FROM known LEFT JOIN latest USING (symbol) LEFT JOIN daily USING (symbol) LEFT JOIN minutes USING (symbol)
    LEFT JOIN holes USING (symbol) LEFT JOIN asked USING (symbol) LEFT JOIN refused USING (symbol)
    LEFT JOIN disputes USING (symbol) LEFT JOIN apart USING (symbol)
WHERE symbol IS NOT NULL AND symbol <> '*' ORDER BY symbol
"""


def symbol_report(warehouse: Warehouse, market: str, *, sessions: int = SESSIONS) -> list[dict[str, Any]]:
    """Return one row a symbol over the newest stored sessions; what nobody knows is None.

    `coverage` is bars per minute that was open and traded, up to the newest ticker; None in a market without bars.
    change_5d_percent compares with the adjusted close five sessions before. Raise UsageError for an unknown market.
    """
    if sessions < 1:
        raise UsageError(f"asked for {sessions} sessions; a retry does not help; give 1 or more")
    calendar = calendar_for(load_market(market))
    stored = {*warehouse.sessions(LIVE_TICKERS, market), *warehouse.sessions(FETCH_OUTCOMES, market)}
    days = sorted(stored)[-sessions:]
    if not days:
        return []
    values = {"market": market, "days": days, "five_ago": calendar.previous_sessions(days[-1], 5)[0]}
    with warehouse.connect() as connection:
        rows = connection.sql(_SQL, params=values).to_arrow_table().to_pylist()
        newest = connection.execute("SELECT max(known_at) FROM live_tickers_latest WHERE market = $1", [market])
        until = newest.fetchone()
    open_minutes = _open_minutes(calendar, days, until[0] if until else None)
    has_bars = any(row["bars"] for row in rows)
    return [_with_coverage(row, open_minutes if has_bars else None) for row in rows]


def _open_minutes(calendar: TradingCalendar, days: Sequence[date], until: datetime | None) -> float:
    """Return the open minutes of these sessions, of the last one only those before `until`."""
    whole = sum(calendar.expected_minutes(day) for day in days[:-1])
    session = calendar.session(days[-1])
    if session is None or until is None:
        return whole + calendar.expected_minutes(days[-1])
    hours = calendar.hours(days[-1])
    return whole if hours is None else whole + calendar.open_minutes_between(hours.open, min(until, hours.close))


def _with_coverage(row: dict[str, Any], open_minutes: float | None) -> dict[str, Any]:
    row["outcomes"] = dict(row["outcomes"] or [])
    traded = None if open_minutes is None else open_minutes - (row["untraded_minutes"] or 0)
    row["coverage"] = None if not traded or traded <= 0 else min(1.0, row["bars"] / traded)
    return row
