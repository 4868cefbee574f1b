"""Fault plans: each kind through a real HTTP client, and what a wrong plan says."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from market_pipeline.clock import HandClock
from market_pipeline.errors import UsageError
from market_pipeline.simulator.faults import FaultPlan, load_plan, parse_plan
from market_pipeline.simulator.server import RunningSimulator

KEYS = {"access-token": "simulated", "client-id": "simulated"}
BOARD = "/casablanca_bourse/api/proxy/fr/api/bourse/dashboard/ticker"
Get = Callable[..., requests.Response]


@pytest.fixture
def get(simulator: RunningSimulator) -> Get:
    def ask(path: str, **options: Any) -> requests.Response:
        return requests.get(simulator.url + path, timeout=options.pop("timeout", 5), **options)

    return ask


def plan(simulator: RunningSimulator, *faults: dict[str, Any]) -> None:
    answer = requests.post(f"{simulator.url}/_faults", json={"faults": faults}, timeout=5)
    assert answer.status_code == 200, answer.text


def quote(simulator: RunningSimulator, number: int = 2885) -> Any:
    url = f"{simulator.url}/dhan/v2/marketfeed/quote"
    text = requests.post(url, json={"NSE_EQ": [number]}, headers=KEYS, timeout=5).text
    return json.loads(text)["data"]["NSE_EQ"][str(number)]


def intraday(simulator: RunningSimulator, number: str = "2885") -> Any:
    body = {
        "securityId": number, "exchangeSegment": "NSE_EQ", "instrument": "EQUITY", "interval": "1",
        "fromDate": "2026-11-20 09:15:00", "toDate": "2026-11-20 15:30:00",
    }  # fmt: skip
    return requests.post(f"{simulator.url}/dhan/v2/charts/intraday", json=body, headers=KEYS, timeout=5)


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_a_status_fault_answers_with_the_sources_own_body(simulator: RunningSimulator, get: Get, status: int) -> None:
    plan(simulator, {"kind": status, "source": "kraken"})
    answer = get("/kraken/0/public/Time")
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]
    assert "Retry-After" not in answer.headers


def test_a_rate_limit_may_say_when_to_come_back(simulator: RunningSimulator, get: Get) -> None:
    plan(simulator, {"kind": "429", "seconds": 7})
    assert get(BOARD).headers["Retry-After"] == "7"


def test_a_forbidden_scraper_gets_a_page(simulator: RunningSimulator, get: Get) -> None:
    plan(simulator, {"kind": 403})
    answer = get(BOARD)
    assert (answer.status_code, answer.headers["Content-Type"]) == (403, "text/html; charset=utf-8")
    assert "The requested URL was rejected" in answer.text


def test_html_comes_with_status_200(simulator: RunningSimulator, get: Get) -> None:
    plan(simulator, {"kind": "html"})
    answer = get("/kraken/0/public/Time")
    assert (answer.status_code, answer.text[:15]) == (200, "<!DOCTYPE html>")


def test_an_empty_answer_has_no_byte(simulator: RunningSimulator, get: Get) -> None:
    plan(simulator, {"kind": "empty"})
    assert get(BOARD).content == b""


def test_a_truncated_answer_is_no_json(simulator: RunningSimulator, get: Get) -> None:
    whole = get(BOARD).content
    plan(simulator, {"kind": "truncated"})
    assert get(BOARD).content == whole[: len(whole) // 2]


def test_a_wrongly_encoded_answer_claims_to_be_utf8(simulator: RunningSimulator, get: Get) -> None:
    plan(simulator, {"kind": "wrong_encoding"})
    answer = get(BOARD)
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    with pytest.raises(UnicodeDecodeError):
        answer.content.decode("utf-8")


def test_a_slow_answer_comes_after_the_clients_patience(simulator: RunningSimulator, get: Get) -> None:
    plan(simulator, {"kind": "slow", "seconds": 2})
    with pytest.raises(requests.ReadTimeout):
        get("/kraken/0/public/Time", timeout=0.1)


def test_a_dripping_answer_arrives_byte_by_byte(simulator: RunningSimulator, get: Get) -> None:
    plan(simulator, {"kind": "drip", "bytes_per_second": 400})
    started = time.monotonic()
    body = get("/kraken/0/public/Nope").content + get("/kraken/0/public/Time").content
    assert len(body) > 80
    assert time.monotonic() - started > 0.1


def test_a_price_times_100_keeps_the_volume(simulator: RunningSimulator) -> None:
    before = quote(simulator)
    plan(simulator, {"kind": "x100", "source": "dhan", "symbols": ["RELIANCE"]})
    after = quote(simulator)
    assert after["last_price"] == pytest.approx(100 * before["last_price"])
    assert after["volume"] == before["volume"]
    assert quote(simulator, 11536)["last_price"] < 10_000


def test_nulls_stand_where_values_were(simulator: RunningSimulator, get: Get) -> None:
    plan(simulator, {"kind": "nulls", "symbols": ["ATW", "RELIANCE"]})
    row = get(BOARD).json()["data"]["values"][0]
    assert (row["ticker"], row["field_cours_courant"], row["field_last_traded_price"]) == ("ATW", [], None)
    assert (quote(simulator)["last_price"], quote(simulator)["ohlc"]["high"]) == (None, None)
    assert intraday(simulator).json()["close"][1] is None


def test_nan_stands_where_values_were(simulator: RunningSimulator, get: Get) -> None:
    plan(simulator, {"kind": "nan", "symbols": ["ATW", "RELIANCE"]})
    assert get(BOARD).json()["data"]["values"][0]["field_last_traded_price"] == "NaN"
    assert '"close":[' in intraday(simulator).text
    assert "NaN" in intraday(simulator).text


def test_a_stale_symbol_shows_what_was_true_earlier(simulator: RunningSimulator, clock: HandClock) -> None:
    clock.at = datetime(2026, 11, 20, 8, 0, 10, tzinfo=UTC)
    before = quote(simulator)
    clock.advance(timedelta(minutes=2))
    fresh = quote(simulator)["last_trade_time"]
    plan(simulator, {"kind": "stale", "symbols": ["RELIANCE"], "seconds": 120})
    stale = quote(simulator)
    assert (stale["last_price"], stale["last_trade_time"]) == (before["last_price"], before["last_trade_time"])
    assert fresh > stale["last_trade_time"]


def test_a_stale_chart_ends_earlier(simulator: RunningSimulator, clock: HandClock) -> None:
    clock.at = datetime(2026, 11, 20, 8, 0, 10, tzinfo=UTC)
    fresh = intraday(simulator).json()["timestamp"]
    plan(simulator, {"kind": "stale", "source": "dhan", "seconds": 600})
    assert intraday(simulator).json()["timestamp"] == fresh[:-10]


def test_a_future_price_is_dated_ahead_of_the_clock(simulator: RunningSimulator, clock: HandClock) -> None:
    last = intraday(simulator).json()["timestamp"][-1]
    plan(simulator, {"kind": "future", "seconds": 3600})
    assert intraday(simulator).json()["timestamp"][-1] == last + 3600 > clock.now().timestamp()


def test_a_duplicated_symbol_stands_twice(simulator: RunningSimulator, get: Get) -> None:
    plan(simulator, {"kind": "duplicate", "symbols": ["IAM"]})
    tickers = [row["ticker"] for row in get(BOARD).json()["data"]["values"]]
    assert (tickers.count("IAM"), tickers.count("ATW")) == (2, 1)
    assert tickers[1:3] == ["IAM", "IAM"]


def test_a_rule_hits_only_its_source_route_and_symbol(simulator: RunningSimulator, get: Get) -> None:
    plan(simulator, {"kind": 500, "source": "dhan", "route": "/v2/charts/*", "symbols": ["TCS"]})
    statuses = intraday(simulator, "11536").status_code, intraday(simulator).status_code, get(BOARD).status_code
    assert statuses == (500, 200, 200)
    assert quote(simulator, 11536)["last_price"] > 0


def test_a_rule_holds_between_start_and_end(simulator: RunningSimulator, get: Get, clock: HandClock) -> None:
    start, end = clock.now() + timedelta(minutes=1), clock.now() + timedelta(minutes=2)
    plan(simulator, {"kind": 503, "start": start.isoformat(), "end": end.isoformat()})
    statuses = []
    for _ in range(3):
        statuses.append(get(BOARD).status_code)
        clock.advance(timedelta(minutes=1))
    assert statuses == [200, 503, 200]


def test_a_rule_may_hit_only_the_first_answers(simulator: RunningSimulator, get: Get) -> None:
    plan(simulator, {"kind": 401, "first": 1})
    assert [get(BOARD).status_code for _ in range(3)] == [401, 200, 200]


def test_a_rate_is_drawn_from_the_seed(simulator: RunningSimulator, get: Get) -> None:
    def drill() -> list[int]:
        plan(simulator, {"kind": 503, "rate": 0.3})
        return [get("/kraken/0/public/Time").status_code for _ in range(40)]

    first, second = drill(), drill()
    assert first == second
    assert 4 <= first.count(503) <= 20


def test_posting_replaces_the_plan_and_getting_shows_it(simulator: RunningSimulator, get: Get) -> None:
    plan(simulator, {"kind": 500})
    plan(simulator, {"kind": 429, "source": "dhan", "seconds": 2})
    assert get("/_faults").json() == {"faults": [{"kind": "429", "source": "dhan", "seconds": 2.0}]}


def test_an_unknown_key_is_refused_and_the_old_plan_stays(simulator: RunningSimulator, get: Get) -> None:
    plan(simulator, {"kind": 500})
    answer = requests.post(f"{simulator.url}/_faults", json={"faults": [{"kind": 429, "sorce": "dhan"}]}, timeout=5)
    assert answer.status_code == 400
    assert "faults.0.sorce: unknown key (allowed: kind, source, route, symbols" in answer.json()["error"]
    assert get("/_faults").json() == {"faults": [{"kind": "500"}]}


def test_an_unknown_kind_says_what_is_allowed() -> None:
    with pytest.raises(UsageError, match=r"faults\.0\.kind: Input should be '429', '401'.*seen: '418'"):
        parse_plan("[{kind: 418}]", origin="plan.yaml")


def test_counting_data_faults_is_refused() -> None:
    with pytest.raises(UsageError, match="`first` counts answers, but x100 changes data"):
        parse_plan("[{kind: x100, first: 3}]", origin="plan.yaml")


def test_a_plan_is_read_from_yaml(tmp_path: Path) -> None:
    path = tmp_path / "drill.yaml"
    path.write_text("seed: 3\nfaults:\n  - {kind: stale, source: wafa_bourse, seconds: 1800}\n")
    assert load_plan(path) == FaultPlan.model_validate(
        {"seed": 3, "faults": [{"kind": "stale", "source": "wafa_bourse", "seconds": 1800}]}
    )


def test_a_missing_plan_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"tried to read the fault plan .*gone.yaml: the file cannot be read"):
        load_plan(tmp_path / "gone.yaml")


def test_a_plan_that_is_no_yaml_is_named() -> None:
    with pytest.raises(UsageError, match="neither YAML nor JSON"):
        parse_plan("{kind: [", origin="posted")
