"""A source's chart → rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from market_pipeline.model.bar import ChartBar
from market_pipeline.model.session import Session
from market_pipeline.storage.tables import BARS_1M
from market_pipeline.transforms.bars import BAR_SCHEMA, chart_bars
from market_pipeline_tests.transforms.bar_cases import LATER, SESSION, at, chart_bar, column


def test_the_columns_are_those_of_the_table_bars_1m():
    assert BAR_SCHEMA.equals(BARS_1M.schema)


def test_a_chart_bar_becomes_a_final_row_with_everything_that_it_says():
    sent = ChartBar("ATW", at(0), 736.0, 740.0, 734.5, 739.0, 100.0, turnover=73_800.0, n_ticks=7)
    assert chart_bars([sent], session=SESSION, known_at=at(5)).rows.to_pylist() == [
        {
            "market": "casablanca",
            "symbol": "ATW",
            "interval_start": at(0),
            "session_date": date(2026, 11, 20),
            "open": 736.0,
            "high": 740.0,
            "low": 734.5,
            "close": 739.0,
            "volume": 100.0,
            "turnover": 73_800.0,
            "origin": "chart",
            "n_ticks": 7,
            "is_final": True,
            "is_synthetic": False,
            "revision": 0,
            "known_at": at(5),
        }
    ]


def test_a_bar_with_volume_zero_that_the_chart_sent_is_kept():
    assert column(chart_bars([chart_bar(3, volume=0.0)], session=SESSION, known_at=LATER).rows, "volume") == [0.0]


def test_unknown_volume_stays_unknown():
    made = chart_bars([chart_bar(3, volume=None)], session=SESSION, known_at=LATER)
    assert column(made.rows, "volume", "turnover", "n_ticks") == [(None, None, None)]


def test_no_bars_make_no_rows():
    assert chart_bars([], session=SESSION, known_at=LATER).rows.schema.equals(BAR_SCHEMA)


def test_a_minute_without_a_bar_gets_none():
    made = chart_bars([chart_bar(0), chart_bar(5)], session=SESSION, known_at=LATER)
    assert column(made.rows, "interval_start") == [at(0), at(5)]


def test_a_bar_whose_minute_is_not_over_is_not_final():
    made = chart_bars([chart_bar(3), chart_bar(4)], session=SESSION, known_at=at(4, 59))
    assert column(made.rows, "is_final") == [True, False]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"close": float("nan")}, "bad_price"),
        ({"open": float("inf")}, "bad_price"),
        ({"low": 0.0}, "bad_price"),
        ({"close": -37.63}, "bad_price"),
        ({"high": 99.9}, "bad_range"),
        ({"low": 100.1}, "bad_range"),
        ({"volume": -1.0}, "bad_amount"),
        ({"volume": float("inf")}, "bad_amount"),
        ({"turnover": -1.0}, "bad_amount"),
    ],
)
def test_a_bar_that_contradicts_itself_is_set_aside_with_its_reason(fields: dict[str, float], reason: str):
    made = chart_bars([chart_bar(0), replace(chart_bar(1), **fields)], session=SESSION, known_at=LATER)
    assert column(made.rows, "interval_start") == [at(0)]
    assert made.set_aside == (("ATW", at(1), reason),)


def test_a_label_off_the_minute_grid_is_set_aside():
    made = chart_bars([chart_bar(0.5)], session=SESSION, known_at=LATER)
    assert made.set_aside == (("ATW", at(0, 30), "off_grid"),)


def test_the_sessions_open_is_inside_and_its_close_is_not():
    made = chart_bars([chart_bar(minute) for minute in (-1, 0, 359, 360)], session=SESSION, known_at=LATER)
    assert column(made.rows, "interval_start") == [at(0), at(359)]
    assert [item.reason for item in made.set_aside] == ["outside_session", "outside_session"]


def test_of_two_records_of_one_minute_the_later_one_counts():
    made = chart_bars([chart_bar(0, 100.0), chart_bar(0, 101.0)], session=SESSION, known_at=LATER)
    assert column(made.rows, "close") == [101.0]
    assert made.rejected_counts == {("ATW", "duplicate"): 1}


def test_rows_come_by_symbol_and_minute():
    sent = [chart_bar(1, symbol="IAM"), chart_bar(1), chart_bar(0, symbol="IAM"), chart_bar(0)]
    made = chart_bars(sent, session=SESSION, known_at=LATER)
    assert column(made.rows, "symbol", "interval_start") == [
        ("ATW", at(0)),
        ("ATW", at(1)),
        ("IAM", at(0)),
        ("IAM", at(1)),
    ]


@pytest.mark.realdata
def test_a_recorded_day_comes_out_to_the_last_bit(realdata: Path):
    recorded = pq.read_table(realdata / "replay" / "india_2016-08-16_22.parquet")
    opening = datetime(2016, 8, 16, 3, 45, tzinfo=UTC)
    closing = opening + timedelta(minutes=375)
    session = Session("india", opening.date(), opening, closing, closing, ())
    day = recorded.filter(pc.less(recorded["interval_start"], closing)).slice(0, 40 * 375)
    made = chart_bars([ChartBar(**row) for row in day.to_pylist()], session=session, known_at=closing)
    assert made.set_aside == ()
    for name in ("open", "high", "low", "close", "volume"):
        assert made.rows[name].to_pylist() == day[name].to_pylist()
