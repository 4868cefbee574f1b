"""What every step is given: settings, clock, warehouse, markets and their sources, wired for one feed.

Nothing is opened at import. The clock of the simulated feed follows the simulated exchange.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import requests

from market_pipeline.clock import Clock, ShiftedClock, SystemClock
from market_pipeline.errors import SourceUnreachable
from market_pipeline.markets.loader import load_market, load_markets
from market_pipeline.markets.schema import MarketFile, SourceRule
from market_pipeline.markets.trading_calendar import TradingCalendar, calendar_for
from market_pipeline.markets.zones import check_zone_table
from market_pipeline.settings import Feed, Settings
from market_pipeline.sources.source import Source, SourceContext, source_module
from market_pipeline.sources.transport import HttpTransport, Patience
from market_pipeline.steps.warehouse_tables import all_tables
from market_pipeline.storage.payloads import PayloadStore
from market_pipeline.storage.tables import RAW_QUOTES, Table
from market_pipeline.storage.warehouse import Warehouse

SIMULATED_KEY = "simulated"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CYCLE_CALL_SECONDS = 15
"""The longest call of a cycle: one for quotes and two rounds of charts must fit below the run's 55 s, however slow."""


@dataclass(frozen=True)
class MarketRuntime:
    """One market, ready to work. Sources are made when first asked for: many steps need none."""

    file: MarketFile
    calendar: TradingCalendar
    off: Mapping[str, str]
    """Source → why it is off and what to set."""
    make_source: Callable[[SourceRule], Source]

    @property
    def name(self) -> str:
        """Return the market's name."""
        return self.file.market

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """Return the sources that are on, in order of priority."""
        return tuple(self.make_source(rule) for rule in self.file.sources if rule.name not in self.off)


@dataclass(frozen=True)
class Runtime:
    """All that a step needs. Close it to release pooled connections."""

    settings: Settings
    clock: Clock
    speed: float = 1.0
    _markets: dict[tuple[str, bool], MarketRuntime] = field(default_factory=dict, repr=False)

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
        return Warehouse(self.folder, all_tables(), clock=self.clock)

    def table(self, name: str) -> Table:
        """Return the table called `name`, in the version of the present catalogue."""
        return self.warehouse.table(name)

    @cached_property
    def payloads(self) -> PayloadStore:
        """Return the store of raw payloads."""
        return PayloadStore(self.folder / "payloads", clock=self.clock)

    def market(self, name: str, *, in_cycle: bool = False) -> MarketRuntime:
        """Wire one market. Raise UsageError for a market that has no file.

        Sources made for a cycle do not wait for a budget beyond the cycle's deadline; those for a backfill do.
        """
        if (name, in_cycle) not in self._markets:
            file = load_market(name)
            off = {r.name: f"off: set {' and '.join(keys)}" for r in file.sources if (keys := self._missing_keys(r))}
            patience = _cycle_patience(file) if in_cycle else Patience()
            make = partial(self._source, file, patience)
            self._markets[name, in_cycle] = MarketRuntime(file, calendar_for(file), off, make)
        return self._markets[name, in_cycle]

    def _source(self, file: MarketFile, patience: Patience, rule: SourceRule) -> Source:
        transport = HttpTransport(
            rule, settings=self.settings, clock=self.clock, keep=self.payloads.keep, patience=patience
        )
        keys = source_module(rule.name).REQUIRED_KEYS
        credentials = {key: self._key(key) for key in keys}
        folder = self.folder / "sources" / rule.name
        context = SourceContext(file, rule, transport, self.clock, credentials, folder)
        return source_module(rule.name).create(context)

    def _missing_keys(self, rule: SourceRule) -> list[str]:
        if self.is_simulated:
            return []
        required = source_module(rule.name).REQUIRED_KEYS
        return [key.upper() for key in required if getattr(self.settings, key) is None]

    def _key(self, name: str) -> str:
        if self.is_simulated:
            return SIMULATED_KEY
        value = getattr(self.settings, name)
        return str(value.get_secret_value() if hasattr(value, "get_secret_value") else value)


def _cycle_patience(file: MarketFile) -> Patience:
    return Patience(cycle_seconds=file.cycle_deadline_seconds, total_seconds=CYCLE_CALL_SECONDS)


def stored_warehouse(settings: Settings) -> Warehouse:
    """Return the warehouse of the feed for readers that need no clock of the feed."""
    return Warehouse(settings.feed_folder, all_tables(), clock=SystemClock())


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


def market_names() -> Sequence[str]:
    """Return the names of all markets that have a file, sorted."""
    return sorted(load_markets())


def last_stored_event(settings: Settings) -> datetime | None:
    """Return the newest time at which something became known to this feed's warehouse; None when it is empty."""
    warehouse = stored_warehouse(settings)
    newest = [newest_moment(warehouse.latest(RAW_QUOTES, name)["known_at"]) for name in market_names()]
    return max((moment for moment in newest if moment is not None), default=None)


def newest_moment(column: pa.ChunkedArray) -> datetime | None:
    """Return the newest of a column of UTC times in microseconds; None when there is none.

    Arrow's own conversion of a time to Python imports pandas: half a second for whoever only looks.
    """
    newest = pc.max(column)
    return EPOCH + timedelta(microseconds=newest.value) if newest.is_valid else None


def set_warehouse_aside(settings: Settings, at: datetime) -> Path:
    """Move the warehouse of a simulated feed into <feed>/earlier; return where. Only for clocks that step back."""
    folder = settings.feed_folder / "earlier" / f"{at:%Y%m%d_%H%M%S}"
    folder.mkdir(parents=True)
    for name in ("warehouse", "market.duckdb", "live_tickers", "payloads", "alerts.sqlite", "health.json"):
        part = settings.feed_folder / name
        if part.exists():
            part.rename(folder / name)
    return folder
