"""Recorded minutes of the National Stock Exchange of India through the whole pipeline: the same bits come out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import talib

from market_pipeline.clock import HandClock
from market_pipeline.indicators.bar_window import BarWindow
from market_pipeline.indicators.catalogue import CATALOGUE
from market_pipeline.indicators.engine import compute
from market_pipeline.indicators.indicator import Anchor, Indicator
from market_pipeline.settings import Settings
from market_pipeline.simulator.server import SimulatorOptions, running_simulator
from market_pipeline.steps.backfill import backfill
from market_pipeline.steps.bar_windows import WINDOW_COLUMNS, bar_window, session_block
from market_pipeline.steps.cycle import CycleReport, run_cycle
from market_pipeline.steps.runtime import Runtime

pytestmark = pytest.mark.realdata

ELEVEN = datetime.fromisoformat("2016-08-19T11:00:00+05:30").astimezone(UTC)
SESSIONS = [date(2016, 8, day) for day in (16, 17, 18, 19)]
COLUMNS = ("symbol", "interval_start", "open", "high", "low", "close", "volume")
ORDER = [("symbol", "ascending"), ("interval_start", "ascending")]
SYMBOLS = ("RELIANCE", "ADANIENT", "M&M", "INDIAVIX")
MINUTES_BEFORE, MINUTES = 2 * 375, 105
"""The two sessions before, and 09:15 to 10:59 of the 19th."""


@pytest.fixture(scope="module")
def recording(realdata: Path) -> Path:
    return realdata / "replay" / "india_2016-08-16_22.parquet"


@pytest.fixture(scope="module")
def replayed(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Runtime, CycleReport]]:
    clock = HandClock(ELEVEN)
    options = SimulatorOptions(port=0, speed=0, replay={"india": recording})
    with running_simulator(options, clock=clock) as exchange:
        folder = tmp_path_factory.mktemp("replay")
        settings = Settings(data=folder, simulator_url=exchange.url, budgets=False, _env_file=None)
        runtime = Runtime(settings, clock)
        backfill(runtime, "india", first=SESSIONS[0], last=SESSIONS[2])
        yield runtime, run_cycle(runtime, "india")


@pytest.fixture(scope="module")
def runtime(replayed: tuple[Runtime, CycleReport]) -> Runtime:
    return replayed[0]


def recorded(path: Path) -> pa.Table:
    rows = pq.read_table(path, columns=list(COLUMNS))
    rows = rows.filter(pc.less(rows["interval_start"], pa.scalar(ELEVEN)))
    schema = pa.schema(
        [("symbol", pa.string()), *(rows.schema.field(i) for i in range(1, 6)), ("volume", pa.float64())]
    )
    return rows.cast(schema).sort_by(ORDER).combine_chunks()


def window_of(runtime: Runtime, symbol: str) -> BarWindow:
    blocks = [
        session_block(runtime.warehouse.read("bars_1m", "india", sessions=[day], columns=WINDOW_COLUMNS))
        for day in SESSIONS[1:]
    ]
    return bar_window(symbol, blocks[:2], blocks[2])


def talibs_own(rows: pa.Table, indicator: Indicator) -> np.ndarray:
    start = MINUTES_BEFORE if indicator.anchor is Anchor.SESSION else 0
    inputs = [rows[name].to_numpy()[start:] for name in indicator.inputs]
    result = getattr(talib, indicator.function)(*inputs, **indicator.params)
    return np.array(result, dtype=np.float64).reshape(len(indicator.columns), -1)[:, -MINUTES:]


def test_every_recorded_minute_is_a_bar_to_the_last_bit(runtime: Runtime, recording: Path) -> None:
    stored = runtime.warehouse.read("bars_1m", "india", columns=COLUMNS).sort_by(ORDER).combine_chunks()
    expected = recorded(recording)
    assert expected.num_rows == 177 * (3 * 375 + MINUTES)
    assert stored.equals(expected)


def test_every_symbol_of_the_recording_is_asked_for_and_answers(replayed: tuple[Runtime, CycleReport]) -> None:
    # the eleven indices have no volume, so nothing of them was traded
    assert replayed[1].quotes.counts["dhan"] == {"ok": 166, "not_traded": 11}
    assert replayed[1].bars.chart_counts == {"ok": 177}


def test_every_bar_has_its_indicators(runtime: Runtime) -> None:
    keys = ["symbol", "interval_start"]
    bars = runtime.warehouse.read("bars_1m", "india", columns=keys).sort_by(ORDER).combine_chunks()
    indicators = runtime.warehouse.read("indicators_1m", "india", columns=keys).sort_by(ORDER).combine_chunks()
    assert indicators.equals(bars)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_the_engine_gives_talibs_own_values_on_the_anchor_window(
    runtime: Runtime, recording: Path, symbol: str
) -> None:
    window = window_of(runtime, symbol)
    rows = recorded(recording)
    rows = rows.filter(pc.equal(rows["symbol"], symbol)).slice(375)
    assert len(window) == MINUTES_BEFORE + MINUTES
    for indicator in CATALOGUE:
        ours = compute(window, first=MINUTES_BEFORE, indicators=(indicator,))
        assert np.array_equal(ours, talibs_own(rows, indicator), equal_nan=True), indicator.columns


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_what_is_stored_is_talibs_value_within_a_millionth(runtime: Runtime, recording: Path, symbol: str) -> None:
    stored = runtime.warehouse.read("indicators_1m", "india", sessions=SESSIONS[3:], symbols=[symbol]).sort_by(ORDER)
    rows = recorded(recording)
    rows = rows.filter(pc.equal(rows["symbol"], symbol)).slice(375)
    for indicator in CATALOGUE:
        for column, expected in zip(indicator.columns, talibs_own(rows, indicator), strict=True):
            ours = stored[column].to_numpy().astype(np.float64)
            finite = np.isfinite(expected)
            assert np.array_equal(np.isfinite(ours), finite), column
            assert np.allclose(ours[finite], expected[finite], rtol=1e-6, atol=0), column
