"""Live bars against the source's history of the same session: what we missed, saw differently, or saw alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.transforms.bar_rows import UTC_TIME, Truths, reals

_KEY = ["symbol", "interval_start"]
_PRICES = ("open", "high", "low", "close")
_VERDICTS = ("equal", "different", "missing", "extra")
COUNTS_SCHEMA = pa.schema([("symbol", pa.string()), *((verdict, pa.int64()) for verdict in _VERDICTS)])
DIFFERENCES_SCHEMA = pa.schema(
    [
        ("symbol", pa.string()),
        ("interval_start", UTC_TIME),
        ("verdict", pa.string()),
        ("live_close", pa.float64()),
        ("history_close", pa.float64()),
        ("live_volume", pa.float64()),
        ("history_volume", pa.float64()),
    ]
)


@dataclass(frozen=True)
class Reconciliation:
    """How live bars compare with history.

    `counts` has one row a symbol: equal, different, missing (only history has the minute), extra (only we have it).
    `differences` lists every minute that is not equal, by symbol and time, with closes (currency) and volumes (shares).
    """

    counts: pa.Table
    differences: pa.Table

    @property
    def totals(self) -> dict[str, int]:
        """Return verdict → bars, over all symbols."""
        return {verdict: int(pc.sum(self.counts[verdict]).as_py() or 0) for verdict in _VERDICTS}


def reconcile(live: pa.Table, history: pa.Table) -> Reconciliation:
    """Compare two tables of bars (BAR_SCHEMA's columns) minute by minute; each minute at most once in either.

    Prices and volume must be equal to the bit; a volume that only one side knows is a difference, since history then
    says more. Turnover is not compared: charts seldom have it.
    """
    columns = [*_KEY, *_PRICES, "volume"]
    ours = live.select(columns).append_column("is_ours", pa.array(np.ones(live.num_rows, bool)))
    theirs = history.select(columns).append_column("is_theirs", pa.array(np.ones(history.num_rows, bool)))
    both = (
        ours.cast(_plain(ours))
        .join(theirs.cast(_plain(theirs)), keys=_KEY, join_type="full outer", right_suffix="_history")
        .sort_by([(name, "ascending") for name in _KEY])
    )
    is_ours, is_theirs = (pc.fill_null(both[name], False).to_numpy() for name in ("is_ours", "is_theirs"))
    is_equal = is_ours & is_theirs & _has_equal_values(both)
    verdicts = np.select([is_equal, is_ours & is_theirs, is_theirs], _VERDICTS[:3], _VERDICTS[3])
    both = both.append_column("verdict", pa.array(verdicts, pa.string()))
    return Reconciliation(_counts(both), _differences(both))


def _plain(rows: pa.Table) -> pa.Schema:
    types = {"symbol": pa.string(), "interval_start": UTC_TIME}
    return pa.schema(
        [(f.name, types.get(f.name, pa.bool_() if f.name.startswith("is_") else pa.float64())) for f in rows.schema]
    )


def _has_equal_values(both: pa.Table) -> Truths:
    is_equal = np.ones(both.num_rows, bool)
    for name in (*_PRICES, "volume"):
        first, second = reals(both[name]), reals(both[f"{name}_history"])
        is_equal &= (first == second) | (np.isnan(first) & np.isnan(second))
    return is_equal


def _counts(both: pa.Table) -> pa.Table:
    for verdict in _VERDICTS:
        both = both.append_column(f"is_{verdict}", pc.equal(both["verdict"], verdict).cast(pa.int64()))
    sums = both.group_by("symbol", use_threads=False).aggregate([(f"is_{verdict}", "sum") for verdict in _VERDICTS])
    return pa.table(
        [sums["symbol"], *(sums[f"is_{verdict}_sum"] for verdict in _VERDICTS)], schema=COUNTS_SCHEMA
    ).sort_by("symbol")


def _differences(both: pa.Table) -> pa.Table:
    rows = both.filter(pc.not_equal(both["verdict"], "equal"))
    names = ("symbol", "interval_start", "verdict", "close", "close_history", "volume", "volume_history")
    return pa.table([rows[name] for name in names], schema=DIFFERENCES_SCHEMA)


def by_symbol(found: Reconciliation) -> pa.Table:
    """Return one row a symbol that differs: its counts and the minute whose closes differ most, the worst first."""
    percent = pc.multiply(
        pc.abs(pc.subtract(pc.divide(found.differences["live_close"], found.differences["history_close"]), 1.0)), 100.0
    )
    rated = found.differences.append_column("worst_percent", percent).filter(pc.is_valid(percent))
    worst = rated.sort_by([("worst_percent", "descending"), ("interval_start", "ascending")])
    firsts = worst.group_by("symbol", use_threads=False).aggregate(
        [(name, "first") for name in ("interval_start", "worst_percent", "live_close", "history_close")]
    )
    names = ["worst_minute", "worst_percent", "live_close", "history_close"]
    firsts = firsts.rename_columns(["symbol", *names])
    differs = pc.greater(pc.add(pc.add(found.counts["different"], found.counts["missing"]), found.counts["extra"]), 0)
    counts = found.counts.filter(differs)
    counts = counts.cast(pa.schema([("symbol", pa.string()), *((verdict, pa.int32()) for verdict in _VERDICTS)]))
    return counts.join(firsts, keys="symbol", join_type="left outer").sort_by(
        [("worst_percent", "descending"), ("symbol", "ascending")]
    )
