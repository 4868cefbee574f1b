"""The year's range is claimed only where daily bars cover the year."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import pyarrow as pa

from market_pipeline.transforms.year_range import YearRange, year_ranges

TODAY = date(2026, 11, 19)
Row = tuple[str, date, float | None, float | None, float, float | None]


def ranges(
    *rows: Row,
    listed: Mapping[str, date | None] | None = None,
    splits: Mapping[date, float] | None = None,
    is_adjusted: bool = False,
) -> dict[str, YearRange]:
    """rows: source, date, low, high, close, volume, all of one symbol; splits: date → new shares for an old one."""
    names = ("source", "session_date", "low", "high", "close", "volume")
    floats = dict.fromkeys(("low", "high", "close", "volume"), pa.float64())
    types = {"source": pa.string(), "session_date": pa.date32(), **floats}
    columns = zip(names, zip(*rows, strict=True), strict=True)
    table = pa.table({name: pa.array(values, types[name]) for name, values in columns})
    table = table.append_column("symbol", pa.array(["ATW"] * len(rows)))
    ratios = [(splits or {}).get(row[1]) for row in rows]
    table = table.append_column("split_ratio", pa.array(ratios, pa.float64()))
    table = table.append_column("is_split_adjusted", pa.array([is_adjusted] * len(rows)))
    return year_ranges(table, today=TODAY, sources=("best", "second"), listed_from=listed or {})


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def test_the_range_is_of_the_last_52_weeks_only() -> None:
    bars: list[Row] = [
        ("best", ago(370), 1.0, 99.0, 50.0, 10.0),
        ("best", ago(360), 40.0, 60.0, 50.0, 10.0),
        ("best", ago(1), 45.0, 65.0, 50.0, 30.0),
    ]
    assert ranges(*bars) == {"ATW": YearRange(ago(1), 40.0, 65.0, 30.0)}


def test_bars_that_begin_late_say_no_range_but_a_mean_volume() -> None:
    assert ranges(("best", ago(100), 40.0, 60.0, 50.0, 10.0), ("best", ago(1), 45.0, 65.0, 50.0, 30.0)) == {
        "ATW": YearRange(ago(1), None, None, 30.0)
    }


def test_a_younger_listing_has_the_range_since_its_first_day() -> None:
    found = ranges(
        ("best", ago(60), 40.0, 60.0, 50.0, 10.0),
        ("best", ago(1), 45.0, 65.0, 50.0, 30.0),
        listed={"ATW": ago(60)},
    )
    assert found == {"ATW": YearRange(ago(1), 40.0, 65.0, 20.0)}


def test_a_bar_of_which_only_the_close_is_known_counts_with_it() -> None:
    found = ranges(("best", ago(363), None, None, 30.0, None), ("best", ago(2), 45.0, None, 70.0, None))
    assert found == {"ATW": YearRange(ago(2), 30.0, 70.0, None)}


def test_the_best_source_speaks_alone() -> None:
    found = ranges(
        ("second", ago(363), 1.0, 99.0, 30.0, 5.0),
        ("best", ago(363), 40.0, 60.0, 50.0, 5.0),
        ("best", ago(1), 41.0, 61.0, 50.0, 7.0),
    )
    assert found == {"ATW": YearRange(ago(1), 40.0, 61.0, 7.0)}


def test_a_history_that_ended_a_month_ago_says_nothing() -> None:
    assert ranges(("best", ago(363), 40.0, 60.0, 50.0, 10.0), ("best", ago(30), 45.0, 65.0, 50.0, 30.0)) == {}


SPLIT: list[Row] = [
    ("best", ago(363), 210.0, 280.0, 270.0, 10.0),
    ("best", ago(50), 140.0, 210.0, 200.0, 10.0),
    ("best", ago(5), 25.0, 35.0, 30.0, 70.0),
]


def test_prices_before_a_split_are_brought_to_the_present_shares() -> None:
    assert ranges(*SPLIT, splits={ago(5): 7.0}) == {"ATW": YearRange(ago(5), 20.0, 40.0, 70.0)}


def test_two_splits_multiply() -> None:
    found = ranges(*SPLIT, splits={ago(5): 7.0, ago(50): 2.0})
    assert found == {"ATW": YearRange(ago(5), 15.0, 35.0, 70.0)}


def test_a_source_that_has_divided_by_the_split_itself_is_not_divided_again() -> None:
    found = ranges(*SPLIT, splits={ago(5): 7.0}, is_adjusted=True)
    assert found == {"ATW": YearRange(ago(5), 25.0, 280.0, 40.0)}


def test_a_ratio_that_is_none_changes_nothing() -> None:
    found = ranges(*SPLIT, splits={ago(5): 0.0, ago(50): 1.0})
    assert found == {"ATW": YearRange(ago(5), 25.0, 280.0, 40.0)}
