"""Fetch daily bars from every source that has a history of days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import batched

import pyarrow as pa

from market_pipeline.model.bar import DailyBar
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.outcome import Outcome, RequestKind
from market_pipeline.quality.rule import RuleResult
from market_pipeline.sources.source import Fetched, Source
from market_pipeline.steps.judge import judge
from market_pipeline.steps.refresh_instruments import instruments_of
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.storage import records
from market_pipeline.storage.tables import BARS_1D, BARS_1D_ADJUSTED
from market_pipeline.transforms.adjustment import Adjusted, adjusted_bars

Progress = Callable[[str], None]
WRITTEN_TOGETHER = 200
"""Symbols whose bars are written at once."""


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
    runtime: Runtime,
    market: MarketRuntime,
    *,
    first: date,
    last: date,
    only: Sequence[Instrument] | None = None,
    progress: Progress = lambda _: None,
) -> DailyBarsReport:
    """Fetch and write bars_1d from `first` to `last`, both included, from every source that has a history.

    Of every listed instrument, or of those in `only`.
    """
    listed = instruments_of(runtime, market) if only is None else only
    outcomes: list[Outcome] = []
    tables: list[pa.Table] = []
    for source in market.sources:
        if RequestKind.DAILY_BARS not in source.kinds:
            continue
        for portion in batched(listed, WRITTEN_TOGETHER):
            fetched = [_fetch(source, instrument, first, last, progress) for instrument in portion]
            outcomes.extend(outcome for one in fetched for outcome in one.outcomes)
            found = [bar for one in fetched for bar in one.records]
            tables.append(records.daily_bars_table(found, known_at=runtime.clock.now()))
            if tables[-1].num_rows:  # now, so that a killed run loses one portion only
                runtime.warehouse.write(BARS_1D, market.name, tables[-1])
    rows = pa.concat_tables(tables) if tables else BARS_1D.schema.empty_table()
    adjusted = _adjust(runtime, market)
    counts = Counter(outcome.status.value for outcome in outcomes)
    by_day = Counter(rows["session_date"].to_pylist())
    return DailyBarsReport(
        rows.num_rows, counts, by_day, judge(runtime, market, BARS_1D, rows=rows), adjusted.repaired, adjusted.unclear
    )


def _fetch(  # noqa: PLR0917 the parts of one request
    source: Source, instrument: Instrument, first: date, last: date, progress: Progress
) -> Fetched[DailyBar]:
    fetched = source.daily_bars(instrument, start=first, end=last)
    progress(instrument.symbol)
    return fetched


def _adjust(runtime: Runtime, market: MarketRuntime) -> Adjusted:
    """Adjust the whole history anew: a split or dividend of today changes every earlier bar."""
    adjusted = adjusted_bars(runtime.warehouse.latest(BARS_1D, market.name))
    if adjusted.rows.num_rows:
        runtime.warehouse.write(BARS_1D_ADJUSTED, market.name, adjusted.rows)
    return adjusted
