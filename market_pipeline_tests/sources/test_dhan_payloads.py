"""What is read from Dhan's recorded payloads."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from market_pipeline.errors import (
    MarketPipelineError,
    NoData,
    PayloadError,
    RateLimited,
    SourceUnreachable,
    Unauthorised,
)
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.quote import PriceKind, Quote
from market_pipeline.sources.dhan_payloads import parse_chart, parse_daily, parse_quotes, read_quote, refusal
from market_pipeline.sources.parsing.charts import Circumstances, Window

IST = ZoneInfo("Asia/Kolkata")
RECEIVED = datetime(2026, 11, 20, 8, 30, 3, tzinfo=UTC)
AROUND = Circumstances("india", "dhan", RECEIVED, IST, "5ha")
OPEN = datetime(2026, 11, 20, 3, 45, tzinfo=UTC)
WHOLE_DAY = Window(OPEN, datetime(2026, 11, 20, 10, tzinfo=UTC), RECEIVED)


@pytest.fixture
def dhan(samples: Path) -> Path:
    return samples / "dhan"


def quote(folder: Path, code: str, **changes: object) -> Quote:
    record = dict(parse_quotes((folder / "quote_normal.json").read_bytes(), "NSE_EQ")[code]) | changes
    return read_quote(record, Instrument("india", "RELIANCE", "Reliance Industries", currency="INR"), AROUND)


def test_a_traded_instrument_has_all_its_fields(dhan: Path) -> None:
    assert quote(dhan, "2885") == Quote(
        market="india",
        source="dhan",
        symbol="RELIANCE",
        event_time=datetime(2026, 11, 20, 8, 30, 1, tzinfo=UTC),
        received_time=RECEIVED,
        price=1520.5,
        price_kind=PriceKind.TRADE,
        open=1510.0,
        high=1530.0,
        low=1505.1,
        previous_close=1500.0,
        volume=5000123.0,
        bid=1520.4,
        bid_size=1200.0,
        ask=1520.5,
        ask_size=310.0,
        currency="INR",
        name="Reliance Industries",
        payload_sha="5ha",
    )


def test_without_a_trade_today_the_price_is_a_reference_and_zeros_are_unknown(dhan: Path) -> None:
    still = quote(dhan, "8954")
    assert (still.price, still.price_kind, still.event_time) == (61.35, PriceKind.REFERENCE, RECEIVED)
    assert (still.open, still.high, still.low, still.bid, still.ask) == (None, None, None, None, None)
    assert still.volume == 0.0


def test_after_the_close_the_previous_close_comes_from_the_change(dhan: Path) -> None:
    after = {"close": 1520.5, "open": 1510.0, "high": 1530.0, "low": 1505.1}
    assert quote(dhan, "2885", ohlc=after).previous_close == 1500.0


def test_a_record_without_a_price_is_no_data(dhan: Path) -> None:
    with pytest.raises(NoData, match="Dhan names RELIANCE, but no price"):
        quote(dhan, "2885", last_price=0)


@pytest.mark.parametrize("broken", [{"last_price": "n/a"}, {"last_trade_time": "2026-11-20"}, {"depth": {"buy": [3]}}])
def test_a_broken_field_is_a_payload_error(dhan: Path, broken: dict[str, object]) -> None:
    with pytest.raises(PayloadError, match="the quote of RELIANCE"):
        quote(dhan, "2885", **broken)


def test_an_unknown_id_is_absent(dhan: Path) -> None:
    assert list(parse_quotes((dhan / "quote_partial.json").read_bytes(), "NSE_EQ")) == ["2885"]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"data":[]}', b'{"data":{"NSE_EQ":[]},"status":"success"}', b'{"a":1}'])
def test_a_quote_body_of_another_shape_is_a_payload_error(body: bytes) -> None:
    with pytest.raises(PayloadError, match="a retry does not help; compare the kept payload"):
        parse_quotes(body, "NSE_EQ")


def test_a_chart_comes_as_columns_and_its_times_are_utc(dhan: Path) -> None:
    chart = parse_chart((dhan / "intraday_normal.json").read_bytes(), "RELIANCE", WHOLE_DAY)
    first, third = chart.bars[0], chart.bars[2]
    assert (first.interval_start, first.open, first.high, first.low, first.close, first.volume) == (
        OPEN, 1510.0, 1512.4, 1509.1, 1511.65, 84210.0,
    )  # fmt: skip
    assert (third.interval_start.minute, third.volume) == (48, 0.0)
    assert len(chart.bars) == 5


def test_a_chart_out_of_order_with_a_duplicate_comes_out_sorted_with_the_later_row(dhan: Path) -> None:
    chart = parse_chart((dhan / "intraday_unordered_duplicate.json").read_bytes(), "RELIANCE", WHOLE_DAY)
    assert [bar.interval_start.minute for bar in chart.bars] == [45, 46, 48, 49, 50]
    assert chart.bars[1].close == 1512.35
    assert chart.set_aside == {"duplicate": 1}


def test_nulls_and_impossible_rows_are_set_aside(dhan: Path) -> None:
    chart = parse_chart((dhan / "intraday_nulls.json").read_bytes(), "RELIANCE", WHOLE_DAY)
    assert [bar.interval_start.minute for bar in chart.bars] == [45, 48, 50]
    assert chart.set_aside == {"without a price": 1, "with high below or low above another price": 1}


def test_an_empty_chart_has_no_bars(dhan: Path) -> None:
    assert parse_chart((dhan / "intraday_empty.json").read_bytes(), "RELIANCE", WHOLE_DAY).bars == ()


def test_prices_survive_to_the_last_bit() -> None:
    odd = [0.1 + 0.2, 1234.5678901234567, 5e-324, 1.7976931348623157e308]
    body = json.dumps(dict.fromkeys(("open", "high", "low", "close", "volume"), odd) | {
        "timestamp": [OPEN.timestamp() + 60 * n for n in range(4)]
    }).encode()  # fmt: skip
    assert [bar.close for bar in parse_chart(body, "ODD", WHOLE_DAY).bars] == odd


def test_times_in_exponent_form_are_read() -> None:
    body = b'{"open":[1.5],"high":[1.5],"low":[1.5],"close":[1.5],"volume":[3],"timestamp":[1.7951463E9]}'
    assert parse_chart(body, "RELIANCE", WHOLE_DAY).bars[0].interval_start == OPEN


def test_columns_of_different_length_are_a_payload_error() -> None:
    body = b'{"open":[1.5],"high":[1.5],"low":[1.5],"close":[1.5],"volume":[],"timestamp":[1795146300]}'
    with pytest.raises(PayloadError, match="a chart from Dhan"):
        parse_chart(body, "RELIANCE", WHOLE_DAY)


def test_daily_rows_belong_to_their_indian_date(dhan: Path) -> None:
    body = (dhan / "historical_normal.json").read_bytes()
    days = parse_daily(body, first=date(2026, 11, 18), last=date(2026, 11, 19), zone=IST)
    assert [(day, row.close) for day, row in days.rows] == [(date(2026, 11, 18), 1503.8), (date(2026, 11, 19), 1500.0)]


@pytest.mark.parametrize(
    ("sample", "error", "advice"),
    [
        ("quote_error_807.json", Unauthorised, "renew DHAN_API_TOKEN"),
        ("error_dh901.json", Unauthorised, "renew DHAN_API_TOKEN"),
        ("error_dh904.json", RateLimited, "lower kind_budgets"),
        ("error_805.json", RateLimited, "lower kind_budgets"),
        ("error_dh905.json", PayloadError, "our request is wrong"),
        ("error_dh907.json", NoData, "nothing for this time"),
    ],
)
def test_an_error_body_says_what_to_do(dhan: Path, sample: str, error: type[MarketPipelineError], advice: str) -> None:
    found = refusal(400, (dhan / sample).read_bytes())
    assert type(found) is error
    assert advice in str(found)


def test_a_warning_of_a_block_is_answered_by_a_minute_of_silence(dhan: Path) -> None:
    found = refusal(429, (dhan / "error_805.json").read_bytes())
    assert isinstance(found, RateLimited)
    assert found.retry_after_seconds == 60


def test_an_error_under_status_200_is_an_error(dhan: Path) -> None:
    assert isinstance(refusal(200, (dhan / "quote_error_807.json").read_bytes()), Unauthorised)
    assert isinstance(refusal(200, b'{"errorCode":"DH-908","errorMessage":"x"}'), SourceUnreachable)


@pytest.mark.parametrize("sample", ["quote_normal.json", "intraday_normal.json", "intraday_empty.json"])
def test_an_answer_is_no_error(dhan: Path, sample: str) -> None:
    assert refusal(200, (dhan / sample).read_bytes()) is None


def test_an_error_that_is_not_dhans_json_is_left_to_the_transport() -> None:
    assert refusal(502, b"<html>Bad Gateway</html>") is None
