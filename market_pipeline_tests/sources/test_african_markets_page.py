from __future__ import annotations

import math
import random
from datetime import UTC, datetime

import pytest

from market_pipeline.errors import PayloadError
from market_pipeline.model.outcome import OutcomeStatus
from market_pipeline.model.quote import PriceKind, Quote
from market_pipeline.sources.african_markets_page import challenge, parse_listed_companies
from market_pipeline.sources.parsing.readings import Board, Page, Reading
from market_pipeline_tests.sources.casablanca_desk import FRIDAY_AFTERNOON, mutations, page_at, sample

PAGE = page_at(FRIDAY_AFTERNOON, "african_markets")
ATW_SHARES = {"ATW": 215_140_839.0}
ONE_ROW = (
    "<html><table id=x><tr><th>Company</th><th>Price</th><th>1D</th><th>M.Cap</th><th>Date</th></tr>"
    "<tr><td><a href='/company?code=ATW'>ATW</a></td><td>{price}</td><td>{change}</td><td>{cap}</td><td>{day}</td></tr>"
    "</table></html>"
)


def read(name: str, *, shares: dict[str, float] | None = None) -> Board:
    return parse_listed_companies(sample(f"african_markets/{name}"), PAGE, shares=shares or {})


def quote_of(board: Board, code: str) -> Quote:
    quote = board.readings[code].quote
    assert quote is not None
    return quote


def read_row(
    *, price: str = "701.50", change: str = "-", cap: str = "-", day: str = "20/11", page: Page = PAGE
) -> Reading:
    body = ONE_ROW.format(price=price, change=change, cap=cap, day=day).encode()
    return parse_listed_companies(body, page, shares=ATW_SHARES).readings["ATW"]


def test_a_row_of_today_is_a_trade_somewhere_in_the_day() -> None:
    reading = read("listed_companies_normal.html").readings["ATW"]
    assert reading.status is OutcomeStatus.OK
    quote = reading.quote
    assert quote is not None
    assert (quote.price, quote.price_kind) == (701.5, PriceKind.TRADE)
    assert (quote.event_time, quote.event_precision_seconds) == (datetime(2026, 11, 20, tzinfo=UTC), 86_400)
    assert (quote.change_1d_percent, quote.change_ytd_percent) == (0.29, -4.17)
    assert (quote.name, quote.currency, quote.volume, quote.open) == ("ATTIJARIWAFA BANK", "MAD", None, None)


def test_numbers_are_english_and_a_true_minus_sign_counts() -> None:
    board = read("listed_companies_normal.html")
    assert quote_of(board, "LAF").price == 1718.0
    assert (quote_of(board, "IAM").price, quote_of(board, "IAM").change_ytd_percent) == (94.8, -11.4)


def test_non_breaking_spaces_are_spaces() -> None:
    assert quote_of(read("listed_companies_normal.html"), "IAM").name == "MAROC TELECOM"


def test_a_row_of_an_earlier_date_is_that_day_s_close() -> None:
    reading = read("listed_companies_normal.html").readings["LBV"]
    assert (reading.status, reading.reason) == (
        OutcomeStatus.NOT_TRADED,
        "last trade on 2026-11-19; market cap 11.94 left out: its unit is not known without shares outstanding",
    )
    assert reading.quote is not None
    assert (reading.quote.price, reading.quote.price_kind) == (4127.0, PriceKind.CLOSE)
    assert reading.quote.change_1d_percent is None


def test_a_date_may_carry_its_year() -> None:
    rebab = quote_of(read("listed_companies_normal.html"), "REB")
    # Morocco was at UTC+1 then
    assert rebab.event_time == datetime(2026, 4, 29, 23, tzinfo=UTC)


def test_a_company_that_is_gone_stays_listed_without_a_price() -> None:
    reading = read("listed_companies_normal.html").readings["LYD"]
    assert (reading.status, reading.quote) == (OutcomeStatus.EMPTY, None)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("20/11", datetime(2026, 11, 20, tzinfo=UTC)),
        ("21/11", datetime(2025, 11, 20, 23, tzinfo=UTC)),
        ("29/12", datetime(2025, 12, 28, 23, tzinfo=UTC)),
        ("29/02", datetime(2024, 2, 28, 23, tzinfo=UTC)),
        ("1/10/2026", datetime(2026, 10, 1, tzinfo=UTC)),
    ],
)
def test_a_date_without_a_year_is_the_latest_one_that_has_been(day: str, expected: datetime) -> None:
    quote = read_row(day=day).quote
    assert quote is not None
    assert quote.event_time == expected


def test_today_is_the_exchange_s_date() -> None:
    just_before_midnight_utc = page_at(datetime(2026, 5, 19, 23, 30, tzinfo=UTC), "african_markets")
    quote = read_row(day="20/05", page=just_before_midnight_utc).quote
    assert quote is not None
    assert (quote.event_time, quote.price_kind) == (datetime(2026, 5, 19, 23, tzinfo=UTC), PriceKind.TRADE)


@pytest.mark.parametrize("cap", ["150.92", "150 921 298 558", "150,921,298,558"])
def test_a_market_cap_is_read_in_the_unit_that_fits_price_times_shares(cap: str) -> None:
    reading = read_row(cap=cap)
    assert reading.quote is not None
    assert reading.quote.market_cap == pytest.approx(150.92e9, rel=1e-4)
    assert reading.reason is None


@pytest.mark.parametrize("cap", ["150,921", "15.09", "1,509.2"])
def test_a_market_cap_that_fits_no_unit_is_left_out_with_the_reason(cap: str) -> None:
    reading = read_row(cap=cap)
    assert reading.quote is not None
    assert reading.quote.market_cap is None
    assert "in no unit does it fit price × shares outstanding" in (reading.reason or "")


def test_the_unit_that_one_company_proves_holds_for_the_whole_page() -> None:
    board = read("listed_companies_normal.html", shares=ATW_SHARES)
    assert quote_of(board, "IAM").market_cap == pytest.approx(83.34e9)
    assert board.readings["IAM"].reason is None


def test_without_any_shares_outstanding_no_market_cap_is_guessed() -> None:
    reading = read("listed_companies_normal.html").readings["ATW"]
    assert reading.quote is not None
    assert reading.quote.market_cap is None
    assert reading.reason == "market cap 150.92 left out: its unit is not known without shares outstanding"


def test_companies_that_contradict_each_other_prove_no_unit() -> None:
    shares = ATW_SHARES | {"IAM": 0.879}
    assert quote_of(read("listed_companies_normal.html", shares=shares), "MLE").market_cap is None


def test_columns_are_found_by_their_headings_wherever_they_stand() -> None:
    board = read("listed_companies_moved_columns.html", shares=ATW_SHARES)
    atw = quote_of(board, "ATW")
    assert (atw.price, atw.change_1d_percent, atw.change_ytd_percent) == (701.5, 0.29, -4.17)
    assert atw.market_cap == 150921298558
    assert quote_of(board, "IAM").market_cap == 83338228632


def test_a_table_without_rows_is_an_empty_page() -> None:
    assert read("listed_companies_empty.html") == Board({}, 0)


def test_of_several_rows_of_one_company_the_newest_counts() -> None:
    reading = read("listed_companies_duplicate.html").readings["ATW"]
    assert reading.quote is not None
    assert (reading.quote.price, reading.rejected_records) == (701.5, 1)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("IAM", "Price: tried to read a number written in the 'en' locale, saw '94,80'"),
        ("LBV", "Price is negative: -4127"),
        ("BOA", "the row has other cells than the headings"),
        ("MLE", "the date '31/02' is not in the calendar"),
        ("CIH", "the date 2026-11-23 is in the future of 2026-11-20"),
    ],
)
def test_a_bad_row_is_a_parse_error_of_its_own_company(code: str, text: str) -> None:
    reading = read("listed_companies_partial.html").readings[code]
    assert (reading.status, reading.quote) == (OutcomeStatus.PARSE_ERROR, None)
    assert text in (reading.reason or "")


def test_bad_rows_leave_the_good_one_alone_and_a_row_without_a_code_is_counted() -> None:
    board = read("listed_companies_partial.html")
    assert quote_of(board, "ATW").price == 701.5
    assert board.nameless == 1


def test_a_link_that_is_no_address_names_no_company() -> None:
    body = sample("african_markets/listed_companies_duplicate.html").replace(b"/en/stock-markets", b"http://[/en")
    assert parse_listed_companies(body, PAGE, shares={}) == Board({}, 3)


def test_a_price_without_a_date_is_a_parse_error() -> None:
    assert read_row(day="-").reason == "the date '-' is neither dd/mm nor dd/mm/yyyy"


def test_a_page_cut_short_is_refused_because_its_last_number_may_be_half() -> None:
    whole = sample("african_markets/listed_companies_normal.html")
    with pytest.raises(PayloadError, match="do not end in </html>"):
        parse_listed_companies(whole[: whole.index(b"94.80") + 2], PAGE, shares={})


def test_a_page_without_the_table_is_refused_with_the_headings_that_were_sought() -> None:
    with pytest.raises(PayloadError, match="a table with the headings Company, Date, Price"):
        parse_listed_companies(b"<html><table><tr><th>Index</th></tr></table></html>", PAGE, shares={})


def test_a_heading_that_stands_twice_is_refused() -> None:
    body = ONE_ROW.format(price="1", change="-", cap="-", day="20/11").replace("1D", "Price").encode()
    with pytest.raises(PayloadError, match="one column of each heading"):
        parse_listed_companies(body, PAGE, shares={})


def test_a_name_in_a_wrong_encoding_is_no_name() -> None:
    body = sample("african_markets/listed_companies_normal.html").replace(b"LABEL VIE", "LABÉL VIE".encode("latin-1"))
    assert quote_of(parse_listed_companies(body, PAGE, shares={}), "LBV").name is None


def test_a_page_that_wants_a_person_is_a_challenge() -> None:
    error = challenge(200, sample("african_markets/captcha.html"))
    assert error is not None
    assert "a retry soon does not help" in str(error)


def test_a_page_with_companies_is_no_challenge_even_when_a_form_on_it_has_a_captcha() -> None:
    body = sample("african_markets/listed_companies_normal.html").replace(
        b"<footer>", b'<div class="g-recaptcha"><footer>'
    )
    assert challenge(200, body) is None


@pytest.mark.parametrize("name", ["normal", "moved_columns", "partial", "duplicate", "empty"])
def test_damaged_bytes_give_a_payload_error_or_sound_prices(name: str) -> None:
    whole, dice = sample(f"african_markets/listed_companies_{name}.html"), random.Random(14)
    for body in mutations(whole, dice, count=400):
        try:
            board = parse_listed_companies(body, PAGE, shares=ATW_SHARES)
        except PayloadError:
            continue
        for reading in board.readings.values():
            price = reading.quote.price if reading.quote else None
            assert price is None or (math.isfinite(price) and price > 0)
