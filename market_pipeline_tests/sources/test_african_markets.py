from __future__ import annotations

from datetime import date
from pathlib import Path

from market_pipeline.clock import HandClock
from market_pipeline.errors import SourceUnreachable
from market_pipeline.model.outcome import OutcomeStatus
from market_pipeline.sources.african_markets import create
from market_pipeline.sources.source import source_module
from market_pipeline_tests.sources.casablanca_desk import (
    ATW,
    BOA,
    CDA,
    FRIDAY_AFTERNOON,
    IAM,
    LHM,
    MLE,
    context_for,
    live_transport,
    local_site,
    outcomes_of,
    quotes_of,
    recorded,
    sample,
)

NORMAL = sample("african_markets/listed_companies_normal.html")


def test_the_module_is_found_by_its_name_and_needs_no_key() -> None:
    assert source_module("african_markets").REQUIRED_KEYS == ()


def test_one_page_serves_all_symbols_under_our_names() -> None:
    transport = recorded(NORMAL)
    fetched = create(context_for("african_markets", transport)).quotes([ATW, LHM, MLE])
    assert {symbol: quote.price for symbol, quote in quotes_of(fetched).items()} == {
        "ATW": 701.5,
        "LHM": 1718.0,
        "MLE": 368.5,
    }
    assert [request.url for request in transport.requests] == [
        "https://www.african-markets.com/en/stock-markets/bvc/listed-companies"
    ]


def test_each_symbol_gets_one_outcome() -> None:
    fetched = create(context_for("african_markets", recorded(NORMAL))).quotes([ATW, MLE, BOA, CDA])
    assert {symbol: one.status.value for symbol, one in outcomes_of(fetched).items()} == {
        "ATW": "ok",
        "MLE": "not_traded",
        "BOA": "unknown",
        "CDA": "delisted",
    }


def test_the_shares_outstanding_of_one_instrument_give_the_unit_of_all_market_caps() -> None:
    quotes = quotes_of(create(context_for("african_markets", recorded(NORMAL))).quotes([ATW, IAM]))
    assert (quotes["ATW"].market_cap, quotes["IAM"].market_cap) == (150.92e9, 83.34e9)


def test_an_empty_page_is_empty_for_everybody() -> None:
    body = sample("african_markets/listed_companies_empty.html")
    outcome = create(context_for("african_markets", recorded(body))).quotes([ATW]).outcomes[0]
    assert outcome.status is OutcomeStatus.EMPTY


def test_the_rest_of_a_duplicated_company_is_counted_as_rejected() -> None:
    body = sample("african_markets/listed_companies_duplicate.html")
    outcomes = outcomes_of(create(context_for("african_markets", recorded(body))).quotes([ATW, IAM]))
    assert (outcomes["ATW"].rejected_records, outcomes["IAM"].rejected_records) == (1, 0)


def test_a_failed_call_gives_every_symbol_its_status() -> None:
    source = create(context_for("african_markets", recorded(SourceUnreachable("the site answered 503"))))
    outcomes = source.quotes([ATW, IAM]).outcomes
    assert [(one.status.value, one.reason) for one in outcomes] == [("timeout", "the site answered 503")] * 2


def test_a_page_that_cannot_be_read_is_a_parse_error_of_all() -> None:
    outcomes = create(context_for("african_markets", recorded(b"<html></html>"))).quotes([ATW, IAM]).outcomes
    assert [one.status.value for one in outcomes] == ["parse_error", "parse_error"]


def test_a_challenge_blocks_us_although_its_status_is_200(tmp_path: Path) -> None:
    clock = HandClock(FRIDAY_AFTERNOON)
    captcha = sample("african_markets/captcha.html")
    with (
        local_site(lambda _: (200, captcha, {"Content-Type": "text/html"})) as (address, seen),
        live_transport("african_markets", address, tmp_path, clock) as transport,
    ):
        outcome = create(context_for("african_markets", transport, clock)).quotes([ATW]).outcomes[0]
    assert (outcome.status, outcome.http_status) == (OutcomeStatus.BLOCKED, 200)
    assert len(seen) == 1


def test_the_page_travels_over_http(tmp_path: Path) -> None:
    clock = HandClock(FRIDAY_AFTERNOON)
    with (
        local_site(lambda _: (200, NORMAL, {"Content-Type": "text/html; charset=utf-8"})) as (address, seen),
        live_transport("african_markets", address, tmp_path, clock) as transport,
    ):
        fetched = create(context_for("african_markets", transport, clock)).quotes([ATW])
    assert fetched.records[0].price == 701.5
    assert seen[0].path == "/african_markets/en/stock-markets/bvc/listed-companies"


def test_daily_bars_and_instruments_are_answered_without_asking() -> None:
    transport = recorded(NORMAL)
    source = create(context_for("african_markets", transport))
    daily = source.daily_bars(ATW, start=date(2026, 11, 2), end=date(2026, 11, 6)).outcomes[0]
    listing = source.instruments().outcomes[0]
    assert (daily.symbol, daily.reason) == ("ATW", "african_markets has no daily bars; not asked")
    assert (listing.symbol, listing.reason) == ("*", "african_markets has no instrument master; not asked")
    assert transport.requests == []
