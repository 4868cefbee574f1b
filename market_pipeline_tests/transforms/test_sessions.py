"""Minute bars → one row a session."""

from __future__ import annotations

from market_pipeline.transforms.sessions import SESSION_SCHEMA, summarise_sessions
from market_pipeline_tests.transforms.bar_cases import SESSION, at, bar, bar_rows, column


def test_a_session_opens_with_its_first_bar_and_closes_with_its_last():
    bars = [
        bar(7, 103.0, low=90.0, turnover=3.0),
        bar(0, 100.0, open=98.0, low=97.0, turnover=1.0),
        bar(3, 101.0, high=110.0, turnover=2.0, origin="sampled"),
    ]
    assert summarise_sessions(bar_rows(bars)).to_pylist() == [
        {
            "market": "casablanca",
            "symbol": "ATW",
            "session_date": SESSION.session_date,
            "open": 98.0,
            "high": 110.0,
            "low": 90.0,
            "close": 103.0,
            "volume": 30.0,
            "turnover": 6.0,
            "bars": 3,
            "sampled_bars": 1,
            "first_interval": at(0),
            "last_interval": at(7),
        }
    ]


def test_one_minute_of_unknown_volume_makes_the_sessions_unknown():
    rows = summarise_sessions(bar_rows([bar(0), bar(1, volume=None)]))
    assert column(rows, "volume", "bars") == [(None, 2)]


def test_each_symbol_has_its_row():
    rows = summarise_sessions(bar_rows([bar(0, symbol="IAM"), bar(0), bar(1)]))
    assert column(rows, "symbol", "bars") == [("ATW", 2), ("IAM", 1)]


def test_no_bars_make_no_session():
    assert summarise_sessions(bar_rows([])).schema.equals(SESSION_SCHEMA)
