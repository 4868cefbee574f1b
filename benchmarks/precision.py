"""(n) How far stored indicators lie from float64: the greatest relative error of each column.

A session of the simulated exchange with its anchor window, thin names and halts included, all symbols tier 1. What has
no finite value, or none that a float32 holds, is null and not counted.

Run: python -m benchmarks.precision   (half a minute; --symbols for less)
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from benchmarks.report import print_table
from benchmarks.storage import ANCHOR_SESSIONS, INDICATORS, Reals, Trading, trading, window_of
from market_pipeline.indicators.catalogue import columns
from market_pipeline.indicators.engine import compute_many
from market_pipeline.storage.precision import stored_column

LIMIT = 1e-6


@dataclass(frozen=True)
class Stored:
    """One column as it is stored."""

    name: str
    type: str
    values: int
    error: float


def main() -> int:
    """Print the table; return 1 when a column is beyond the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbols", type=int, default=100)
    found = sorted(measure(parser.parse_args().symbols), key=lambda one: (-one.error, one.name))
    rows = [[one.name, one.type, f"{one.values:,}", f"{one.error:.2e}" if one.values else "–"] for one in found]
    print_table(["column", "stored as", "values", "greatest relative error"], rows)
    beyond = [one.name for one in found if one.error > LIMIT]
    print(f"{len(found)} columns, {len(beyond)} beyond {LIMIT:g}: {', '.join(beyond) or 'none'}")
    return int(bool(beyond))


def measure(symbols: int) -> Iterator[Stored]:
    """Yield each column of the newest session."""
    history = list(trading("india", ANCHOR_SESSIONS + 1, symbols=symbols))
    values = _values(history)
    for number, column in enumerate(columns()):
        type_ = INDICATORS.schema.field(column.column).type
        yield Stored(column.column, str(type_), *_error(values[:, number], type_))


def _values(history: Sequence[Trading]) -> Reals:
    names = [name for name, tape in history[-1].bars.items() if len(tape)]
    windows = [window_of(name, history) for name in names]
    return compute_many(windows, [window.session_start for window in windows], tier_1=set(names))


def _error(values: Reals, type_: pa.DataType) -> tuple[int, float]:
    stored = stored_column(values, type_)
    is_there = stored.is_valid().to_numpy(zero_copy_only=False)
    exact, kept = values[is_there], stored.drop_null().cast(pa.float64()).to_numpy()
    off = np.abs(kept - exact)
    size = np.where(exact == 0, 1.0, np.abs(exact))
    return len(exact), float((off / size).max(initial=0.0))


if __name__ == "__main__":
    raise SystemExit(main())
