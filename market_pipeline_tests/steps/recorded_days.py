"""A warehouse that holds one recorded symbol, with its indicators and levels: no exchange is needed for that."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from market_pipeline.clock import HandClock
from market_pipeline.settings import Feed, Settings
from market_pipeline.steps.compute_indicators import compute_session_indicators
from market_pipeline.steps.compute_levels import compute_session_levels
from market_pipeline.steps.runtime import Runtime
from market_pipeline.storage.tables import BARS_1M

DAYS = [date(2016, 8, day) for day in (17, 18, 19)]
PRICES = ("open", "high", "low", "close", "volume")


def recorded_runtime(recording: Path, data: Path, symbol: str, *, feed: Feed) -> Runtime:
    """Return a runtime of India whose warehouse holds the symbol's recorded 17 to 19 August 2016."""
    runtime = Runtime(Settings(data=data, feed=feed, _env_file=None), HandClock(datetime(2016, 8, 19, 18, tzinfo=UTC)))
    market = runtime.market("india")
    recorded = pq.read_table(recording, filters=[("symbol", "==", symbol)])
    for day in DAYS:
        begin = datetime.combine(day, datetime.min.time(), UTC)
        minutes = recorded["interval_start"]
        of_day = recorded.filter(
            pc.and_(pc.greater_equal(minutes, pa.scalar(begin)), pc.less(minutes, pa.scalar(begin + timedelta(days=1))))
        )
        runtime.warehouse.write(BARS_1M, "india", _bars(of_day, day, symbol))
    compute_session_indicators(runtime, market, DAYS)
    compute_session_levels(runtime, market, DAYS)
    return runtime


def _bars(rows: pa.Table, day: date, symbol: str) -> pa.Table:
    stated = {"market": "india", "symbol": symbol, "session_date": day, "origin": "chart", "revision": 0}
    stated |= {"is_final": True, "is_synthetic": False}
    listed = [
        stated
        | {name: float(row[name]) for name in PRICES}
        | {"interval_start": row["interval_start"], "known_at": row["interval_start"] + timedelta(seconds=70)}
        for row in rows.to_pylist()
    ]
    return pa.Table.from_pylist(listed, schema=BARS_1M.schema)
