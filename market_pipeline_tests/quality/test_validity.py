from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pytest

from market_pipeline.errors import UsageError
from market_pipeline.quality.rule import Severity
from market_pipeline.quality.validity import CHECKED_TABLES, check_table, is_valid
from market_pipeline.storage.tables import BARS_1M
from market_pipeline_tests.quality.rows import FACTS, GOOD, MINUTE, broken, later, results, table_of

NAN, INFINITE = float("nan"), float("inf")


@pytest.mark.parametrize("name", sorted(CHECKED_TABLES))
def test_a_good_row_breaks_no_rule(name: str) -> None:
    assert broken(name, {}) == []


@pytest.mark.parametrize("name", sorted(CHECKED_TABLES))
def test_an_empty_table_is_valid(name: str) -> None:
    assert is_valid(check_table(name, table_of(name), key=GOOD[name][0].key, facts=replace(FACTS, requested=None)))


@pytest.mark.parametrize("name", sorted(CHECKED_TABLES))
def test_a_row_written_twice_breaks_the_key(name: str) -> None:
    key = GOOD[name][0].key
    assert broken(name, {}, {}) == [f"({', '.join(key)}) is unique"]


@pytest.mark.parametrize(
    ("name", "change", "rule"),
    [
        ("raw_quotes", {"price": 0.0}, "prices (price, open, high, low, previous_close, bid, ask) are null, or"),
        ("raw_quotes", {"ask": INFINITE}, "prices (price, open, high, low, previous_close, bid, ask) are null, or"),
        ("raw_quotes", {"low": 506.0}, "high >= low"),
        ("raw_quotes", {"bid": 504.2}, "bid <= ask"),
        ("raw_quotes", {"volume": -1.0}, "amounts (volume, turnover) are null, or finite and not negative"),
        ("raw_quotes", {"event_time": later(1)}, "times (event_time) are not in the future"),
        ("fetch_outcomes", {"status": "fine"}, "status is one of blocked, deferred"),
        ("fetch_outcomes", {"status": "timeout"}, "a failed request says why"),
        ("fetch_outcomes", {"symbol": "IAM"}, "every requested symbol has an outcome"),
        ("fetch_outcomes", {"attempts": -1}, "amounts (attempts, latency_ms, rejected_records)"),
        ("live_tickers", {"price": NAN}, "prices (price, open_price, high_24h"),
        ("live_tickers", {"provenance": "{}"}, "every price names its source and provenance"),
        ("live_tickers", {"source": None}, "every price names its source and provenance"),
        ("live_tickers", {"session_state": "lunch"}, "session_state is one of auction, closed, open"),
        ("live_tickers", {"low_24h": 600.0}, "high_24h >= low_24h"),
        ("bars_1m", {"close": None}, "prices (open, high, low, close) are present"),
        ("bars_1m", {"high": 503.9}, "high >= open, close, low"),
        ("bars_1m", {"low": 500.1}, "low <= open, close"),
        ("bars_1m", {"volume": -0.5}, "amounts (volume, turnover, n_ticks, revision)"),
        ("bars_1m", {"origin": "guess"}, "origin is one of chart, sampled, ticks"),
        ("bars_1m", {"interval_start": MINUTE.replace(second=1)}, "interval_start is a whole minute"),
        ("bars_1m", {"interval_start": MINUTE.replace(hour=9, minute=29)}, "interval_start lies inside its session"),
        ("bars_1m", {"interval_start": MINUTE.replace(minute=35)}, "a final bar's minute was over when it became"),
        ("bars_1m", {"known_at": later(1)}, "times (interval_start, known_at) are not in the future"),
        ("indicators_1m", {"RSI_14": 100.2}, "values lie within the catalogue's range"),
        ("indicators_1m", {"RSI_14": -0.1}, "values lie within the catalogue's range"),
        ("indicators_1m", {"OBV": NAN}, "values are null or finite"),
        ("levels_1m", {"SUPPORT": NAN}, "values are null or finite"),
        ("levels_1m", {"SUPPORT": 505.1}, "RESISTANCE >= SUPPORT"),
        ("levels_1m", {"POC": 504.5}, "VAH >= POC, VAL"),
        ("levels_1m", {"VAL": 501.5}, "VAL <= POC"),
        ("levels_1m", {"DEMAND_bottom": 499.5}, "DEMAND_top >= DEMAND_bottom"),
        ("levels_1m", {"SUPPORT_age": -1}, "amounts (SUPPORT_touches, SUPPORT_age, RESISTANCE_touches"),
        ("instruments", {"isin": "MA000001244"}, "isin is null or looks like"),
        ("instruments", {"currency": "Dh"}, "currency is null or looks like"),
        ("instruments", {"listed_from": date(2026, 2, 1), "listed_to": date(2026, 1, 1)}, "listed_from <= listed_to"),
        ("instruments", {"status": "gone"}, "status is one of delisted, listed, unresolved"),
        ("bars_1d", {"close": None}, "prices (close) are present"),
        ("bars_1d", {"high": 1.0}, "high >= open, close, low"),
        ("metrics", {"dividend_yield": 3.1}, "dividend_yield is null or at most 1 (a fraction)"),
        ("metrics", {"volume": -1.0}, "amounts (volume, bid_size, ask_size, average_volume_3m, dividend_yield)"),
        ("metrics", {"volume_source": None}, "a value has a source and a time, and a null has none"),
        ("metrics", {"eps_as_of": MINUTE}, "a value has a source and a time, and a null has none"),
        ("metrics", {"known_at": later(1)}, "times (as_of, known_at) are not in the future"),
        ("fundamentals", {"total_debt": -1.0}, "amounts (total_debt, cash_and_interest_bearing_deposits"),
        ("fundamentals", {"currency": "Dh"}, "currency is null or looks like"),
        ("sharia_screen", {"verdict": "halal"}, "verdict is one of compliant, not_compliant, unknown"),
        ("sharia_screen", {"verdict": "unknown", "reason": None}, "every verdict says why"),
        ("health", {"lost_points": None}, "every lost point says why"),
        ("sharia_screen", {"debt_ratio": None}, "compliant only with every input known and every ratio within its"),
        ("sharia_screen", {"income_ratio": 0.051}, "compliant only with every input known and every ratio within its"),
        ("sharia_screen", {"sector": None}, "compliant only with every input known and every ratio within its limit"),
        ("sharia_screen", {"excluded_by": "banks"}, "compliant only with every input known and every ratio within its"),
    ],
)
def test_a_spoiled_row_breaks_exactly_its_rule(name: str, change: dict[str, Any], rule: str) -> None:
    found = broken(name, change)
    assert len(found) == 1
    assert found[0].startswith(rule)


def test_a_ratio_equal_to_its_limit_is_within_it() -> None:
    assert broken("sharia_screen", {"debt_ratio": 0.3, "income_ratio": 0.05}) == []


def test_an_unknown_price_is_no_wrong_price() -> None:
    change = {"price": None, "source": None, "provenance": None, "volume": None, "bid": None}
    assert broken("live_tickers", change) == []


def test_the_example_shows_the_first_failing_row_and_what_to_do() -> None:
    result = results("bars_1m", {}, {"symbol": "IAM", "high": 1.0}, {"symbol": "BCP", "high": 2.0})[
        "high >= open, close, low"
    ]
    assert (result.failed_rows, result.severity) == (2, Severity.ERROR)
    assert result.example == (
        "symbol=IAM, interval_start=2026-11-20T09:34:00+00:00, high=1.0, open=500.0, close=504.0, low=499.0"
    )
    assert result.what_to_do == "compare with the source's chart of this minute; refetch the session"


def test_two_lost_symbols_are_named() -> None:
    requested = frozenset({("dhan", "TCS", "quote"), ("dhan", "INFY", "quote"), ("wafa_bourse", "ATW", "quote")})
    result = results("fetch_outcomes", {}, facts=replace(FACTS, requested=requested))[
        "every requested symbol has an outcome"
    ]
    assert (result.failed_rows, result.example) == (2, "no outcome for dhan/INFY/quote, dhan/TCS/quote")


def test_rules_without_their_fact_are_left_out_rather_than_passed() -> None:
    judged = results("bars_1m", {}, facts=replace(FACTS, sessions=None))
    assert "interval_start is a whole minute" in judged
    assert "interval_start lies inside its session" not in judged


def test_a_bar_at_the_close_is_outside_and_one_at_the_open_inside() -> None:
    at_open, at_close = MINUTE.replace(minute=30), MINUTE.replace(hour=15, minute=20)
    evening = replace(FACTS, now=at_close.replace(hour=20))
    assert broken("bars_1m", {"interval_start": at_open}, facts=evening) == []
    change = {"interval_start": at_close, "is_final": False}
    assert broken("bars_1m", change, facts=evening) == ["interval_start lies inside its session"]


def test_a_bar_of_a_date_without_session_is_outside() -> None:
    assert broken("bars_1m", {"session_date": date(2026, 11, 19)}) == ["interval_start lies inside its session"]


def test_a_naive_time_column_is_an_error_of_its_own() -> None:
    rows = table_of("bars_1m", {})
    naive = rows.set_column(2, "interval_start", pa.array([datetime(2026, 11, 20, 9, 34)], pa.timestamp("us")))  # noqa: DTZ001
    found = [r for r in check_table("bars_1m", naive, key=BARS_1M.key, facts=FACTS) if not r.passed]
    assert [r.rule for r in found] == [
        "times (interval_start, known_at) carry a zone",
        "interval_start lies inside its session",
    ]
    assert found[0].example == "interval_start of type timestamp[us]"


def test_an_absent_column_fails_the_rule_that_needs_it() -> None:
    rows = table_of("bars_1m", {}).drop_columns(["high"])
    found = [r for r in check_table("bars_1m", rows, key=BARS_1M.key, facts=FACTS) if not r.passed]
    assert {r.example for r in found} == {"no column high"}


def test_a_source_five_seconds_ahead_is_forgiven() -> None:
    assert broken("raw_quotes", {"event_time": later(5 / 60)}) == []


def test_a_source_that_lies_warns_and_our_own_row_that_lies_is_invalid() -> None:
    ours = check_table("bars_1m", table_of("bars_1m", {"high": 1.0}), key=("symbol",), facts=FACTS)
    theirs = check_table("raw_quotes", table_of("raw_quotes", {"high": 1.0}), key=("symbol",), facts=FACTS)
    assert (is_valid(ours), is_valid(theirs)) == (False, True)


def test_a_float32_at_its_bound_is_within_the_range() -> None:
    assert broken("indicators_1m", {"RSI_14": 100.00001}) == []


def test_several_bad_indicator_columns_count_each_row_once() -> None:
    changes = ({"RSI_14": NAN, "OBV": NAN}, {"symbol": "IAM", "OBV": INFINITE}, {"symbol": "BCP"})
    result = results("indicators_1m", *changes)["values are null or finite"]
    assert result.failed_rows == 2
    assert result.example is not None
    assert result.example.endswith("RSI_14=nan (and 1 more columns)")


def test_an_indicator_that_warms_up_is_null_and_breaks_nothing() -> None:
    assert broken("indicators_1m", {"RSI_14": None, "OBV": None}, {"symbol": "IAM"}) == []


def test_a_nan_among_nulls_is_found() -> None:
    result = results("indicators_1m", {"OBV": None}, {"symbol": "IAM", "OBV": NAN})["values are null or finite"]
    assert (result.failed_rows, result.example) == (
        1,
        "symbol=IAM, interval_start=2026-11-20T09:34:00+00:00, OBV=nan",
    )


def test_a_table_without_rules_is_a_wrong_use() -> None:
    with pytest.raises(UsageError, match="tried to check table 'prices': it has no rules; a retry does not help"):
        check_table("prices", table_of("bars_1m", {}), key=("symbol",), facts=FACTS)


def test_rows_of_several_cycles_are_told_apart_by_the_key_that_is_given() -> None:
    rows = table_of("raw_quotes", {}, {"as_of": MINUTE.replace(minute=33)})
    by_cycle = check_table("raw_quotes", rows, key=("source", "symbol", "as_of"), facts=FACTS)
    assert is_valid(by_cycle)
    assert not is_valid(check_table("raw_quotes", rows, key=("source", "symbol"), facts=FACTS))
