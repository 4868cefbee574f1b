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
    quotes = fetch_quotes(runtime, market)
    progress("merging live tickers")
    tickers = merge_tickers(runtime, market)
    progress("building bars")
    bars = build_bars(runtime, market)
    progress("computing indicators")
    indicators = compute_indicators(runtime, market)
    progress("computing levels")
    levels = compute_levels(runtime, market)
    return CycleReport(state, runtime.clock.monotonic() - started, quotes, tickers, bars, indicators, levels)
