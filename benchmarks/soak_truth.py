"""What must be there after a soak: the exchange's own bars, and what a fresh warehouse computes from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchmarks.feed import SimulatedFeed
from market_pipeline.clock import floor_minute
from market_pipeline.settings import Settings
from market_pipeline.steps.cycle import run_cycle
from market_pipeline.steps.runtime import Runtime
from market_pipeline.storage.warehouse import Warehouse

Reals = npt.NDArray[np.float64]

FIELDS = ("open", "high", "low", "close", "volume")
BAR_KEY = ("symbol", "interval_start")
RELATIVE = 3e-6
"""Both sides are kept to twenty bits, and pandas-ta sums a window in another order than a session."""


def duplicates(warehouse: Warehouse, market: str, tables: Sequence[str]) -> int:
    """Return how many rows share their key with another row of the same minute."""
    total = 0
    for name in tables:
        table = warehouse.table(name)
        keys = warehouse.read(name, market).select(list(dict.fromkeys((*table.key, table.minute_column))))
        total += keys.num_rows - keys.group_by(keys.column_names).aggregate([]).num_rows
    return total


def differing_bars(feed: SimulatedFeed, market: str) -> int:
    """Return how many bars differ in any bit from the exchange's charts, missing and surplus ones included."""
    stored = _by_key(feed.runtime.warehouse.read("bars_1m", market), FIELDS)
    exchange, now = feed.exchange.exchange(market), feed.clock.now()
    day = feed.runtime.market(market).calendar.session(now.date())
    true = {}
    for symbol in exchange.listings:
        bars = exchange.minutes(
            symbol, start=day.open.timestamp() if day else 0, end=floor_minute(now).timestamp(), at=now.timestamp()
        )
        for row, start in enumerate(bars.starts.tolist()):
            true[symbol, start * 1_000_000] = tuple(float(getattr(bars, name)[row]) for name in FIELDS)
    return sum(1 for key in stored.keys() | true.keys() if stored.get(key) != true.get(key))


def missing_indicators(warehouse: Warehouse, market: str) -> int:
    """Return how many bars have no indicators, and how many indicators have no bar."""
    bars = _by_key(warehouse.read("bars_1m", market), ())
    indicators = _by_key(warehouse.read("indicators_1m", market), ())
    return len(bars.keys() ^ indicators.keys())


def differing_indicators(feed: SimulatedFeed, market: str) -> int:
    """Return how many values are not those that a fresh warehouse has after one cycle at the same moment."""
    folder = feed.settings.data / "fresh"
    fresh = Runtime(Settings(data=folder, simulator_url=feed.exchange.url, budgets=False, _env_file=None), feed.clock)
    run_cycle(fresh, market)
    order = [(name, "ascending") for name in BAR_KEY]
    stored, true = (r.warehouse.read("indicators_1m", market).sort_by(order) for r in (feed.runtime, fresh))
    if stored.num_rows != true.num_rows:
        return int(max(stored.num_rows, true.num_rows))
    names = [name for name in true.column_names if pa.types.is_floating(true.schema.field(name).type)]
    return sum(_differing(_reals(stored, name), _reals(true, name)) for name in names)


def _differing(ours: Reals, true: Reals) -> int:
    return int(np.count_nonzero(~np.isclose(ours, true, rtol=RELATIVE, atol=1e-9, equal_nan=True)))


def stale_latest(warehouse: Warehouse, market: str) -> int:
    """Return for how many symbols the newest rows are not the newest that there are."""
    count = 0
    for name in ("bars_1m", "indicators_1m"):
        rows = warehouse.read(name, market, columns=BAR_KEY)
        newest = rows.group_by("symbol").aggregate([("interval_start", "max")])
        true = dict(zip(newest["symbol"].to_pylist(), newest["interval_start_max"].to_pylist(), strict=True))
        latest = warehouse.latest(name, market)
        shown = dict(zip(latest["symbol"].to_pylist(), latest["interval_start"].to_pylist(), strict=True))
        count += sum(1 for symbol in true.keys() | shown.keys() if true.get(symbol) != shown.get(symbol))
    return count


def _by_key(rows: pa.Table, names: Sequence[str]) -> dict[tuple[str, int], tuple[float, ...]]:
    keys = zip(rows["symbol"].to_pylist(), rows["interval_start"].cast(pa.int64()).to_pylist(), strict=True)
    values = zip(*(rows[name].to_pylist() for name in names), strict=True) if names else ((),) * rows.num_rows
    return dict(zip(keys, values, strict=True))


def _reals(rows: pa.Table, name: str) -> Reals:
    values: Reals = rows[name].to_numpy().astype(np.float64)
    return values
