"""What holds for any reports at all, in any order."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from market_pipeline.model.live_ticker import LiveTicker
from market_pipeline.model.quote import PriceKind, Quote
from market_pipeline.transforms.merge import merge_tickers
from market_pipeline_tests.transforms.merge_cases import (
    AFRICAN,
    BVC,
    CASABLANCA,
    DAY,
    INDEPENDENT,
    NOW,
    TODAY,
    WAFA,
    market,
    merge,
    open_minutes,
    quote,
)

WITHOUT_BAND = market(merge={})
PRICES = st.sampled_from([739.0, 739.2, 741.0, 760.0, 800.0, 900.0, 7.39, 73_900.0, 0.0, float("nan")])
AMOUNTS = st.sampled_from([None, 0.0, 10.0, 500.0, 501.0])


@st.composite
def quotes(draw: st.DrawFn) -> Quote:
    at = NOW - timedelta(seconds=draw(st.integers(-60, 7_200)))
    is_date_only = draw(st.booleans())
    return quote(
        draw(st.sampled_from([BVC, WAFA, AFRICAN])),
        draw(st.none() | PRICES),
        event_time=TODAY if is_date_only else at,
        event_precision_seconds=DAY if is_date_only else 1.0,
        received_time=NOW - timedelta(seconds=draw(st.integers(0, 90))),
        price_kind=draw(st.sampled_from(list(PriceKind))),
        previous_close=draw(st.sampled_from([None, 735.0, 73_500.0])),
        volume=draw(AMOUNTS),
        high=draw(st.sampled_from([None, 745.0])),
        symbol=draw(st.sampled_from(["ATW", "IAM"])),
    )


MARKETS = st.sampled_from([CASABLANCA, WITHOUT_BAND])


@settings(deadline=None)
@given(st.lists(quotes(), max_size=7).flatmap(lambda qs: st.tuples(st.just(qs), st.permutations(qs))), MARKETS)
def test_the_order_of_the_reports_does_not_matter(pair, market_file):
    given_order, other_order = pair
    first, second = merge(given_order, market_file=market_file), merge(other_order, market_file=market_file)
    assert first.tickers == second.tickers
    assert sorted(map(repr, first.set_aside)) == sorted(map(repr, second.set_aside))


@settings(deadline=None)
@given(st.lists(st.lists(quotes(), max_size=5), min_size=1, max_size=4), MARKETS)
def test_a_merged_price_is_one_that_was_reported_or_the_previous_one(cycles, market_file):
    known: dict[str, LiveTicker] = {}
    for reports in cycles:
        result = _cycle(reports, known, market_file)
        for ticker in result:
            allowed = {report.price for report in reports if report.symbol == ticker.symbol}
            before = known.get(ticker.symbol)
            assert ticker.price is None or ticker.price in allowed | {before.price if before else None}
        known = {ticker.symbol: ticker for ticker in result}


@settings(deadline=None)
@given(st.lists(st.lists(quotes(), max_size=5), min_size=2, max_size=4), MARKETS)
def test_a_traded_price_never_goes_back_in_time_and_volume_never_falls(cycles, market_file):
    known: dict[str, LiveTicker] = {}
    for reports in cycles:
        for ticker in _cycle(reports, known, market_file):
            before = known.get(ticker.symbol)
            known[ticker.symbol] = ticker
            if before is None or before.price is None:
                continue
            assert ticker.price is not None
            if before.price_kind in (PriceKind.TRADE, PriceKind.CLOSE):
                assert ticker.event_time >= before.event_time
            if before.volume is not None and ticker.volume is not None:
                assert ticker.volume >= before.volume


@settings(deadline=None)
@given(st.lists(quotes(), max_size=5), MARKETS)
def test_every_report_is_set_aside_or_belongs_to_a_symbol_with_a_ticker(reports, market_file):
    result = merge(reports, market_file=market_file)
    refused = {id(item.quote) for item in result.set_aside}
    shown = {ticker.symbol for ticker in result.tickers}
    assert all(id(report) in refused or report.symbol in shown for report in reports)


def test_merging_the_same_reports_again_changes_nothing():
    reports = [quote("alpha", 739.0, volume=5.0), quote("beta", 739.2, minutes_ago=2)]
    first = merge(reports, market_file=INDEPENDENT).tickers[0]
    assert merge(reports, previous=first, market_file=INDEPENDENT).tickers[0] == first


def _cycle(reports, known, market_file):
    result = merge_tickers(reports, now=NOW, market_file=market_file, previous=known, open_minutes=open_minutes)
    return result.tickers
