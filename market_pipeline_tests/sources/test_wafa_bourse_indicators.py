from __future__ import annotations

import json
import math
import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from market_pipeline.errors import PayloadError
from market_pipeline.model.outcome import OutcomeStatus
from market_pipeline.model.quote import PriceKind
from market_pipeline.sources.parsing.readings import Reading
from market_pipeline.sources.wafa_bourse_indicators import parse_indicators
from market_pipeline_tests.sources.casablanca_desk import FRIDAY_AFTERNOON, mutations, page_at, sample, swaps

PAGE = page_at(FRIDAY_AFTERNOON, "wafa_bourse")


def read(name: str, code: str = "ATW") -> Reading:
    return parse_indicators(sample(f"wafa_bourse/{name}"), PAGE, code=code)


def read_row(**changes: Any) -> Reading:
    """Read the row of the normal sample with some of its fields changed."""
    row = json.loads(sample("wafa_bourse/indicators_normal.json"))[0]["VALEUR-INDICATORS"]["Data"][0]
    body = json.dumps([{"VALEUR-INDICATORS": {"Valid": True, "Data": [{**row, **changes}]}}])
    return parse_indicators(body.encode(), PAGE, code="ATW")


def test_a_traded_share_gives_its_last_trade_with_shares_and_money_apart() -> None:
    reading = read("indicators_normal.json")
    assert reading.status is OutcomeStatus.OK
    quote = reading.quote
    assert quote is not None
    assert (quote.price, quote.price_kind) == (702.0, PriceKind.TRADE)
    assert quote.event_time == datetime(2026, 11, 20, 13, 42, 7, tzinfo=UTC)
    assert (quote.open, quote.high, quote.low, quote.previous_close) == (700.0, 704.5, 698.1, 699.5)
    assert (quote.volume, quote.turnover, quote.change_1d_percent) == (48129.0, 33741262.4, 0.36)
    assert (quote.name, quote.currency) == ("ATTIJARIWAFA BANK", "MAD")


def test_the_time_is_the_exchange_s_even_when_the_market_file_says_utc() -> None:
    body = sample("wafa_bourse/indicators_normal.json").replace(b"20/11/2026", b"19/05/2026")
    page = replace(page_at(datetime(2026, 5, 19, 14, tzinfo=UTC), "wafa_bourse"), timestamps="utc")
    quote = parse_indicators(body, page, code="ATW").quote
    assert quote is not None
    assert quote.event_time == datetime(2026, 5, 19, 12, 42, 7, tzinfo=UTC)


def test_a_share_that_the_site_does_not_know_is_unknown() -> None:
    reading = read("indicators_unknown.json", "MAR")
    assert (reading.status, reading.quote) == (OutcomeStatus.UNKNOWN, None)
    assert reading.reason == "the site does not know MAR (Valid: false)"


def test_a_share_without_a_row_is_empty() -> None:
    assert read("indicators_empty.json").status is OutcomeStatus.EMPTY


def test_a_trade_of_days_ago_is_a_trade_of_its_own_day() -> None:
    reading = read("indicators_old_day.json", "MLE")
    assert (reading.status, reading.reason) == (OutcomeStatus.NOT_TRADED, "last trade on 2026-11-12")
    assert reading.quote is not None
    assert reading.quote.event_time == datetime(2026, 11, 12, 14, 30, 24, tzinfo=UTC)
    assert (reading.quote.price, reading.quote.volume) == (368.5, None)


def test_a_row_that_lost_fields_keeps_what_it_says() -> None:
    quote = read("indicators_partial.json").quote
    assert quote is not None
    assert (quote.price, quote.open, quote.volume, quote.change_1d_percent) == (702.0, None, None, None)


def test_of_several_rows_the_newest_counts_wherever_it_stands() -> None:
    reading = read("indicators_duplicate.json")
    assert reading.quote is not None
    assert reading.quote.price == 702.0
    assert reading.rejected_records == 2


@pytest.mark.parametrize("last", [None, 0, float("nan")])
def test_without_a_last_price_the_reference_price_holds_for_the_day(last: float | None) -> None:
    reading = read_row(DernierCours=last)
    assert (reading.status, reading.reason) == (OutcomeStatus.NOT_TRADED, "no last price")
    assert reading.quote is not None
    assert (reading.quote.price, reading.quote.price_kind) == (699.5, PriceKind.REFERENCE)
    assert reading.quote.event_time == datetime(2026, 11, 20, tzinfo=UTC)
    assert reading.quote.event_precision_seconds == 86_400


def test_without_any_price_the_row_is_empty() -> None:
    assert read_row(DernierCours=None, CoursDeReferance=None).status is OutcomeStatus.EMPTY


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"DernierCours": -702.0}, "DernierCours is negative: -702"),
        ({"DernierCours": float("inf")}, "DernierCours: tried to read a number"),
        ({"DernierCours": "7 02,00"}, "DernierCours: tried to read a number"),
        (
            {"DateDernierCours": "20/11/2026 14:42:07"},
            "DateDernierCours: the time 2026-11-20 14:42:07Z is in the future",
        ),
        ({"DateDernierCours": "11/20/2026 13:42:07"}, "DateDernierCours: time data"),
        ({"DateDernierCours": None}, "DateDernierCours is missing"),
    ],
)
def test_a_bad_row_is_a_parse_error_that_names_the_field(changes: dict[str, Any], text: str) -> None:
    reading = read_row(**changes)
    assert (reading.status, reading.quote) == (OutcomeStatus.PARSE_ERROR, None)
    assert text in (reading.reason or "")


def test_an_answer_for_another_share_is_refused() -> None:
    with pytest.raises(PayloadError, match="the row of IAM from wafa_bourse, saw 'rows of ATW'"):
        read("indicators_normal.json", "IAM")


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b'[{"OTHER":1}]', b'[{"VALEUR-INDICATORS":[]}]', b'[{"VALEUR-INDICATORS":{"Valid":true}}]'],
)
def test_what_is_no_answer_to_the_action_is_refused(body: bytes) -> None:
    with pytest.raises(PayloadError, match="compare the payload with the recorded samples"):
        parse_indicators(body, PAGE, code="ATW")


@pytest.mark.parametrize(
    "name", ["indicators_normal", "indicators_duplicate", "indicators_old_day", "indicators_unknown"]
)
def test_damaged_bytes_give_a_payload_error_or_sound_prices(name: str) -> None:
    whole, dice = sample(f"wafa_bourse/{name}.json"), random.Random(13)
    for body in (*mutations(whole, dice, count=400), *swaps(whole, dice, count=400)):
        try:
            reading = parse_indicators(body, PAGE, code="ATW")
        except PayloadError:
            continue
        price = reading.quote.price if reading.quote else None
        assert price is None or (math.isfinite(price) and price > 0)
