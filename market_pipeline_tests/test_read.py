"""What people get from market_pipeline.read: the right bars, indicators that are TA-Lib's, clear refusals."""

from __future__ import annotations

import doctest
import gc
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import talib

from market_pipeline import read
from market_pipeline.clock import HandClock
from market_pipeline.errors import ConfigurationError, UsageError
from market_pipeline.indicators.catalogue import CATALOGUE
from market_pipeline.indicators.indicator import Anchor
from market_pipeline.indicators.talib_calls import warm_up
from market_pipeline.markets.loader import load_market
from market_pipeline.markets.trading_calendar import calendar_for
from market_pipeline.steps.warehouse_tables import all_tables, indicators_1m
from market_pipeline.storage.tables import BARS_1M, INSTRUMENTS, LIVE_TICKERS
from market_pipeline.storage.warehouse import Warehouse
from market_pipeline_tests.storage.desk import rows_of

SESSIONS = calendar_for(load_market("india")).sessions_between(date(2026, 11, 3), date(2026, 11, 20))
DAY, BEFORE = SESSIONS[-1], SESSIONS[-2]
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def session_bars(day: date, *, seed: int) -> pa.Table:
    """A session of RELIANCE and TCS: a random walk with a minute in ten missing."""
    hours = calendar_for(load_market("india")).hours(day)
    assert hours is not None
    random = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for symbol in ("RELIANCE", "TCS"):
        closes = 100 + random.normal(0, 0.2, 375).cumsum()
        rows += [
            _bar(symbol, day, hours.open + timedelta(minutes=n), float(close))
            for n, close in enumerate(closes)
            if random.random() > 0.1
        ]
    return rows_of(BARS_1M, rows)


def _bar(symbol: str, day: date, at: datetime, close: float) -> dict[str, Any]:
    prices = {"open": close - 0.1, "high": close + 0.3, "low": close - 0.2, "close": close}
    where = {"market": "india", "symbol": symbol, "session_date": day, "interval_start": at}
    known = {"is_final": True, "is_synthetic": False, "revision": 0, "known_at": at + timedelta(minutes=1)}
    return where | prices | known | {"volume": 100.0 + at.minute, "origin": "chart"}


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A feed of thirteen sessions of India."""
    folder = tmp_path_factory.mktemp("data") / "simulated"
    warehouse = Warehouse(folder, all_tables(), clock=HandClock(NOON))
    for number, day in enumerate(SESSIONS):
        warehouse.write_session(BARS_1M, "india", day, session_bars(day, seed=number))
    newest = datetime(2026, 11, 20, 9, 59, tzinfo=UTC)
    key = {"market": "india", "session_date": DAY, "known_at": NOON}
    values = [("RELIANCE", 25.5, 90.0), ("TCS", 61.25, None)]
    rows = [key | {"symbol": s, "interval_start": newest, "RSI_14": rsi, "SMA_200": sma} for s, rsi, sma in values]
    warehouse.write(indicators_1m(), "india", rows_of(indicators_1m(), rows))
    prices = [
        key | {"symbol": s, "name": s.title(), "price": p, "volume": 5e6} for s, p in (("RELIANCE", 1.5), ("TCS", 2.5))
    ]
    warehouse.write(LIVE_TICKERS, "india", rows_of(LIVE_TICKERS, prices))
    listed = [{"market": "india", "symbol": s, "known_at": NOON} for s in ("RELIANCE", "TCS", "INFY")]
    warehouse.write(INSTRUMENTS, "india", rows_of(INSTRUMENTS, listed))
    return folder


@pytest.fixture
def settings(feed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The feed, named by the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MARKET_PIPELINE_DATA", str(feed.parent))
    monkeypatch.setenv("MARKET_PIPELINE_FEED", "simulated")
    return feed


def test_minutes_are_the_stored_ones_in_order(feed: Path) -> None:
    found = read.bars("india", "TCS", start=DAY, end=DAY, as_="arrow", feed_folder=feed)
    stored = session_bars(DAY, seed=len(SESSIONS) - 1).to_pylist()
    assert found.to_pylist() == [row for row in stored if row["symbol"] == "TCS"]


def test_hours_begin_at_the_opening_and_are_final_to_the_last(feed: Path) -> None:
    found = read.bars("india", "RELIANCE", "1h", start=DAY, feed_folder=feed)
    assert [f"{at:%H:%M}" for at in found["interval_start"]] == [f"{hour:02}:45" for hour in range(3, 10)]
    assert found["is_final"].tolist() == [True] * 7
    minutes = read.bars("india", "RELIANCE", start=DAY, feed_folder=feed)
    first = minutes[minutes["interval_start"] < pd.Timestamp("2026-11-20T04:45Z")]
    assert found.loc[0, ["open", "high", "low", "close", "volume"]].tolist() == [
        first["open"].iloc[0],
        first["high"].max(),
        first["low"].min(),
        first["close"].iloc[-1],
        first["volume"].sum(),
    ]


def test_bars_are_whole_wherever_the_question_begins_and_ends(feed: Path) -> None:
    every = read.bars("india", "TCS", "15m", start=DAY, as_="arrow", feed_folder=feed)
    asked = {"start": "2026-11-20T05:01+00:00", "end": datetime(2026, 11, 20, 5, 31, tzinfo=UTC)}
    some = read.bars("india", "TCS", "15m", as_="arrow", feed_folder=feed, **asked)
    assert [f"{at:%H:%M}" for at in some["interval_start"].to_pylist()] == ["05:15", "05:30"]
    assert some.to_pylist() == [row for row in every.to_pylist() if row in some.to_pylist()]


def test_dates_mean_whole_sessions_both_included(feed: Path) -> None:
    found = read.bars("india", None, "1d", start=SESSIONS[3], end="2026-11-19", feed_folder=feed)
    assert sorted(set(found["session_date"])) == SESSIONS[3:-1]
    assert found["symbol"].tolist() == ["RELIANCE"] * (len(SESSIONS) - 4) + ["TCS"] * (len(SESSIONS) - 4)


def test_a_listed_symbol_that_never_traded_has_no_bars(feed: Path) -> None:
    found = read.bars("india", "INFY", "5m", feed_folder=feed)
    assert (len(found), list(found.columns)) == (0, BARS_1M.schema.names)


@pytest.mark.parametrize(("timeframe", "sessions_before"), [("5m", 10), ("15m", 30), ("1h", 120), ("1d", 750)])
def test_every_column_is_what_talib_gives_on_the_bars_of_the_window(
    feed: Path, timeframe: str, sessions_before: int
) -> None:
    found = read.indicators("india", "TCS", timeframe, start=DAY, feed_folder=feed)
    bars = read.bars("india", "TCS", timeframe, start=SESSIONS[:-1][-sessions_before:][0], feed_folder=feed)
    assert len(found) == (bars["session_date"] == DAY).sum()
    for indicator in CATALOGUE:
        window = bars if indicator.anchor is Anchor.WINDOW else bars.tail(len(found))
        inputs = (window[name].to_numpy() for name in indicator.inputs)
        given = np.atleast_2d(getattr(talib, indicator.function)(*inputs, **indicator.params))[:, -len(found) :]
        has_value = np.isfinite(given) & (len(window) > warm_up(indicator))  # a pattern is 0 before it can be told
        expected = np.where(has_value, given, np.nan)
        np.testing.assert_array_equal(found[list(indicator.columns)].to_numpy(np.float64).T, expected)


def test_the_window_is_long_enough_for_the_longest_mean(feed: Path) -> None:
    found = read.indicators("india", "TCS", "5m", start=DAY, columns=["SMA_200", "rsi_14"], feed_folder=feed)
    assert list(found.columns)[4:] == ["SMA_200", "RSI_14", "known_at"]
    assert found["SMA_200"].notna().all()


def test_indicators_do_not_depend_on_the_start(feed: Path) -> None:
    late = read.indicators("india", "TCS", "5m", start="2026-11-20T08:00+00:00", feed_folder=feed)
    early = read.indicators("india", None, "5m", start=SESSIONS[-3], feed_folder=feed)
    same = early[(early["symbol"] == "TCS") & (early["interval_start"] >= late["interval_start"].iloc[0])]
    pd.testing.assert_frame_equal(late, same.reset_index(drop=True), check_exact=True)


@pytest.mark.parametrize(
    ("arguments", "symbols", "start", "end"),
    [
        ("'india'", None, None, None),
        ("'india', ['TCS']", "TCS", None, None),
        ("'india', NULL, '2026-11-20', '2026-11-20'", None, DAY, DAY),
        ("'india', last_session := DATE '2026-11-19'", None, None, BEFORE),
        ("'india', ['NO_SUCH']", [], None, None),
    ],
)
def test_indicators_of_in_sql_are_those_of_python(
    feed: Path, arguments: str, symbols: Any, start: date | None, end: date | None
) -> None:
    python = read.indicators("india", symbols, start=start, end=end, as_="arrow", feed_folder=feed)
    path = Warehouse(feed, all_tables(), clock=HandClock(NOON)).build_market_duckdb().path
    with duckdb.connect(str(path), read_only=True) as people:
        found = people.sql(f"FROM indicators_of({arguments}) ORDER BY symbol, interval_start").to_arrow_table()
    assert found.select(python.column_names).cast(python.schema).to_pylist() == python.to_pylist()
    assert found.num_rows == (0 if end == BEFORE or symbols == [] else 1 if symbols else 2)


def test_indicators_of_reads_the_files_of_its_sessions_only(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "simulated", all_tables(), clock=HandClock(NOON))
    for day in (BEFORE, DAY):
        at = datetime.combine(day, NOON.timetz())
        row = {"market": "india", "session_date": day, "symbol": "TCS", "interval_start": at, "known_at": at}
        warehouse.write_session(indicators_1m(), "india", day, rows_of(indicators_1m(), [row]))
    path = warehouse.build_market_duckdb().path
    for damaged in warehouse.slices(indicators_1m(), "india", [BEFORE]):
        damaged.path.write_bytes(b"no parquet")
    with duckdb.connect(str(path), read_only=True) as people:
        assert people.sql(f"FROM indicators_of('india', ['TCS'], '{DAY}')").df()["session_date"].nunique() == 1
        with pytest.raises(duckdb.Error):
            people.sql("FROM indicators_of('india', ['TCS'])").fetchall()


def test_indicators_of_minutes_are_the_stored_ones(feed: Path) -> None:
    found = read.indicators("india", columns=["rsi_14"], as_="arrow", feed_folder=feed)
    assert found.select(["symbol", "RSI_14"]).to_pylist() == [
        {"symbol": "RELIANCE", "RSI_14": 25.5},
        {"symbol": "TCS", "RSI_14": 61.25},
    ]


def test_slow_columns_are_computed_where_they_are_named(feed: Path) -> None:
    named = read.indicators("india", "TCS", "1h", start=DAY, columns=["UI_14"], feed_folder=feed)
    assert np.isfinite(named["UI_14"]).all()
    every = read.indicators("india", "TCS", "1h", start=DAY, feed_folder=feed)
    assert every["UI_14"].isna().all()
    assert np.isfinite(every["RSI_14"]).all()


def test_a_relation_can_be_asked_further_in_duckdb(feed: Path) -> None:
    days = read.bars("india", None, "1d", as_="duckdb", feed_folder=feed)
    gc.collect()  # the rows live as long as the relation
    assert days.aggregate("count(*)").fetchall() == [(2 * len(SESSIONS),)]
    assert duckdb.sql("SELECT DISTINCT symbol FROM days ORDER BY 1").fetchall() == [("RELIANCE",), ("TCS",)]


def test_tickers_are_the_newest_rows(feed: Path) -> None:
    assert read.tickers("india", feed_folder=feed)["price"].tolist() == [1.5, 2.5]
    assert read.tickers("india", "TCS", as_="arrow", feed_folder=feed)["name"].to_pylist() == ["Tcs"]


def test_a_screen_joins_the_newest_indicators_bars_and_tickers(feed: Path) -> None:
    found = read.screen(
        "india",
        "rsi_14 < 70 and live_tickers.volume > 1e6",
        columns=["name", "RSI_14"],
        sort="-rsi_14",
        feed_folder=feed,
    )
    newest = datetime(2026, 11, 20, 9, 59, tzinfo=UTC)
    assert found["name"].tolist() == ["Tcs", "Reliance"]
    assert list(found.columns) == ["market", "symbol", "interval_start", "name", "RSI_14"]
    assert found["interval_start"].max() <= newest


def test_unknown_never_matches_also_when_negated(feed: Path) -> None:
    for condition in ("close > sma_200", "not (close <= sma_200)", "sma_200 / 0 > 1 or close > sma_200"):
        assert read.screen("india", condition, feed_folder=feed)["symbol"].tolist() == ["RELIANCE"]


def test_a_market_without_rows_gives_empty_answers_with_their_columns(feed: Path) -> None:
    assert list(read.screen("us", "close > sma_200", sort="close", feed_folder=feed).columns) == [
        *("market", "symbol", "interval_start", "close", "SMA_200")
    ]
    assert list(read.bars("us", None, "1h", feed_folder=feed).columns) == BARS_1M.schema.names
    found = read.indicators("us", None, "1h", columns="RSI_14", feed_folder=feed)
    assert (len(found), list(found.columns)[4:]) == (0, ["RSI_14", "known_at"])
    assert len(read.tickers("us", feed_folder=feed)) == 0


def test_tickers_alone_have_no_minute(feed: Path) -> None:
    found = read.screen("india", "price > 2", feed_folder=feed, as_="arrow")
    assert found.to_pylist() == [{"market": "india", "symbol": "TCS", "interval_start": None, "price": 2.5}]


def test_the_minute_of_a_match_is_that_of_its_oldest_row(feed: Path) -> None:
    found = read.screen("india", "rsi_14 > 0 and close > 0", feed_folder=feed, as_="arrow").to_pylist()
    newest = read.bars("india", None, start=DAY, feed_folder=feed).groupby("symbol")["interval_start"].max()
    assert [row["interval_start"] for row in found] == [newest["RELIANCE"], newest["TCS"]]


def test_the_feed_is_the_one_that_the_settings_name(settings: Path) -> None:
    assert read.tickers("india", as_="arrow") == read.tickers("india", as_="arrow", feed_folder=settings)


@pytest.mark.parametrize(
    ("function", "asked", "said"),
    [
        ("bars", {"market": "indai"}, r"no such market \(did you mean india\?\)"),
        ("bars", {"symbols": "RELIANC"}, "'RELIANC': there is none of that name; did you mean RELIANCE"),
        ("bars", {"symbols": ["TCS", "tcs"]}, "'tcs': there is none of that name; did you mean TCS"),
        ("tickers", {"symbols": "XYZ"}, "india has [0-9,]+ symbols"),
        ("bars", {"timeframe": "2h"}, "there are 1m, 5m, 15m, 30m, 1h, 1d"),
        ("bars", {"start": datetime.fromisoformat("2026-11-20T09:00")}, "start is .* has no time zone"),
        ("bars", {"end": pd.Timestamp("2026-11-20 09:00")}, "end is .* has no time zone"),
        ("bars", {"start": "20 November"}, "start is '20 November', which is no time"),
        ("bars", {"start": 20261120}, "start is 20261120, a int"),
        ("bars", {"start": "2026-11-20", "end": "2026-11-19"}, "the start lies after the end"),
        ("bars", {"start": "2026-11-20T09:00Z", "end": "2026-11-20T08:59Z"}, "the start lies after the end"),
        ("bars", {"start": "2026-11-20", "end": "2026-11-18T08:59Z"}, "the start lies after the end"),
        ("indicators", {"columns": "RSI14"}, "'RSI14': there is none of that name; did you mean RSI_14"),
        ("indicators", {"timeframe": "5m", "columns": ["price"]}, "'price': there is none of that name"),
        ("screen", {"expression": "rsi_14 < 30", "columns": ["nmae"]}, "did you mean name"),
        ("screen", {"expression": "rsi_14 < 30", "limit": 0}, "a limit of 1 or more"),
        ("bars", {"as_": "polars"}, "there are pandas, arrow and duckdb"),
        ("bars", {"feed_folder": "nowhere"}, "there is no folder `warehouse` in it"),
    ],
)
def test_a_wrong_question_is_answered_with_what_there_is(
    feed: Path, function: str, asked: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        getattr(read, function)(**{"market": "india", "feed_folder": feed} | asked)


def test_wrong_settings_are_a_configuration_error(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKET_PIPELINE_FEED", "both")
    with pytest.raises(ConfigurationError, match="MARKET_PIPELINE_FEED"):
        read.bars("india")


@pytest.mark.parametrize("name", ["bars", "indicators", "tickers", "screen"])
def test_the_example_of_each_function_runs(settings: Path, name: str) -> None:
    [example] = [found for found in doctest.DocTestFinder().find(getattr(read, name), name) if found.examples]
    source = "".join(part.source for part in example.examples).replace("casablanca", "india")
    namespace: dict[str, Any] = {}
    exec(source.replace("read." + name, "shown = read." + name), namespace)  # noqa: S102 our own docstring
    assert len(namespace["shown"]) > 0
