"""Which rows of a chart become bars, and what becomes of the others."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from market_pipeline.model.outcome import OutcomeStatus
from market_pipeline.sources.parsing.charts import (
    Chart,
    Row,
    Window,
    checked_chart,
    checked_days,
    joined_charts,
    split_window,
)

OPEN = datetime(2026, 11, 20, 3, 45, tzinfo=UTC)
WINDOW = Window(OPEN, OPEN + timedelta(minutes=10), OPEN + timedelta(hours=1))


def row(minute: float, **changes: object) -> Row:
    good = Row(OPEN.timestamp() + 60 * minute, 10.0, 12.0, 9.0, 11.0, 100.0)
    return good._replace(**changes)


def minutes(chart: Chart) -> list[int]:
    return [(bar.interval_start - OPEN) // timedelta(minutes=1) for bar in chart.bars]


def test_rows_come_out_in_time_order() -> None:
    assert minutes(checked_chart("TCS", [row(2), row(0), row(1)], WINDOW)) == [0, 1, 2]


def test_of_two_rows_for_a_minute_the_later_sent_wins_and_the_other_is_counted() -> None:
    chart = checked_chart("TCS", [row(0, close=11.0), row(0, close=10.5)], WINDOW)
    assert [bar.close for bar in chart.bars] == [10.5]
    assert chart.reason == "set aside: 1 duplicate"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row(0, close=None), "without a price"),
        (row(0, open=math.nan), "without a price"),
        (row(0, high=math.inf), "without a price"),
        (row(0, low="9.0"), "without a price"),
        (row(0, low=0.0), "with a price of zero or less"),
        (row(0, low=-9.0), "with a price of zero or less"),
        (row(0, high=10.5), "with high below or low above another price"),
        (row(0, low=10.5), "with high below or low above another price"),
        (row(0, volume=-1), "with an impossible volume"),
        (row(0, volume=math.nan), "with an impossible volume"),
        (row(0, seconds=None), "without a time"),
        (row(0.5), "off the minute"),
        (row(-1), "outside the window"),
        (row(10), "outside the window"),
    ],
)
def test_a_bad_row_is_set_aside_with_its_reason_and_its_neighbours_stay(bad: Row, reason: str) -> None:
    chart = checked_chart("TCS", [bad, row(1)], WINDOW)
    assert minutes(chart) == [1]
    assert chart.set_aside == {reason: 1}


def test_the_minute_that_is_not_over_is_left_out_and_is_nobodys_fault() -> None:
    now = Window(OPEN, OPEN + timedelta(minutes=10), OPEN + timedelta(minutes=2, seconds=59))
    chart = checked_chart("TCS", [row(0), row(1), row(2)], now)
    assert minutes(chart) == [0, 1]
    assert chart.set_aside == {}


@pytest.mark.parametrize(("lag_minutes", "expected"), [(0, [0, 1, 2]), (4, [0, 1, 2]), (5, [0, 1])])
def test_the_newest_minute_of_a_source_that_lags_is_over_when_the_lag_has_passed_too(
    lag_minutes: int, expected: list[int]
) -> None:
    received = OPEN + timedelta(minutes=7, seconds=15)
    window = Window(OPEN, OPEN + timedelta(minutes=7), received, timedelta(minutes=lag_minutes))
    chart = checked_chart("2222", [row(0), row(1), row(2)], window)
    assert minutes(chart) == expected
    assert chart.set_aside == {}


def test_a_later_minute_proves_that_one_before_it_is_over_however_long_the_source_says_it_lags() -> None:
    window = Window(OPEN, OPEN + timedelta(minutes=2), OPEN + timedelta(minutes=2, seconds=9), timedelta(minutes=15))
    assert minutes(checked_chart("EURUSD", [row(0), row(1), row(2)], window)) == [0, 1]


def test_a_minute_is_over_at_its_sixtieth_second() -> None:
    now = Window(OPEN, OPEN + timedelta(minutes=10), OPEN + timedelta(minutes=1))
    assert minutes(checked_chart("TCS", [row(0)], now)) == [0]


def test_a_bar_without_volume_stays_and_an_unknown_volume_stays_unknown() -> None:
    chart = checked_chart("TCS", [row(0, volume=0), row(1, volume=None)], WINDOW)
    assert [bar.volume for bar in chart.bars] == [0.0, None]


def test_a_chart_of_bad_rows_only_is_a_parse_error_and_one_without_rows_is_empty() -> None:
    assert checked_chart("TCS", [row(0, low=0.0)], WINDOW).status is OutcomeStatus.PARSE_ERROR
    assert checked_chart("TCS", [], WINDOW).status is OutcomeStatus.EMPTY


def test_joined_charts_add_up_what_was_set_aside() -> None:
    parts = [checked_chart("TCS", [row(0), row(0)], WINDOW), checked_chart("TCS", [row(1), row(1)], WINDOW)]
    assert minutes(joined_charts(parts)) == [0, 1]
    assert joined_charts(parts).rejected == 2


def test_a_long_time_is_cut_without_gap_or_overlap() -> None:
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
    assert list(split_window(start, end, timedelta(days=90))) == [
        (start, datetime(2026, 4, 1, tzinfo=UTC)),
        (datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 6, 30, tzinfo=UTC)),
        (datetime(2026, 6, 30, tzinfo=UTC), end),
    ]


def test_a_day_belongs_to_the_date_in_the_exchanges_zone() -> None:
    midnight = Row(datetime(2026, 11, 18, 18, 30, tzinfo=UTC).timestamp(), 10, 12, 9, 11, 100)
    first = last = date(2026, 11, 19)
    days = checked_days([midnight], first=first, last=last, zone=ZoneInfo("Asia/Kolkata"))
    assert [day for day, _ in days.rows] == [date(2026, 11, 19)]
