"""The pages of afx.kwayisi.org: what they say becomes ours, what they do not say stays unknown."""

from __future__ import annotations

from datetime import UTC, date, datetime
from random import Random

import pytest

from market_pipeline.errors import PayloadError
from market_pipeline.markets.zones import zone
from market_pipeline.model.quote import PriceKind, Quote
from market_pipeline.sources.afx_pages import board_day, parse_board, parse_figures, parse_history
from market_pipeline.sources.parsing.readings import Board, Page, Reading
from market_pipeline_tests.sources.casablanca_desk import mutations, sample

AFTERNOON = datetime(2026, 11, 20, 11, 30, tzinfo=UTC)
"""14:30 in Nairobi, half an hour before the close."""
PAGE = Page("nairobi", "afx", "KES", zone("Africa/Nairobi"), AFTERNOON)
MIDNIGHT = datetime(2026, 11, 19, 21, 0, tzinfo=UTC)
NORMAL = sample("afx/board_normal.html")
COMPANY = sample("afx/company_normal.html")
EVER = {"first": date(2026, 1, 1), "last": date(2026, 12, 31)}


def board(name: str) -> Board:
    return parse_board(sample(f"afx/{name}.html"), PAGE)


def quote_of(reading: Reading) -> Quote:
    assert reading.quote is not None
    return reading.quote


def test_a_row_gives_price_volume_and_the_close_before() -> None:
    quote = quote_of(board("board_normal").readings["SCOM"])
    assert (quote.price, quote.volume, quote.previous_close) == (34.2, 9_402_100.0, 34.35)
    assert (quote.name, quote.currency, quote.price_kind) == ("Safaricom Plc", "KES", PriceKind.TRADE)


def test_what_the_board_does_not_have_is_unknown() -> None:
    quote = quote_of(board("board_normal").readings["SCOM"])
    assert (quote.open, quote.high, quote.low, quote.turnover, quote.bid, quote.ask) == (None,) * 6


def test_a_price_lies_anywhere_within_the_boards_day() -> None:
    quote = quote_of(board("board_normal").readings["ABSA"])
    assert (quote.event_time, quote.event_precision_seconds) == (MIDNIGHT, 86_400.0)


def test_volumes_may_be_shortened() -> None:
    assert quote_of(board("board_normal").readings["EQTY"]).volume == 3_410_000.0


def test_a_change_of_nothing_is_a_change() -> None:
    assert quote_of(board("board_normal").readings["NCBA"]).previous_close == 86.5


def test_a_share_without_a_volume_did_not_trade_and_shows_an_older_close() -> None:
    reading = board("board_normal").readings["LKL"]
    quote = quote_of(reading)
    assert (reading.status, reading.reason) == ("not_traded", "no trade on 2026-11-20")
    assert (quote.price, quote.price_kind, quote.volume) == (2.8, PriceKind.REFERENCE, None)


def test_the_board_of_an_earlier_day_gives_closes() -> None:
    reading = board("board_old_day").readings["SCOM"]
    assert (reading.status, reading.reason) == ("not_traded", "last trade on 2026-11-19")
    assert quote_of(reading).price_kind is PriceKind.CLOSE


def test_a_board_that_names_no_date_gives_references_only() -> None:
    reading = board("board_without_date").readings["SCOM"]
    quote = quote_of(reading)
    assert reading.reason == "the board names no date: its prices may be of any day"
    assert (quote.price_kind, quote.volume, quote.previous_close) == (PriceKind.REFERENCE, None, None)


@pytest.mark.parametrize(
    ("words", "day"),
    [
        (b"NSE TRADING SUMMARY FOR MONDAY, JANUARY 18, 2021", date(2021, 1, 18)),
        (b"trading summary for November 3, 2026", date(2026, 11, 3)),
        (b"trading summary for <b>Friday,\n November 20, 2026</b>", date(2026, 11, 20)),
        (b"trading summary for Friday, Brumaire 3, 2026", None),
        (b"Top Gainers (19)", None),
    ],
)
def test_the_date_stands_in_a_sentence(words: bytes, day: date | None) -> None:
    assert board_day(b"<p>" + words + b"</p>") == day


def test_a_board_of_tomorrow_is_refused_row_by_row() -> None:
    body = NORMAL.replace(b"November 20", b"November 21")
    assert {one.status.value for one in parse_board(body, PAGE).readings.values()} == {"parse_error"}


def test_a_bad_row_harms_no_other() -> None:
    readings = board("board_partial").readings
    assert {code: one.status.value for code, one in readings.items()} == {
        "ABSA": "ok",
        "EQTY": "empty",
        "KCB": "parse_error",
        "SCOM": "parse_error",
        "NCBA": "parse_error",
        "LKL": "not_traded",
    }


def test_a_bad_row_says_what_is_wrong() -> None:
    readings = board("board_partial").readings
    assert "saw '68,25'" in str(readings["KCB"].reason)
    assert readings["SCOM"].reason == "Price is negative: -34.2"
    assert "fewer cells than the headings" in str(readings["NCBA"].reason)


def test_of_two_rows_for_a_share_one_counts_as_rejected() -> None:
    reading = board("board_duplicate").readings["SCOM"]
    assert (quote_of(reading).price, reading.rejected_records) == (34.25, 1)


def test_an_empty_board_has_nobody() -> None:
    assert board("board_empty").readings == {}


@pytest.mark.parametrize("body", [sample("afx/board_cut_off.html"), b"", b"<html>", sample("afx/error_403.html")])
def test_a_page_that_is_cut_off_or_no_board_is_refused(body: bytes) -> None:
    with pytest.raises(PayloadError, match="tried to read a"):
        parse_board(body, PAGE)


def test_figures_are_read_in_our_units() -> None:
    metrics, problem = parse_figures(COMPANY, PAGE, "SCOM")
    assert problem is None
    assert (metrics.eps, metrics.pe_ratio, metrics.dividend_yield) == (2.3863, 14.33, pytest.approx(0.0351))
    assert (metrics.shares_outstanding, metrics.market_cap, metrics.currency) == (40.1e9, 1.37e12, "KES")
    assert (metrics.volume, metrics.week_52_high, metrics.book_value) == (None, None, None)


def test_figures_that_cannot_be_are_unknown_and_named() -> None:
    metrics, problem = parse_figures(sample("afx/company_partial.html"), PAGE, "SCOM")
    assert (metrics.eps, metrics.pe_ratio, metrics.shares_outstanding) == (-0.41, None, None)
    assert (metrics.dividend_yield, metrics.market_cap) == (None, None)
    assert problem == (
        "dividend_yield '3.51' has no percent sign: its unit is not known; market_cap is negative: -1.2e+09"
    )


def test_a_page_without_figures_is_refused() -> None:
    with pytest.raises(PayloadError, match="figures of a company"):
        parse_figures(sample("afx/company_without_figures.html"), PAGE, "SCOM")


def test_sessions_come_in_time_order_with_close_and_volume_only() -> None:
    bars = parse_history(COMPANY, PAGE, "SCOM", **EVER).bars
    assert [(bar.session_date.day, bar.close, bar.volume) for bar in bars[-2:]] == [
        (19, 34.35, 9_410_000.0),
        (20, 34.2, 9_400_000.0),
    ]
    assert {(bar.open, bar.high, bar.low, bar.turnover) for bar in bars} == {(None,) * 4}


def test_a_session_without_a_trade_has_no_bar() -> None:
    days = [bar.session_date.day for bar in parse_history(COMPANY, PAGE, "SCOM", **EVER).bars]
    assert days == [12, 13, 16, 18, 19, 20]


def test_both_ends_of_the_asked_days_are_included() -> None:
    history = parse_history(COMPANY, PAGE, "SCOM", first=date(2026, 11, 13), last=date(2026, 11, 18))
    assert [bar.session_date.day for bar in history.bars] == [13, 16, 18]


def test_sessions_out_of_order_twice_in_the_future_or_without_a_close_are_set_aside() -> None:
    history = parse_history(sample("afx/company_out_of_order.html"), PAGE, "SCOM", **EVER)
    assert [bar.session_date.day for bar in history.bars] == [18, 19, 20]
    assert dict(history.set_aside) == {
        "2026-11-19 stands twice": 1,
        "the date 2026-11-23 is in the future of 2026-11-20": 1,
        "the date '20/11/2026' is not written YYYY-MM-DD": 1,
        "the session of 2026-11-12 has no close": 1,
    }


@pytest.mark.parametrize("seed", range(3))
def test_damaged_pages_raise_only_payload_errors_and_give_only_good_prices(seed: int) -> None:
    for body in mutations(NORMAL, Random(seed), count=60):
        try:
            readings = parse_board(body, PAGE).readings
        except PayloadError:
            continue
        quotes = [one.quote for one in readings.values() if one.quote is not None]
        assert all(quote.price is not None and quote.price > 0 for quote in quotes)


@pytest.mark.parametrize("seed", range(3))
def test_a_damaged_company_page_raises_only_payload_errors(seed: int) -> None:
    for body in mutations(COMPANY, Random(seed), count=60):
        try:
            bars = parse_history(body, PAGE, "SCOM", **EVER).bars
            parse_figures(body, PAGE, "SCOM")
        except PayloadError:
            continue
        assert all(bar.close > 0 for bar in bars)
