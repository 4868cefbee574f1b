"""The report as figures. A part of which nothing is stored is None."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from market_pipeline.reports.figures import AgePoint, BudgetFigures, LevelFigures, Move, TierCycle


class Period(StrEnum):
    """What a report is about: one session, or the sessions of an ISO week."""

    DAILY = "daily"
    WEEKLY = "weekly"


@dataclass(frozen=True, slots=True)
class Uptime:
    """Minutes of open hours, those in which a cycle ran, and those whose cycle found a fresh price of tier 1."""

    session_date: date
    open_minutes: int
    cycle_minutes: int
    up_minutes: int
    first_cycle: datetime | None
    last_cycle: datetime | None
    down: tuple[tuple[datetime, int], ...] = ()
    """The longest stretches without a successful cycle: first minute, minutes."""


@dataclass(frozen=True, slots=True)
class TierCoverage:
    """A tier's share of fresh prices over the cycles of open hours."""

    tier: int
    listed: int
    cycles: int
    mean_share: float
    worst_share: float
    worst_minute: datetime
    reasons: Mapping[str, int]
    """Why prices were not fresh → symbol-cycles, most frequent first."""


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Percentiles by nearest rank."""

    count: int
    p50: float
    p90: float
    p99: float
    highest: float


@dataclass(frozen=True, slots=True)
class Ages:
    """Ages of prices in open minutes, one for each symbol and cycle."""

    minutes: Percentiles | None
    without_price: int
    points: tuple[AgePoint, ...]


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """Requests of one source and kind: one for each symbol. The rate is None where nothing counts."""

    source: str
    kind: str
    answered: int
    failed: int
    other: int
    rate: float | None
    failed_by_status: Mapping[str, int]
    latency_ms: Percentiles | None


@dataclass(frozen=True, slots=True)
class GapCount:
    """Gaps of one cause. `minutes` are symbol-minutes; those that every symbol lacks count once."""

    cause: str
    gaps: int
    minutes: int
    healed: int
    open: int
    unhealable: int
    is_quiet: bool
    """The source answered: nothing was traded, so there is nothing to heal."""


@dataclass(frozen=True, slots=True)
class CycleTimes:
    """Seconds from the minute's start until the cycle's tickers were merged, and the slowest minutes."""

    seconds: Percentiles
    slowest: tuple[tuple[datetime, float], ...]


@dataclass(frozen=True, slots=True)
class StepTimes:
    """How long a step of a cycle (a source's part of it) took over the cycles of open hours."""

    step: str
    source: str | None
    milliseconds: Percentiles


@dataclass(frozen=True, slots=True)
class Movers:
    """The instruments that rose and fell most, of those that traded and whose change is known."""

    rose: tuple[Move, ...]
    fell: tuple[Move, ...]
    known: int
    unknown: int


@dataclass(frozen=True, slots=True)
class SymbolTrouble:
    """What went wrong with one symbol; None where that was not stored."""

    symbol: str
    failed_requests: int | None
    set_aside: int | None
    gap_minutes: int | None


@dataclass(frozen=True, slots=True)
class TableSize:
    """What a table takes on disk: of the report's sessions, and in all."""

    table: str
    files: int
    bytes: int
    bytes_in_all: int


@dataclass(frozen=True)
class Heading:
    """What the report is about. `moment` is when it was made; `zone` is the exchange's."""

    period: Period
    market: str
    title: str
    zone: str
    currency: str
    is_simulated: bool
    moment: datetime
    first: date
    last: date
    sessions_expected: int
    """Sessions that the calendar has in the period, the coming ones included."""


@dataclass(frozen=True)
class Report:
    """A market's report."""

    heading: Heading
    sessions: tuple[date, ...]
    hours: tuple[tuple[datetime, datetime], ...]
    uptime: tuple[Uptime, ...] | None
    coverage: tuple[TierCoverage, ...] | None
    cycles: tuple[TierCycle, ...]
    ages: Ages | None
    errors: tuple[ErrorRate, ...] | None
    gaps: tuple[GapCount, ...] | None
    cycle_times: CycleTimes | None
    movers: Movers | None
    unreliable: tuple[SymbolTrouble, ...] | None
    budgets: tuple[BudgetFigures, ...] | None
    storage: tuple[TableSize, ...] | None
    level: LevelFigures | None
    steps: tuple[StepTimes, ...] | None = None
