"""levels_1m: computed once a minute for what is new, again for what was corrected, and never twice differently."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from market_pipeline.clock import HandClock
from market_pipeline.indicators.levels.pivots import PIVOTS
from market_pipeline.settings import Settings
from market_pipeline.steps.backfill import backfill
from market_pipeline.steps.compute_levels import compute_levels, compute_session_levels, recompute_levels
from market_pipeline.steps.cycle import run_cycle
from market_pipeline.steps.heal_gaps import heal_gaps
from market_pipeline.steps.runtime import Runtime
from market_pipeline.storage.tables import BARS_1M, LEVELS_1M
from market_pipeline_tests.steps.conftest import ALL_OPEN, EARLY

MONDAY, TUESDAY, WEDNESDAY, THURSDAY = (date(2026, 11, day) for day in (16, 17, 18, 19))
BARS = 60
END = datetime(2026, 11, 19, 1, 0, 30, tzinfo=UTC)
ORDER = [("symbol", "ascending"), ("interval_start", "ascending")]
SYMBOLS = ("BTC-USD", "ETH-USD")


@pytest.fixture
def desk(tmp_path: Path) -> Runtime:
    """A feed without a source: its bars are written by the test."""
    return Runtime(Settings(data=tmp_path, budgets=False, _env_file=None), HandClock(END))


def bars_of(day: date, symbol: str, *, count: int = BARS, first: int = 0) -> pa.Table:
    """Return the first bars of a walk that is always the same for this day and symbol."""
    random = np.random.default_rng(day.day + 100 * len(symbol) + ord(symbol[0]))
    close = np.round(100 * np.exp(np.cumsum(random.normal(0, 0.001, BARS))), 2)
    opened = np.concatenate([close[:1], close[:-1]])
    top = np.round(np.maximum(opened, close) + random.integers(0, 10, BARS) / 100, 2)
    bottom = np.round(np.minimum(opened, close) - random.integers(0, 10, BARS) / 100, 2)
    columns = {"open": opened, "high": top, "low": bottom, "close": close, "volume": random.lognormal(3, 1, BARS)}
    midnight = datetime.combine(day, time(), UTC)
    minutes = [midnight + timedelta(minutes=minute) for minute in range(BARS)]
    rows = [
        {"market": "crypto", "symbol": symbol, "interval_start": minute, "session_date": day, "revision": 0}
        | {"origin": "chart", "is_final": True, "is_synthetic": False, "known_at": minute + timedelta(seconds=70)}
        | {name: float(values[place]) for name, values in columns.items()}
        for place, minute in enumerate(minutes)
    ]
    return pa.Table.from_pylist(rows[first:count], schema=BARS_1M.schema)


def fill(desk: Runtime, *days: date, count: int = BARS, first: int = 0) -> None:
    for day in days:
        tables = [bars_of(day, symbol, count=count, first=first) for symbol in SYMBOLS]
        desk.warehouse.write(BARS_1M, "crypto", pa.concat_tables(tables))


def stored(desk: Runtime, *, sessions: Sequence[date] | None = None) -> pa.Table:
    rows = desk.warehouse.read(LEVELS_1M, "crypto", sessions=sessions)
    return rows.drop(["known_at"]).sort_by(ORDER).combine_chunks()


def corrected(desk: Runtime, day: date, place: int) -> datetime:
    """Let the high of one bar of BTC-USD have been twice as far from its low; return the bar's minute."""
    row = bars_of(day, "BTC-USD").slice(place, 1).to_pylist()[0]
    row |= {
        "high": row["high"] + 1.5,
        "close": row["high"] + 1.2,
        "revision": 1,
        "known_at": END + timedelta(seconds=1),
    }
    desk.warehouse.write(BARS_1M, "crypto", pa.Table.from_pylist([row], schema=BARS_1M.schema))
    minute: datetime = row["interval_start"]
    return minute


def test_every_bar_of_the_session_in_progress_gets_its_levels_in_one_go(desk: Runtime) -> None:
    fill(desk, TUESDAY, WEDNESDAY, THURSDAY)
    report = compute_levels(desk, desk.market("crypto"))
    assert (report.rows, report.symbols, report.columns) == (2 * BARS, 2, 44)
    assert [rule.rule for rule in report.rules if not rule.passed] == []
    assert stored(desk).select(["symbol", "interval_start"]).equals(
        desk.warehouse.read(BARS_1M, "crypto", sessions=[THURSDAY]).sort_by(ORDER).select(["symbol", "interval_start"])
        .combine_chunks()
    )  # fmt: skip


def test_a_second_run_of_the_same_minute_writes_nothing(desk: Runtime) -> None:
    fill(desk, WEDNESDAY, THURSDAY)
    compute_levels(desk, desk.market("crypto"))
    before = desk.warehouse.read(LEVELS_1M, "crypto").sort_by(ORDER)
    assert compute_levels(desk, desk.market("crypto")).rows == 0
    assert desk.warehouse.read(LEVELS_1M, "crypto").sort_by(ORDER).equals(before)


def test_minute_by_minute_gives_the_same_bits_as_the_whole_session_at_once(desk: Runtime) -> None:
    market = desk.market("crypto")
    fill(desk, TUESDAY, WEDNESDAY)
    steps = [0, 1, 2, 5, 30, 31, 32, 55, BARS]
    for first, count in pairwise(steps):
        fill(desk, THURSDAY, first=first, count=count)
        assert compute_levels(desk, market).rows == 2 * (count - first)
    by_minute = stored(desk, sessions=[THURSDAY])
    compute_session_levels(desk, market, [THURSDAY])
    assert by_minute.equals(stored(desk, sessions=[THURSDAY]))


def test_a_bar_that_was_revised_makes_its_symbols_rows_anew_from_there_on(desk: Runtime) -> None:
    market = desk.market("crypto")
    fill(desk, TUESDAY, WEDNESDAY, THURSDAY)
    compute_levels(desk, market)
    before = stored(desk)
    corrected(desk, THURSDAY, 40)
    assert compute_levels(desk, market).rows == BARS - 40
    revised = stored(desk)
    compute_session_levels(desk, market, [THURSDAY])
    assert revised.equals(stored(desk))
    assert not revised.equals(before)
    assert revised.slice(BARS).equals(before.slice(BARS))


def test_a_correction_of_an_earlier_session_reaches_the_next_two_and_no_other_symbol(desk: Runtime) -> None:
    market = desk.market("crypto")
    fill(desk, TUESDAY, WEDNESDAY, THURSDAY)
    compute_session_levels(desk, market, [TUESDAY, WEDNESDAY, THURSDAY])
    minute = corrected(desk, TUESDAY, 50)
    assert recompute_levels(desk, market, {TUESDAY: {"BTC-USD": minute}}) == 10 + 2 * BARS
    recomputed = stored(desk)
    compute_session_levels(desk, market, [TUESDAY, WEDNESDAY, THURSDAY])
    assert recomputed.equals(stored(desk))


def test_a_session_that_was_not_there_before_moves_the_windows_of_every_symbol(desk: Runtime) -> None:
    market = desk.market("crypto")
    fill(desk, MONDAY, TUESDAY, THURSDAY)
    compute_session_levels(desk, market, [MONDAY, TUESDAY, THURSDAY])
    bars = bars_of(WEDNESDAY, "BTC-USD")
    desk.warehouse.write(BARS_1M, "crypto", bars)
    recompute_levels(desk, market, {WEDNESDAY: {"BTC-USD": bars["interval_start"][0].as_py()}})
    recomputed = stored(desk)
    compute_session_levels(desk, market, [MONDAY, TUESDAY, WEDNESDAY, THURSDAY])
    assert recomputed.equals(stored(desk))


def test_pivots_come_from_the_session_before(desk: Runtime) -> None:
    fill(desk, WEDNESDAY, THURSDAY)
    compute_levels(desk, desk.market("crypto"))
    before = bars_of(WEDNESDAY, "BTC-USD")
    high, low, close = pc.max(before["high"]).as_py(), pc.min(before["low"]).as_py(), before["close"][-1].as_py()
    rows = stored(desk).filter(pc.field("symbol") == "BTC-USD")
    assert rows["PP_CLASSIC"].unique().to_pylist() == [(high + low + close) / 3]


def test_an_older_session_is_not_taken_for_the_one_before(desk: Runtime) -> None:
    fill(desk, TUESDAY, THURSDAY)
    compute_levels(desk, desk.market("crypto"))
    rows = stored(desk)
    assert {rows[pivot.column].null_count for pivot in PIVOTS} == {2 * BARS}
    assert rows["POC"].null_count == 0


def test_without_any_earlier_session_pivots_are_null_and_never_zero(desk: Runtime) -> None:
    fill(desk, THURSDAY)
    compute_levels(desk, desk.market("crypto"))
    rows = stored(desk)
    assert {rows[pivot.column].null_count for pivot in PIVOTS} == {2 * BARS}
    assert rows["SUPPORT"].null_count < 2 * BARS


def test_a_market_may_change_the_thresholds(desk: Runtime) -> None:
    fill(desk, THURSDAY)
    file = desk.market("crypto").file
    levels = file.indicators.levels.model_copy(update={"value_area_share": 1.0})
    file = file.model_copy(update={"indicators": file.indicators.model_copy(update={"levels": levels})})
    compute_levels(desk, desk.wired(file))
    last = stored(desk).filter(pc.field("symbol") == "BTC-USD").slice(BARS - 1).to_pylist()[0]
    bars = bars_of(THURSDAY, "BTC-USD")
    # with all of the volume in it, the value area spans the session: bins are 0.1 wide
    assert last["VAL"] == pytest.approx(np.floor(pc.min(bars["low"]).as_py() / 0.1 + 1e-9) * 0.1)
    assert last["VAH"] == pytest.approx(np.ceil(pc.max(bars["high"]).as_py() / 0.1 - 1e-9) * 0.1)


def test_a_cycle_writes_the_levels_of_every_bar(runtime: Runtime, clock: HandClock) -> None:
    clock.at = EARLY
    report = run_cycle(runtime, "crypto")
    assert report.levels.rows == report.bars.rows > 0
    assert runtime.warehouse.latest(LEVELS_1M, "crypto").num_rows == 8
    assert run_cycle(runtime, "crypto").levels.rows == 0


def test_a_cycle_after_a_backfill_has_pivots_and_a_market_without_minutes_has_no_levels(
    runtime: Runtime, clock: HandClock
) -> None:
    clock.at = EARLY
    backfill(runtime, "crypto", first=WEDNESDAY, last=WEDNESDAY, with_daily=False)
    run_cycle(runtime, "crypto")
    assert runtime.warehouse.latest(LEVELS_1M, "crypto")["PP_WOODIE"].null_count == 0
    clock.at = ALL_OPEN
    assert run_cycle(runtime, "nairobi").levels.rows == 0


def test_healed_gaps_have_their_levels(runtime: Runtime) -> None:
    clock = runtime.clock
    assert isinstance(clock, HandClock)
    clock.at = EARLY
    run_cycle(runtime, "crypto")
    clock.advance(timedelta(minutes=30))
    heal_gaps(runtime, runtime.market("crypto"))
    healed = stored(runtime)
    assert healed.num_rows == runtime.warehouse.read(BARS_1M, "crypto").num_rows
    compute_session_levels(runtime, runtime.market("crypto"), [THURSDAY])
    assert healed.equals(stored(runtime))
