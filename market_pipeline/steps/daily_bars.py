"""Fetch daily bars from every source that has a history of days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from market_pipeline.model.outcome import Outcome, RequestKind
from market_pipeline.quality.rule import RuleResult
from market_pipeline.steps.judge import judge
from market_pipeline.steps.refresh_instruments import instruments_of
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.storage import records
from market_pipeline.storage.tables import BARS_1D, BARS_1D_ADJUSTED
from market_pipeline.transforms.adjustment import Adjusted, adjusted_bars

Progress = Callable[[str], None]


@dataclass(frozen=True)
class DailyBarsReport:
    """What a source's daily history gave."""

    rows: int
    counts: Mapping[str, int]
    by_day: Mapping[date, int]
    rules: tuple[RuleResult, ...]
    repaired: int = 0
    """Bars in which the source had got a split or dividend wrong, put right in bars_1d_adjusted."""
    unclear: int = 0
    """Jumps of a split's size that have no clear reading; they were left alone."""


def session_daily_bars(
    runtime: Runtime, market: MarketRuntime, *, first: date, last: date, progress: Progress = lambda _: None
) -> DailyBarsReport:
    """Fetch and write bars_1d from `first` to `last`, both included, from every source that has a history."""
    outcomes: list[Outcome] = []
    tables: list[pa.Table] = []
    for source in market.sources:
        if RequestKind.DAILY_BARS not in source.kinds:
            continue
        for instrument in instruments_of(runtime, market):
            fetched = source.daily_bars(instrument, start=first, end=last)
            outcomes.extend(fetched.outcomes)
            tables.append(records.daily_bars_table(fetched.records, known_at=runtime.clock.now()))
            progress(instrument.symbol)
    rows = pa.concat_tables(tables) if tables else BARS_1D.schema.empty_table()
    if rows.num_rows:
        runtime.warehouse.write(BARS_1D, market.name, rows)
    adjusted = _adjust(runtime, market)
    counts = Counter(outcome.status.value for outcome in outcomes)
    by_day = Counter(rows["session_date"].to_pylist())
    return DailyBarsReport(
        rows.num_rows, counts, by_day, judge(runtime, market, BARS_1D, rows=rows), adjusted.repaired, adjusted.unclear
    )


def _adjust(runtime: Runtime, market: MarketRuntime) -> Adjusted:
    """Adjust the whole history anew: a split or dividend of today changes every earlier bar."""
    adjusted = adjusted_bars(runtime.warehouse.latest(BARS_1D, market.name))
    if adjusted.rows.num_rows:
        runtime.warehouse.write(BARS_1D_ADJUSTED, market.name, adjusted.rows)
    return adjusted
