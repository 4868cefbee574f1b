"""The whole of a market file, and what its parts must say of one another."""

from __future__ import annotations

from pydantic import Field, model_validator

from market_pipeline.markets.schema.calendar import CalendarSection
from market_pipeline.markets.schema.daily import DailyRule
from market_pipeline.markets.schema.fields import Code, Currency, Name, QuietHoursText, Section
from market_pipeline.markets.schema.health import AlertLimits, HealthRule, ServiceLevelRule
from market_pipeline.markets.schema.indicators import IndicatorChoice
from market_pipeline.markets.schema.instruments import SeedRule, SymbolRule, UniverseRule
from market_pipeline.markets.schema.limits import CoverageLimits, FreshnessLimits, MergeRule, Retention
from market_pipeline.markets.schema.metrics import MetricsRule
from market_pipeline.markets.schema.sharia import ShariaRule
from market_pipeline.markets.schema.sources import SourceRule
from market_pipeline.markets.schema.sweep import SweepRule


class MarketFile(Section):
    """One market = one file."""

    market: Name
    title: str
    exchange: str = Field(description="shown in live_tickers.exchange")
    country: str
    currency: Currency = Field(description="of every instrument that names no other")
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
    sweep: SweepRule | None = None
    daily: DailyRule = DailyRule()
    merge: MergeRule = MergeRule()
    freshness: FreshnessLimits = FreshnessLimits()
    coverage: CoverageLimits = CoverageLimits()
    health: HealthRule = HealthRule()
    alerts: AlertLimits = AlertLimits()
    service_level: ServiceLevelRule = ServiceLevelRule()
    retention: Retention = Retention()
    indicators: IndicatorChoice = IndicatorChoice()
    metrics: MetricsRule = MetricsRule()
    sharia: ShariaRule | None = None
    quiet_hours: QuietHoursText | None = Field(
        None, description='alerts that are not critical wait for their end: "22:00-07:00", in the calendar\'s zone'
    )

    @model_validator(mode="after")
    def _names_refer_to_something(self) -> MarketFile:
        if not self.symbols and self.universe is None:
            raise ValueError("a market names its symbols, a universe rule, or both")
        if not self.quote_sources:
            raise ValueError("a market has a source that reports prices: one with price_kinds")
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
        for name in self.metrics.sources or ():
            if name not in known:
                raise ValueError(f"metrics: {name} is not one of {', '.join(known)}")
        for source in self.sources:
            if source.deadline_seconds is not None and source.deadline_seconds > self.cycle_deadline_seconds:
                raise ValueError(
                    f"deadline_seconds of {source.name}: {source.deadline_seconds} is after the cycle's own deadline, "
                    f"allowed: at most {self.cycle_deadline_seconds}"
                )
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

    @property
    def quote_sources(self) -> tuple[SourceRule, ...]:
        """Return the sources that report prices, best first; the others serve lists or metrics only."""
        return tuple(rule for rule in self.sources if rule.price_kinds)

    @property
    def group_of(self) -> dict[str, str]:
        """Return the group of every symbol that is said to be in one: groups select phases and hours."""
        members = {symbol: group for group, symbols in self.group_members.items() for symbol in symbols}
        return members | {rule.symbol: rule.group for rule in self.symbols if rule.group is not None}

    def source(self, name: str) -> SourceRule:
        """Return the rule of the source called `name`."""
        return next(rule for rule in self.sources if rule.name == name)

    def of_sweep(self) -> MarketFile:
        """Return the file with the deadline of a sweep, for every source; itself where tier 2 has no sweep."""
        if self.sweep is None:
            return self
        sources = tuple(rule.model_copy(update={"deadline_seconds": None}) for rule in self.sources)
        deadline = self.sweep.cycle_deadline_seconds
        return self.model_copy(update={"sources": sources, "cycle_deadline_seconds": deadline})

    def deadline_seconds(self, source: str) -> int:
        """Return how long a cycle waits for the quotes of the source called `source`, from the cycle's start."""
        return self.source(source).deadline_seconds or self.cycle_deadline_seconds


def _refuse_twins(kind: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{kind} {name} is listed twice")
