"""Look at every market: freshness, situation, health score; tell people what begins and what ends.

Whoever schedules the cycles (Dagster's sensor) hands over the runs; everything else is read from the warehouse.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any

import pyarrow.compute as pc
import structlog

from market_pipeline.alerts.conditions import Verdict, conditions
from market_pipeline.alerts.message import Message
from market_pipeline.alerts.post import Delivery
from market_pipeline.quality.freshness import Freshness, Watch, freshness
from market_pipeline.quality.health import Health, score
from market_pipeline.quality.situation import CycleTime, Requests, Runs, Situation
from market_pipeline.steps.due import in_reach, off_reason
from market_pipeline.steps.failures import tally
from market_pipeline.steps.runtime import MarketRuntime, Runtime, market_names
from market_pipeline.steps.tell import tell
from market_pipeline.storage.state_file import read_state, write_state
from market_pipeline.storage.tables import FETCH_OUTCOMES, RAW_QUOTES

log = structlog.get_logger("market_pipeline.health")

WINDOW = timedelta(minutes=15)
RESTART_AFTER = timedelta(minutes=10)
"""A watch that looked away for longer counts as newly begun: our own pause is not the market's silence."""
STATE = "health.json"
JUDGED_TABLE = "live_tickers"
TIME_COLUMN = {"live_tickers": "event_time", "bars_1m": "interval_start", "indicators_1m": "interval_start"}


@dataclass(frozen=True)
class CycleRun:
    """One scheduled run of a market's minute job; times are the feed's."""

    began: datetime
    ended: datetime | None
    failed: bool


@dataclass(frozen=True)
class WatchReport:
    """What a look at all markets gave."""

    health: Mapping[str, Health]
    freshness: Mapping[tuple[str, str], Freshness]
    """(market, table) → its age."""
    messages: tuple[Message, ...]
    deliveries: tuple[Delivery, ...]


def watch(runtime: Runtime, runs: Mapping[str, Sequence[CycleRun]]) -> WatchReport:
    """Judge every market that has a source, write the scores, and send what is new.

    A channel that is down stops nothing. A market without any source is left out: starting up named it.
    """
    began = _watching_since(runtime)
    health, ages, verdicts = dict[str, Health](), dict[tuple[str, str], Freshness](), list[Verdict]()
    for name in market_names():
        market = runtime.market(name)
        if off_reason(market):
            continue
        # a slice that was cut fails the views of whoever looks, until somebody notices
        runtime.warehouse.set_unreadable_aside(name, [market.calendar.session_date_at(runtime.clock.now())])
        for table in TIME_COLUMN:
            ages[name, table] = table_freshness(runtime, market, table, watching_since=began)
        situation = _situation(runtime, market, runs.get(name, ()), fresh=ages[name, JUDGED_TABLE], began=began)
        health[name] = score(situation)
        verdicts.append(conditions(situation, health[name]))
    _remember(runtime, health, began)
    told = tell(
        runtime.settings,
        verdicts,
        clock=runtime.clock,
        warehouse=runtime.warehouse,
        sign_of_life=_scores_text(health),
    )
    return WatchReport(health, ages, told.messages, told.deliveries)


def table_freshness(
    runtime: Runtime, market: MarketRuntime, table: str, *, watching_since: datetime | None = None
) -> Freshness:
    """Return the age of one live table in minutes of open market time."""
    now = runtime.clock.now()
    since = _expected_since(market, now, watching_since or _watching_since(runtime))
    watched = Watch(market.calendar.state(now), since, market.calendar.open_minutes_between)
    newest = runtime.warehouse.latest(runtime.table(table), market.name)
    last_event = pc.max(newest[TIME_COLUMN[table]]).as_py() if newest.num_rows else None
    return freshness(table, last_event, watch=watched, limits=market.file.freshness)


def _expected_since(market: MarketRuntime, now: datetime, began: datetime) -> datetime:
    session = market.calendar.session(market.calendar.session_date_at(now))
    if session is None:
        return began
    delay = timedelta(seconds=min(rule.declared_delay_seconds for rule in market.file.quote_sources))
    return max(session.open + delay, began)


def _situation(
    runtime: Runtime, market: MarketRuntime, runs: Sequence[CycleRun], *, fresh: Freshness, began: datetime
) -> Situation:
    now = runtime.clock.now()
    since = _expected_since(market, now, began)
    open_minutes = market.calendar.open_minutes_between
    quotes = runtime.warehouse.latest(RAW_QUOTES, market.name)
    last_success = pc.max(quotes["known_at"]).as_py() if quotes.num_rows else None
    seconds = [(run.ended - run.began).total_seconds() for run in runs if run.ended is not None]
    return Situation(
        market=market.name,
        at=now,
        is_open=market.calendar.state(now).is_open,
        window_minutes=WINDOW.total_seconds() / 60,
        watched_minutes=open_minutes(since, now) if since < now else 0.0,
        last_success=last_success,
        minutes_since_success=None if last_success is None else open_minutes(last_success, now),
        runs=_runs(market, runs, since=max(since, now - WINDOW), now=now),
        requests=_requests(runtime, market, now),
        freshness=fresh,
        cycle=CycleTime(median(seconds) if seconds else None, market.file.cycle_deadline_seconds),
    )


def _runs(market: MarketRuntime, runs: Sequence[CycleRun], *, since: datetime, now: datetime) -> Runs:
    counted = sorted((run for run in runs if run.began >= since), key=lambda run: run.began)
    due = int(market.calendar.open_minutes_between(since, now)) - 1 if since < now else 0
    overlapping = sum(1 for a, b in pairwise(counted) if a.ended is None or b.began < a.ended)
    return Runs(
        expected=max(due, 0),
        started=len(counted),
        failed=sum(run.failed for run in counted),
        overlapping=overlapping,
        while_closed=sum(1 for run in counted if not in_reach(market, run.began)),
    )


def _requests(runtime: Runtime, market: MarketRuntime, now: datetime) -> Requests:
    day = market.calendar.session_date_at(now)
    outcomes = runtime.warehouse.read(
        FETCH_OUTCOMES, market.name, sessions=[day], since=now - WINDOW, columns=("as_of", "kind", "status")
    )
    return tally(Counter(zip(outcomes["kind"].to_pylist(), outcomes["status"].to_pylist(), strict=True)))


def _watching_since(runtime: Runtime) -> datetime:
    now = runtime.clock.now()
    state = read_state(runtime.folder / STATE)
    try:
        began, looked = (datetime.fromisoformat(state[key]) for key in ("watching_since", "at"))
    except (KeyError, TypeError, ValueError):
        return now
    is_continued = timedelta(0) <= now - looked <= RESTART_AFTER * max(runtime.speed, 1)
    return began if is_continued else now


def _remember(runtime: Runtime, health: Mapping[str, Health], began: datetime) -> None:
    document: dict[str, Any] = {
        "at": runtime.clock.now().isoformat(),
        "watching_since": began.isoformat(),
        "markets": {
            name: {
                "score": entry.score,
                "lost_points": [
                    {"part": lost.part.value, "points": lost.points, "cause": lost.cause, "evidence": lost.evidence}
                    for lost in entry.lost_points
                ],
            }
            for name, entry in health.items()
        },
    }
    write_state(runtime.folder / STATE, document)
    log.info("health", **{name: entry.score for name, entry in health.items()})


def _scores_text(health: Mapping[str, Health]) -> str:
    return " · ".join(f"{name} {entry.score:g}" for name, entry in health.items())


def scores_text(report: WatchReport) -> str:
    """Return "casablanca 100 · india 97.5 · crypto 100", with the first cause of each lost point."""
    causes = [f"{name}: {entry.lost_points[0].cause}" for name, entry in report.health.items() if entry.lost_points]
    return "; ".join([_scores_text(report.health), *causes])


def stored_health(runtime: Runtime) -> dict[str, Any]:
    """Return market → {score, lost_points} as last written; empty before the first look."""
    document = read_state(runtime.folder / STATE)
    markets = document.get("markets", {})
    return dict(markets) if isinstance(markets, dict) else {}
