"""yfinance reads the recorded charts as we do: it is the oracle of our own parser."""

from __future__ import annotations

import warnings
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from market_pipeline.model.outcome import RequestKind
from market_pipeline.sources.parsing.charts import Circumstances, Window
from market_pipeline.sources.yahoo_charts import parse_chart, parse_daily
from market_pipeline.sources.yahoo_session import Conversation, Errand, _errand
from market_pipeline_tests.sources.transport_bench import bench
from market_pipeline_tests.sources.yahoo_desk import COOKIE, NEW_YORK, NOW, body, sample

OPEN = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)


def history(folder: Path, name: str, **asked: Any) -> Any:
    """Return yfinance's frame of a sample, asked for through our transport."""
    import yfinance

    def answer(handler: BaseHTTPRequestHandler) -> None:
        replies = {"/yahoo/": COOKIE, "/yahoo/v1/test/getcrumb": sample("crumb.txt")}
        replies.get(urlsplit(handler.path).path, sample(name))(handler)

    yfinance.set_tz_cache_location(str(folder))
    with bench(folder, [answer], rule={"name": "yahoo"}, at=NOW) as it:
        token = _errand.set(Errand(it.transport, RequestKind.MINUTE_BARS))
        try:
            with warnings.catch_warnings():
                # pandas deprecates what yfinance 1.7.0 calls
                warnings.simplefilter("ignore", DeprecationWarning)
                conversation = Conversation(folder)
                ticker = yfinance.Ticker("AAPL", session=conversation._session)
                # else it would talk through the process's own, and leave this cookie there for other tests
                ticker._data = conversation
                return ticker.history(auto_adjust=False, raise_errors=True, timeout=None, **asked)
        finally:
            _errand.reset(token)


@pytest.mark.parametrize("name", ["chart_1m_normal.json", "chart_1m_null_holes.json"])
def test_yfinance_reads_the_same_minutes(tmp_path: Path, name: str) -> None:
    frame = history(tmp_path, name, interval="1m", period="1d", actions=False)
    theirs = [
        (moment.to_pydatetime().astimezone(UTC), row.Open, row.High, row.Low, row.Close, float(row.Volume))
        for moment, row in frame.iterrows()
    ]
    bars = parse_chart(body(name), "AAPL", Window(OPEN, NOW, NOW)).bars
    assert [(b.interval_start, b.open, b.high, b.low, b.close, b.volume) for b in bars] == theirs


def test_yfinance_reads_the_same_days_dividends_and_splits(tmp_path: Path) -> None:
    name = "chart_1d_with_split_and_dividends.json"
    frame = history(tmp_path, name, interval="1d", start="2026-11-16", end="2026-11-24", actions=True)
    theirs = [
        (moment.date(), row["Close"], row["Adj Close"], row["Dividends"], row["Stock Splits"])
        for moment, row in frame.iterrows()
    ]
    around = Circumstances("us", "yahoo", NOW, NEW_YORK)
    bars = parse_daily(body(name), "AAPL", first=date(2026, 11, 16), last=date(2026, 11, 23), around=around).bars
    assert [
        (b.session_date, b.close, b.adjusted_close, b.dividend or 0.0, b.split_ratio or 0.0) for b in bars
    ] == theirs
