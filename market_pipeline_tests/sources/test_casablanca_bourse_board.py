from __future__ import annotations

import json
import math
import random
from datetime import UTC, datetime
from typing import Any

import pytest

from market_pipeline.errors import PayloadError
from market_pipeline.model.outcome import OutcomeStatus
from market_pipeline.model.quote import PriceKind, Quote
from market_pipeline.sources.casablanca_bourse_board import parse_board, parse_instrument_ids
from market_pipeline.sources.parsing.readings import Board, Page, Reading
from market_pipeline_tests.sources.casablanca_desk import FRIDAY_AFTERNOON, mutations, page_at, sample, swaps

PAGE = page_at(FRIDAY_AFTERNOON, "casablanca_bourse")


def read(name: str, page: Page = PAGE) -> Board:
    return parse_board(sample(f"casablanca_bourse/{name}"), page)


def quote_of(board: Board, code: str) -> Quote:
    quote = board.readings[code].quote
    assert quote is not None
    return quote


def read_row(**changes: Any) -> Reading:
    """Read ATW's row of the normal sample with some of its fields changed."""
    rows = json.loads(sample("casablanca_bourse/ticker_normal.json"))["data"]["values"]
    row = {**rows[0], **changes}
    return parse_board(json.dumps({"data": {"values": [row]}}).encode(), PAGE).readings["ATW"]


def test_a_traded_share_gives_its_last_trade_with_shares_and_money_apart() -> None:
    atw = quote_of(read("ticker_normal.json"), "ATW")
    assert (atw.price, atw.price_kind) == (702.0, PriceKind.TRADE)
    assert atw.event_time == datetime(2026, 11, 20, 13, 42, 7, tzinfo=UTC)
    assert (atw.open, atw.high, atw.low, atw.previous_close) == (700.0, 704.5, 698.1, 699.5)
    assert (atw.volume, atw.turnover, atw.market_cap) == (48129.0, 33741262.4, 151028868978.0)
    assert (atw.bid, atw.bid_size, atw.ask, atw.ask_size) == (701.5, 150.0, 702.0, 420.0)
    assert (atw.change_1d_percent, atw.currency, atw.name) == (0.36, "MAD", "ATTIJARIWAFA BANK")
    assert atw.source_status == "T"


def test_a_share_without_a_trade_today_gives_a_reference_price_and_no_volume() -> None:
    reading = read("ticker_normal.json").readings["MLE"]
    assert reading.status is OutcomeStatus.NOT_TRADED
    assert reading.quote is not None
    assert (reading.quote.price, reading.quote.price_kind) == (368.5, PriceKind.REFERENCE)
    assert (reading.quote.volume, reading.quote.open, reading.quote.ask) == (None, None, None)
    assert reading.quote.source_status == "N.T"


def test_a_status_of_traded_without_a_last_price_is_a_reference_price() -> None:
    reading = read("ticker_normal.json").readings["BAL"]
    assert reading.status is OutcomeStatus.NOT_TRADED
    assert reading.quote is not None
    assert (reading.quote.price, reading.quote.price_kind) == (187.5, PriceKind.REFERENCE)


def test_a_last_price_beside_the_status_not_traded_is_not_believed() -> None:
    reading = read_row(field_etat_cot_val="N.T")
    assert reading.status is OutcomeStatus.NOT_TRADED
    assert reading.quote is not None
    assert reading.quote.price_kind is PriceKind.REFERENCE


def test_a_share_before_its_opening_shows_the_theoretical_price_as_indicative() -> None:
    reading = read("ticker_normal.json").readings["LES"]
    assert reading.status is OutcomeStatus.NOT_TRADED
    assert reading.reason == "pre-opening: the theoretical opening price is no trade"
    assert reading.quote is not None
    assert (reading.quote.price, reading.quote.price_kind) == (305.5, PriceKind.INDICATIVE)


def test_a_share_before_its_opening_without_a_theoretical_price_shows_its_reference() -> None:
    reading = read_row(field_etat_cot_val="PRE", field_pto=[])
    assert reading.quote is not None
    assert reading.quote.price_kind is PriceKind.REFERENCE
    assert reading.reason == "pre-opening, no theoretical price yet"


def test_a_share_suspended_for_years_is_halted_and_its_price_no_trade() -> None:
    reading = read("ticker_normal.json").readings["SAM"]
    assert reading.status is OutcomeStatus.HALTED
    assert reading.quote is not None
    assert (reading.quote.price, reading.quote.price_kind) == (127.8, PriceKind.REFERENCE)


def test_a_share_suspended_after_a_trade_keeps_its_trade() -> None:
    reading = read_row(field_etat_cot_val="S")
    assert reading.status is OutcomeStatus.HALTED
    assert reading.quote is not None
    assert (reading.quote.price, reading.quote.price_kind) == (702.0, PriceKind.TRADE)


def test_a_trade_without_its_time_lies_somewhere_in_the_day_of_its_row() -> None:
    reading = read_row(field_last_traded_time=[])
    assert reading.quote is not None
    assert reading.quote.event_time == datetime(2026, 11, 20, tzinfo=UTC)
    assert reading.quote.event_precision_seconds == 86_400


def test_a_reference_price_without_any_time_holds_for_the_day_of_receipt() -> None:
    reading = read_row(field_etat_cot_val="N.T", field_transact_time=" ")
    assert reading.quote is not None
    assert reading.quote.event_time == datetime(2026, 11, 20, tzinfo=UTC)
    assert reading.quote.event_precision_seconds == 86_400


def test_wall_time_of_before_the_clock_change_is_an_hour_ahead_of_utc() -> None:
    page = page_at(datetime(2026, 5, 19, 14, 0, tzinfo=UTC), "casablanca_bourse")
    body = sample("casablanca_bourse/ticker_normal.json").replace(b"2026-11-20T", b"2026-05-19T")
    atw = quote_of(parse_board(body, page), "ATW")
    assert atw.event_time == datetime(2026, 5, 19, 12, 42, 7, tzinfo=UTC)


def test_an_offset_that_the_site_claims_falsely_is_ignored() -> None:
    page = page_at(datetime(2026, 5, 19, 14, 0, tzinfo=UTC), "casablanca_bourse")
    body = sample("casablanca_bourse/ticker_normal.json").replace(b"2026-11-20T13:42:07", b"2026-05-19T13:42:07+00:00")
    body = body.replace(b"2026-11-20T", b"2026-05-19T")
    assert quote_of(parse_board(body, page), "ATW").event_time == datetime(2026, 5, 19, 12, 42, 7, tzinfo=UTC)


def test_times_are_taken_as_utc_when_the_market_file_says_so() -> None:
    received = datetime(2026, 5, 19, 14, 0, tzinfo=UTC)
    page = Page("casablanca", "casablanca_bourse", "MAD", PAGE.zone, received, timestamps="utc")
    body = sample("casablanca_bourse/ticker_normal.json").replace(b"2026-11-20T", b"2026-05-19T")
    assert quote_of(parse_board(body, page), "ATW").event_time == datetime(2026, 5, 19, 13, 42, 7, tzinfo=UTC)


def test_of_several_rows_of_one_share_the_latest_written_counts_wherever_it_stands() -> None:
    board = read("ticker_duplicate.json")
    assert quote_of(board, "ATW").price == 702.0
    assert quote_of(board, "ATW").volume == 48129.0
    assert board.readings["ATW"].rejected_records == 2
    assert board.readings["IAM"].rejected_records == 1


def test_a_row_without_a_trade_does_not_displace_a_later_written_one_with_an_earlier_trade() -> None:
    first = json.loads(sample("casablanca_bourse/ticker_normal.json"))["data"]["values"][0]
    traded = {**first, "field_last_traded_time": "2026-11-20T09:55:00", "field_transact_time": "2026-11-20T13:44:31"}
    waiting = {**first, "field_etat_cot_val": "N.T", "field_transact_time": "2026-11-20T10:00:00"}
    board = parse_board(json.dumps({"data": {"values": [traded, waiting]}}).encode(), PAGE)
    assert quote_of(board, "ATW").price_kind is PriceKind.TRADE


def test_a_time_that_no_calendar_holds_is_a_parse_error() -> None:
    page = Page("casablanca", "casablanca_bourse", "MAD", PAGE.zone, FRIDAY_AFTERNOON, timestamps="utc")
    body = sample("casablanca_bourse/ticker_normal.json").replace(b"2026-11-20T13:42:07", b"0001-01-01T00:00:00+05:00")
    assert "is outside the calendar" in (parse_board(body, page).readings["ATW"].reason or "")


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("IAM", "field_last_traded_price is negative: -94.8"),
        ("LES", "field_last_traded_time: the time 2026-11-21 13:42:07Z is in the future"),
        ("MLE", "field_cours_courant: tried to read a number"),
    ],
)
def test_a_bad_row_is_a_parse_error_of_its_own_share(code: str, text: str) -> None:
    reading = read("ticker_partial.json").readings[code]
    assert (reading.status, reading.quote) == (OutcomeStatus.PARSE_ERROR, None)
    assert text in (reading.reason or "")


def test_bad_rows_leave_the_good_one_alone() -> None:
    assert quote_of(read("ticker_partial.json"), "ATW").price == 702.0


def test_a_row_that_lost_its_prices_is_empty() -> None:
    reading = read("ticker_partial.json").readings["BOA"]
    assert (reading.status, reading.quote) == (OutcomeStatus.EMPTY, None)
    assert reading.reason == "no trade in this session, and the row states no reference price"


def test_a_row_without_a_ticker_is_counted() -> None:
    assert read("ticker_partial.json").nameless == 1


def test_a_price_of_zero_is_no_price() -> None:
    reading = read_row(field_last_traded_price="0.0000000000", field_best_bid_price="0")
    assert reading.quote is not None
    assert (reading.quote.price_kind, reading.quote.bid) == (PriceKind.REFERENCE, None)


def test_a_volume_of_zero_is_a_value() -> None:
    reading = read_row(field_cumul_titres_echanges="0.0000000000")
    assert reading.quote is not None
    assert reading.quote.volume == 0.0


def test_the_day_after_the_last_trade_still_is_a_trade_of_the_day_before() -> None:
    saturday = page_at(datetime(2026, 11, 21, 10, 0, tzinfo=UTC), "casablanca_bourse")
    reading = read("ticker_closed.json", saturday).readings["ATW"]
    assert (reading.status, reading.reason) == (OutcomeStatus.NOT_TRADED, "last trade on 2026-11-20")
    assert reading.quote is not None
    assert (reading.quote.price, reading.quote.price_kind) == (701.9, PriceKind.TRADE)
    assert reading.quote.event_time == datetime(2026, 11, 20, 15, 30, 21, tzinfo=UTC)


def test_an_empty_board_is_a_board() -> None:
    assert read("ticker_empty.json") == Board({}, 0)


@pytest.mark.parametrize(
    "body",
    [
        sample("casablanca_bourse/ticker_html.html"),
        sample("casablanca_bourse/error_404.json"),
        b"",
        b"[1]",
        b'{"data":{}}',
    ],
)
def test_what_is_no_board_is_refused_with_what_was_seen(body: bytes) -> None:
    with pytest.raises(PayloadError, match=r"from casablanca_bourse, saw .* a retry does not help"):
        parse_board(body, PAGE)


def test_the_board_names_the_id_that_a_share_has_in_the_history() -> None:
    ids = parse_instrument_ids(sample("casablanca_bourse/ticker_normal.json"), source="casablanca_bourse")
    assert (ids["ATW"], ids["SAM"]) == ("511", "526")


@pytest.mark.parametrize("name", ["ticker_normal", "ticker_partial", "ticker_duplicate", "ticker_closed"])
def test_damaged_bytes_give_a_payload_error_or_sound_prices(name: str) -> None:
    whole, dice = sample(f"casablanca_bourse/{name}.json"), random.Random(11)
    for body in (*mutations(whole, dice, count=400), *swaps(whole, dice, count=400)):
        try:
            board = parse_board(body, PAGE)
        except PayloadError:
            continue
        for reading in board.readings.values():
            price = reading.quote.price if reading.quote else None
            assert price is None or (math.isfinite(price) and price > 0)
