"""The service level of a market: measured minute by minute, kept in a table, and counted anew for whole sessions.

Only where a source serves minute bars: elsewhere nobody promises one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.clock import floor_minute
from market_pipeline.markets.phases import open_stretches
from market_pipeline.model.session import Session
from market_pipeline.quality.service_level import MinuteCounts, Promise, ServiceLevel, burn, count_minutes
from market_pipeline.quality.situation import Burn
from market_pipeline.steps.due import in_reach
from market_pipeline.steps.failures import answered_of
from market_pipeline.steps.runtime import MarketRuntime, Runtime, newest_moment, oldest_moment
from market_pipeline.storage.tables import BARS_1M, BARS_1M_REPLACED, FETCH_OUTCOMES, INSTRUMENTS, SERVICE_LEVEL

RECOUNTED = timedelta(minutes=5)
"""Late minutes are found by counting the newest ones again."""
NEXT = timedelta(minutes=1)
REACH = timedelta(hours=6)
"""After a pause so much is counted at once; the reports count whole sessions."""
BAR_COLUMNS = ("symbol", "interval_start", "known_at", "is_final", "is_synthetic")
COUNTS = ("expected", "good", "late", "missing", "not_traded")
WINDOW_HOURS = (1, 6)


def serves_minutes(market: MarketRuntime) -> bool:
    """Tell whether a source that is on serves minute bars."""
    return any(rule.minute_history_days > 0 and rule.name not in market.off for rule in market.file.sources)


def promise_of(market: MarketRuntime) -> Promise:
    """Return what the market's file promises."""
    rule = market.file.service_level
    delay = max(source.declared_delay_seconds for source in market.file.quote_sources)
    return Promise(timedelta(seconds=rule.within_seconds), timedelta(seconds=delay), rule.objective)


def measure_service_level(runtime: Runtime, market: MarketRuntime, began: datetime) -> None:
    """Count the newest minutes of the session in progress, and keep them.

    The first ones that ever count are those after `began`, since when somebody looks; an outage after that counts.
    """
    now = runtime.clock.now()
    session = market.calendar.session(market.calendar.session_date_at(now))
    if session is None or not serves_minutes(market) or not in_reach(market, now):
        return
    known = runtime.warehouse.latest(SERVICE_LEVEL, market.name, ("minute",))["minute"]
    first, last = oldest_moment(known), newest_moment(known)
    since = began + NEXT if first is None or last is None else max(first, last - RECOUNTED)
    since = max(since, now - REACH, session.open)
    found = _counted(runtime, market, session, since=floor_minute(since), until=now)
    if len(found.minutes):
        _write(runtime, market, session.session_date, found=found)


def session_service_level(runtime: Runtime, market: MarketRuntime, day: date) -> MinuteCounts | None:
    """Count all minutes of one session from its tables; None where nothing is promised or nothing was traded."""
    session = market.calendar.session(day)
    if session is None or not serves_minutes(market):
        return None
    return _counted(runtime, market, session, since=session.open, until=runtime.clock.now())


def session_minutes(runtime: Runtime, market: MarketRuntime) -> pa.Table:
    """Return the measured minutes of the session in progress or last begun, in order."""
    rows = runtime.warehouse.latest(SERVICE_LEVEL, market.name)
    day = pa.scalar(market.calendar.session_date_at(runtime.clock.now()), pa.date32())
    return rows.filter(pc.equal(rows["session_date"], day)).sort_by("minute")


def service_level_document(runtime: Runtime, market: MarketRuntime) -> dict[str, Any] | None:
    """Return the session's level for people: counts, share, objective, what is left of the error budget, burn rates."""
    minutes = session_minutes(runtime, market)
    if minutes.num_rows == 0:
        return None
    level = _level(minutes)
    objective = market.file.service_level.objective
    left = level.budget_left(objective)
    return {
        **asdict(level),
        "share": None if level.share is None else round(level.share, 5),
        "objective": objective,
        "error_budget_left": None if left is None else round(left, 3),
        "burn_rates": {f"{found.hours}h": found.rate for found in burns_of(runtime, market)},
    }


def burns_of(runtime: Runtime, market: MarketRuntime) -> tuple[Burn, ...]:
    """Return how fast the last hour and the last six hours of trading burn the error budget."""
    if not serves_minutes(market):
        return ()
    rule = market.file.service_level
    rows = runtime.warehouse.latest(SERVICE_LEVEL, market.name, ("minute", *COUNTS)).sort_by("minute")
    limits = dict(zip(WINDOW_HOURS, (rule.burn_rate_1h, rule.burn_rate_6h), strict=True))
    found = []
    for hours, limit in limits.items():
        window = rows.slice(max(rows.num_rows - 60 * hours, 0))
        level, minutes = _level(window), window.num_rows
        found.append(burn(level, hours=hours, objective=rule.objective, limit=limit, minutes=minutes))
    return tuple(found)


def _counted(
    runtime: Runtime, market: MarketRuntime, session: Session, *, since: datetime, until: datetime
) -> MinuteCounts:
    day, read = [session.session_date], runtime.warehouse.read
    hours = _hours(runtime, market, session, since=since)
    names = list(hours)
    bars = [
        read(table, market.name, sessions=day, since=since, symbols=names, columns=BAR_COLUMNS)
        for table in (BARS_1M, BARS_1M_REPLACED)
    ]
    columns = ("symbol", "kind", "status", "received_time")
    outcomes = read(FETCH_OUTCOMES, market.name, sessions=day, since=since, symbols=names, columns=columns)
    return count_minutes(hours, pa.concat_tables(bars), answered_of(outcomes), promise=promise_of(market), now=until)


def _hours(
    runtime: Runtime, market: MarketRuntime, session: Session, *, since: datetime
) -> Mapping[str, Sequence[tuple[datetime, datetime]]]:
    """Return the open stretches of each symbol of tier 1, from `since` on."""
    rows = runtime.warehouse.latest(INSTRUMENTS, market.name, ("symbol", "tier", "instrument_group", "status"))
    first = rows.filter(pc.and_(pc.equal(rows["tier"], 1), pc.equal(rows["status"], "listed")))
    groups = dict.fromkeys(first["instrument_group"].to_pylist())
    parts = {
        group: [(max(start, since), end) for start, end in open_stretches(session, group) if end > since]
        for group in groups
    }
    return {row["symbol"]: parts[row["instrument_group"]] for row in first.to_pylist()}


def _write(runtime: Runtime, market: MarketRuntime, day: date, *, found: MinuteCounts) -> None:
    count = len(found.minutes)
    columns = {name: pa.array(getattr(found, name), pa.int32()) for name in COUNTS}
    columns["minute"] = pa.array(found.minutes, pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC"))
    constants = {"market": market.name, "session_date": day, "known_at": runtime.clock.now()}
    for name, value in constants.items():
        columns[name] = pa.repeat(pa.scalar(value, SERVICE_LEVEL.schema.field(name).type), count)
    names = SERVICE_LEVEL.schema.names
    rows = pa.Table.from_arrays([columns[name] for name in names], schema=SERVICE_LEVEL.schema)
    runtime.warehouse.write(SERVICE_LEVEL, market.name, rows)


def _level(rows: pa.Table) -> ServiceLevel:
    return ServiceLevel(*(int(pc.sum(rows[name]).as_py() or 0) for name in COUNTS[:4]))
