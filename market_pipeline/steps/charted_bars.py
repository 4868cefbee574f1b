"""Rows of bars_1m from charts, less what the session's own quotes contradict."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.model.bar import ChartBar
from market_pipeline.model.session import Session
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.storage.tables import LIVE_TICKERS
from market_pipeline.transforms.bar_rows import Bars
from market_pipeline.transforms.chart_bars import chart_bars
from market_pipeline.transforms.contradicted_bars import without_contradicted


def charted_bars(runtime: Runtime, market: MarketRuntime, session: Session, *, bars: Sequence[ChartBar]) -> Bars:
    """Return the rows that a session's charts make, as known now. What is set aside is asked for again later."""
    made = chart_bars(bars, session=session, known_at=runtime.clock.now())
    tickers = runtime.warehouse.latest(LIVE_TICKERS, market.name)
    is_today = pc.equal(tickers["session_date"], pa.scalar(session.session_date))
    return without_contradicted(made, tickers.filter(is_today), jump_percent=market.file.merge.jump_percent)
