"""Read a market's situation from the tables: what the score and the alerts judge. It fetches nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property, lru_cache

from market_pipeline.markets.trading_calendar import TradingCalendar
from market_pipeline.model.session import MarketState
from market_pipeline.quality.coverage import Coverage
from market_pipeline.quality.disputes import Dispute
from market_pipeline.quality.freshness import TIME_COLUMN, Freshness, Watch, freshness
from market_pipeline.quality.runs import CycleRun, count_runs, cycle_time
from market_pipeline.quality.situation import Requests, Situation, Surroundings
from market_pipeline.quality.symbol_ages import TierAges
from market_pipeline.steps.due import in_reach
from market_pipeline.steps.failures import tally_sources
from market_pipeline.steps.market_data import Newest, disputes_of, newest_of, tiers_of
from market_pipeline.steps.measure_coverage import coverage_at
from market_pipeline.steps.runtime import MarketRuntime, Runtime, newest_moment
from market_pipeline.steps.surroundings import surroundings_of
from market_pipeline.storage.tables import FETCH_OUTCOMES

WINDOW = timedelta(minutes=15)
JUDGED_TABLE = "live_tickers"
DAYS_IN_A_ROW = 8
"""Whose sessions follow one another for so long does not open or close."""


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

    @cached_property
    def state(self) -> MarketState:
        """Return what the market is doing."""
        return self.market.calendar.state(self.now)

    @property
    def window_start(self) -> datetime:
        """Return from when on runs are counted: the window's start, but not before they could have come."""
        return max(self.quotes_since, self.now - WINDOW)

    def is_due(self, began: datetime) -> bool:
        """Tell whether a run was due at its beginning."""
        return in_reach(self.market, began)

    @property
    def saw_opening(self) -> bool:
        """Tell whether somebody looked already when the session opened."""
        return self.opening is not None and self.began <= self.opening

    @cached_property
    def opening(self) -> datetime | None:
        """Return when trading last began; None where it goes on day and night."""
        calendar = self.market.calendar
        return _opening(calendar, calendar.session_date_at(self.now))

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


@lru_cache(maxsize=64)
def _opening(calendar: TradingCalendar, day: date) -> datetime | None:
    """Return the opening of the session of `day`, or of the first of those that follow one another without a pause.

    Such a session opens nothing: silence goes on over midnight.
    """
    for _ in range(DAYS_IN_A_ROW):
        session, before = calendar.session(day), calendar.previous_sessions(day, 1)[0]
        previous = calendar.session(before)
        if session is None or previous is None:
            return None
        if previous.close != session.open:
            return session.open
        day = before
    return None


@dataclass(frozen=True)
class Readings:
    """What the tables say of one market now; a simulation may make it up."""

    fresh: Freshness
    """The age of its live tickers."""
    last_success: datetime | None
    requests: Requests
    tiers: tuple[TierAges, ...]
    coverage: tuple[Coverage, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    surroundings: Surroundings = field(default_factory=Surroundings)


def table_age(look: Look, table: str) -> Freshness:
    """Return the age of one live table in minutes of open market time."""
    column = TIME_COLUMN[table]
    newest = look.runtime.warehouse.latest(look.runtime.table(table), look.market.name, (column,))
    return age_of(look, table, newest_moment(newest[column]))


def age_of(look: Look, table: str, last_event: datetime | None) -> Freshness:
    """Return the age of a table whose newest event is known."""
    watched = Watch(
        look.state,
        look.events_since,
        look.market.calendar.open_minutes_between,
        opening=look.opening if look.saw_opening else None,
        quote_interval_minutes=look.interval_minutes,
    )
    return freshness(table, last_event, watch=watched, limits=look.market.file.freshness)


def situation_of(look: Look, fresh: Freshness) -> Situation:
    """Read the situation of one market, `fresh` being the age of its live tickers."""
    newest = newest_of(look.runtime, look.market)
    readings = Readings(
        fresh=fresh,
        last_success=newest_moment(newest.quotes["known_at"]),
        requests=_requests(look),
        tiers=tiers_at(look, newest),
        coverage=coverage_at(look.runtime, look.market, since=look.window_start),
        disputes=disputes_of(look.market, newest, now=look.now, known_since=look.disputed_since),
        surroundings=surroundings_of(look.runtime, look.market, newest, now=look.now),
    )
    return assembled(look, readings)


def assembled(look: Look, readings: Readings) -> Situation:
    """Return the situation that the readings and the runs make."""
    market, since, last = look.market, look.window_start, readings.last_success
    expected = max(int(look.open_minutes(since)) - 1, 0)
    return Situation(
        market=market.name,
        at=look.now,
        is_open=look.state.is_open,
        window_minutes=WINDOW.total_seconds() / 60,
        watched_minutes=look.open_minutes(look.quotes_since),
        last_success=last,
        minutes_since_success=None if last is None else look.open_minutes(last),
        runs=count_runs([run for run in look.runs if run.began >= since], expected=expected, is_due=look.is_due),
        requests=readings.requests,
        freshness=readings.fresh,
        cycle=cycle_time(look.runs, market.file.cycle_deadline_seconds),
        saw_opening=look.saw_opening,
        quote_interval_minutes=look.interval_minutes,
        tiers=readings.tiers,
        coverage=readings.coverage,
        coverage_limits=market.file.coverage,
        disputes=readings.disputes,
        surroundings=readings.surroundings,
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
