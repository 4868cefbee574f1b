"""Recorded minutes of the National Stock Exchange of India, resampled by pandas from the session's opening."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from market_pipeline.markets.loader import load_market
from market_pipeline.markets.trading_calendar import calendar_for
from market_pipeline.transforms.bar_rows import BAR_SCHEMA
from market_pipeline.transforms.resample import Reach, SessionHours, resample

pytestmark = pytest.mark.realdata
SYMBOLS = ("RELIANCE", "ADANIENT")
PANDAS = {"5m": "5min", "15m": "15min", "30m": "30min", "1h": "60min"}
RULES = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}


@pytest.fixture(scope="module")
def minutes(realdata: Path) -> pd.DataFrame:
    """Five sessions of two shares, every seventh minute left out."""
    path = realdata / "replay" / "india_2016-08-16_22.parquet"
    table = pq.read_table(path, filters=[("symbol", "in", SYMBOLS)]).to_pandas()
    table["session_date"] = table["interval_start"].dt.tz_convert("Asia/Kolkata").dt.date
    return table[table["interval_start"].dt.minute % 7 != 0]


def rows_of(minutes: pd.DataFrame) -> pa.Table:
    rows = minutes.assign(
        market="india", turnover=None, origin="chart", n_ticks=None, is_final=True, is_synthetic=False, revision=0
    )
    rows["known_at"] = rows["interval_start"]
    return pa.Table.from_pandas(rows[BAR_SCHEMA.names], schema=BAR_SCHEMA, preserve_index=False)


@pytest.mark.parametrize("timeframe", PANDAS)
def test_pandas_makes_the_same_bars_from_the_opening(minutes: pd.DataFrame, timeframe: str) -> None:
    calendar = calendar_for(load_market("india"))
    hours = {day: calendar.hours(day) for day in minutes["session_date"].unique()}
    opened = {day: SessionHours(found.open, found.close) for day, found in hours.items() if found}
    ours = resample(rows_of(minutes), timeframe, hours=opened, reached=Reach(None)).to_pandas()
    sessions = minutes.set_index("interval_start").groupby(["symbol", "session_date"])
    parts = [
        group.resample(PANDAS[timeframe], origin=opened[day].opens).agg(RULES).dropna().assign(symbol=symbol)
        for (symbol, day), group in sessions
    ]
    expected = pd.concat(parts).reset_index()
    assert len(opened) == 5
    pd.testing.assert_frame_equal(
        ours[["symbol", "interval_start", *RULES]],
        expected[["symbol", "interval_start", *RULES]],
        check_dtype=False,
        check_exact=True,
    )
