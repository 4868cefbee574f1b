"""Look at every market: freshness, situation, health score; tell people what begins and what ends.

Whoever schedules the cycles (Dagster's sensor) hands over the runs; everything else is read from the warehouse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import structlog

from market_pipeline.alerts.conditions import conditions, platform_conditions
from market_pipeline.alerts.message import Message
from market_pipeline.alerts.post import Delivery
from market_pipeline.markets.schema import AlertLimits
from market_pipeline.quality.freshness import TIME_COLUMN, Freshness
from market_pipeline.quality.health import ALL_MARKETS, Health, health_from, overall, score
from market_pipeline.quality.runs import CycleRun
from market_pipeline.quality.situation import Situation
from market_pipeline.quality.symbol_ages import TierAges
from market_pipeline.steps.due import off_reason
from market_pipeline.steps.keep_health import disputed_since, remember, stored_health, watching_since, write_health
from market_pipeline.steps.market_data import newest_of
from market_pipeline.steps.runtime import MarketRuntime, Runtime, market_names
from market_pipeline.steps.service_level import measure_service_level
from market_pipeline.steps.session_age import SessionAge, session_age
from market_pipeline.steps.situations import JUDGED_TABLE, WINDOW, Look, situation_of, table_age, tiers_at
from market_pipeline.steps.surroundings import calendar_end, disk_of
from market_pipeline.steps.tell import Told, tell

if TYPE_CHECKING:
    from slack_sdk import WebClient

__all__ = [
    "WINDOW",
    "CycleRun",
    "WatchReport",
    "last_health",
    "scores_text",
    "stored_health",
    "table_freshness",
    "tier_freshness",
    "watch",
]

log = structlog.get_logger("market_pipeline.health")


@dataclass(frozen=True)
class WatchReport:
    """What a look at all markets gave."""

    health: Mapping[str, Health]
    """By market; the last one, `all`, is the overall health."""
    freshness: Mapping[tuple[str, str], Freshness]
    """(market, table) → its age."""
    situations: Mapping[str, Situation]
    sessions: Mapping[str, SessionAge]
    limits: Mapping[str, AlertLimits]
    messages: tuple[Message, ...]
    deliveries: tuple[Delivery, ...]


@dataclass
class _Seen:
    """What was seen so far, market by market."""

    health: dict[str, Health] = field(default_factory=dict)
    ages: dict[tuple[str, str], Freshness] = field(default_factory=dict)
    situations: dict[str, Situation] = field(default_factory=dict)
    days: dict[str, date] = field(default_factory=dict)
    sessions: dict[str, SessionAge] = field(default_factory=dict)
    limits: dict[str, AlertLimits] = field(default_factory=dict)


def watch(
    runtime: Runtime,
    runs: Mapping[str, Sequence[CycleRun]],
    *,
    markets: Sequence[str] | None = None,
    slack: Callable[[], WebClient] | None = None,
) -> WatchReport:
    """Judge every market that has a source, or only `markets`; write the scores, and send what is new.

    A channel that is down stops nothing. A market without any source is left out: starting up named it.
    `slack` makes the client of Slack's bot, if it is not to be ours.
    """
    began, disputes, now = watching_since(runtime), disputed_since(runtime), runtime.clock.now()
    seen = _Seen()
    for name in market_names() if markets is None else markets:
        market = runtime.market(name)
        if off_reason(market):
            continue
        seen.days[name] = market.calendar.session_date_at(now)
        # a slice that was cut fails the views of whoever looks; housekeeping goes through the older ones each hour
        runtime.warehouse.set_unreadable_aside(name, [seen.days[name]], now - WINDOW)
        _look(Look(runtime, market, now, began, runs.get(name, ()), disputes.get(name, {})), seen)
    seen.health[ALL_MARKETS] = overall(seen.health.values())
    remember(runtime, seen.health, began=began, situations=seen.situations.values())
    write_health(runtime, dict(_rows(runtime, seen)))
    log.info("health", **{name: entry.score for name, entry in seen.health.items()})
    told = _tell(runtime, seen, slack)
    return WatchReport(
        seen.health, seen.ages, seen.situations, seen.sessions, seen.limits, told.messages, told.deliveries
    )


def _look(look: Look, seen: _Seen) -> None:
    name = look.market.name
    for table in TIME_COLUMN:
        seen.ages[name, table] = table_age(look, table)
    measure_service_level(look.runtime, look.market, look.began)
    seen.situations[name] = situation_of(look, seen.ages[name, JUDGED_TABLE])
    seen.health[name] = score(seen.situations[name], rule=look.market.file.health)
    seen.sessions[name] = session_age(look.runtime, look.market)
    seen.limits[name] = look.market.file.alerts


def _rows(runtime: Runtime, seen: _Seen) -> Iterable[tuple[str, tuple[Health, bool, date]]]:
    for name, situation in seen.situations.items():
        yield name, (seen.health[name], situation.is_open, seen.days[name])
    any_open = any(situation.is_open for situation in seen.situations.values())
    yield ALL_MARKETS, (seen.health[ALL_MARKETS], any_open, runtime.clock.now().date())


def _tell(runtime: Runtime, seen: _Seen, slack: Callable[[], WebClient] | None) -> Told:
    now = runtime.clock.now()
    verdicts = [
        conditions(situation, seen.health[name], limits=seen.limits[name])
        for name, situation in seen.situations.items()
    ]
    ends = [calendar_end(runtime.market(name), now) for name in seen.situations]
    verdicts.append(platform_conditions(now, disk=disk_of(runtime), calendars=ends))
    return tell(
        runtime.settings,
        verdicts,
        clock=runtime.clock,
        warehouse=runtime.warehouse,
        sign_of_life=_scores_text(seen.health),
        slack=slack,
    )


def table_freshness(runtime: Runtime, market: MarketRuntime, table: str) -> Freshness:
    """Return the age of one live table in minutes of open market time."""
    return table_age(Look(runtime, market, runtime.clock.now(), watching_since(runtime)), table)


def tier_freshness(runtime: Runtime, market: MarketRuntime) -> tuple[TierAges, ...]:
    """Return how long ago sources answered for the symbols of each tier, in minutes of open market time."""
    look = Look(runtime, market, runtime.clock.now(), watching_since(runtime))
    return tiers_at(look, newest_of(runtime, market))


def last_health(runtime: Runtime, name: str) -> Health | None:
    """Return what the last look said of a market; None before the first."""
    stored = stored_health(runtime).get(name)
    return None if stored is None else health_from(name, stored)


def _scores_text(health: Mapping[str, Health]) -> str:
    return " · ".join(f"{name} {entry.score:g}" for name, entry in health.items())


def scores_text(report: WatchReport) -> str:
    """Return "casablanca 100 · india 97.5 · crypto 100 · all 99.2", with the first cause of each lost point."""
    markets = {name: entry for name, entry in report.health.items() if name != ALL_MARKETS}
    causes = [f"{name}: {entry.lost_points[0].cause}" for name, entry in markets.items() if entry.lost_points]
    return "; ".join([_scores_text(report.health), *causes])
