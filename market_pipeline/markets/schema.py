"""The only schema of a market file (defs/<market>/defs.yaml): plain pydantic, extra keys forbidden.

Times of day are local to the calendar's zone; dates are session dates; durations carry their unit in the name.
"""

from __future__ import annotations

import re
from datetime import date, time
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from market_pipeline.model.quote import PriceKind
from market_pipeline.model.session import SessionState

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Code = Annotated[str, Field(min_length=1, max_length=40)]
Isin = Annotated[str, Field(pattern=r"^[A-Z]{2}[A-Z0-9]{9}[0-9]$")]
MonthDay = Annotated[str, Field(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")]
NEXT_MIDNIGHT = time(0)


def _quoted_time(value: Any) -> Any:
    if isinstance(value, int | float):
        # YAML 1.1 reads an unquoted 15:30 as the base-60 number 930, which would become 00:15:30
        raise ValueError('a time of day in quotes, like "15:30"')
    return value


def _regular_expression(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"a regular expression ({error})") from None
    return value


LocalTime = Annotated[time, BeforeValidator(_quoted_time)]
Pattern = Annotated[str, AfterValidator(_regular_expression)]


class Section(BaseModel):
    """A part of a market file: immutable, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PhaseRule(Section):
    """A stretch of the session, in the exchange's local time. Dated, so that history stays right.

    A group that has rules of its own on a date follows only those; every other instrument follows those without a
    group. An end of 00:00 is the midnight after.
    """

    name: Name
    state: SessionState
    start: LocalTime
    end: LocalTime
    group: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    season: Literal["regular", "ramadan"] = "regular"

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> PhaseRule:
        if self.end != NEXT_MIDNIGHT and self.end <= self.start:
            raise ValueError(f"phase {self.name} ends at {self.end:%H:%M}, which is not after {self.start:%H:%M}")
        return self

    def holds_on(self, day: date, season: str) -> bool:
        """Tell whether this rule is valid on `day` in `season`."""
        begun = self.valid_from is None or self.valid_from <= day
        return begun and (self.valid_to is None or day <= self.valid_to) and self.season == season


class SpecialDay(Section):
    """A date on which the market differs from its calendar: closed, or open at hours of its own (both given)."""

    session_date: date
    reason: str
    open: LocalTime | None = None
    close: LocalTime | None = None

    @model_validator(mode="after")
    def _hours_come_in_pairs(self) -> SpecialDay:
        if (self.open is None) != (self.close is None):
            raise ValueError("open and close are given together (a special session) or not at all (closed)")
        if self.open is not None and self.close is not None and self.close <= self.open:
            raise ValueError("close is after open, on the same date")
        return self


class CalendarSection(Section):
    """Where the sessions come from, and their phases."""

    name: str = Field(description="exchange_calendars name: XBOM, 24/7, or one of ours (XCAS)")
    zone: str = Field(description="IANA zone of the exchange")
    phases: tuple[PhaseRule, ...] = ()
    settle_minutes: int = Field(10, ge=0, le=240, description="minutes after the last phase before the daily job")
    weekly_pattern: tuple[int, ...] = Field(
        (0, 1, 2, 3, 4), description="weekdays with a session beyond the calendar's end (Monday is 0)"
    )
    fixed_holidays: dict[MonthDay, str] = Field(
        default_factory=dict, description="MM-DD closed every year → its name; used beyond the calendar's end"
    )
    special_days: tuple[SpecialDay, ...] = Field(
        (), description="dates that the calendar does not know, or does not name; they win over the calendar"
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
    added_symbol: Code | None = Field(None, description="a second instrument that the seed's name spoke of")
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
    exclude_pattern: Pattern | None = Field(None, description="regular expression on the trading symbol")
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
    minute_history_days: float = Field(
        0, ge=0, description="how far back the source serves minute bars (0.5 is twelve hours); 0 = none"
    )
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
        if not self.symbols and self.universe is None:
            raise ValueError("a market names its symbols, a universe rule, or both")
        _refuse_twins("source", [rule.name for rule in self.sources])
        _refuse_twins("symbol", [rule.symbol for rule in self.symbols])
        _refuse_twins("isin", [rule.isin for rule in self.symbols if rule.isin is not None])
        _refuse_twins("seed", [seed.code for seed in self.seeds])
        self._sources_are_listed()
        self._seeds_are_among_the_symbols()
        return self

    def _sources_are_listed(self) -> None:
        known = [rule.name for rule in self.sources]
        if self.universe is not None and self.universe.source not in known:
            raise ValueError(f"universe: {self.universe.source} is not one of {', '.join(known)}")
        for rule in self.symbols:
            for alias in rule.aliases:
                if alias.source not in known:
                    raise ValueError(f"alias of {rule.symbol}: {alias.source} is not one of {', '.join(known)}")

    def _seeds_are_among_the_symbols(self) -> None:
        known = {rule.symbol for rule in self.symbols}
        for seed in self.seeds:
            for symbol in (seed.symbol, seed.added_symbol):
                if symbol is not None and known and symbol not in known:
                    raise ValueError(f"seed {seed.code} resolves to {symbol}, which is not among the symbols")

    def source(self, name: str) -> SourceRule:
        """Return the rule of the source called `name`."""
        return next(rule for rule in self.sources if rule.name == name)


def _refuse_twins(kind: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{kind} {name} is listed twice")
