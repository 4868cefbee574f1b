"""Fetch minute charts for many symbols through a few threads, within what the cycle and the source's budget leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from market_pipeline.errors import MarketPipelineError
from market_pipeline.model.bar import ChartBar
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.outcome import Outcome, OutcomeStatus, RequestKind
from market_pipeline.sources.parsing.outcomes import outcome_status
from market_pipeline.sources.source import Fetched, Source
from market_pipeline.steps.runtime import MarketRuntime, Runtime

log = structlog.get_logger("market_pipeline.charts")

THREADS = 4
MOST_AT_ONCE = 1000
"""So many charts can be had while somebody waits; of a larger market, tier 1's come first."""


@dataclass(frozen=True)
class ChartRequest:
    """One symbol's missing minutes: start <= interval_start < end, both UTC."""

    instrument: Instrument
    start: datetime
    end: datetime


@dataclass
class Charts:
    """What the charts brought. Every requested symbol has an outcome."""

    bars: list[ChartBar] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def counts(self) -> Mapping[str, int]:
        """Return status → number of symbols."""
        return Counter(outcome.status.value for outcome in self.outcomes)


def urgent(instruments: Sequence[Instrument]) -> Sequence[Instrument]:
    """Return whose charts are asked for while somebody waits: all, or tier 1 of a market with thousands."""
    if len(instruments) <= MOST_AT_ONCE:
        return instruments
    return [instrument for instrument in instruments if instrument.tier == 1]


def chart_source(market: MarketRuntime) -> Source | None:
    """Return the best source that serves minute charts, or None."""
    return next((source for source in market.sources if RequestKind.MINUTE_BARS in source.kinds), None)


def fetch_charts(
    runtime: Runtime,
    source: Source,
    requests: Sequence[ChartRequest],
    *,
    deadline_seconds: float | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Charts:
    """Fetch all charts; those not begun `deadline_seconds` from now get the outcome `deferred`.

    A defect or an error concerns its own symbol only.
    """
    charts = Charts()
    ends = None if deadline_seconds is None else runtime.clock.monotonic() + deadline_seconds

    def fetch(request: ChartRequest) -> Fetched[ChartBar]:
        if ends is not None and runtime.clock.monotonic() >= ends:
            left = max(deadline_seconds or 0.0, 0.0)
            reason = f"not begun: the cycle had {left:.0f} s left for charts; the next one continues"
            return _without_bars(runtime, source, request, status=OutcomeStatus.DEFERRED, reason=reason)
        return _fetch(runtime, source, request)

    with ThreadPoolExecutor(THREADS, thread_name_prefix="charts") as pool:
        for done in as_completed([pool.submit(fetch, request) for request in requests]):
            fetched = done.result()
            charts.bars.extend(fetched.records)
            charts.outcomes.extend(fetched.outcomes)
            progress(fetched.outcomes[-1].symbol if fetched.outcomes else "")
    return charts


def _fetch(runtime: Runtime, source: Source, request: ChartRequest) -> Fetched[ChartBar]:
    try:
        return source.minute_bars(request.instrument, start=request.start, end=request.end)
    except MarketPipelineError as error:
        return _without_bars(runtime, source, request, status=outcome_status(error), reason=str(error))
    except Exception as error:  # outermost loop over symbols: a defect in one must not harm its neighbours
        log.exception("chart_failed", source=source.name, symbol=request.instrument.symbol)
        reason = f"defect in the source module: {error!r}"
        return _without_bars(runtime, source, request, status=OutcomeStatus.PARSE_ERROR, reason=reason)


def _without_bars(
    runtime: Runtime, source: Source, request: ChartRequest, *, status: OutcomeStatus, reason: str
) -> Fetched[ChartBar]:
    instrument = request.instrument
    outcome = Outcome(
        instrument.market,
        source.name,
        instrument.symbol,
        RequestKind.MINUTE_BARS,
        status,
        received_time=runtime.clock.now(),
        reason=reason,
    )
    return Fetched((), (outcome,))
