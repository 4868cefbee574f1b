"""Yahoo's charts, pinned to the samples and read by yfinance."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

from market_pipeline.simulator.server import RunningSimulator
from market_pipeline.simulator.wire.format import Reply
from market_pipeline_tests.simulator.shapes import shape_of
from market_pipeline_tests.simulator.wires import EXCHANGES, ask, load

AT = "2026-11-20T16:00:10"
NOON = 1795190400
"""16:00:00 UTC, 11:00 in New York, an hour and a half after the open."""
SINGLE_SESSION = {"period1": "1795185000", "period2": "1795208400"}


@pytest.fixture
def recorded(samples: Path) -> Path:
    return samples / "yahoo"


def get(symbol: str, at: str = AT, **params: str) -> Reply:
    return ask("yahoo", f"/v8/finance/chart/{symbol}", at=at, params=params, headers={})


def chart(symbol: str, at: str = AT, **params: str) -> Any:
    return load(get(symbol, at, **params))["chart"]["result"][0]


def sample(recorded: Path, name: str) -> Any:
    return json.loads((recorded / f"{name}.json").read_bytes())


def columns(found: Any) -> dict[str, list[Any]]:
    quote: dict[str, list[Any]] = found["indicators"]["quote"][0]
    return quote


@pytest.mark.parametrize(
    ("name", "symbol", "interval"),
    [
        ("chart_1m_normal", "AAPL", "1m"),
        ("chart_1m_gbp_pence", "HSBA.L", "1m"),
        ("chart_1m_fx", "EURUSD=X", "1m"),
        ("chart_1d_with_split_and_dividends", "AAPL", "1d"),
    ],
)
def test_the_meta_has_the_samples_fields_and_types(recorded: Path, name: str, symbol: str, interval: str) -> None:
    ours = chart(symbol, interval=interval, range="5d")["meta"]
    theirs = sample(recorded, name)["chart"]["result"][0]["meta"]
    assert shape_of(theirs).keys() - shape_of(ours).keys() == set()
    for key in ("currency", "instrumentType", "exchangeTimezoneName", "gmtoffset", "timezone", "priceHint"):
        assert ours[key] == theirs[key]


def test_minutes_are_labelled_by_their_start_and_the_last_trade_stands_off_the_grid(recorded: Path) -> None:
    theirs = sample(recorded, "chart_1m_unfinished_last_bar")["chart"]["result"][0]
    ours = chart("AAPL", interval="1m", range="1d")
    assert ours["timestamp"] == [*range(1795185000, NOON + 60, 60), NOON + 10]
    assert list(columns(ours)) == list(columns(theirs))
    assert columns(ours)["volume"][-1] == columns(theirs)["volume"][-1] == 0
    assert columns(ours)["close"][-1] == ours["meta"]["regularMarketPrice"]


def test_a_minute_without_a_trade_is_null_in_every_column(recorded: Path) -> None:
    theirs = columns(sample(recorded, "chart_1m_null_holes")["chart"]["result"][0])
    found = chart("SIM0007", interval="1m", range="1d")
    ours = columns(found)
    place = ours["close"].index(None)
    assert [ours[name][place] for name in theirs] == [theirs[name][1] for name in theirs] == [None] * 5
    assert found["timestamp"][:60] == list(range(1795185000, 1795188600, 60))


def test_after_the_close_the_closing_price_stands_at_the_closing_time() -> None:
    found = chart("AAPL", "2026-11-20T22:00:00", interval="1m", range="1d")
    assert (len(found["timestamp"]), found["timestamp"][-1]) == (391, 1795208400)
    assert columns(found)["close"][-1] == found["meta"]["regularMarketPrice"]


def test_currencies_and_the_saudi_index_have_no_volume() -> None:
    assert set(columns(chart("EURUSD=X", interval="1m", range="1d"))["volume"]) == {0}
    assert set(columns(chart("^TASI.SR", interval="1d", range="5d"))["volume"]) == {0}


def test_pence_are_a_hundred_times_the_exchanges_pounds() -> None:
    found = chart("HSBA.L", interval="1m", period1="1795161600", period2="1795161720")
    exchange = EXCHANGES.exchange("global")
    true = exchange.minutes("HSBA.L", start=1795161600, end=1795161720, at=NOON).close.tolist()
    assert columns(found)["close"][:2] == [round(100 * price, 2) for price in true]


def test_before_the_open_only_extended_hours_are_shown(recorded: Path) -> None:
    theirs = sample(recorded, "chart_1m_pre_market")["chart"]["result"][0]
    window = {"period1": "1795184880", "period2": "1795185120", "interval": "1m"}
    plain, extended = chart("AAPL", **window), chart("AAPL", includePrePost="true", **window)
    assert plain["timestamp"] == [1795185000, 1795185060]
    assert extended["timestamp"] == [1795184880, 1795184940, 1795185000, 1795185060]
    assert columns(extended)["volume"][:2] == columns(theirs)["volume"][:2] == [0, 0]
    assert columns(extended)["close"][2:] == columns(plain)["close"]


@pytest.mark.parametrize(("interval", "minutes"), [("5m", 5), ("30m", 30), ("1h", 60)])
def test_longer_intervals_are_counted_from_the_open_and_add_up(interval: str, minutes: int) -> None:
    ones = columns(chart("AAPL", "2026-11-20T22:00:00", interval="1m", **SINGLE_SESSION))
    found = chart("AAPL", "2026-11-20T22:00:00", interval=interval, **SINGLE_SESSION)
    assert found["timestamp"][:2] == [1795185000, 1795185000 + 60 * minutes]
    assert columns(found)["volume"][1] == sum(ones["volume"][minutes : 2 * minutes])
    assert columns(found)["high"][1] == max(ones["high"][minutes : 2 * minutes])


def test_a_minute_chart_spans_eight_days_at_most(recorded: Path) -> None:
    reply = get("AAPL", "2026-11-24T12:00:00", interval="1m", period1="1794268800", period2="1795478400")
    assert (reply.status, load(reply)) == (422, sample(recorded, "chart_window_too_long"))


def test_minutes_older_than_thirty_days_are_gone(recorded: Path) -> None:
    reply = get("AAPL", interval="1m", period1="1786320000", period2="1786406400")
    assert (reply.status, load(reply)) == (422, sample(recorded, "chart_window_too_old"))


def test_an_unknown_symbol_is_the_samples_error(recorded: Path) -> None:
    reply = get("GONE1", interval="1m", range="1d")
    assert (reply.status, load(reply)) == (404, sample(recorded, "chart_not_found"))


def test_an_unknown_interval_is_refused() -> None:
    reply = get("AAPL", interval="7m", range="1d")
    assert reply.status == 422
    assert "interval=7m is not supported" in load(reply)["chart"]["error"]["description"]


def test_a_window_without_a_session_has_no_timestamps(recorded: Path) -> None:
    theirs = sample(recorded, "chart_1m_no_timestamp")["chart"]["result"][0]
    ours = chart("AAPL", "2026-11-21T20:00:00", interval="1m", period1="1795240800", period2="1795291200")
    assert "timestamp" not in ours
    assert ours["indicators"] == theirs["indicators"]


def test_days_are_dated_by_their_open_and_today_by_its_last_trade(recorded: Path) -> None:
    theirs = sample(recorded, "chart_1d_unfinished_last_bar")["chart"]["result"][0]
    ours = chart("AAPL", interval="1d", range="5d")
    assert ours["timestamp"] == [1794839400, 1794925800, 1795012200, 1795098600, NOON + 10]
    assert list(ours["indicators"]) == list(theirs["indicators"])
    assert list(columns(ours)) == list(columns(theirs))


def test_a_day_is_the_sum_of_its_minutes_and_the_closing_print() -> None:
    day = columns(chart("AAPL", "2026-11-21T12:00:00", interval="1d", range="1d"))
    ones = columns(chart("AAPL", "2026-11-21T12:00:00", interval="1m", **SINGLE_SESSION))
    exchange = EXCHANGES.exchange("us")
    row = exchange.standings(1795219200, ["AAPL"])[0]
    assert (day["open"], day["close"]) == ([ones["open"][0]], [row.price])
    assert day["volume"] == [row.volume]
    assert sum(ones["volume"]) < day["volume"][0]


def test_a_split_is_an_event_and_prices_run_on_across_it(recorded: Path) -> None:
    theirs = sample(recorded, "chart_1d_with_split_and_dividends")["chart"]["result"][0]["events"]["splits"]
    found = chart("SIM0007", interval="1d", range="3mo", events="div,splits")
    splits = found["events"]["splits"]
    assert list(splits) == ["1789392600"]
    assert list(splits["1789392600"]) == list(theirs["1795012200"])
    assert (splits["1789392600"]["numerator"], splits["1789392600"]["splitRatio"]) == (7.0, "7:1")
    place = found["timestamp"].index(1789392600)
    closes = columns(found)["close"]
    assert abs(closes[place] / closes[place - 1] - 1) < 0.1


def test_a_dividend_lowers_the_adjusted_closes_before_it_only(recorded: Path) -> None:
    theirs = sample(recorded, "chart_1d_with_split_and_dividends")["chart"]["result"][0]["events"]["dividends"]
    found = chart("KO", interval="1d", range="3mo", events="div")
    [(key, paid)] = found["events"]["dividends"].items()
    place = found["timestamp"].index(int(key))
    close, adjusted = columns(found)["close"], found["indicators"]["adjclose"][0]["adjclose"]
    assert list(paid) == list(next(iter(theirs.values())))
    assert paid["amount"] == 0.51
    assert adjusted[place:] == close[place:]
    assert adjusted[place - 1] == round(close[place - 1] * (1 - 0.51 / close[place - 1]), 6)


def test_weeks_and_months_join_days() -> None:
    days = columns(chart("AAPL", "2026-11-20T22:00:00", interval="1d", period1="1794787200", period2="1795219200"))
    week = columns(chart("AAPL", "2026-11-20T22:00:00", interval="1wk", period1="1794787200", period2="1795219200"))
    assert week["volume"] == [sum(days["volume"])]
    assert (week["open"], week["close"]) == ([days["open"][0]], [days["close"][-1]])


@pytest.fixture
def yahoo(simulator: RunningSimulator, tmp_path: Path) -> Iterator[Any]:
    """Yfinance with a session that knows no other host than the simulated exchange."""
    import yfinance
    from curl_cffi import requests

    class Rebased(requests.Session):  # type: ignore[type-arg, misc]
        def request(self, method: Any, url: str, **options: Any) -> Any:
            base, asked = urlsplit(simulator.url), urlsplit(url)
            there = urlunsplit((base.scheme, base.netloc, f"/yahoo{asked.path}", asked.query, ""))
            return super().request(method, there, **options)

    yfinance.set_tz_cache_location(str(tmp_path))
    hidden, yfinance.config.debug.hide_exceptions = yfinance.config.debug.hide_exceptions, False
    with Rebased() as session:
        yield lambda symbol: yfinance.Ticker(symbol, session=session)
    yfinance.config.debug.hide_exceptions = hidden


@pytest.mark.filterwarnings("ignore")
def test_yfinance_reads_minutes_and_facts(yahoo: Any) -> None:
    ticker = yahoo("2222.SR")
    minutes = ticker.history(interval="1m", start="2026-11-19", end="2026-11-20", auto_adjust=False)
    true = EXCHANGES.exchange("saudi").minutes("2222", start=1795071600, end=1795089600, at=NOON)
    assert minutes["Close"].tolist() == true.close.tolist()
    assert minutes["Volume"].tolist() == true.volume.tolist()
    assert (ticker.info["currency"], ticker.info["bookValue"]) == ("SAR", 15.13)
    assert ticker.balance_sheet.loc["Total Debt"].iloc[0] == ticker.info["totalDebt"]
