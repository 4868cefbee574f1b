"""One minute of one market: quotes → live tickers → bars → indicators and levels, each step idempotent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from market_pipeline.model.session import MarketState
from market_pipeline.steps.build_bars import BarsReport, build_bars
from market_pipeline.steps.compute_indicators import compute_indicators
from market_pipeline.steps.compute_levels import compute_levels
from market_pipeline.steps.fetch_quotes import QuotesReport, fetch_quotes
from market_pipeline.steps.merge_tickers import TickersReport, merge_tickers
from market_pipeline.steps.runtime import Runtime
from market_pipeline.steps.step_times import FETCH, keep_step_times, note_sources, timed
from market_pipeline.steps.windowed_rows import RowsReport


@dataclass(frozen=True)
class CycleReport:
    """What a cycle did, for people and for `cycle --json`."""

    state: MarketState
    duration_seconds: float
    quotes: QuotesReport
    tickers: TickersReport
    bars: BarsReport
    indicators: RowsReport
    levels: RowsReport

    @property
    def coverage(self) -> float:
        """Return the share of symbols with a fresh price, 0 to 1."""
        return self.tickers.coverage


def run_cycle(runtime: Runtime, name: str, *, progress: Callable[[str], None] = lambda _: None) -> CycleReport:
    """Run every step of one cycle in this process. A closed market gets quotes and tickers, but no bars."""
    started = runtime.clock.monotonic()
    market = runtime.market(name, in_cycle=True)
    state = market.calendar.state(runtime.clock.now())
    progress("fetching quotes")
    with timed(runtime, market, FETCH):
        quotes = fetch_quotes(runtime, market)
    note_sources(runtime, market, quotes)
    progress("merging live tickers")
    with timed(runtime, market, "merge"):
        tickers = merge_tickers(runtime, market)
    progress("building bars")
    with timed(runtime, market, "bars"):
        bars = build_bars(runtime, market)
    progress("computing indicators")
    with timed(runtime, market, "indicators"):
        indicators = compute_indicators(runtime, market)
    progress("computing levels")
    with timed(runtime, market, "levels"):
        levels = compute_levels(runtime, market)
    keep_step_times(runtime)
    return CycleReport(state, runtime.clock.monotonic() - started, quotes, tickers, bars, indicators, levels)
