"""What Yahoo's charts become: minutes, and days with their splits and dividends."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from market_pipeline.errors import PayloadError, UnknownSymbol
from market_pipeline.model.bar import ChartBar
from market_pipeline.model.outcome import OutcomeStatus
from market_pipeline.sources.parsing.charts import Chart, Circumstances, Window
from market_pipeline.sources.yahoo_charts import DailyHistory, parse_chart, parse_daily
from market_pipeline.sources.yahoo_payloads import as_printed
from market_pipeline_tests.sources.yahoo_desk import NEW_YORK, NOW, body, changed

OPEN = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)
FIRST = datetime(2026, 11, 24, 15, 25, tzinfo=UTC)
AROUND = Circumstances("us", "yahoo", NOW, NEW_YORK)


def minutes(payload: bytes, start: datetime = OPEN) -> Chart:
    return parse_chart(payload, "AAPL", Window(start, NOW, NOW))


def days(payload: bytes, around: Circumstances = AROUND) -> DailyHistory:
    return parse_daily(payload, "SPLT", first=date(2026, 11, 17), last=date(2026, 11, 23), around=around)


def starts(chart: Chart) -> list[int]:
    return [round((bar.interval_start - FIRST).total_seconds() / 60) for bar in chart.bars]


def test_rows_become_minutes_labelled_by_their_start() -> None:
    chart = minutes(body("chart_1m_normal.json"))
    assert chart.bars[0] == ChartBar("AAPL", FIRST, 286.9, 287.01, 286.85, 286.97, 41200.0)
    assert (starts(chart), chart.set_aside) == ([0, 1, 2, 3, 4], {})


def test_a_row_of_nulls_is_a_minute_without_a_trade_and_no_error() -> None:
    chart = minutes(body("chart_1m_null_holes.json"))
    assert (starts(chart), chart.set_aside) == ([0, 2, 4], {})


def test_the_price_of_this_moment_at_the_end_is_no_minute() -> None:
    chart = minutes(body("chart_1m_unfinished_last_bar.json"))
    assert (starts(chart), chart.set_aside) == ([0, 1, 2, 3, 4], {})


def test_rows_come_in_order_and_of_two_for_a_minute_the_later_stays() -> None:
    chart = minutes(body("chart_1m_out_of_order_duplicate.json"))
    assert (starts(chart), chart.set_aside) == ([0, 1, 2, 3, 4], {"duplicate": 1})
    assert chart.bars[2].close == 286.8


def test_prices_that_cannot_be_are_counted_and_harm_no_other_minute() -> None:
    chart = minutes(body("chart_1m_bad_prices.json"))
    # a hundredfold price is consistent in itself: the merge finds it
    assert starts(chart) == [0, 3]
    assert chart.set_aside == {
        "with a price of zero or less": 2,
        "with high below or low above another price": 1,
    }


def test_minutes_before_the_opening_are_outside_the_window() -> None:
    chart = minutes(body("chart_1m_pre_market.json"))
    assert [bar.interval_start for bar in chart.bars] == [OPEN]
    assert chart.set_aside == {"outside the window": 2}


def test_a_chart_without_times_is_empty() -> None:
    assert minutes(body("chart_1m_no_timestamp.json")).status is OutcomeStatus.EMPTY


def test_pence_become_pounds() -> None:
    bar = minutes(body("chart_1m_gbp_pence.json")).bars[0]
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (0.924, 0.925, 0.9238, 0.9248, 120400.0)


def test_a_currency_has_no_volume() -> None:
    assert [bar.volume for bar in minutes(body("chart_1m_fx.json")).bars] == [None, None]


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        (286.8999938964844, 286.9),
        (0.0001234499941347167, 0.00012345),
        (44752.890625, 44752.89),
        (91000.1015625, 91000.1),
        (287.1234567891, 287.1234567891),
        (100.0, 100.0),
        (1e39, 1e39),
    ],
)
def test_a_number_in_single_precision_becomes_the_decimal_that_it_stands_for(sent: float, meant: float) -> None:
    assert as_printed(sent) == meant


def test_minutes_are_cleaned_of_single_precision() -> None:
    def widen(document: Any) -> None:
        quote = document["chart"]["result"][0]["indicators"]["quote"][0]
        for name in ("open", "high", "low", "close"):
            quote[name] = [float(np.float32(price)) for price in quote[name]]

    assert minutes(changed("chart_1m_normal.json", widen)).bars == minutes(body("chart_1m_normal.json")).bars


def test_columns_of_different_lengths_are_no_chart() -> None:
    def cut(document: Any) -> None:
        document["chart"]["result"][0]["indicators"]["quote"][0]["close"].pop()

    with pytest.raises(PayloadError, match="as long as its times"):
        minutes(changed("chart_1m_normal.json", cut))


@pytest.mark.parametrize(
    "payload", [b'{"chart":{"result":[]}}', b'{"chart":{"result":[{"meta":1}]}}', b"{}", b"<html>"]
)
def test_another_document_is_no_chart(payload: bytes) -> None:
    with pytest.raises(PayloadError):
        minutes(payload)


def test_days_carry_their_split_dividend_and_adjusted_close() -> None:
    history = days(body("chart_1d_with_split_and_dividends.json"))
    assert [(bar.session_date.day, bar.close, bar.adjusted_close) for bar in history.bars] == [
        (17, 102.5, 102.249265),
        (18, 103.2, 102.947549),
        (19, 102.0, 101.75049),
        (20, 101.8, 101.8),
        (23, 103.0, 103.0),
    ]
    assert [bar.split_ratio for bar in history.bars] == [None, 4.0, None, None, None]
    assert [bar.dividend for bar in history.bars] == [None, None, None, 0.25, None]
    assert all(bar.is_split_adjusted for bar in history.bars)
    assert history.set_aside == {}


def test_the_day_in_progress_is_left_out() -> None:
    history = days(body("chart_1d_unfinished_last_bar.json"))
    assert history.bars[-1].session_date == date(2026, 11, 23)


def test_a_days_date_is_its_own_exchanges() -> None:
    def tokyo(document: Any) -> None:
        result = document["chart"]["result"][0]
        result["meta"]["exchangeTimezoneName"] = "Asia/Tokyo"
        result["timestamp"] = [int(datetime(2026, 11, d, 0, tzinfo=UTC).timestamp()) for d in (16, 17, 18, 19, 20, 23)]
        del result["events"]

    history = days(changed("chart_1d_with_split_and_dividends.json", tokyo))
    assert [bar.session_date.day for bar in history.bars] == [17, 18, 19, 20, 23]


def test_events_that_cannot_be_read_or_have_no_bar_are_counted() -> None:
    def spoil(document: Any) -> None:
        events = document["chart"]["result"][0]["events"]
        events["splits"]["1"] = {"date": 1795186200, "numerator": 4.0, "denominator": 0.0}
        events["dividends"]["2"] = {"amount": -1.0, "date": 1795186200}
        events["dividends"]["3"] = {"amount": 0.1, "date": int(datetime(2026, 11, 21, 15, tzinfo=UTC).timestamp())}

    history = days(changed("chart_1d_with_split_and_dividends.json", spoil))
    assert history.set_aside == {"event on a day without a bar": 1, "unreadable event": 2}
    assert len(history.bars) == 5


@pytest.mark.realdata
def test_the_recorded_chart_of_tesla_keeps_its_minutes_with_trades(realdata: Path) -> None:
    payload = (realdata / "fixtures" / "yahoo_raw" / "chart_TSLA_1m_null_bar.json").read_bytes()
    opening = datetime.fromtimestamp(1788528600, UTC)
    closing = opening + timedelta(hours=6, minutes=30)
    chart = parse_chart(payload, "TSLA", Window(opening, closing, closing + timedelta(hours=1)))
    assert [(bar.interval_start - opening, bar.open, bar.close, bar.volume) for bar in chart.bars] == [
        (timedelta(0), 360.0, 359.6, 120000.0),
        (timedelta(minutes=1), 359.5, 359.0, 98000.0),
    ]
    # its close of 352.89 lies below its low of 353.9
    assert chart.set_aside == {"with high below or low above another price": 1}


@pytest.mark.realdata
def test_the_recorded_chart_of_a_mistyped_symbol_is_an_unknown_symbol(realdata: Path) -> None:
    payload = (realdata / "fixtures" / "yahoo_raw" / "chart_unknown_symbol_no_timestamp.json").read_bytes()
    with pytest.raises(UnknownSymbol, match="no exchange for APPL"):
        parse_daily(
            payload,
            "APPL",
            first=date(2021, 7, 1),
            last=date(2021, 7, 9),
            around=Circumstances("us", "yahoo", NOW, ZoneInfo("America/New_York")),
        )
