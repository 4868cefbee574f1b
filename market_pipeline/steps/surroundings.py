"""What else can go wrong around a market: breakers, budgets, minutes lost for good; the disk and the calendars."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.alerts.conditions import CalendarEnd, Disk
from market_pipeline.model.gap import QUIET, GapState
from market_pipeline.model.outcome import OutcomeStatus
from market_pipeline.quality.situation import Budget, LostGap, OpenBreaker, Surroundings
from market_pipeline.sources.transport.breaker import breaker_views
from market_pipeline.steps.market_data import Newest
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.steps.service_level import burns_of
from market_pipeline.storage.tables import GAPS

GAP_COLUMNS = ("symbol", "session_date", "first_minute", "minutes", "tier", "cause", "state", "reason")


def surroundings_of(runtime: Runtime, market: MarketRuntime, newest: Newest, *, now: datetime) -> Surroundings:
    """Read them from tables and state files."""
    return Surroundings(
        breakers=tuple(_breakers(runtime, market, now)),
        budgets=tuple(_budgets(newest)),
        lost_gaps=tuple(_lost_gaps(runtime, market, now)),
        burns=burns_of(runtime, market),
    )


def disk_of(runtime: Runtime) -> Disk:
    """Return the free space of the feed's folder."""
    try:
        return Disk(str(runtime.folder), shutil.disk_usage(runtime.folder).free)
    except OSError:
        return Disk(str(runtime.folder), None)


def calendar_end(market: MarketRuntime, now: datetime) -> CalendarEnd:
    """Return how many days the market's published holidays still reach."""
    days_left = market.calendar.days_until_end(now.date())
    text = market.calendar.warning(now.date()) or f"{market.name}: {days_left} days"
    return CalendarEnd(market.name, days_left, market.file.alerts.calendar_days, text.partition(";")[0])


def _breakers(runtime: Runtime, market: MarketRuntime, now: datetime) -> Iterator[OpenBreaker]:
    """Yield the sources that are left alone now; one that is probed still is."""
    for rule in market.file.sources:
        if rule.name in market.off:
            continue
        states = breaker_views(runtime.folder / "limits", rule.name, runtime.clock).values()
        is_open = [state for state in states if state.open_until is not None]
        if is_open:
            worst = max(is_open, key=lambda state: state.open_until or 0.0)
            seconds = max((worst.open_until or 0.0) - runtime.clock.monotonic(), 0.0)
            yield OpenBreaker(rule.name, worst.cause, now + timedelta(seconds=seconds) * runtime.speed)


def _budgets(newest: Newest) -> Iterator[Budget]:
    """Yield how much of tier 1 each source's newest cycle left out for want of budget."""
    listed = newest.instruments
    first = listed.filter(pc.equal(listed["tier"], 1))["symbol"].combine_chunks()
    rows = newest.outcomes.filter(pc.is_in(newest.outcomes["symbol"], value_set=first))
    for source in rows["source"].unique().to_pylist():
        own = rows.filter(pc.equal(rows["source"], source))
        own = own.filter(pc.equal(own["as_of"], pc.max(own["as_of"])))
        deferred = pc.sum(pc.equal(own["status"], OutcomeStatus.DEFERRED.value)).as_py()
        yield Budget(source, int(deferred or 0), own.num_rows)


def _lost_gaps(runtime: Runtime, market: MarketRuntime, now: datetime) -> Iterator[LostGap]:
    """Yield the gaps of the present session's tier 1 that no source gives back, the longest first."""
    day = market.calendar.session_date_at(now)
    gaps = runtime.warehouse.small_since(GAPS, market.name, day, columns=GAP_COLUMNS)
    is_lost = pc.and_(pc.equal(gaps["state"], GapState.UNHEALABLE.value), pc.equal(gaps["tier"], 1))
    is_quiet = pc.is_in(gaps["cause"], value_set=pa.array([cause.value for cause in QUIET], pa.string()))
    lost = gaps.filter(pc.and_(is_lost, pc.invert(is_quiet)))
    for row in lost.sort_by([("minutes", "descending"), ("symbol", "ascending")]).to_pylist():
        yield LostGap(row["symbol"], row["first_minute"], row["minutes"], row["cause"], row["reason"])
