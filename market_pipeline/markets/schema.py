"""The only schema of a market file (defs/<market>/defs.yaml): plain pydantic, extra keys forbidden.

Times of day are local to the calendar's zone; dates are session dates; durations carry their unit in the name.
"""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from market_pipeline.model.quote import PriceKind
from market_pipeline.model.session import SessionState

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Code = Annotated[str, Field(min_length=1, max_length=40)]
Isin = Annotated[str, Field(pattern=r"^[A-Z]{2}[A-Z0-9]{9}[0-9]$")]


class Section(BaseModel):
    """A part of a market file: immutable, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PhaseRule(Section):
    """A stretch of the session, in the exchange's local time. Dated, so that history stays right."""

    name: Name
    state: SessionState
    start: time
    end: time
    group: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    season: Literal["regular", "ramadan"] = "regular"


class CalendarSection(Section):
    """Where the sessions come from, and their phases."""

    name: str = Field(description="exchange_calendars name: XBOM, 24/7, or one of ours (XCAS)")
    zone: str = Field(description="IANA zone of the exchange")
    phases: tuple[PhaseRule, ...] = ()
    settle_minutes: int = Field(10, ge=0, le=240, description="minutes after the last phase before the daily job")
    weekly_pattern: tuple[int, ...] = Field(
        (0, 1, 2, 3, 4), description="weekdays with a session beyond the calendar's end (Monday is 0)"
    )
    fixed_holidays: tuple[Annotated[str, Field(pattern=r"^\d{2}-\d{2}$")], ...] = Field(
        (), description="MM-DD closed every year; used beyond the calendar's end"
    )


class AliasRule(Section):
    """The code under which one source knows a symbol."""

    source: Name
    code: Code
    valid_from: date | None = None
    valid_to: date | None = None


class SymbolRule(Section):
    """One instrument that the market file names itself."""

    symbol: Code
    name: str
    isin: Isin | None = None
    tier: Literal[1, 2] = 2
    tick_size: float | None = Field(None, gt=0)
    group: str | None = None
    shares_outstanding: float | None = Field(None, gt=0)
    listed_from: date | None = None
    listed_to: date | None = None
    aliases: tuple[AliasRule, ...] = ()


class SeedRule(Section):
    """A code that a user asked for and what it turned out to be; shown, never guessed."""

    code: Code
    seed_name: str
    resolution: Literal["same", "renamed", "merged", "corrected", "kept", "unresolved"]
    symbol: Code | None = None
    reason: str
    valid_from: date | None = None

    @model_validator(mode="after")
    def _resolved_seeds_name_a_symbol(self) -> SeedRule:
        if (self.resolution == "unresolved") != (self.symbol is None):
            raise ValueError("an unresolved seed has no symbol, and every other seed names one")
        return self


class UniverseRule(Section):
    """Instruments chosen by a rule over a source's instrument master."""

    source: Name
    exchange: str
    segment: str
    series: tuple[str, ...]
    instrument: str
    exclude_pattern: str | None = Field(None, description="regular expression on the trading symbol")
    limit: int | None = Field(None, gt=0, description="keep at most this many, tier 1 first, then by symbol")


class Budget(Section):
    """A token bucket: `per_second` on average, `burst` at once."""

    per_second: float = Field(gt=0)
    burst: int = Field(1, ge=1)


class SourceRule(Section):
    """How this market uses one source. The order of the list is the priority, best first."""

    name: Name
    kind_budgets: dict[str, Budget] = Field(
        default_factory=dict, description="budget per request kind (quote, minute_bars …); `default` for the rest"
    )
    cadence_minutes: int = Field(1, ge=1, le=60, description="live feed: ask every so many minutes")
    declared_delay_seconds: int = Field(0, ge=0, description="how late the source says its prices are")
    max_age_minutes: float = Field(3, gt=0, description="older prices than this (open minutes + delay) do not count")
    price_kinds: tuple[PriceKind, ...] = (PriceKind.TRADE,)
    batch_size: int = Field(1, ge=1)
    minute_history_days: int = Field(0, ge=0, description="how far back the source serves minute bars; 0 = none")
    timestamps: Literal["utc", "local"] = "utc"
    options: dict[str, str | int | float | bool] = Field(default_factory=dict)
    terms: str = Field(description="what the source's terms allow, in a sentence")
    feed_group: str | None = Field(None, description="sources that resell the same feed share a group: one vote")


class MergeRule(Section):
    """Limits of the merge rule."""

    daily_band_percent: float | None = Field(None, gt=0, description="the exchange's price limit around the reference")
    outlier_percent: float = Field(2.0, gt=0)
    same_moment_minutes: float = Field(20, gt=0)
    jump_percent: float = Field(15.0, gt=0)
    session_max_age_minutes: float = Field(1440, gt=0)
    book_max_age_minutes: float = Field(5, gt=0)
    valuation_max_age_days: float = Field(7, gt=0)


class FreshnessLimits(Section):
    """Ages in minutes of open market time; beyond `fail` a table is stale."""

    warn_minutes: float = Field(3, gt=0)
    fail_minutes: float = Field(5, gt=0)


class CoverageLimits(Section):
    """Share of symbols that must be fresh in a cycle."""

    warn: float = Field(0.9, ge=0, le=1)
    fail: float = Field(0.5, ge=0, le=1)


class Retention(Section):
    """How many days (sessions for slices) each kind of data is kept; None keeps it for ever."""

    live_ticker_files: int = Field(1440, ge=1, description="JSON snapshot files kept, newest first")
    payload_days: int = Field(2, ge=0)
    quotes_sessions: int | None = Field(22, ge=1)
    indicators_sessions: int | None = Field(22, ge=1)
    bars_sessions: int | None = None


class IndicatorChoice(Section):
    """Which indicator groups this market computes."""

    pandas_ta_tier1: bool = True


class MarketFile(Section):
    """One market = one file."""

    market: Name
    title: str
    exchange: str = Field(description="shown in live_tickers.exchange")
    country: str
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    calendar: CalendarSection
    sources: tuple[SourceRule, ...] = Field(min_length=1)
    symbols: tuple[SymbolRule, ...] = ()
    universe: UniverseRule | None = None
    tier_1: tuple[Code, ...] = Field((), description="symbols of the universe that are served first, every minute")
    group_members: dict[str, tuple[Code, ...]] = Field(
        default_factory=dict, description="instrument group → symbols of the universe in it"
    )
    seeds: tuple[SeedRule, ...] = ()
    expected_bars: int | None = Field(None, description="bars of a full session for a continuously traded symbol")
    cycle_deadline_seconds: int = Field(40, ge=5, le=55)
    merge: MergeRule = MergeRule()
    freshness: FreshnessLimits = FreshnessLimits()
    coverage: CoverageLimits = CoverageLimits()
    retention: Retention = Retention()
    indicators: IndicatorChoice = IndicatorChoice()

    @model_validator(mode="after")
    def _names_refer_to_something(self) -> MarketFile:
        known = {rule.symbol for rule in self.symbols}
        if not known and self.universe is None:
            raise ValueError("a market names its symbols, a universe rule, or both")
        sources = [source.name for source in self.sources]
        for source in sources:
            if sources.count(source) > 1:
                raise ValueError(f"source {source} is listed twice")
        for rule in self.symbols:
            for alias in rule.aliases:
                if alias.source not in sources:
                    raise ValueError(f"alias of {rule.symbol}: {alias.source} is not one of {', '.join(sources)}")
        for seed in self.seeds:
            if seed.symbol is not None and known and seed.symbol not in known:
                raise ValueError(f"seed {seed.code} resolves to {seed.symbol}, which is not among the symbols")
        return self

    def source(self, name: str) -> SourceRule:
        """Return the rule of the source called `name`."""
        return next(rule for rule in self.sources if rule.name == name)
