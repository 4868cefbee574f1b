from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from market_pipeline.clock import HandClock
from market_pipeline.errors import SourceUnreachable
from market_pipeline.markets.loader import load_market
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.outcome import OutcomeStatus
from market_pipeline.sources.afx import Afx, create
from market_pipeline.sources.source import SourceContext, Transport, source_module
from market_pipeline_tests.sources.casablanca_desk import (
    live_transport,
    local_site,
    outcomes_of,
    quotes_of,
    recorded,
    sample,
)

AFTERNOON = datetime(2026, 11, 20, 11, 30, tzinfo=UTC)
EVENING = datetime(2026, 11, 20, 13, 30, tzinfo=UTC)
BOARD, COMPANY = sample("afx/board_normal.html"), sample("afx/company_normal.html")
SCOM = Instrument("nairobi", "SCOM", "Safaricom")
LKL = Instrument("nairobi", "LKL", "Longhorn Publishers")
KCB = Instrument("nairobi", "KCB", "KCB Group")
HFCK = Instrument("nairobi", "HFCK", "HF Group")
GONE = Instrument("nairobi", "KENO", "KenolKobil", listed_to=date(2019, 10, 1))


def source_on(transport: Transport, at: datetime = AFTERNOON) -> Afx:
    market = load_market("nairobi")
    made = create(SourceContext(market, market.source("afx"), transport, HandClock(at)))
    assert isinstance(made, Afx)
    return made


def test_the_module_is_found_by_its_name_and_needs_no_key() -> None:
    assert source_module("afx").REQUIRED_KEYS == ()


def test_one_page_serves_the_whole_board_of_the_exchange_that_the_market_file_names() -> None:
    transport = recorded(BOARD, at=AFTERNOON)
    fetched = source_on(transport).quotes([SCOM, KCB, LKL])
    assert {symbol: quote.price for symbol, quote in quotes_of(fetched).items()} == {
        "SCOM": 34.2,
        "KCB": 68.25,
        "LKL": 2.8,
    }
    assert [request.url for request in transport.requests] == ["https://afx.kwayisi.org/nse/"]


def test_each_symbol_gets_one_outcome() -> None:
    fetched = source_on(recorded(BOARD, at=AFTERNOON)).quotes([SCOM, LKL, HFCK, GONE])
    assert {symbol: one.status.value for symbol, one in outcomes_of(fetched).items()} == {
        "SCOM": "ok",
        "LKL": "not_traded",
        "HFCK": "unknown",
        "KENO": "delisted",
    }


def test_a_failed_call_gives_every_symbol_its_status() -> None:
    outcomes = source_on(recorded(SourceUnreachable("it answered 503"), at=AFTERNOON)).quotes([SCOM, KCB]).outcomes
    assert [(one.status.value, one.reason) for one in outcomes] == [("timeout", "it answered 503")] * 2


def test_a_page_that_cannot_be_read_is_a_parse_error_of_all() -> None:
    outcomes = source_on(recorded(sample("afx/board_cut_off.html"), at=AFTERNOON)).quotes([SCOM, KCB]).outcomes
    assert [one.status.value for one in outcomes] == ["parse_error", "parse_error"]


def test_daily_bars_come_from_the_companys_page() -> None:
    transport = recorded(COMPANY, at=AFTERNOON)
    fetched = source_on(transport).daily_bars(SCOM, start=date(2026, 11, 18), end=date(2026, 11, 19))
    assert [(bar.session_date.day, bar.close) for bar in fetched.records] == [(18, 34.25), (19, 34.35)]
    assert transport.requests[0].url == "https://afx.kwayisi.org/nse/scom.html"


@pytest.mark.parametrize(("at", "newest"), [(AFTERNOON, 19), (EVENING, 20)])
def test_the_session_in_progress_is_no_bar_yet(at: datetime, newest: int) -> None:
    source = source_on(recorded(COMPANY, at=at), at)
    bars = source.daily_bars(SCOM, start=date(2026, 11, 1), end=date(2026, 11, 30)).records
    assert bars[-1].session_date.day == newest


def test_days_that_the_page_no_longer_shows_are_empty_and_say_so() -> None:
    source = source_on(recorded(COMPANY, at=AFTERNOON))
    outcome = source.daily_bars(SCOM, start=date(2026, 10, 1), end=date(2026, 10, 5)).outcomes[0]
    assert outcome.status is OutcomeStatus.EMPTY
    assert str(outcome.reason).endswith("from 2026-10-01 to 2026-10-05; it reaches back about ten sessions")


def test_rows_that_were_set_aside_are_counted_beside_the_bars() -> None:
    source = source_on(recorded(sample("afx/company_out_of_order.html"), at=EVENING), EVENING)
    outcome = source.daily_bars(SCOM, start=date(2026, 11, 1), end=date(2026, 11, 30)).outcomes[0]
    assert (outcome.status.value, outcome.rejected_records) == ("ok", 4)


def test_metrics_cost_a_page_each_and_a_bad_one_harms_no_other() -> None:
    transport = recorded(COMPANY, sample("afx/company_without_figures.html"), COMPANY, at=AFTERNOON)
    fetched = source_on(transport).metrics([SCOM, LKL, KCB, GONE])
    assert [(record.symbol, record.eps) for record in fetched.records] == [("SCOM", 2.3863), ("KCB", 2.3863)]
    assert {symbol: one.status.value for symbol, one in outcomes_of(fetched).items()} == {
        "SCOM": "ok",
        "LKL": "parse_error",
        "KCB": "ok",
        "KENO": "delisted",
    }
    assert [request.url.rpartition("/")[2] for request in transport.requests] == ["scom.html", "lkl.html", "kcb.html"]


def test_figures_that_were_left_out_are_named_in_the_outcome() -> None:
    outcome = source_on(recorded(sample("afx/company_partial.html"), at=AFTERNOON)).metrics([SCOM]).outcomes[0]
    assert outcome.status is OutcomeStatus.OK
    assert "has no percent sign" in str(outcome.reason)


def test_a_company_that_the_site_does_not_list_is_unknown(tmp_path: Path) -> None:
    clock = HandClock(AFTERNOON)
    body = sample("afx/error_404.html")
    with (
        local_site(lambda _: (404, body, {"Content-Type": "text/html"})) as (address, seen),
        live_transport("afx", address, tmp_path, clock) as transport,
    ):
        outcome = source_on(transport).metrics([HFCK]).outcomes[0]
    assert (outcome.status, outcome.http_status) == (OutcomeStatus.UNKNOWN, 404)
    assert seen[0].path == "/afx/nse/hfck.html"


def test_a_refusal_blocks_every_symbol(tmp_path: Path) -> None:
    clock = HandClock(AFTERNOON)
    body = sample("afx/error_403.html")
    with (
        local_site(lambda _: (403, body, {"Content-Type": "text/html"})) as (address, _),
        live_transport("afx", address, tmp_path, clock) as transport,
    ):
        outcomes = source_on(transport).quotes([SCOM, KCB]).outcomes
    assert [one.status.value for one in outcomes] == ["blocked", "blocked"]


def test_the_board_travels_over_http(tmp_path: Path) -> None:
    clock = HandClock(AFTERNOON)
    with (
        local_site(lambda _: (200, BOARD, {"Content-Type": "text/html; charset=utf-8"})) as (address, seen),
        live_transport("afx", address, tmp_path, clock) as transport,
    ):
        fetched = source_on(transport).quotes([SCOM])
    assert fetched.records[0].price == 34.2
    assert seen[0].path == "/afx/nse/"
