"""bars_at in market.duckdb gives what the transform gives, to the last bit."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from market_pipeline.markets.loader import load_market
from market_pipeline.markets.trading_calendar import calendar_for
from market_pipeline.model.timeframe import TIMEFRAMES
from market_pipeline.storage.tables import BARS_1M, UTC_TIME
from market_pipeline.storage.warehouse import Warehouse
from market_pipeline.transforms.resample import SessionHours, reach, resample
from market_pipeline.transforms.sessions import summarise_sessions
from market_pipeline_tests.storage.desk import bars, open_warehouse

FRIDAY, MONDAY = date(2026, 10, 30), date(2026, 11, 2)
"""Before and after New York sets its clocks back."""


def hours_of(market: str, days: list[date]) -> dict[date, SessionHours]:
    calendar = calendar_for(load_market(market))
    found = {day: calendar.hours(day) for day in days}
    return {day: SessionHours(hours.open, hours.close, hours.pause) for day, hours in found.items() if hours}


def random_bars(market: str, day: date, *, seed: int, last_minutes: int = 0) -> pa.Table:
    """A session of three symbols with gaps, unknown amounts, unfinal minutes, and fractions that sum inexactly."""
    hours = hours_of(market, [day])[day]
    minutes = int((hours.closes - hours.opens) / timedelta(minutes=1)) - last_minutes
    random = np.random.default_rng(seed)
    symbols = ("A", "B", "C")
    places = [(s, m) for s in symbols for m in range(minutes) if random.random() > 0.2]
    rows = [_bar(market, day, hours.opens + timedelta(minutes=m), symbol, random) for symbol, m in places]
    return pa.Table.from_pylist(rows, schema=BARS_1M.schema)


def _bar(market: str, day: date, at: datetime, symbol: str, random: np.random.Generator) -> dict[str, Any]:
    low, open_, close, high = sorted(float(value) for value in random.normal(100, 1, 4))
    amounts = {"volume": float(random.random()), "turnover": float(random.random()), "n_ticks": int(random.integers(9))}
    return {
        "market": market,
        "symbol": symbol,
        "interval_start": at,
        "session_date": day,
        "open": open_,
        "high": high,
        "low": low,
        "close": close,
        **{name: value if random.random() > 0.01 else None for name, value in amounts.items()},
        "origin": str(random.choice(["chart", "ticks", "sampled"], p=[0.9, 0.05, 0.05])),
        "is_final": bool(random.random() > 0.01),
        "is_synthetic": bool(random.random() < 0.01),
        "revision": int(random.integers(3)),
        "known_at": at + timedelta(seconds=int(random.integers(60, 600))),
    }


def people(warehouse: Warehouse) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(warehouse.layout.market_duckdb), read_only=True)


def in_sql(warehouse: Warehouse, market: str, timeframe: str) -> pa.Table:
    with people(warehouse) as connection:
        found = connection.sql(
            "SELECT * FROM bars_at($market, $timeframe) ORDER BY symbol, interval_start",
            params={"market": market, "timeframe": timeframe},
        )
        return found.to_arrow_table().cast(BARS_1M.schema).combine_chunks()


def in_python(warehouse: Warehouse, market: str, timeframe: str) -> pa.Table:
    minutes = warehouse.read(BARS_1M, market)
    reached = reach(warehouse.latest(BARS_1M, market), warehouse.closed_sessions(market))
    hours = hours_of(market, minutes["session_date"].unique().to_pylist())
    return resample(minutes, timeframe, hours=hours, reached=reached).combine_chunks()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """One session closed and one in progress, of New York and of India."""
    warehouse = open_warehouse(tmp_path_factory.mktemp("filled"))
    for number, market in enumerate(("us", "india")):
        warehouse.write_session(BARS_1M, market, FRIDAY, random_bars(market, FRIDAY, seed=number))
        warehouse.close_session(market, FRIDAY)
        warehouse.write_session(BARS_1M, market, MONDAY, random_bars(market, MONDAY, seed=9 - number, last_minutes=17))
    warehouse.build_market_duckdb()
    return warehouse


@pytest.mark.parametrize("market", ["us", "india"])
@pytest.mark.parametrize("timeframe", TIMEFRAMES)
def test_sql_and_python_give_the_same_bars_to_the_last_bit(filled: Warehouse, market: str, timeframe: str) -> None:
    expected = in_python(filled, market, timeframe)
    assert expected["is_final"].unique().to_pylist() != []
    assert in_sql(filled, market, timeframe).equals(expected)


def test_a_pause_at_noon_is_the_same_in_sql(filled: Warehouse, tmp_path: Path) -> None:
    opens, closes, _ = hours_of("us", [MONDAY])[MONDAY]
    pause = opens + timedelta(minutes=95), opens + timedelta(minutes=142)
    minutes = filled.read(BARS_1M, "us", sessions=[MONDAY])
    reached = reach(filled.latest(BARS_1M, "us"), ())
    expected = resample(minutes, "1h", hours={MONDAY: SessionHours(opens, closes, pause)}, reached=reached)
    copy = shutil.copy(filled.layout.market_duckdb, tmp_path)
    with duckdb.connect(copy) as connection:
        connection.execute("UPDATE session_hours SET pauses = ?, resumes = ? WHERE market = 'us'", pause)
        found = connection.sql("FROM bars_at('us', '1h') WHERE session_date = DATE '2026-11-02' ORDER BY ALL")
        keys = [("symbol", "ascending"), ("interval_start", "ascending")]
        assert (
            found.to_arrow_table().cast(BARS_1M.schema).sort_by(keys).combine_chunks().equals(expected.combine_chunks())
        )
    assert (opens + timedelta(minutes=142)) in expected["interval_start"].to_pylist()


def test_minutes_are_the_minutes_that_there_are(filled: Warehouse) -> None:
    keys = [("symbol", "ascending"), ("interval_start", "ascending")]
    assert in_sql(filled, "us", "1m").equals(filled.read(BARS_1M, "us").sort_by(keys).combine_chunks())


@pytest.mark.parametrize("market", ["us", "india"])
def test_a_days_bar_is_the_session_as_it_is_summed_up_elsewhere(filled: Warehouse, market: str) -> None:
    names = ["symbol", "session_date", "open", "high", "low", "close", "volume", "turnover"]
    summed = summarise_sessions(filled.read(BARS_1M, market)).select(names)
    assert in_sql(filled, market, "1d").select(names).to_pylist() == summed.to_pylist()


def test_the_opening_follows_the_exchanges_summer_time(filled: Warehouse) -> None:
    found = in_sql(filled, "us", "1d")["interval_start"].unique().to_pylist()
    assert sorted(found) == [datetime(2026, 10, 30, 13, 30, tzinfo=UTC), datetime(2026, 11, 2, 14, 30, tzinfo=UTC)]


def test_the_readers_own_time_zone_does_not_matter(filled: Warehouse) -> None:
    with people(filled) as connection:
        rows = "SELECT epoch(interval_start) FROM bars_at('india', '1h') ORDER BY ALL"
        connection.execute("SET TimeZone = 'Asia/Kolkata'")
        kolkata = connection.execute(rows).fetchall()
        connection.execute("SET TimeZone = 'America/New_York'")
        assert connection.execute(rows).fetchall() == kolkata


def test_an_alias_is_taken_and_an_unknown_timeframe_names_those_there_are(filled: Warehouse) -> None:
    with people(filled) as connection:
        count = "SELECT count(*) FROM bars_at('india', ?)"
        assert connection.execute(count, ["5T"]).fetchall() == connection.execute(count, ["5m"]).fetchall()
        with pytest.raises(duckdb.InvalidInputException, match="no timeframe 7m; there are 1m, 5m, 15m, 30m, 1h, 1d"):
            connection.execute(count, ["7m"])


def test_the_hours_of_sessions_to_come_are_known(warehouse: Warehouse) -> None:
    warehouse.build_market_duckdb()
    with people(warehouse) as connection:
        rows = connection.execute(
            "SELECT epoch_us(opens), pauses, resumes, epoch_us(closes) FROM session_hours "
            "WHERE market = 'us' AND session_date = DATE '2026-11-27'"
        ).fetchall()
    opens, closes = (
        pa.scalar(datetime(2026, 11, 27, hour, minute, tzinfo=UTC), UTC_TIME) for hour, minute in ((14, 30), (18, 0))
    )
    assert rows == [(opens.value, None, None, closes.value)]


def test_a_market_that_has_no_file_is_counted_from_midnight(warehouse: Warehouse) -> None:
    rows = random_bars("us", MONDAY, seed=3).to_pylist()
    gone = pa.Table.from_pylist([row | {"market": "gone"} for row in rows], schema=BARS_1M.schema)
    warehouse.write_session(BARS_1M, "gone", MONDAY, gone)
    warehouse.build_market_duckdb()
    assert in_sql(warehouse, "gone", "1h")["interval_start"].to_pylist()[0] == datetime(2026, 11, 2, 14, 0, tzinfo=UTC)


def test_a_bar_from_the_future_is_no_clock_in_sql_either(warehouse: Warehouse) -> None:
    future = bars(["IAM"], [90]).to_pylist()[0] | {
        "is_final": False,
        "known_at": datetime(2026, 11, 20, 9, 41, tzinfo=UTC),
    }
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], [0, 1, 7]))
    warehouse.write(BARS_1M, "casablanca", pa.Table.from_pylist([future], schema=BARS_1M.schema))
    warehouse.build_market_duckdb()
    found = in_sql(warehouse, "casablanca", "5m")
    assert found.equals(in_python(warehouse, "casablanca", "5m"))
    assert found["is_final"].to_pylist() == [True, True, False]
    assert in_sql(warehouse, "casablanca", "15m")["is_final"].to_pylist() == [False, False]


def test_closing_a_session_makes_its_bars_final_though_its_last_minutes_had_no_trade(warehouse: Warehouse) -> None:
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], [0, 1, 7]))
    warehouse.build_market_duckdb()
    for is_final in (False, True):
        assert in_sql(warehouse, "casablanca", "1d")["is_final"].to_pylist() == [is_final]
        assert in_python(warehouse, "casablanca", "1d")["is_final"].to_pylist() == [is_final]
        warehouse.close_session("casablanca", date(2026, 11, 20))
