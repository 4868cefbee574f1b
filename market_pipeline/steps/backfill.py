"""Fill a range of past sessions, one after the other, so that memory stays bounded and a restart can go on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

from market_pipeline.errors import UsageError
from market_pipeline.model.outcome import OutcomeStatus, RequestKind
from market_pipeline.steps.close_session import close_session
from market_pipeline.steps.compute_indicators import compute_session_indicators
from market_pipeline.steps.compute_levels import compute_session_levels
from market_pipeline.steps.daily_bars import DailyBarsReport, session_daily_bars
from market_pipeline.steps.fetch_charts import urgent
from market_pipeline.steps.refresh_instruments import instruments_of
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.steps.served import served_sessions
from market_pipeline.steps.warehouse_tables import indicators_1m
from market_pipeline.storage.tables import BARS_1M, LEVELS_1M

Progress = Callable[[int, int, str], None]
"""done, total, what is being done."""
GOOD = frozenset(
    {OutcomeStatus.OK.value, OutcomeStatus.NOT_TRADED.value, OutcomeStatus.EMPTY.value, OutcomeStatus.HALTED.value}
)


@dataclass
class BackfilledSession:
    """One session's result."""

    session_date: date
    symbols: int = 0
    bars: int = 0
    indicators: int = 0
    daily_bars: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)
    was_complete: bool = False
    """It was closed before and was not asked for again."""


@dataclass(frozen=True)
class BackfillReport:
    """All sessions of the range, and what could not be had."""

    sessions: tuple[BackfilledSession, ...]
    notes: tuple[str, ...]

    @property
    def failed(self) -> bool:
        """Tell whether any request failed for a reason that lies with the source."""
        return any(count and status not in GOOD for s in self.sessions for status, count in s.outcomes.items())


def backfill(
    runtime: Runtime,
    name: str,
    *,
    first: date,
    last: date,
    progress: Progress = lambda *_: None,
    with_daily: bool = True,
    is_quick: bool = False,
    is_forced: bool = False,
) -> BackfillReport:
    """Fill every session from `first` to `last`, both included, with what the market's sources still serve.

    A session that is complete already is left as it is, unless forced: a killed backfill goes on where it was. A quick
    one leaves out trades, page by page, and instruments that are not urgent: what lacks any stays open.
    Raises UsageError for a reversed range, a range without sessions, or one that begins in the future.
    """
    market = runtime.market(name)
    days = _sessions(runtime, market, first=first, last=last)
    served = served_sessions(runtime, market, days)
    minute_days = served.days
    listed = instruments_of(runtime, market)
    charted = urgent(listed) if is_quick else listed
    with_daily = with_daily and any(RequestKind.DAILY_BARS in source.kinds for source in market.sources)
    steps = _Steps(progress, total=len(charted) * (len(minute_days) + with_daily))
    results = {day: BackfilledSession(day) for day in days}
    for day in minute_days:
        if runtime.warehouse.is_closed(name, day) and not is_forced:
            _leave(runtime, market, result=results[day], steps=steps, symbols=len(charted))
        else:
            _fill_minutes(runtime, market, result=results[day], steps=steps, with_trades=not is_quick)
    if with_daily:
        shown = steps.one("daily bars")
        daily = session_daily_bars(runtime, market, first=days[0], last=days[-1], only=charted, progress=shown)
        _note_daily(results, daily)
    runtime.warehouse.build_market_duckdb()
    return BackfillReport(tuple(results.values()), (*served.notes, *_complete_already(results)))


@dataclass
class _Steps:
    progress: Progress
    total: int
    done: int = 0

    def one(self, what: str) -> Callable[[str], None]:
        """Return a callback that counts one more step."""

        def step(symbol: str) -> None:
            self.done += 1
            self.progress(self.done, max(self.total, self.done), f"{what} {symbol}")

        return step

    def skip(self, count: int, what: str) -> None:
        """Count steps that are not needed."""
        self.done += count
        self.progress(self.done, max(self.total, self.done), what)


def _sessions(runtime: Runtime, market: MarketRuntime, *, first: date, last: date) -> list[date]:
    if first > last:
        raise UsageError(f"--from {first} lies after --to {last}; a retry does not help; swap them")
    today = market.calendar.session_date_at(runtime.clock.now())
    days = [day for day in market.calendar.sessions_between(first, last) if day <= today]
    if not days:
        raise UsageError(
            f"asked {market.name} for sessions from {first} to {last}, and there is none up to {today}; "
            "a retry does not help; `market-pipeline status` shows the calendar"
        )
    return days


def _fill_minutes(
    runtime: Runtime, market: MarketRuntime, *, result: BackfilledSession, steps: _Steps, with_trades: bool
) -> None:
    day = result.session_date
    stored = close_session(runtime, market, day, progress=steps.one(f"{day}"), with_trades=with_trades)
    steps.progress(steps.done, steps.total, f"{day}: indicators and levels")
    indicators = compute_session_indicators(runtime, market, [day])
    compute_session_levels(runtime, market, [day])
    result.symbols, result.bars, result.outcomes = stored.symbols, stored.rows, dict(stored.counts)
    result.indicators = indicators.rows


def _leave(runtime: Runtime, market: MarketRuntime, *, result: BackfilledSession, steps: _Steps, symbols: int) -> None:
    """Count what a complete session has; a run that was killed before its indicators left them to this one."""
    day = result.session_date
    steps.skip(symbols, f"{day} is complete")
    stored = runtime.warehouse.read(BARS_1M, market.name, sessions=[day], columns=("symbol",))
    if day not in runtime.warehouse.sessions(indicators_1m(), market.name):
        compute_session_indicators(runtime, market, [day])
    if day not in runtime.warehouse.sessions(LEVELS_1M, market.name):
        compute_session_levels(runtime, market, [day])
    computed = runtime.warehouse.read(indicators_1m(), market.name, sessions=[day], columns=("symbol",))
    result.symbols, result.bars, result.indicators = len(stored["symbol"].unique()), len(stored), len(computed)
    result.was_complete = True


def _complete_already(results: Mapping[date, BackfilledSession]) -> list[str]:
    count = sum(result.was_complete for result in results.values())
    return [f"{count} of {len(results)} sessions were complete already and not asked for again"] if count else []


def _note_daily(results: Mapping[date, BackfilledSession], daily: DailyBarsReport) -> None:
    for day, result in results.items():
        result.daily_bars = daily.by_day.get(day, 0)
    last = list(results.values())[-1]
    last.outcomes = Counter(last.outcomes) + Counter(daily.counts)
