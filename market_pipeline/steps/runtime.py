"""What every step is given: settings, clock, warehouse, markets and their sources, wired for one feed.

Nothing is opened at import. The clock of the simulated feed follows the simulated exchange.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.clock import Clock, SystemClock
from market_pipeline.errors import ConfigurationError
from market_pipeline.indicators.choice import check_choice
from market_pipeline.markets.loader import load_market, load_markets
from market_pipeline.markets.schema import MarketFile, SourceRule
from market_pipeline.markets.trading_calendar import TradingCalendar, calendar_for
from market_pipeline.markets.zones import check_zone_table
from market_pipeline.settings import Feed, Settings
from market_pipeline.sources.source import Source, SourceContext, Transport, source_module
from market_pipeline.sources.transport.http_transport import HttpTransport
from market_pipeline.sources.transport.patience import Patience
from market_pipeline.sources.transport.recorder import Recorder
from market_pipeline.steps.bar_windows import SessionBlock
from market_pipeline.steps.feed_clock import simulated_clock
from market_pipeline.steps.step_times import NotedSteps
from market_pipeline.steps.warehouse_tables import all_tables
from market_pipeline.storage.locks import LOCK_TIMEOUT_SECONDS
from market_pipeline.storage.payloads import PayloadStore
from market_pipeline.storage.tables import RAW_QUOTES, Table
from market_pipeline.storage.warehouse import Warehouse

SIMULATED_KEY = "simulated"
EARLIER, EARLIER_FORMAT = "earlier", "%Y%m%d_%H%M%S"
"""Where set_warehouse_aside moves tables to: a folder named for the moment."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE_TIER = 1
CYCLE_CALL_SECONDS = 15
"""The longest call of a cycle, however slow; none lasts beyond the cycle's deadline."""


@dataclass
class CycleClock:
    """Since when the cycle in progress runs, in monotonic seconds: whatever it does counts from there.

    Its first step begins it; a step that runs alone counts from when its market was wired.
    """

    clock: Clock
    deadline_seconds: float
    began: float

    def begin(self) -> None:
        """Let a cycle begin now."""
        self.began = self.clock.monotonic()

    def left(self, seconds: float | None = None) -> float:
        """Return what is left of the cycle's deadline, or of `seconds` since it began; negative when it has passed."""
        return self.began + (self.deadline_seconds if seconds is None else seconds) - self.clock.monotonic()


@dataclass(frozen=True)
class MarketRuntime:
    """One market, ready to work. Sources are made when first asked for: many steps need none."""

    file: MarketFile
    calendar: TradingCalendar
    off: Mapping[str, str]
    """Source → why it is off and what to set."""
    make_source: Callable[[SourceRule], Source]
    cycle: CycleClock
    tier: int | None = None
    """The only tier that is worked on; None: all."""
    blocks: dict[date, tuple[int, SessionBlock]] = field(default_factory=dict, repr=False)
    """Sessions of bars read last, each with the state of its files (stored_blocks)."""

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
    tier: int | None = None
    """The only tier that is worked on in markets with a sweep of their own; None: all."""
    lock_seconds: float = LOCK_TIMEOUT_SECONDS
    """How long a writer waits while another one keeps its market's lock."""
    step_times: dict[str, NotedSteps] = field(default_factory=dict, repr=False)
    """What was noted of the cycle in progress, by market (steps/step_times)."""
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
        return Warehouse(self.folder, all_tables(), clock=self.clock, lock_timeout_seconds=self.lock_seconds)

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
            self._markets[name, in_cycle] = self.wired(load_market(name), in_cycle=in_cycle)
        return self._markets[name, in_cycle]

    def wired(self, file: MarketFile, *, in_cycle: bool = False) -> MarketRuntime:
        """Wire the market of a file at hand, as `market` does by name. Raise MarketFileError as check_choice does."""
        check_choice(file)
        tier = self.tier if file.sweep else None
        if tier != MINUTE_TIER:
            file = file.of_sweep()
        off = {rule.name: reason for rule in file.sources if (reason := self._why_off(rule))}
        cycle = CycleClock(self.clock, file.cycle_deadline_seconds, self.clock.monotonic())
        make = partial(self._cycle_source, file, cycle if in_cycle else None)
        return MarketRuntime(file, calendar_for(file), off, make, cycle, tier)

    def recorded_source(self, file: MarketFile, rule: SourceRule, *, patience: Patience) -> tuple[Source, Recorder]:
        """Wire one source through its real transport, with a recorder of what is sent and answered."""
        recorder = Recorder(self.payloads.keep)
        return self._source(file, patience, rule, recorder=recorder), recorder

    def _cycle_source(self, file: MarketFile, cycle: CycleClock | None, rule: SourceRule) -> Source:
        return self._source(file, _cycle_patience(file, rule, cycle) if cycle else Patience(), rule)

    def _source(
        self, file: MarketFile, patience: Patience, rule: SourceRule, *, recorder: Recorder | None = None
    ) -> Source:
        transport: Transport = HttpTransport(
            rule,
            settings=self.settings,
            clock=self.clock,
            keep=recorder.keep if recorder else self.payloads.keep,
            patience=patience,
            session=file.market,
        )
        if recorder:
            transport = recorder.around(transport, clock=self.clock)
        keys = source_module(rule.name).REQUIRED_KEYS
        credentials = {key: self.key(key) for key in keys}
        folder = self.folder / "sources" / rule.name
        context = SourceContext(file, rule, transport, self.clock, credentials, folder)
        return source_module(rule.name).create(context)

    def _why_off(self, rule: SourceRule) -> str:
        keys = self._missing_keys(rule)
        if keys:
            return f"off: set {' and '.join(keys)}"
        needs_leave = bool(self.settings.proxies_of(rule.name)) and not self.settings.may_send_keys_by_proxy(rule.name)
        if needs_leave and source_module(rule.name).REQUIRED_KEYS:
            return (
                "off: its keys do not travel through a proxy; take it out of MARKET_PIPELINE_PROXIES, or name it in "
                "MARKET_PIPELINE_PROXIED_KEYS"
            )
        return ""

    def _missing_keys(self, rule: SourceRule) -> list[str]:
        if self.is_simulated:
            return []
        required = source_module(rule.name).REQUIRED_KEYS
        return [key.upper() for key in required if getattr(self.settings, key) is None]

    def key(self, name: str) -> str:
        """Return the credential that a source calls `name`; a stand-in in the simulated feed."""
        if self.is_simulated:
            return SIMULATED_KEY
        value = getattr(self.settings, name)
        return str(value.get_secret_value() if hasattr(value, "get_secret_value") else value)


def _cycle_patience(file: MarketFile, rule: SourceRule, cycle: CycleClock) -> Patience:
    return Patience(
        total_seconds=CYCLE_CALL_SECONDS,
        cycle_seconds=cycle.deadline_seconds,
        quote_seconds=file.deadline_seconds(rule.name),
        cycle_began=lambda: cycle.began,
    )


def stored_warehouse(settings: Settings) -> Warehouse:
    """Return the warehouse of the feed for readers that need no clock of the feed."""
    return Warehouse(settings.feed_folder, all_tables(), clock=SystemClock())


def open_runtime(settings: Settings) -> Runtime:
    """Wire the feed that the settings name.

    Raise ZoneTableError for an old zone table, ConfigurationError for proxies of a source that there is not, and
    SourceUnreachable when the simulated exchange does not answer.
    """
    check_zone_table()
    _check_proxies(settings)
    if settings.feed is Feed.LIVE:
        return Runtime(settings, SystemClock())
    clock = simulated_clock(settings.simulator_url)
    return Runtime(settings, clock, clock.speed)


def _check_proxies(settings: Settings) -> None:
    """Refuse proxies for a source that no market has: misspelt, they would be passed by in silence."""
    known = {rule.name for file in load_markets().values() for rule in file.sources} if settings.proxies else set()
    unknown = [name for name in settings.proxied_sources if name not in known]
    if unknown:
        raise ConfigurationError(
            f"MARKET_PIPELINE_PROXIES names {', '.join(unknown)}, and the sources are {', '.join(sorted(known))}: "
            "a retry does not help; correct the name"
        )


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
    return _moment(pc.max(column))


def oldest_moment(column: pa.ChunkedArray) -> datetime | None:
    """Return the oldest of a column of UTC times in microseconds; None when there is none."""
    return _moment(pc.min(column))


def _moment(found: pa.Scalar) -> datetime | None:
    return EPOCH + timedelta(microseconds=found.value) if found.is_valid else None


def set_warehouse_aside(settings: Settings, at: datetime) -> Path:
    """Move the warehouse of a simulated feed into <feed>/earlier; return where. Only for clocks that step back."""
    folder = settings.feed_folder / EARLIER / at.strftime(EARLIER_FORMAT)
    folder.mkdir(parents=True)
    for name in ("warehouse", "market.duckdb", "live_tickers", "payloads", "alerts.sqlite", "health.json"):
        part = settings.feed_folder / name
        if part.exists():
            part.rename(folder / name)
    return folder
