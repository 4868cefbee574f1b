from __future__ import annotations

import json
import math
import random
from datetime import UTC, date, datetime
from typing import Any

import pytest

from market_pipeline.errors import PayloadError
from market_pipeline.sources.casablanca_bourse_history import HistoryPage, newest_per_session, parse_history
from market_pipeline_tests.sources.casablanca_desk import FRIDAY_AFTERNOON, mutations, page_at, sample, swaps

PAGE = page_at(FRIDAY_AFTERNOON, "casablanca_bourse")
FIRST = sample("casablanca_bourse/history_page1.json")


def read_row(**changes: Any) -> HistoryPage:
    """Read the newest session of the sample with some of its attributes changed."""
    document = json.loads(FIRST)
    row = document["data"][0]
    row["attributes"] |= changes
    return parse_history(json.dumps(document | {"data": [row]}).encode(), PAGE, code="ATW")


def test_sessions_come_as_listed_with_prices_as_traded() -> None:
    page = parse_history(FIRST, PAGE, code="ATW")
    assert [(bar.session_date, bar.close) for bar in page.bars] == [
        (date(2026, 11, 19), 699.5),
        (date(2026, 11, 17), 696.9),
        (date(2026, 11, 16), 693.0),
    ]
    assert page.rejections == ()


def test_the_query_of_the_next_page_is_taken_from_the_link() -> None:
    query = parse_history(FIRST, PAGE, code="ATW").next_query
    assert query is not None
    assert query[-2:] == (("page[offset]", "3"), ("page[limit]", "3"))
    assert ("filter[instrument][condition][value]", "511") in query


def test_the_last_page_has_no_next_one() -> None:
    assert parse_history(sample("casablanca_bourse/history_page2.json"), PAGE, code="ATW").next_query is None


def test_a_session_without_trades_has_a_close_and_nothing_else() -> None:
    bar = parse_history(sample("casablanca_bourse/history_page2.json"), PAGE, code="ATW").bars[-1]
    assert (bar.session_date, bar.close) == (date(2026, 11, 12), 688.0)
    assert (bar.open, bar.high, bar.low, bar.volume, bar.turnover) == (None, None, None, None, None)


def test_sessions_of_another_share_are_set_aside() -> None:
    page = parse_history(FIRST, PAGE, code="IAM")
    assert page.bars == ()
    assert page.rejections[0] == "a row of ATW where IAM was asked for"


def test_today_s_close_is_the_last_price_because_the_closing_price_still_is_yesterday_s() -> None:
    page = read_row(created="2026-11-20T13:40:00", coursCourant="702.0000000000", closingPrice="699.5000000000")
    assert page.bars[0].close == 702.0


def test_a_date_alone_is_enough() -> None:
    assert read_row(created="2026-11-19").bars[0].session_date == date(2026, 11, 19)


def test_midnight_of_the_exchange_belongs_to_its_own_date_before_the_clock_change() -> None:
    page = page_at(datetime(2026, 5, 20, 12, tzinfo=UTC), "casablanca_bourse")
    body = FIRST.replace(b"2026-11-19T15:40:00", b"2026-05-19T00:00:00+00:00")
    assert parse_history(body, page, code="ATW").bars[0].session_date == date(2026, 5, 19)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"closingPrice": None, "coursCourant": []}, "the session of 2026-11-19 has no closing price"),
        ({"closingPrice": "-699.5"}, "closingPrice is negative: -699.5"),
        ({"openingPrice": "6 97,00"}, "openingPrice: tried to read a number"),
        ({"created": "2026-11-23T15:40:00"}, "is in the future"),
        ({"created": None}, "created: Invalid isoformat string"),
    ],
)
def test_a_bad_session_is_set_aside_with_its_reason(changes: dict[str, Any], text: str) -> None:
    page = read_row(**changes)
    assert page.bars == ()
    assert text in page.rejections[0]


def test_the_first_of_two_reports_on_a_session_counts() -> None:
    newer = parse_history(FIRST, PAGE, code="ATW").bars
    older = parse_history(FIRST.replace(b"699.5", b"698.5"), PAGE, code="ATW").bars
    assert [bar.close for bar in newest_per_session([*newer, *older])] == [693.0, 696.9, 699.5]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"errors":[{"status":"404"}]}', b'{"data":{"id":"1"}}'])
def test_what_is_no_page_of_history_is_refused(body: bytes) -> None:
    with pytest.raises(PayloadError, match="compare the payload with the recorded samples"):
        parse_history(body, PAGE, code="ATW")


def test_a_link_to_anything_but_the_history_is_refused() -> None:
    body = FIRST.replace(b"/fr/api/bourse_data/instrument_history?", b"/fr/user/login?")
    with pytest.raises(PayloadError, match="a next page under /bourse_data/instrument_history"):
        parse_history(body, PAGE, code="ATW")


@pytest.mark.parametrize("name", ["history_page1", "history_page2"])
def test_damaged_bytes_give_a_payload_error_or_sound_prices(name: str) -> None:
    whole, dice = sample(f"casablanca_bourse/{name}.json"), random.Random(12)
    for body in (*mutations(whole, dice, count=300), *swaps(whole, dice, count=300)):
        try:
            page = parse_history(body, PAGE, code="ATW")
        except PayloadError:
            continue
        for bar in page.bars:
            prices = (bar.close, bar.open, bar.high, bar.low)
            assert all(price is None or (math.isfinite(price) and price > 0) for price in prices)
