"""Yahoo's markets from end to end: the client of yfinance, our transport, the simulated exchange's wire."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import requests

from market_pipeline.clock import HandClock
from market_pipeline.model.outcome import OutcomeStatus
from market_pipeline.simulator.server import RunningSimulator
from market_pipeline.sources.yahoo import Yahoo
from market_pipeline.sources.yahoo_session import conversation
from market_pipeline.steps.refresh_instruments import instruments_of
from market_pipeline.steps.runtime import Runtime


def yahoo_of(runtime: Runtime, market: str) -> Yahoo:
    source = next(source for source in runtime.market(market).sources if source.name == "yahoo")
    assert isinstance(source, Yahoo)
    return source


def statuses(exchange: RunningSimulator, path: str) -> dict[str, int]:
    stats = requests.get(f"{exchange.url}/_stats", timeout=5).json()
    found: dict[str, int] = stats.get(f"/yahoo{path}", {}).get("by_status", {})
    return found


def test_all_shares_of_a_market_come_in_one_call_in_riyals(runtime: Runtime, exchange: RunningSimulator) -> None:
    instruments = instruments_of(runtime, runtime.market("saudi"))
    fetched = yahoo_of(runtime, "saudi").quotes(instruments)
    assert Counter(outcome.status for outcome in fetched.outcomes) == {OutcomeStatus.OK: len(instruments)}
    assert {quote.currency for quote in fetched.records} == {"SAR"}
    assert {quote.symbol for quote in fetched.records} == {one.symbol for one in instruments}
    assert statuses(exchange, "/v7/finance/quote") == {"200": 1}


def test_pence_and_cents_come_in_main_units_and_every_index_has_a_price(runtime: Runtime) -> None:
    instruments = instruments_of(runtime, runtime.market("global"))
    fetched = yahoo_of(runtime, "global").quotes(instruments)
    by_symbol = {quote.symbol: quote for quote in fetched.records}
    assert [(one.symbol, by_symbol[one.symbol].currency) for one in instruments] == [
        (one.symbol, one.currency) for one in instruments
    ]
    assert 20 < (by_symbol["SHEL.L"].price or 0) < 60
    assert len(fetched.outcomes) == len(instruments)


def test_a_chart_ends_where_the_quote_stands(runtime: Runtime, clock: HandClock) -> None:
    saudi = runtime.market("saudi")
    source, share = yahoo_of(runtime, "saudi"), instruments_of(runtime, saudi)[0]
    chart = source.minute_bars(share, start=datetime(2026, 11, 19, 7, 0, tzinfo=UTC), end=clock.now())
    quote = source.quotes([share]).records[0]
    assert chart.outcomes[0].status is OutcomeStatus.OK
    assert chart.records[-1].interval_start < clock.now() - timedelta(seconds=59)
    assert abs(chart.records[-1].close / (quote.price or 1) - 1) < 0.01
    assert sum(bar.volume or 0 for bar in chart.records) == pytest.approx(quote.volume, rel=0.05)


def test_days_follow_the_markets_own_week_and_say_that_they_are_adjusted(runtime: Runtime) -> None:
    source, share = yahoo_of(runtime, "saudi"), instruments_of(runtime, runtime.market("saudi"))[0]
    fetched = source.daily_bars(share, start=date(2026, 11, 1), end=date(2026, 11, 19))
    # Sunday to Thursday; the session of the 19th is not over
    assert [bar.session_date.day for bar in fetched.records] == [1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 15, 16, 17, 18]
    assert all(bar.is_split_adjusted and bar.adjusted_close for bar in fetched.records)


def test_metrics_and_statements_are_in_the_units_of_the_model(runtime: Runtime) -> None:
    source, instruments = yahoo_of(runtime, "saudi"), instruments_of(runtime, runtime.market("saudi"))[:5]
    metrics = source.metrics(instruments).records
    assert len(metrics) == 5
    for one in metrics:
        assert one.market_cap is not None
        assert one.market_cap > 1e8
        assert one.dividend_yield is None or 0 <= one.dividend_yield < 0.2
        assert (one.week_52_low or 0) <= (one.day_low or 0) <= (one.day_high or 0) <= (one.week_52_high or 0)
    statements = source.fundamentals(instruments)
    assert [outcome.status for outcome in statements.outcomes] == [OutcomeStatus.OK] * 5
    assert any(one.impermissible_income is not None for one in statements.records)


def test_a_crumb_that_went_stale_is_renewed_once(runtime: Runtime, exchange: RunningSimulator) -> None:
    source, instruments = yahoo_of(runtime, "saudi"), instruments_of(runtime, runtime.market("saudi"))
    source.quotes(instruments)
    conversation(source.context.folder)._crumb = "stale"
    fetched = source.quotes(instruments)
    assert {outcome.status for outcome in fetched.outcomes} == {OutcomeStatus.OK}
    assert statuses(exchange, "/v7/finance/quote") == {"200": 2, "401": 1}
    assert statuses(exchange, "/v1/test/getcrumb") == {"200": 2}


def test_shares_with_dots_are_found_under_dashes(runtime: Runtime, clock: HandClock) -> None:
    # half past ten in New York
    clock.advance(timedelta(hours=5, minutes=40))
    source = yahoo_of(runtime, "us")
    berkshire = replace(instruments_of(runtime, runtime.market("saudi"))[0], symbol="BRK.B", aliases=())
    fetched = source.quotes([berkshire])
    assert [(quote.symbol, quote.currency) for quote in fetched.records] == [("BRK.B", "USD")]


def test_nothing_is_written_outside_the_feeds_folder(runtime: Runtime, tmp_path: Path) -> None:
    source = yahoo_of(runtime, "saudi")
    source.quotes(instruments_of(runtime, runtime.market("saudi")))
    assert (tmp_path / "simulated" / "sources" / "yahoo" / "session.json").is_file()
