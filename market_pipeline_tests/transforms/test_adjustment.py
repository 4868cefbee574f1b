"""Splits and dividends: as traded and adjusted, each factor once; a vendor's mistakes repaired where they are clear."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from market_pipeline.storage.tables import BARS_1D, BARS_1D_ADJUSTED
from market_pipeline.transforms.adjustment import ADJUSTED_SCHEMA, Adjusted, adjusted_bars

MONDAY = date(2026, 11, 16)
KNOWN = datetime(2026, 11, 20, tzinfo=UTC)


def day(close: float, *, n: int, is_adjusted: bool = False, symbol: str = "AAPL", **more: float) -> dict[str, Any]:
    prices = dict.fromkeys(("open", "high", "low", "close"), close) | {"volume": 700.0}
    shared = {"market": "us", "source": "yahoo", "symbol": symbol, "known_at": KNOWN, "is_split_adjusted": is_adjusted}
    return {**shared, "session_date": MONDAY + timedelta(days=n), **prices, **more}


def adjusted(*days: dict[str, Any]) -> Adjusted:
    return adjusted_bars(pa.Table.from_pylist(list(days), schema=BARS_1D.schema))


def column(found: Adjusted, name: str) -> list[float | None]:
    values: list[float | None] = found.rows[name].to_pylist()
    return [None if value is None else round(value, 6) for value in values]


def test_the_columns_are_those_of_the_table() -> None:
    assert BARS_1D_ADJUSTED.schema.equals(ADJUSTED_SCHEMA)


def test_a_seven_to_one_split_divides_earlier_raw_prices_once() -> None:
    found = adjusted(day(700.0, n=0), day(100.0, n=1, split_ratio=7.0), day(101.0, n=2))
    assert column(found, "close") == [700.0, 100.0, 101.0]
    assert column(found, "close_adjusted") == [100.0, 100.0, 101.0]
    assert column(found, "volume") == [700.0, 700.0, 700.0]
    assert column(found, "volume_adjusted") == [4900.0, 700.0, 700.0]
    assert column(found, "split_factor") == [7.0, 1.0, 1.0]


def test_a_source_that_divided_already_is_not_divided_again() -> None:
    found = adjusted(
        day(100.0, n=0, is_adjusted=True),
        day(100.0, n=1, is_adjusted=True, split_ratio=7.0),
        day(101.0, n=2, is_adjusted=True),
    )
    assert column(found, "close") == [700.0, 100.0, 101.0]
    assert column(found, "close_adjusted") == [100.0, 100.0, 101.0]
    assert column(found, "volume") == [100.0, 700.0, 700.0]
    assert found.repaired == 0


def test_two_splits_multiply() -> None:
    found = adjusted(day(600.0, n=0), day(300.0, n=1, split_ratio=2.0), day(100.0, n=2, split_ratio=3.0))
    assert column(found, "split_factor") == [6.0, 3.0, 1.0]
    assert column(found, "close_adjusted") == [100.0, 100.0, 100.0]


def test_a_dividend_lowers_earlier_prices_by_its_share_of_the_close_before() -> None:
    found = adjusted(day(100.0, n=0), day(95.0, n=1, dividend=5.0), day(96.0, n=2))
    assert column(found, "close") == [100.0, 95.0, 96.0]
    assert column(found, "close_adjusted") == [95.0, 95.0, 96.0]
    assert column(found, "dividend") == [None, 5.0, None]


def test_a_split_and_a_dividend_of_one_day_are_reckoned_in_the_new_shares() -> None:
    raw = adjusted(day(200.0, n=0), day(95.0, n=1, split_ratio=2.0, dividend=5.0))
    sent = adjusted(day(100.0, n=0, is_adjusted=True), day(95.0, n=1, is_adjusted=True, split_ratio=2.0, dividend=5.0))
    assert column(raw, "close_adjusted") == column(sent, "close_adjusted") == [95.0, 95.0]
    assert column(raw, "close") == column(sent, "close") == [200.0, 95.0]


def test_a_dividend_before_a_split_is_shown_as_it_was_paid() -> None:
    found = adjusted(
        day(100.0, n=0, is_adjusted=True),
        day(99.0, n=1, is_adjusted=True, dividend=1.0),
        day(99.0, n=2, is_adjusted=True, split_ratio=7.0),
    )
    assert column(found, "dividend") == [None, 7.0, None]
    assert column(found, "close_adjusted") == [99.0, 99.0, 99.0]


def test_the_events_of_one_symbol_leave_its_neighbours_alone() -> None:
    found = adjusted(day(700.0, n=0), day(100.0, n=1, split_ratio=7.0), day(50.0, n=0, symbol="MSFT"))
    assert column(found, "close_adjusted") == [100.0, 100.0, 50.0]


def test_a_fall_as_large_as_a_split_long_before_it_is_left_alone_and_counted() -> None:
    calm = [day(100.0 + n % 2, n=n, is_adjusted=True) for n in range(20)]
    fallen = [day(50.0 + n % 2 / 2, n=n, is_adjusted=True) for n in range(20, 60)]
    found = adjusted(*calm, *fallen, day(50.0, n=60, is_adjusted=True, split_ratio=2.0))
    assert (found.repaired, found.unclear) == (0, 1)
    assert column(found, "close_adjusted")[0] == 100.0


def test_nothing_in_gives_nothing_out() -> None:
    assert adjusted().rows.num_rows == 0


def vendor_rows(folder: Path, name: str) -> list[dict[str, Any]]:
    with (folder / "fixtures" / "yfinance" / f"{name}.csv").open() as file:
        rows = list(csv.DictReader(file))
    return [_vendor_row(row) for row in rows]


def _vendor_row(row: dict[str, str]) -> dict[str, Any]:
    dividend, split = float(row["Dividends"]), float(row["Stock Splits"])
    return {
        "market": "global",
        "source": "yahoo",
        "symbol": "X",
        "session_date": date.fromisoformat((row.get("Date") or row["Datetime"])[:10]),
        **{name: float(row[name.capitalize()]) for name in ("open", "high", "low", "close", "volume")},
        "adjusted_close": float(row["Adj Close"]),
        "dividend": dividend or None,
        "split_ratio": split or None,
        "is_split_adjusted": True,
        "known_at": KNOWN,
    }


def relative(found: Sequence[float | None], right: Sequence[float | None]) -> float:
    return max((abs((a or 0) / b - 1) for a, b in zip(found, right, strict=True) if b), default=0.0)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "repaired"),
    [
        ("4063-T-1d-bad-stock-split", 9),
        ("CNE-L-1d-bad-stock-split", 1),
        ("ALPHA-PA-1d-bad-stock-split", 1),
        ("4063-T-1d-bad-div", 1),
    ],
)
def test_a_vendors_bad_series_is_repaired_to_equal_the_fixed_one(realdata: Path, name: str, repaired: int) -> None:
    bad, right = (adjusted(*vendor_rows(realdata, one)) for one in (name, f"{name}-fixed"))
    assert (bad.repaired, right.repaired, bad.unclear, right.unclear) == (repaired, 0, 0, 0)
    for value in ("open", "high", "low", "close", "volume", "dividend", "close_adjusted", "volume_adjusted"):
        assert relative(bad.rows[value].to_pylist(), right.rows[value].to_pylist()) < 1e-4, value


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["4063-T-1d-bad-div-fixed", "CALM-1d-no-bad-divs"])
def test_our_adjusted_close_is_the_vendors_where_the_vendor_is_right(realdata: Path, name: str) -> None:
    rows = sorted(vendor_rows(realdata, name), key=lambda row: row["session_date"])
    found = adjusted(*rows)
    last = rows[-1]["adjusted_close"] / rows[-1]["close"]  # later dividends than the series has
    theirs = [row["adjusted_close"] / last for row in rows]
    assert found.repaired == 0
    assert relative(found.rows["close_adjusted"].to_pylist(), theirs) < 2e-3


@pytest.mark.realdata
def test_a_weekly_series_whose_split_week_pays_a_dividend_has_no_clear_reading_and_is_left_alone(
    realdata: Path,
) -> None:
    found = adjusted(*vendor_rows(realdata, "AV-L-1wk-bad-stock-split"))
    assert found.repaired == 0
