"""A recorded week of the US, with real gaps, through Yahoo's charts into the tables: the same bits come out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from market_pipeline.indicators.catalogue import CATALOGUE
from market_pipeline.steps.backfill import backfill
from market_pipeline.steps.cycle import CycleReport, run_cycle
from market_pipeline.steps.find_gaps import find_market_gaps
from market_pipeline.steps.runtime import Runtime
from market_pipeline_tests.steps.replay_desk import (
    COLUMNS,
    ORDER,
    VALUES,
    minutes_before,
    replaying,
    stored_minutes,
    talibs_own,
)

pytestmark = pytest.mark.realdata

NOON = datetime(2019, 2, 15, 17, 0, tzinfo=UTC)
SESSIONS = [date(2019, 2, day) for day in (11, 12, 13, 14, 15)]
OPENS = {day: datetime(day.year, day.month, day.day, 14, 30, tzinfo=UTC) for day in SESSIONS}
LOOKED_THROUGH = dict.fromkeys(SESSIONS[:4], 390) | {SESSIONS[4]: 148}
"""Minutes of each session in which a gap can be found: those of the last two minutes are still to come."""
LARGEST_FLOAT32 = 3.4e38
SYMBOLS = ("SPY", "AAPL", "UGA", "VIX")
"""Full, almost full, a fifth of all minutes, and an index that has no volume."""


@pytest.fixture(scope="module")
def recording(realdata: Path) -> Path:
    return realdata / "replay" / "us_2019-02-11_15.parquet"


@pytest.fixture(scope="module")
def replayed(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Runtime, CycleReport]]:
    with replaying("us", recording, at=NOON, folder=tmp_path_factory.mktemp("replay")) as runtime:
        backfill(runtime, "us", first=SESSIONS[0], last=SESSIONS[3])
        report = run_cycle(runtime, "us")
        find_market_gaps(runtime, runtime.market("us"))
        yield runtime, report


@pytest.fixture(scope="module")
def runtime(replayed: tuple[Runtime, CycleReport]) -> Runtime:
    return replayed[0]


@pytest.fixture(scope="module")
def recorded(recording: Path) -> pa.Table:
    return minutes_before(recording, NOON)


def of_symbol(rows: pa.Table, symbol: str) -> pa.Table:
    return rows.filter(pc.equal(rows["symbol"], symbol))


def missing_minutes(rows: pa.Table) -> dict[tuple[str, date], int]:
    """How many minutes of the grid each symbol did not trade in, by session; nothing where it traded in all."""
    found: Counter[tuple[str, date]] = Counter()
    for symbol, start in zip(rows["symbol"].to_pylist(), rows["interval_start"].to_pylist(), strict=True):
        day = start.date()
        found[symbol, day] += start < OPENS[day] + timedelta(minutes=LOOKED_THROUGH[day])
    return {key: LOOKED_THROUGH[key[1]] - count for key, count in found.items() if count < LOOKED_THROUGH[key[1]]}


def test_every_recorded_minute_is_a_bar_to_the_last_bit_and_no_other_is(runtime: Runtime, recorded: pa.Table) -> None:
    assert recorded.num_rows == 8631 + 8596 + 8604 + 8612 + 3349
    assert stored_minutes(runtime, "us").equals(recorded)


def test_every_bar_is_of_the_chart_and_none_is_made_up(runtime: Runtime) -> None:
    rows = runtime.warehouse.read("bars_1m", "us", columns=("origin", "is_synthetic", "is_final"))
    assert set(zip(*(rows[name].to_pylist() for name in rows.column_names), strict=True)) == {("chart", False, True)}


def test_a_minute_without_a_bar_is_one_in_which_nothing_traded(runtime: Runtime, recorded: pa.Table) -> None:
    gaps = runtime.warehouse.latest("gaps", "us").to_pylist()
    found: Counter[tuple[str, date]] = Counter()
    for row in gaps:
        found[row["symbol"], row["session_date"]] += row["minutes"]
    assert {(row["cause"], row["state"]) for row in gaps} == {("not_traded", "unhealable")}
    assert found == missing_minutes(recorded)


def test_every_symbol_of_the_recording_is_asked_for_and_answers(replayed: tuple[Runtime, CycleReport]) -> None:
    assert replayed[1].quotes.counts == {"yahoo": {"ok": 24}}
    assert replayed[1].bars.chart_counts == {"ok": 24}


def test_a_live_ticker_shows_the_last_finished_minute(runtime: Runtime, recorded: pa.Table) -> None:
    tickers = {row["symbol"]: row for row in runtime.warehouse.latest("live_tickers", "us").to_pylist()}
    newest = {row["symbol"]: row for row in recorded.to_pylist()}
    assert {symbol: row["price"] for symbol, row in tickers.items()} == {
        symbol: row["close"] for symbol, row in newest.items()
    }
    assert tickers["SPY"]["event_time"] == datetime(2019, 2, 15, 16, 59, 59, tzinfo=UTC)


def test_daily_bars_sum_up_the_recorded_minutes(runtime: Runtime, recorded: pa.Table) -> None:
    days = runtime.warehouse.latest("bars_1d", "us")
    stored = {(row["symbol"], row["session_date"]): [row[name] for name in VALUES] for row in days.to_pylist()}
    expected: dict[tuple[str, date], list[float]] = {}
    for symbol, start, *bar in zip(*(recorded[name].to_pylist() for name in COLUMNS), strict=True):
        day = expected.setdefault((symbol, start.date()), [bar[0], bar[1], bar[2], bar[3], 0.0])
        day[1:] = [max(day[1], bar[1]), min(day[2], bar[2]), bar[3], day[4] + bar[4]]
    assert stored == {key: bar for key, bar in expected.items() if key[1] != SESSIONS[4]}


def test_every_bar_has_its_indicators(runtime: Runtime) -> None:
    keys = ["symbol", "interval_start"]
    tables = [runtime.warehouse.read(name, "us", columns=keys).sort_by(ORDER) for name in ("bars_1m", "indicators_1m")]
    assert tables[0].combine_chunks().equals(tables[1].combine_chunks())


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_what_is_stored_is_talibs_value_within_a_millionth(runtime: Runtime, recorded: pa.Table, symbol: str) -> None:
    stored = runtime.warehouse.read("indicators_1m", "us", sessions=SESSIONS[4:], symbols=[symbol]).sort_by(ORDER)
    rows = of_symbol(recorded, symbol)
    window = rows.filter(pc.greater(rows["interval_start"], pa.scalar(OPENS[SESSIONS[2]] - timedelta(hours=1))))
    for indicator in CATALOGUE:
        values = talibs_own(window, indicator, before=window.num_rows - stored.num_rows)
        for column, expected in zip(indicator.columns, values, strict=True):
            ours = stored[column].to_numpy().astype(np.float64)
            finite = np.isfinite(expected) & (np.abs(expected) < LARGEST_FLOAT32)
            assert np.array_equal(np.isfinite(ours), finite), column
            assert np.allclose(ours[finite], expected[finite], rtol=1e-6, atol=0), column
