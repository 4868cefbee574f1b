"""Recorded minutes of both markets: five sessions of 2016 in India, five of 2019 in the United States."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from market_pipeline.indicators.indicator import FIELDS, FloatArray

SYMBOLS = ("india RELIANCE", "india ADANIENT", "india ASHOKLEY", "us AAPL", "us AMT", "us SPY")
"""Liquid ones, and some with ties and minutes that are missing or have no volume."""
FILES = {"india": "india_2016-08-16_22.parquet", "us": "us_2019-02-11_15.parquet"}


def real_bars(realdata: Path, name: str) -> dict[str, FloatArray]:
    """Return a symbol's bars in time order."""
    market, symbol = name.split()
    table = pq.read_table(realdata / "replay" / FILES[market], filters=[("symbol", "=", symbol)])
    ordered = table.sort_by("interval_start")
    return {field: ordered[field].to_numpy().astype(np.float64) for field in FIELDS}
