"""Read a market's situation from the tables: what the score and the alerts judge. It fetches nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from market_pipeline.quality.freshness import Freshness, Watch, freshness
from market_pipeline.quality.runs import CycleRun, count_runs, cycle_time
from market_pipeline.quality.situation import Requests, Situation
from market_pipeline.quality.symbol_ages import TierAges
from market_pipeline.steps.due import in_reach
from market_pipeline.steps.failures import tally_sources
from market_pipeline.steps.market_data import Newest, disputes_of, newest_of, tiers_of
from market_pipeline.steps.measure_coverage import coverage_at
from market_pipeline.steps.runtime import MarketRuntime, Runtime, newest_moment
from market_pipeline.steps.surroundings import surroundings_of
from market_pipeline.storage.tables import FETCH_OUTCOMES

WINDOW = timedelta(minutes=15)
TIME_COLUMN = {"live_tickers": "event_time", "bars_1m": "interval_start", "indicators_1m": "interval_start"}
JUDGED_TABLE = "live_tickers"


@dataclass(frozen=True)
class Look:
    """One look at one market."""

    runtime: Runtime
    market: MarketRuntime
    now: datetime
    began: datetime
    """Since when somebody looks, without a pause: our own pause is not the market's silence."""
    runs: Sequence[CycleRun] = ()
    disputed_since: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def saw_opening(self) -> bool:
        """Tell whether somebody looked already when the session opened."""
        return self.opening is not None and self.began <= self.opening

    @property
    def opening(self) -> datetime | None:
        """Return the opening of the session in progress or last begun; None where there is none."""
        session = self.market.calendar.session(self.market.calendar.session_date_at(self.now))
        return None if session is None else session.open

    @property
    def quotes_since(self) -> datetime:
        """Return from when on quotes could have come: the later of the opening and our own start."""
        return max(self.opening or self.began, self.began)

    @property
    def events_since(self) -> datetime:
        """Return from when on events could have come: sources that declare a delay show the opening later."""
        if self.opening is None:
            return self.began
        delay = timedelta(seconds=min(rule.declared_delay_seconds for rule in self.market.file.quote_sources))
        return max(self.opening + delay, self.began)

    @property
    def interval_minutes(self) -> int:
        """Return how often the most frequent source is asked; the simulated feed asks every minute."""
        if self.runtime.is_simulated:
            return 1
        on = [rule for rule in self.market.file.quote_sources if rule.name not in self.market.off]
        return min((rule.cadence_minutes for rule in on), default=1)

    def open_minutes(self, since: datetime) -> float:
        """Return the open minutes from `since` to now."""
        return self.market.calendar.open_minutes_between(since, self.now) if since < self.now else 0.0


def table_age(look: Look, table: str) -> Freshness:
    """Return the age of one live table in minutes of open market time."""
    column = TIME_COLUMN[table]
    newest = look.runtime.warehouse.latest(look.runtime.table(table), look.market.name, (column,))
    watched = Watch(
        look.market.calendar.state(look.now),
        look.events_since,
        look.market.calendar.open_minutes_between,
        opening=look.opening if look.saw_opening else None,
        quote_interval_minutes=look.interval_minutes,
    )
    return freshness(table, newest_moment(newest[column]), watch=watched, limits=look.market.file.freshness)


def situation_of(look: Look, fresh: Freshness) -> Situation:
    """Return the situation of one market, `fresh` being the age of its live tickers."""
    market, newest = look.market, newest_of(look.runtime, look.market)
    last_success = newest_moment(newest.quotes["known_at"])
    since = max(look.quotes_since, look.now - WINDOW)
    runs = [run for run in look.runs if run.began >= since]
    return Situation(
        market=market.name,
        at=look.now,
        is_open=market.calendar.state(look.now).is_open,
        window_minutes=WINDOW.total_seconds() / 60,
        watched_minutes=look.open_minutes(look.quotes_since),
        last_success=last_success,
        minutes_since_success=None if last_success is None else look.open_minutes(last_success),
        runs=count_runs(
            runs, expected=max(int(look.open_minutes(since)) - 1, 0), is_due=lambda began: in_reach(market, began)
        ),
        requests=_requests(look),
        freshness=fresh,
        cycle=cycle_time(look.runs, market.file.cycle_deadline_seconds),
        saw_opening=look.saw_opening,
        quote_interval_minutes=look.interval_minutes,
        tiers=tiers_at(look, newest),
        coverage=coverage_at(look.runtime, market, since=since),
        coverage_limits=market.file.coverage,
        disputes=disputes_of(market, newest, now=look.now, known_since=look.disputed_since),
        surroundings=surroundings_of(look.runtime, market, newest, now=look.now),
    )


def tiers_at(look: Look, newest: Newest) -> tuple[TierAges, ...]:
    """Return how long ago sources answered for the symbols of each tier, tier 1 first."""
    return tiers_of(
        look.market,
        newest,
        now=look.now,
        waited_minutes=look.open_minutes(look.quotes_since),
        limit_minutes=look.market.file.alerts.tier_1_minutes + look.interval_minutes - 1,
    )


def _requests(look: Look) -> Requests:
    """Count the outcomes of the window."""
    day = look.market.calendar.session_date_at(look.now)
    columns = ("source", "kind", "status", "symbol")
    outcomes = look.runtime.warehouse.read(
        FETCH_OUTCOMES, look.market.name, sessions=[day], since=look.now - WINDOW, columns=columns
    )
    return tally_sources(outcomes)
