"""The SQL of bars in other timeframes, for market.duckdb: the rule of transforms/resample.py. Runs in DuckDB >= 1.4.

Moments are reckoned in seconds since 1970, so that the reader's own time zone does not matter.
"""

# ruff: noqa: S608  (the names are ours)

from __future__ import annotations

from market_pipeline.model.bar import BarOrigin
from market_pipeline.model.timeframe import ALIASES, TIMEFRAMES
from market_pipeline.storage.session_hours import SESSION_HOURS

BARS_AT = "bars_at"
WIDTH = "timeframe_seconds"
WHOLE_SESSION = TIMEFRAMES["1d"] * 60
_ORIGINS = [f"'{origin.value}'" for origin in BarOrigin]


def timeframe_statements(closed_files: str) -> list[str]:
    """Return the statements that make bars_at(market_name, timeframe), over the views and the table of hours.

    `closed_files` is the SQL text of the glob that matches the lists of closed sessions.
    """
    return [_width_sql(), f"CREATE MACRO {BARS_AT}(market_name, timeframe) AS TABLE {_bars_sql(closed_files)}"]


def _width_sql() -> str:
    """Return the macro timeframe → seconds; an unknown one is an error that names those there are."""
    names = {**{name: name for name in TIMEFRAMES}, **ALIASES}
    cases = " ".join(f"WHEN '{name}' THEN {TIMEFRAMES[meant] * 60}" for name, meant in names.items())
    refusal = f"there is no timeframe ' || timeframe || '; there are {', '.join(TIMEFRAMES)}"
    return f"CREATE MACRO {WIDTH}(timeframe) AS CASE timeframe {cases} ELSE error('{refusal}') END"


def _bars_sql(closed_files: str) -> str:
    return f"""
WITH reached AS MATERIALIZED (
    SELECT max(CASE WHEN is_final THEN epoch(interval_start) + 60
        ELSE least(epoch(interval_start), epoch(known_at)) END) AS until
    FROM bars_1m_latest WHERE market = market_name
), closed AS MATERIALIZED (
    SELECT DISTINCT session_date FROM read_parquet({closed_files}, hive_partitioning=false)
    WHERE market = market_name AND table_name = ''
), timed AS (
    SELECT bars.*, epoch(interval_start) AS at_second, {WIDTH}(timeframe) AS width,
        {WIDTH}(timeframe) < {WHOLE_SESSION} AND coalesce(interval_start >= resumes, false) AS has_resumed,
        coalesce(epoch(opens), epoch(session_date)) AS opens_at, epoch(resumes) AS resumes_at,
        CASE WHEN {WIDTH}(timeframe) < {WHOLE_SESSION} THEN epoch(pauses) END AS pauses_at,
        coalesce(epoch(closes), 'infinity'::DOUBLE) AS closes_at
    FROM bars_1m AS bars LEFT JOIN {SESSION_HOURS.name} USING (market, session_date) WHERE market = market_name
), placed AS (
    SELECT *, CASE WHEN has_resumed THEN resumes_at ELSE opens_at END AS anchor,
        CASE WHEN has_resumed THEN closes_at ELSE coalesce(pauses_at, closes_at) END AS stretch_end
    FROM timed
), bucketed AS (
    SELECT * EXCLUDE (interval_start), interval_start AS minute,
        anchor + floor((at_second - anchor) / width) * width AS bucket
    FROM placed
), grouped AS (
    SELECT market, symbol, to_timestamp(bucket) AS interval_start, session_date,
        arg_min(open, minute) AS open, max(high) AS high, min(low) AS low, arg_max(close, minute) AS close,
        {_sum_sql("volume")} AS volume, {_sum_sql("turnover")} AS turnover,
        ([{", ".join(_ORIGINS)}])[max(list_position([{", ".join(_ORIGINS)}], origin))] AS origin,
        {_sum_sql("n_ticks")}::INTEGER AS n_ticks,
        bool_and(is_final) AND (session_date IN (SELECT session_date FROM closed)
            OR coalesce(max(CASE WHEN bucket < stretch_end THEN least(bucket + width, stretch_end)
                ELSE bucket + width END) <= (SELECT until FROM reached), false)) AS is_final,
        bool_or(is_synthetic) AS is_synthetic, max(revision) AS revision, max(known_at) AS known_at
    FROM bucketed GROUP BY market, symbol, session_date, bucket
)
SELECT * FROM grouped"""


def _sum_sql(column: str) -> str:
    """Return a sum that is null where one minute's amount is, added in order of time: the same bits each time."""
    return f"CASE WHEN count({column}) = count(*) THEN sum({column} ORDER BY minute) END"
