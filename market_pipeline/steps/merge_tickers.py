"""Merge the newest quotes of all sources into live tickers, write them, and leave a JSON snapshot file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from market_pipeline.model.live_ticker import LiveTicker
from market_pipeline.model.session import MarketState
from market_pipeline.quality.coverage import Coverage, overall
from market_pipeline.quality.rule import RuleResult
from market_pipeline.steps.fresh_tickers import fresh_symbols
from market_pipeline.steps.judge import judge
from market_pipeline.steps.measure_coverage import measure_coverage
from market_pipeline.steps.note_set_aside import note_quotes
from market_pipeline.steps.refresh_instruments import instruments_of, symbols_of
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.storage import records
from market_pipeline.storage.rows import of_symbols
from market_pipeline.storage.tables import LIVE_TICKERS, RAW_QUOTES
from market_pipeline.storage.ticker_files import write_ticker_file
from market_pipeline.transforms.merge import merge_tickers as merge


@dataclass(frozen=True)
class TickersReport:
    """What the merge gave. `documents` are the tickers as in the JSON snapshot file."""

    session_state: str
    tiers: tuple[Coverage, ...]
    set_aside: int
    documents: Sequence[Mapping[str, Any]]
    rules: tuple[RuleResult, ...]
    first_event: datetime | None
    last_event: datetime | None

    @property
    def coverage(self) -> float:
        """Return the share of listed instruments with a fresh price, 0 to 1."""
        return overall(self.tiers)

    @property
    def rows(self) -> int:
        """Return the number of tickers written."""
        return len(self.documents)


def merge_tickers(runtime: Runtime, market: MarketRuntime) -> TickersReport:
    """Merge the newest quote of each source and symbol with what was known before; write the result."""
    now = runtime.clock.now()
    state = market.calendar.state(now)
    symbols = symbols_of(runtime, market)
    quotes = records.quotes_from_table(of_symbols(runtime.warehouse.latest(RAW_QUOTES, market.name), symbols))
    previous = records.tickers_from_table(of_symbols(runtime.warehouse.latest(LIVE_TICKERS, market.name), symbols))
    merged = merge(
        quotes,
        now=now,
        market_file=market.file,
        previous={ticker.symbol: ticker for ticker in previous},
        open_minutes=market.calendar.open_minutes_between,
    )
    note_quotes(runtime, market, merged.set_aside)
    return _write(runtime, market, merged.tickers, state=state, set_aside=len(merged.set_aside))


def _write(
    runtime: Runtime, market: MarketRuntime, tickers: Sequence[LiveTicker], *, state: MarketState, set_aside: int
) -> TickersReport:
    instruments = {instrument.symbol: instrument for instrument in instruments_of(runtime, market)}
    table = records.tickers_table(
        tickers, market_file=market.file, instruments=instruments, state=state, known_at=runtime.clock.now()
    )
    runtime.warehouse.write(LIVE_TICKERS, market.name, table)
    documents = table.to_pylist()
    fresh = fresh_symbols(table)
    write_ticker_file(
        runtime.folder,
        documents,
        market_file=market.file,
        state=state,
        is_simulated=runtime.is_simulated,
        requested=len(instruments),
        fresh=len(fresh),
    )
    events = [ticker.event_time for ticker in tickers]
    return TickersReport(
        session_state=state.state.value,
        tiers=measure_coverage(runtime, market, list(instruments.values()), fresh=fresh),
        set_aside=set_aside,
        documents=documents,
        rules=judge(runtime, market, LIVE_TICKERS, rows=table),
        first_event=min(events, default=None),
        last_event=max(events, default=None),
    )
