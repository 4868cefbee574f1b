"""Metrics of whole markets: from the simulated exchange's quotes and daily bars, and from a source over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest

from market_pipeline.clock import HandClock
from market_pipeline.markets.schema import MetricsRule
from market_pipeline.model.bar import DailyBar
from market_pipeline.simulator.faults import FaultPlan
from market_pipeline.simulator.server import RunningSimulator
from market_pipeline.steps.fetch_quotes import fetch_quotes
from market_pipeline.steps.merge_tickers import merge_tickers
from market_pipeline.steps.refresh_metrics import MetricsReport, metrics_sources, refresh_metrics
from market_pipeline.steps.runtime import Runtime
from market_pipeline.storage import records
from market_pipeline.storage.tables import BARS_1D
from market_pipeline_tests.steps.saudi_desk import SaudiDesk, saudi_desk

SAUDI_OPEN = datetime(2026, 11, 19, 9, 50, tzinfo=UTC)
TEN_MINUTES = timedelta(minutes=10)
NEXT_PRE_OPENING = datetime(2026, 11, 20, 8, 15, tzinfo=UTC)
WEEKEND = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)


def quoted(runtime: Runtime, market: str) -> None:
    """Do the part of a minute that metrics rest on."""
    fetch_quotes(runtime, runtime.market(market))
    merge_tickers(runtime, runtime.market(market))


def row(runtime: Runtime, market: str, symbol: str) -> dict[str, Any]:
    """The newest metrics of one instrument, without what is null."""
    rows = runtime.warehouse.latest("metrics", market)
    [found] = rows.filter(pc.equal(rows["symbol"], symbol)).to_pylist()
    return {name: value for name, value in found.items() if value is not None}


def ticker(runtime: Runtime, market: str, symbol: str) -> dict[str, Any]:
    rows = runtime.warehouse.latest("live_tickers", market)
    [found] = rows.filter(pc.equal(rows["symbol"], symbol)).to_pylist()
    return dict(found)


@pytest.mark.parametrize(("market", "instruments"), [("casablanca", 16), ("india", 487), ("crypto", 8)])
def test_every_listed_instrument_of_a_market_has_a_row_that_passes_every_rule(
    runtime: Runtime, market: str, instruments: int
) -> None:
    quoted(runtime, market)
    report = refresh_metrics(runtime, runtime.market(market))
    assert report.rows >= instruments
    assert [rule.rule for rule in report.rules if not rule.passed] == []
    known = {found.name: found.known for found in report.fields}
    assert min(known["volume"], known["day_high"], known["day_low"]) >= 0.9 * report.rows


def test_what_the_live_ticker_holds_is_taken_over_with_its_source_and_time(runtime: Runtime) -> None:
    quoted(runtime, "casablanca")
    refresh_metrics(runtime, runtime.market("casablanca"))
    found, live = row(runtime, "casablanca", "ATW"), ticker(runtime, "casablanca", "ATW")
    assert (found["volume"], found["day_high"], found["day_low"]) == (live["volume"], live["high_24h"], live["low_24h"])
    assert found["volume_source"] == live["source"]
    assert found["volume_as_of"] <= found["as_of"]
    assert found["market_cap"] == pytest.approx(215_140_839 * live["price"], rel=0.05)


def test_shares_in_issue_come_from_the_market_file(runtime: Runtime) -> None:
    quoted(runtime, "casablanca")
    report = refresh_metrics(runtime, runtime.market("casablanca"))
    found = row(runtime, "casablanca", "ATW")
    assert (found["shares_outstanding"], found["shares_outstanding_source"]) == (215_140_839, "instruments")
    assert {f.name: dict(f.sources) for f in report.fields}["shares_outstanding"].keys() == {"instruments"}


def test_a_year_of_daily_bars_gives_the_range_and_the_mean_volume(runtime: Runtime) -> None:
    quoted(runtime, "india")
    bars = [
        DailyBar("india", "dhan", "RELIANCE", date(2026, 11, 18) - timedelta(days=n), 100.0, 100.0, 101.0, 99.0, 7.0)
        for n in range(370)
    ]
    runtime.warehouse.write(BARS_1D, "india", records.daily_bars_table(bars, known_at=runtime.clock.now()))
    refresh_metrics(runtime, runtime.market("india"))
    found, live = row(runtime, "india", "RELIANCE"), ticker(runtime, "india", "RELIANCE")
    assert (found["week_52_low"], found["week_52_low_source"]) == (99.0, "bars_1d")
    assert found["week_52_high"] == max(101.0, live["high_24h"])
    assert found["week_52_high_as_of"] == datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
    assert found["average_volume_3m"] == 7.0
    assert "week_52_low" not in row(runtime, "india", "TCS")


def test_a_new_session_ends_volume_day_range_and_book_and_keeps_the_rest(runtime: Runtime, clock: HandClock) -> None:
    quoted(runtime, "casablanca")
    refresh_metrics(runtime, runtime.market("casablanca"))
    assert {"volume", "day_high", "market_cap"} <= row(runtime, "casablanca", "ATW").keys()
    clock.at = NEXT_PRE_OPENING
    refresh_metrics(runtime, runtime.market("casablanca"))
    found = row(runtime, "casablanca", "ATW")
    assert {"volume", "day_high", "day_low", "bid", "ask", "bid_size", "ask_size"} & found.keys() == set()
    assert found["market_cap_as_of"].date() == date(2026, 11, 19)


def test_on_a_closed_market_a_forced_refresh_writes_rows(runtime: Runtime, clock: HandClock) -> None:
    clock.at = WEEKEND
    quoted(runtime, "casablanca")
    assert refresh_metrics(runtime, runtime.market("casablanca")).rows == 16


def test_with_every_source_down_the_rows_are_there_and_say_what_was_known(
    runtime: Runtime, exchange: RunningSimulator, clock: HandClock
) -> None:
    quoted(runtime, "casablanca")
    refresh_metrics(runtime, runtime.market("casablanca"))
    exchange.set_faults(FaultPlan.model_validate({"faults": [{"kind": "503"}]}))
    clock.advance(TEN_MINUTES)
    report = refresh_metrics(runtime, runtime.market("casablanca"))
    assert report.rows == 16
    assert row(runtime, "casablanca", "ATW")["volume_as_of"] <= clock.at - TEN_MINUTES


def test_a_repeated_refresh_of_the_same_minute_replaces_its_rows(runtime: Runtime) -> None:
    quoted(runtime, "crypto")
    refresh_metrics(runtime, runtime.market("crypto"))
    refresh_metrics(runtime, runtime.market("crypto"))
    assert runtime.warehouse.read("metrics", "crypto").num_rows == 8


def test_people_find_the_views_in_market_duckdb(runtime: Runtime, clock: HandClock) -> None:
    quoted(runtime, "crypto")
    for _ in range(2):
        refresh_metrics(runtime, runtime.market("crypto"))
        clock.advance(TEN_MINUTES)
    shown = runtime.warehouse.build_market_duckdb().views
    assert {"metrics", "metrics_latest", "sharia_screen", "sharia_screen_latest", "fundamentals"} <= set(shown)
    query = "SELECT (SELECT count(*) FROM metrics), (SELECT count(*) FROM metrics_latest)"
    assert list(runtime.warehouse.query(query).to_pylist()[0].values()) == [16, 8]


@pytest.fixture
def saudi(tmp_path: Path) -> Iterator[SaudiDesk]:
    with saudi_desk(tmp_path, HandClock(SAUDI_OPEN), names=("board", "second")) as desk:
        yield desk


def refreshed(desk: SaudiDesk) -> MetricsReport:
    return refresh_metrics(desk.runtime, desk.market)


def fields(report: MetricsReport) -> dict[str, int]:
    return {found.name: found.known for found in report.fields if found.known}


def test_a_source_is_asked_in_its_batches_and_every_symbol_has_one_outcome(saudi: SaudiDesk) -> None:
    saudi.site.metrics = {"2222": {"market_cap": 6e12, "pe_ratio": 15.5, "currency": "SAR"}, "2010": {"eps": 1.6}}
    report = refreshed(saudi)
    assert saudi.site.requests("metrics")[0] in {"1120,1180,2010", "1120,1180,2010,2222,4190"}
    assert sorted(saudi.site.requests("metrics")) == ["1120,1180,2010", "1120,1180,2010,2222,4190", "2222,4190"]
    assert report.counts == {"board": {"ok": 2, "empty": 3}, "second": {"ok": 2, "empty": 3}}
    outcomes = saudi.runtime.warehouse.latest("fetch_outcomes", "saudi")
    assert outcomes.num_rows == 10
    assert outcomes["kind"].unique().to_pylist() == ["metrics"]
    assert fields(report)["pe_ratio"] == 1
    assert row(saudi.runtime, "saudi", "2222")["pe_ratio_source"] == "board"


def test_a_source_without_batches_is_asked_for_all_at_once(saudi: SaudiDesk) -> None:
    refreshed(saudi)
    assert "1120,1180,2010,2222,4190" in saudi.site.requests("metrics")


def test_percent_for_fraction_is_set_aside_with_its_reason_and_its_neighbours_kept(saudi: SaudiDesk) -> None:
    saudi.site.metrics = {"2222": {"dividend_yield": 4.9, "pe_ratio": 15.5}, "4190": {"dividend_yield": 0.049}}
    report = refreshed(saudi)
    assert fields(report) == {"shares_outstanding": 1, "dividend_yield": 1, "pe_ratio": 1}
    assert row(saudi.runtime, "saudi", "4190")["dividend_yield"] == 0.049
    aside = saudi.runtime.warehouse.read("set_aside", "saudi").to_pylist()
    reason = "dividend_yield 4.9 is above 1: a percentage where a fraction is due"
    assert {(r["kind"], r["source"], r["symbol"], r["reason"]) for r in aside} == {
        ("metrics", "board", "2222", reason),
        ("metrics", "second", "2222", reason),
    }
    assert len(report.refused) == 2


def test_a_small_percentage_is_found_out_by_the_last_row(saudi: SaudiDesk) -> None:
    saudi.site.metrics = {"2222": {"dividend_yield": 0.0052}}
    refreshed(saudi)
    saudi.clock.advance(TEN_MINUTES)
    saudi.site.metrics = {"2222": {"dividend_yield": 0.52}}
    report = refreshed(saudi)
    assert row(saudi.runtime, "saudi", "2222")["dividend_yield"] == 0.0052
    assert report.refused[0].reason == "dividend_yield 0.52 is 100 times the known 0.0052: a percentage"


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (429, b"{}", "rate_limited"),
        (500, b"{}", "timeout"),
        (403, b"{}", "blocked"),
        (200, b"<html>captcha</html>", "blocked"),
        (200, b'[{"symbol": "22', "parse_error"),
        (200, b'[{"surprise": 1}]', "parse_error"),
    ],
)
def test_a_failed_source_gives_outcomes_and_what_was_known_stays(
    saudi: SaudiDesk, status: int, body: bytes, outcome: str
) -> None:
    saudi.site.metrics = {"2222": {"eps": 1.6}}
    refreshed(saudi)
    saudi.clock.advance(TEN_MINUTES)
    saudi.site.status, saudi.site.body = status, body
    report = refreshed(saudi)
    assert set(report.counts["second"]) == {outcome}
    assert sum(report.counts["second"].values()) == 5
    assert row(saudi.runtime, "saudi", "2222")["eps_as_of"] == SAUDI_OPEN


def test_a_value_expires_when_nobody_says_it_anew(saudi: SaudiDesk) -> None:
    saudi.site.metrics = {"2222": {"eps": 1.6, "pe_ratio": 15.5}}
    refreshed(saudi)
    saudi.site.metrics = {}
    saudi.clock.at = SAUDI_OPEN + timedelta(hours=337)
    assert "pe_ratio" not in fields(refreshed(saudi))
    assert row(saudi.runtime, "saudi", "2222")["eps"] == 1.6
    saudi.clock.at = SAUDI_OPEN + timedelta(hours=2401)
    assert "eps" not in fields(refreshed(saudi))


def test_the_report_names_the_oldest_field(saudi: SaudiDesk) -> None:
    saudi.site.metrics = {"2222": {"eps": 1.6}}
    refreshed(saudi)
    saudi.clock.advance(TEN_MINUTES)
    saudi.site.metrics = {"2222": {"pe_ratio": 15.5}}
    oldest = refreshed(saudi).oldest
    assert oldest is not None
    assert (oldest.name, oldest.oldest) == ("eps", SAUDI_OPEN)


def test_the_market_file_chooses_the_sources_and_their_order(saudi: SaudiDesk) -> None:
    file = saudi.market.file.model_copy(update={"metrics": MetricsRule(sources=("second", "board"))})
    chosen = replace(saudi.market, file=file, off={})
    assert [source.name for source in metrics_sources(chosen)] == ["second", "board"]


def test_a_source_that_is_off_is_named(tmp_path: Path) -> None:
    with saudi_desk(tmp_path, HandClock(SAUDI_OPEN)) as desk:
        report = refreshed(desk)
    assert report.notes == {"second": "off: not wired"}
    assert set(report.counts) == {"board"}
