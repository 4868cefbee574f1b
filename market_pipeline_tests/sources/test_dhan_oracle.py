"""The vendor's own client as an oracle: it sends what we send, and reads from the same bytes what we read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from market_pipeline_tests.sources.scripted_server import ScriptedServer, reply, serving
from market_pipeline_tests.sources.test_dhan import KEYS, RELIANCE, TCS, dhan

vendor = pytest.importorskip("dhanhq")

OPEN = datetime(2026, 11, 20, 3, 45, tzinfo=UTC)
ADDED_BY_THE_VENDOR = {"dhanClientId": KEYS["dhan_client_id"]}


@contextmanager
def client(server: ScriptedServer) -> Iterator[Any]:
    context = vendor.DhanContext(KEYS["dhan_client_id"], KEYS["dhan_api_token"])
    http = context.get_dhan_http()
    http.base_url = f"{server.url}/dhan/v2"
    with http.session:
        yield vendor.dhanhq(context)


def sent(server: ScriptedServer, n: int) -> tuple[str, Any]:
    return server.seen[n].path, json.loads(server.seen[n].body)


def test_both_ask_for_quotes_alike_and_see_the_same_prices(tmp_path: Path, samples: Path) -> None:
    body = (samples / "dhan" / "quote_normal.json").read_bytes()
    with dhan(tmp_path, [reply(body=body)]) as (source, it), client(it.server) as theirs:
        ours = source.quotes([RELIANCE, TCS]).records
        seen = theirs.quote_data({"NSE_EQ": [2885, 11536]})["data"]["data"]["NSE_EQ"]
    path, request = sent(it.server, 0)
    assert sent(it.server, 1) == (path, request | ADDED_BY_THE_VENDOR)
    assert [quote.price for quote in ours] == [seen["2885"]["last_price"], seen["11536"]["last_price"]]


def test_both_ask_for_minutes_alike_and_see_the_same_bars(tmp_path: Path, samples: Path) -> None:
    body = (samples / "dhan" / "intraday_normal.json").read_bytes()
    with dhan(tmp_path, [reply(body=body)]) as (source, it), client(it.server) as theirs:
        ours = source.minute_bars(RELIANCE, start=OPEN, end=OPEN + timedelta(hours=1)).records
        seen = theirs.intraday_minute_data(
            "2885", "NSE_EQ", "EQUITY", "2026-11-20 09:15:00", "2026-11-20 10:15:00", "1"
        )["data"]
    path, request = sent(it.server, 0)
    assert sent(it.server, 1) == (path, request | ADDED_BY_THE_VENDOR)
    assert [bar.close for bar in ours] == seen["close"]
    assert [bar.interval_start.timestamp() for bar in ours] == seen["timestamp"]


def test_both_ask_for_days_alike_and_see_the_same_closes(tmp_path: Path, samples: Path) -> None:
    body = (samples / "dhan" / "historical_normal.json").read_bytes()
    with dhan(tmp_path, [reply(body=body)]) as (source, it), client(it.server) as theirs:
        ours = source.daily_bars(RELIANCE, start=date(2026, 11, 17), end=date(2026, 11, 19)).records
        seen = theirs.historical_daily_data("2885", "NSE_EQ", "EQUITY", "2026-11-17", "2026-11-20")["data"]
    path, request = sent(it.server, 0)
    assert sent(it.server, 1) == (path, request | ADDED_BY_THE_VENDOR)
    assert [bar.close for bar in ours] == seen["close"]


def test_the_vendors_client_hides_the_http_status_which_is_why_ours_is_used() -> None:
    page = reply(502, body=b"<html>Bad Gateway</html>", Content_Type="text/html", Retry_After="30")
    with serving([page]) as server, client(server) as theirs:
        answer = theirs.quote_data({"NSE_EQ": [2885]})
    assert answer["status"] == "failure"
    assert "502" not in str(answer)
