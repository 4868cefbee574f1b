"""Kraken's wire format, pinned to the recorded samples and read by ccxt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from market_pipeline.simulator.server import RunningSimulator
from market_pipeline.simulator.wire import kraken
from market_pipeline.simulator.wire.format import Reply
from market_pipeline_tests.simulator.shapes import shape_of, union
from market_pipeline_tests.simulator.wires import ask, load

AT = "2026-11-20T09:33:20"
PAIRS = r"[XZA-Z0-9]{6,8}"


@pytest.fixture
def recorded(samples: Path) -> Path:
    return samples / "kraken"


def get(method: str, at: str = AT, **params: str) -> Reply:
    return ask("kraken", f"/0/public/{method}", at=at, params=params)


def sample(recorded: Path, name: str) -> Any:
    return json.loads((recorded / f"{name}.json").read_bytes())


def test_tickers_have_the_shape_of_the_sample(recorded: Path) -> None:
    ours = load(get("Ticker", pair="XBTUSD,XETHZUSD"))
    assert list(ours["result"]) == ["XXBTZUSD", "XETHZUSD"]
    assert shape_of(ours, ids=PAIRS) == shape_of(sample(recorded, "ticker_normal"), ids=PAIRS)


def test_a_chart_has_the_shape_of_the_sample(recorded: Path) -> None:
    def rows(document: Any) -> dict[str, set[str]]:
        return union(*(shape_of(row) for row in document["result"]["XXBTZUSD"] if row[-1]))

    ours = load(get("OHLC", pair="XBTUSD"))
    assert list(ours["result"]) == ["XXBTZUSD", "last"]
    assert len(ours["result"]["XXBTZUSD"]) == 720
    assert rows(ours) == rows(sample(recorded, "ohlc_normal"))


def test_a_minute_without_trades_is_a_flat_row_as_in_the_sample(recorded: Path) -> None:
    quiet = next(row for row in sample(recorded, "ohlc_normal")["result"]["XXBTZUSD"] if row[-1] == 0)
    rows = load(get("OHLC", pair="FILUSD"))["result"]["FILUSD"]
    place = next(place for place, row in enumerate(rows) if row[-1] == 0 and place)
    assert rows[place][5:] == quiet[5:] == ["0.0", "0.00000000", 0]
    assert len({rows[place - 1][4], *rows[place][1:5]}) == 1
    assert [row[0] for row in rows] == list(range(rows[0][0], rows[0][0] + 720 * 60, 60))


def test_last_names_the_last_finished_interval() -> None:
    answer = load(get("OHLC", pair="XBTUSD"))["result"]
    assert (answer["last"], answer["XXBTZUSD"][-1][0]) == (1795167120, 1795167180)


def test_since_leaves_out_what_is_not_newer() -> None:
    answer = load(get("OHLC", pair="XBTUSD", since="1795167060"))["result"]
    assert [row[0] for row in answer["XXBTZUSD"]] == [1795167120, 1795167180]


def test_the_daily_chart_has_the_shape_of_the_sample(recorded: Path) -> None:
    ours = load(get("OHLC", pair="XBTUSD", interval="1440", since="1794960000"))
    assert shape_of(ours["result"]["XXBTZUSD"][0]) == shape_of(sample(recorded, "ohlc_daily")["result"]["XXBTZUSD"][0])
    assert [row[0] for row in ours["result"]["XXBTZUSD"]] == [1795046400, 1795132800]


def test_the_day_is_the_sum_of_its_minutes() -> None:
    noon = load(get("OHLC", pair="XBTUSD", at="2026-11-20T11:59:59"))["result"]["XXBTZUSD"]
    day = load(get("OHLC", pair="XBTUSD", interval="1440", at="2026-11-20T11:59:59"))["result"]["XXBTZUSD"][-1]
    assert (day[1], day[4]) == (noon[0][1], noon[-1][4])
    assert float(day[6]) == pytest.approx(sum(float(row[6]) for row in noon), abs=1e-6)


def test_trades_have_the_shape_of_the_sample(recorded: Path) -> None:
    def rows(document: Any) -> dict[str, set[str]]:
        return union(*map(shape_of, document["result"]["XXBTZUSD"]))

    ours, recorded_trades = load(get("Trades", pair="XBTUSD")), sample(recorded, "trades_normal")
    assert shape_of(ours["result"]["last"]) == shape_of(recorded_trades["result"]["last"])
    assert rows(ours) == rows(recorded_trades)


def test_trades_go_on_from_last_without_gap_or_repetition() -> None:
    first = load(get("Trades", pair="ETHUSD", since="1795160000"))["result"]
    second = load(get("Trades", pair="ETHUSD", since=first["last"]))["result"]
    ids = [row[6] for row in first["XETHZUSD"] + second["XETHZUSD"]]
    whole = load(get("OHLC", pair="ETHUSD"))["result"]["XETHZUSD"]
    minute = next(row for row in whole if row[0] == 1795162020)
    in_minute = [row for row in first["XETHZUSD"] + second["XETHZUSD"] if minute[0] <= row[2] < minute[0] + 60]
    assert len(first["XETHZUSD"]) == 1000
    assert ids == sorted(set(ids))
    assert (in_minute[0][0][:-3], len(in_minute)) == (minute[1], minute[7])


def test_trades_of_a_quiet_moment_are_the_empty_sample(recorded: Path) -> None:
    assert load(get("Trades", pair="XBTUSD", since="1795167121500000000", at="2026-11-20T09:32:01.5")) == sample(
        recorded, "trades_empty"
    )


def test_the_book_has_rows_of_three_as_in_the_sample(recorded: Path) -> None:
    def rows(document: Any) -> dict[str, set[str]]:
        sides = document["result"]["XXBTZUSD"]
        return union(*(shape_of(row) for side in ("asks", "bids") for row in sides[side]))

    ours = load(get("Depth", pair="XBTUSD", count="3"))
    assert list(ours["result"]["XXBTZUSD"]) == ["asks", "bids"]
    assert len(ours["result"]["XXBTZUSD"]["asks"]) == 3
    assert rows(ours) == rows(sample(recorded, "depth_normal"))


@pytest.mark.parametrize("name", ["asset_pairs", "assets"])
def test_lists_have_the_shape_of_the_sample(recorded: Path, name: str) -> None:
    ours = load(get("AssetPairs" if name == "asset_pairs" else "Assets"))
    recorded_list = sample(recorded, name)
    keys = r"[A-Z0-9]{3,8}"
    one = shape_of(ours, ids=keys, has_decimals=False)
    assert one == shape_of(recorded_list, ids=keys, has_decimals=False)


def test_an_unknown_pair_is_the_samples_error_with_status_200(recorded: Path) -> None:
    for method in ("Ticker", "OHLC", "Trades", "Depth"):
        reply = get(method, pair="NOPEUSD")
        assert (reply.status, load(reply)) == (200, sample(recorded, "error_unknown_pair"))


def test_a_wrong_interval_is_an_error_with_status_200() -> None:
    for interval in ("7", "one"):
        assert load(get("OHLC", pair="XBTUSD", interval=interval)) == {"error": ["EGeneral:Invalid arguments:interval"]}


@pytest.mark.parametrize(("status", "name"), [(429, "error_rate_too_many"), (503, "error_service")])
def test_refusals_are_the_samples(recorded: Path, status: int, name: str) -> None:
    assert load(kraken.refuse(status, "GET", "/0/public/Ticker")) == sample(recorded, name)


def test_ccxt_reads_every_route(simulator: RunningSimulator) -> None:
    import ccxt

    client = ccxt.kraken({"urls": {"api": {"public": f"{simulator.url}/kraken"}}, "enableRateLimit": False})
    client.load_markets()
    minutes = client.fetch_ohlcv("DOGE/USD", "1m", limit=5)
    ticker = client.fetch_tickers(["BTC/USD", "DOGE/USD"])["DOGE/USD"]
    trades = client.fetch_trades("DOGE/USD", limit=10)
    book = client.fetch_order_book("DOGE/USD", 10)
    assert client.markets["BTC/USD"]["precision"]["price"] == 0.1
    assert minutes[-1][4] == ticker["last"] == trades[-1]["price"]
    assert book["bids"][0][0] == ticker["bid"] < book["asks"][0][0] == ticker["ask"]
    assert client.fetch_time() == 1795168210000
