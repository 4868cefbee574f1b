"""What every step is given: settings, clock, warehouse, markets and their sources, wired for one feed.

Nothing is opened at import. The clock of the simulated feed follows the simulated exchange.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path

import requests

from market_pipeline.clock import Clock, ShiftedClock, SystemClock
from market_pipeline.errors import SourceUnreachable
from market_pipeline.markets.loader import load_market, load_markets
from market_pipeline.markets.schema import MarketFile, SourceRule
from market_pipeline.markets.trading_calendar import TradingCalendar, calendar_for
from market_pipeline.markets.zones import check_zone_table
from market_pipeline.settings import Feed, Settings
from market_pipeline.sources.source import Source, SourceContext, source_module
from market_pipeline.sources.transport import HttpTransport
from market_pipeline.storage.payloads import PayloadStore
from market_pipeline.storage.warehouse import Warehouse

SIMULATED_KEY = "simulated"


@dataclass(frozen=True)
class MarketRuntime:
    """One market, ready to work: its file, its calendar, its sources in order of priority, and those that are off."""

    file: MarketFile
    calendar: TradingCalendar
    sources: tuple[Source, ...]
    off: dict[str, str] = field(default_factory=dict)
    """Source → why it is off and what to set."""

    @property
    def name(self) -> str:
        """Return the market's name."""
        return self.file.market


@dataclass(frozen=True)
class Runtime:
    """All that a step needs. Close it to release pooled connections."""

    settings: Settings
    clock: Clock
    speed: float = 1.0

    @property
    def is_simulated(self) -> bool:
        """Tell whether the data is made up; it says so wherever it is shown."""
        return self.settings.feed is Feed.SIMULATED

    @property
    def folder(self) -> Path:
        """Return the feed's folder; nothing is written outside it."""
        return self.settings.feed_folder

    @cached_property
    def warehouse(self) -> Warehouse:
        """Return the warehouse of this feed."""
        return Warehouse(self.folder, clock=self.clock)

    @cached_property
    def payloads(self) -> PayloadStore:
        """Return the store of raw payloads."""
        return PayloadStore(self.folder / "payloads", clock=self.clock)

    def market(self, name: str) -> MarketRuntime:
        """Wire one market. Raise UsageError for a market that has no file."""
        file = load_market(name)
        sources, off = [], {}
        for rule in file.sources:
            missing = self._missing_keys(rule)
            if missing:
                off[rule.name] = f"off: set {' and '.join(missing)}"
                continue
            sources.append(source_module(rule.name).create(self._context(file, rule)))
        return MarketRuntime(file, calendar_for(file), tuple(sources), off)

    def _missing_keys(self, rule: SourceRule) -> list[str]:
        if self.is_simulated:
            return []
        required = source_module(rule.name).REQUIRED_KEYS
        return [key.upper() for key in required if getattr(self.settings, key) is None]

    def _context(self, file: MarketFile, rule: SourceRule) -> SourceContext:
        keys = source_module(rule.name).REQUIRED_KEYS
        return SourceContext(file, rule, self._transport(rule), self.clock, {key: self._key(key) for key in keys})

    def _key(self, name: str) -> str:
        if self.is_simulated:
            return SIMULATED_KEY
        value = getattr(self.settings, name)
        return str(value.get_secret_value() if hasattr(value, "get_secret_value") else value)

    def _transport(self, rule: SourceRule) -> HttpTransport:
        return HttpTransport(rule, settings=self.settings, clock=self.clock, keep=self.payloads.keep)


def open_runtime(settings: Settings) -> Runtime:
    """Wire the feed that the settings name.

    Raise ZoneTableError for an old zone table, and SourceUnreachable when the simulated exchange does not answer.
    """
    check_zone_table()
    if settings.feed is Feed.LIVE:
        return Runtime(settings, SystemClock())
    clock = simulated_clock(settings.simulator_url)
    return Runtime(settings, clock, clock.speed)


def simulated_clock(url: str) -> ShiftedClock:
    """Ask the simulated exchange for its time and return a clock that runs beside it."""
    try:
        answer = requests.get(f"{url}/_clock", timeout=5)
        answer.raise_for_status()
        state = answer.json()
        return ShiftedClock(datetime.fromisoformat(state["now"]), SystemClock().now(), float(state["speed"]))
    except (requests.RequestException, ValueError, KeyError) as error:
        raise SourceUnreachable(
            f"asked the simulated exchange at {url} for its clock and got no answer ({type(error).__name__}); "
            "start it with `market-pipeline simulate` (or everything with `make run`) and try again; "
            "MARKET_PIPELINE_SIMULATOR_URL names its address"
        ) from error


def market_names() -> Iterable[str]:
    """Return the names of all markets that have a file, sorted."""
    return sorted(load_markets())
