"""Work open gaps off from the sources' history, newest and tier 1 first, within the budget and a time limit.

Everything that a portion brought is stored before the next one begins, so a killed run loses one portion's answers and
the next run goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import batched, groupby
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import structlog

from market_pipeline.clock import floor_minute
from market_pipeline.model.gap import EVERY_SYMBOL
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.outcome import Outcome, OutcomeStatus, RequestKind
from market_pipeline.model.session import Session
from market_pipeline.steps.charted_bars import charted_bars
from market_pipeline.steps.compute_indicators import recompute_indicators
from market_pipeline.steps.compute_levels import recompute_levels
from market_pipeline.steps.due import is_heavy_time
from market_pipeline.steps.fetch_charts import ChartRequest, chart_source, fetch_charts
from market_pipeline.steps.fetch_trades import MARGIN, trades_between
from market_pipeline.steps.find_gaps import GapsReport, find_market_gaps, needs_trades_before
from market_pipeline.steps.note_set_aside import note_bars
from market_pipeline.steps.refresh_instruments import instruments_of
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.steps.turns import session_turn
from market_pipeline.steps.windowed_rows import Changed
from market_pipeline.storage import records
from market_pipeline.storage.tables import BARS_1M, BARS_1M_REPLACED, FETCH_OUTCOMES
from market_pipeline.transforms.bar_rows import Bars
from market_pipeline.transforms.gaps import Asked
from market_pipeline.transforms.merge_bars import merge_bars

log = structlog.get_logger("market_pipeline.gaps")

PORTION_SECONDS = 30
"""Answers of so many seconds are stored together: each session file that they touch is rewritten once a portion."""
SMALLEST_PORTION, LARGEST_PORTION = 20, 200
PATIENT_ATTEMPTS = 3
MINUTE = timedelta(minutes=1)
FINAL = (OutcomeStatus.UNKNOWN, OutcomeStatus.DELISTED)
type Progress = Callable[[int, int, str], None]
"""done, total, what is being asked for."""


@dataclass(frozen=True)
class HistoryRequest:
    """One symbol's missing minutes of one session: all from the first to the last are asked for at once."""

    session_date: date
    instrument: Instrument
    first: datetime
    last: datetime
    attempts: int

    @property
    def is_stubborn(self) -> bool:
        """Tell whether it was asked for so often in vain that others go first."""
        return self.attempts >= PATIENT_ATTEMPTS


@dataclass(frozen=True)
class HealReport:
    """What a run asked for, what is left, and how long that takes."""

    gaps: GapsReport
    asked: int = 0
    answered: int = 0
    bars: int = 0
    indicators: int = 0
    left: int = 0
    """Requests that this run did not come to, or that failed."""
    per_second: float | None = None

    @property
    def eta(self) -> timedelta | None:
        """Return how long the rest takes at the budget's rate; None without a budget."""
        return eta_of(self.left, self.per_second)


@dataclass
class _Work:
    """What was done so far."""

    asked: dict[date, dict[str, Asked]] = field(default_factory=dict)
    changed: Changed = field(default_factory=dict)
    refused: list[HistoryRequest] = field(default_factory=list)
    """Not let through by the breaker while one request probed whether the source answers again."""
    bars: int = 0
    answered: int = 0

    @property
    def done(self) -> int:
        return sum(len(symbols) for symbols in self.asked.values())


def heal_gaps(
    runtime: Runtime,
    market: MarketRuntime,
    *,
    deadline_seconds: float | None = None,
    progress: Progress = lambda *_: None,
) -> HealReport:
    """Find the gaps, ask for the history of those that are open, and find again: what is there now is healed.

    No portion begins after the deadline; the next run continues.
    """
    ends = None if deadline_seconds is None else runtime.clock.monotonic() + deadline_seconds
    rate = history_rate(runtime, market)
    with session_turn(runtime, market):
        requests = history_requests(runtime, market, find_market_gaps(runtime, market))
        work = _Work()
        for portion in _portions(requests, rate, work.refused):
            if ends is not None and runtime.clock.monotonic() >= ends:
                break
            progress(work.done, len(requests), f"{portion[0].session_date}: {portion[0].instrument.symbol} …")
            answered = work.answered
            _heal(runtime, market, portion, work=work)
            if portion[0].is_stubborn and work.answered == answered:
                break  # still in vain: the next run tries once more
        progress(work.done, len(requests), "indicators and levels")
        indicators = recompute_indicators(runtime, market, work.changed)
        recompute_levels(runtime, market, work.changed)
        gaps = find_market_gaps(runtime, market, asked=work.asked)
    left = len(history_requests(runtime, market, gaps))
    log.info("gaps_healed", market=market.name, asked=work.done, bars=work.bars, left=left)
    return HealReport(gaps, work.done, work.answered, work.bars, indicators, left, rate)


def history_requests(runtime: Runtime, market: MarketRuntime, gaps: GapsReport) -> list[HistoryRequest]:
    """Return what to ask for, in this order: not often tried in vain, tier 1, newest.

    Outside the market file's window for heavy work that is tier 1 only.
    """
    if chart_source(market) is None:
        return []
    everybody = is_heavy_time(market, runtime.clock.now())
    listed = instruments_of(runtime, market)
    instruments = {one.symbol: one for one in listed if everybody or one.tier == 1}
    found: dict[tuple[date, str], HistoryRequest] = {}
    for row in gaps.active.to_pylist():
        for symbol in instruments if row["symbol"] == EVERY_SYMBOL else [row["symbol"]]:
            if symbol in instruments:
                key = (row["session_date"], symbol)
                found[key] = _joined(found.get(key), row, instruments[symbol])
    return sorted(found.values(), key=_urgency)


def _joined(known: HistoryRequest | None, row: dict[str, Any], instrument: Instrument) -> HistoryRequest:
    first, last, attempts = row["first_minute"], row["last_minute"], row["attempts"]
    if known is not None:
        first, last, attempts = min(first, known.first), max(last, known.last), max(attempts, known.attempts)
    return HistoryRequest(row["session_date"], instrument, first, last, attempts)


def _urgency(request: HistoryRequest) -> tuple[bool, int, int, float, str]:
    day = -request.session_date.toordinal()
    return request.is_stubborn, request.instrument.tier, day, -request.first.timestamp(), request.instrument.symbol


def _portions(
    requests: Sequence[HistoryRequest], per_second: float | None, refused: list[HistoryRequest]
) -> Iterator[Sequence[HistoryRequest]]:
    """Yield neighbours of one session and tier, as many at a time as the budget allows within seconds.

    What was `refused` meanwhile comes once more at the end, unless nothing at all was let through.
    """
    wanted = LARGEST_PORTION if per_second is None else int(per_second * PORTION_SECONDS)
    size = min(max(wanted, SMALLEST_PORTION), LARGEST_PORTION)
    yield from _neighbours(requests, size)
    if len(refused) < len(requests):
        yield from _neighbours(sorted(refused, key=_urgency), size)


def _neighbours(requests: Sequence[HistoryRequest], size: int) -> Iterator[Sequence[HistoryRequest]]:
    for _, group in groupby(requests, key=lambda one: _urgency(one)[:3]):
        yield from batched(group, size)


def history_rate(runtime: Runtime, market: MarketRuntime) -> float | None:
    """Return how many requests for minute bars the budget allows a second; None where none limits them."""
    source = chart_source(market)
    if source is None or not runtime.settings.budgets:
        return None
    rule = market.file.source(source.name)
    limits = [rule.kind_budgets.get(RequestKind.MINUTE_BARS, rule.kind_budgets.get("default")), rule.host_budget]
    return min((limit.per_second for limit in limits if limit is not None), default=None)


def eta_of(requests: int, per_second: float | None) -> timedelta | None:
    """Return how long so many requests take; None without a rate."""
    return None if per_second is None else timedelta(seconds=round(requests / per_second))


def _heal(runtime: Runtime, market: MarketRuntime, portion: Sequence[HistoryRequest], *, work: _Work) -> None:
    session = market.calendar.session(portion[0].session_date)
    if session is None:
        return
    as_of = floor_minute(runtime.clock.now())
    made, outcomes = _fetch(runtime, market, session, portion=portion, as_of=as_of)
    changed = _store(runtime, market, session, made=made)
    table = records.outcomes_table(outcomes, session_date=session.session_date, as_of=as_of)
    runtime.warehouse.write(FETCH_OUTCOMES, market.name, table)  # last: bars without outcomes are asked for again
    asked = work.asked.setdefault(session.session_date, {})
    request_of = {request.instrument.symbol: request for request in portion}
    for outcome in outcomes:
        before = asked.get(outcome.symbol)
        reason = outcome.reason or (before.reason if before else None)
        asked[outcome.symbol] = Asked(reason, outcome.status in FINAL)
        if outcome.attempts == 0 and outcome.status not in FINAL:
            work.refused.append(request_of[outcome.symbol])
        work.answered += outcome.status in (OutcomeStatus.OK, OutcomeStatus.EMPTY, OutcomeStatus.NOT_TRADED)
    work.bars += changed.num_rows
    firsts = changed.group_by("symbol").aggregate([("interval_start", "min")])
    of_day = work.changed.setdefault(session.session_date, {})
    for symbol, first in zip(firsts["symbol"].to_pylist(), firsts["interval_start_min"].to_pylist(), strict=True):
        of_day[symbol] = min(first, of_day.get(symbol, first))


def _fetch(
    runtime: Runtime, market: MarketRuntime, session: Session, *, portion: Sequence[HistoryRequest], as_of: datetime
) -> tuple[list[Bars], list[Outcome]]:
    """Ask for charts where they reach, for trades before."""
    source, reach = chart_source(market), needs_trades_before(market, runtime.clock.now())
    end = min(session.close, as_of)  # to the end: the answer then speaks of every minute before it
    charted = [ChartRequest(r.instrument, max(r.first, floor_minute(reach)), end) for r in portion if r.last >= reach]
    charts = fetch_charts(runtime, source, charted) if source is not None and charted else None
    made = [charted_bars(runtime, market, session, bars=charts.bars)] if charts else []
    outcomes = list(charts.outcomes) if charts else []
    for request in (r for r in portion if r.first < reach):
        until = min(request.last + MINUTE, reach + MARGIN)
        bars, outcome = trades_between(
            runtime, market, session, instrument=request.instrument, span=(request.first, until)
        )
        made.append(bars)
        outcomes.extend(outcome)
    return made, outcomes


def _store(runtime: Runtime, market: MarketRuntime, session: Session, *, made: Sequence[Bars]) -> pa.Table:
    note_bars(runtime, market, made)
    new = pa.concat_tables([bars.rows for bars in made])
    if new.num_rows == 0:
        return new
    stored = runtime.warehouse.read(
        BARS_1M,
        market.name,
        sessions=[session.session_date],
        since=pc.min(new["interval_start"]).as_py(),
        symbols=new["symbol"].unique().to_pylist(),
    )
    merged = merge_bars(stored, new)
    if merged.replaced.num_rows:
        runtime.warehouse.write(BARS_1M_REPLACED, market.name, merged.replaced)
    runtime.warehouse.write(BARS_1M, market.name, merged.changed)
    return merged.changed
