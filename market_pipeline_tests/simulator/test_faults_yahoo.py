"""Each kind of fault on Yahoo's routes, in the form that Yahoo gives it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import requests

from market_pipeline.clock import HandClock
from market_pipeline.simulator.options import SimulatorOptions
from market_pipeline.simulator.server import RunningSimulator, running_simulator

QUOTE, CHART = "/v7/finance/quote", "/v8/finance/chart/MSFT"


@pytest.fixture
def session(simulator: RunningSimulator) -> requests.Session:
    session = requests.Session()
    session.get(f"{simulator.url}/yahoo/", timeout=5)
    session.params = {"crumb": session.get(f"{simulator.url}/yahoo/v1/test/getcrumb", timeout=5).text}
    return session


@pytest.fixture
def get(simulator: RunningSimulator, session: requests.Session) -> Any:
    def ask(path: str, **params: str) -> requests.Response:
        return session.get(f"{simulator.url}/yahoo{path}", params=params, timeout=5)

    return ask


def plan(simulator: RunningSimulator, **fault: Any) -> None:
    answer = requests.post(f"{simulator.url}/_faults", json={"faults": [{"source": "yahoo", **fault}]}, timeout=5)
    assert answer.status_code == 200, answer.text


def quote(get: Any, symbol: str = "2222.SR") -> dict[str, Any]:
    row: dict[str, Any] = json.loads(get(QUOTE, symbols=symbol).text)["quoteResponse"]["result"][0]
    return row


def closes(get: Any, symbol: str = "EURUSD=X") -> list[Any]:
    found = json.loads(get(f"/v8/finance/chart/{symbol}", interval="1m", range="1d").text)["chart"]["result"][0]
    values: list[Any] = found["indicators"]["quote"][0]["close"]
    return values


@pytest.mark.parametrize(("seconds", "header"), [(None, None), (7, "7")])
def test_a_rate_limit_is_bare_text_with_or_without_retry_after(
    simulator: RunningSimulator, get: Any, seconds: int | None, header: str | None
) -> None:
    plan(simulator, kind="429", **({"seconds": seconds} if seconds else {}))
    answer = get(QUOTE, symbols="MSFT")
    assert (answer.status_code, answer.text) == (429, "Too Many Requests\r\n")
    assert answer.headers.get("Retry-After") == header


def test_a_page_comes_with_status_200(simulator: RunningSimulator, get: Any) -> None:
    plan(simulator, kind="html")
    answer = get(CHART, interval="1m", range="1d")
    assert (answer.status_code, "Will be right back" in answer.text) == (200, True)


def test_a_truncated_chart_is_no_json(simulator: RunningSimulator, get: Any) -> None:
    plan(simulator, kind="truncated")
    with pytest.raises(requests.JSONDecodeError):
        get(CHART, interval="1m", range="1d").json()


def test_a_rule_for_charts_leaves_quotes_alone(simulator: RunningSimulator, get: Any) -> None:
    plan(simulator, kind=503, route="/v8/finance/chart/*")
    assert (get(CHART).status_code, get(QUOTE, symbols="MSFT").status_code) == (503, 200)


def test_a_rule_for_a_symbol_leaves_other_charts_alone(simulator: RunningSimulator, get: Any) -> None:
    plan(simulator, kind=500, symbols=["MSFT"])
    assert (get(CHART).status_code, get("/v8/finance/chart/AAPL").status_code) == (500, 200)


def test_nulls_take_the_prices_of_one_symbol(simulator: RunningSimulator, get: Any) -> None:
    plan(simulator, kind="nulls", symbols=["2222", "EURUSD"])
    assert "regularMarketPrice" not in quote(get)
    assert "regularMarketPrice" in quote(get, "1120.SR")
    assert closes(get)[1] is None


def test_nan_is_sent_as_broken_servers_do(simulator: RunningSimulator, get: Any) -> None:
    plan(simulator, kind="nan", symbols=["EURUSD"])
    assert '"regularMarketPrice":NaN' in get(QUOTE, symbols="EURUSD=X").text


def test_a_price_times_100_keeps_its_neighbours(simulator: RunningSimulator, get: Any) -> None:
    before, neighbour = quote(get, "EURUSD=X"), quote(get, "USDJPY=X")
    plan(simulator, kind="x100", symbols=["EURUSD"])
    assert quote(get, "EURUSD=X")["regularMarketPrice"] == pytest.approx(100 * before["regularMarketPrice"])
    assert quote(get, "USDJPY=X")["regularMarketPrice"] == neighbour["regularMarketPrice"]
    assert closes(get)[0] > 50


def test_a_stale_symbol_is_as_old_as_the_rule_says(simulator: RunningSimulator, get: Any) -> None:
    fresh = quote(get, "EURUSD=X")["regularMarketTime"]
    plan(simulator, kind="stale", symbols=["EURUSD"], seconds=1800)
    assert fresh - 1860 < quote(get, "EURUSD=X")["regularMarketTime"] < fresh - 1740


def test_a_duplicated_symbol_stands_twice(simulator: RunningSimulator, get: Any) -> None:
    plan(simulator, kind="duplicate", symbols=["EURUSD"])
    rows = get(QUOTE, symbols="EURUSD=X,USDJPY=X").json()["quoteResponse"]["result"]
    assert [row["symbol"] for row in rows] == ["EURUSD=X", "EURUSD=X", "USDJPY=X"]


def test_an_answer_is_counted_under_its_route(simulator: RunningSimulator, get: Any) -> None:
    get(CHART)
    get("/v8/finance/chart/GONE1")
    stats = requests.get(f"{simulator.url}/_stats", timeout=5).json()
    assert stats["/yahoo/v8/finance/chart/{symbol}"] == {"requests": 2, "by_status": {"200": 1, "404": 1}}


def test_with_limits_on_a_third_quote_call_within_a_second_is_too_many(clock: HandClock) -> None:
    with running_simulator(SimulatorOptions(port=0, limits=True), clock=clock) as simulator:
        url = f"{simulator.url}/yahoo{QUOTE}?symbols=MSFT"
        assert [requests.get(url, timeout=5).status_code for _ in range(3)] == [401, 401, 429]
        clock.advance(timedelta(seconds=1.01))
        assert requests.get(url, timeout=5).status_code == 401
