"""Instruments of many exchanges in one market: each in its own currency, each by its own exchange's hours."""

from __future__ import annotations

from typing import Any

import pytest

from market_pipeline.simulator.server import RunningSimulator
from market_pipeline.steps.fetch_quotes import fetch_quotes
from market_pipeline.steps.merge_tickers import merge_tickers
from market_pipeline.steps.runtime import Runtime

DELAY_SECONDS = 900


@pytest.fixture
def tickers(runtime: Runtime) -> dict[str, dict[str, Any]]:
    market = runtime.market("global", in_cycle=True)
    fetch_quotes(runtime, market)
    merge_tickers(runtime, market)
    return {row["symbol"]: row for row in runtime.warehouse.latest("live_tickers", "global").to_pylist()}


@pytest.mark.parametrize(("symbol", "currency"), [("HSBA.L", "GBP"), ("NPN.JO", "ZAR"), ("N225", "JPY")])
def test_a_price_arrives_in_the_main_unit_of_its_currency(
    tickers: dict[str, dict[str, Any]], runtime: Runtime, exchange: RunningSimulator, symbol: str, currency: str
) -> None:
    seen_at = runtime.clock.now().timestamp() - DELAY_SECONDS
    [standing] = exchange.exchange("global").standings(seen_at, [symbol])
    # prices go on moving between both looks, but not a hundredfold
    assert tickers[symbol]["price"] == pytest.approx(standing.price, rel=0.02)
    assert tickers[symbol]["currency"] == currency


def test_an_index_is_as_good_as_at_its_close_while_its_exchange_sleeps(tickers: dict[str, dict[str, Any]]) -> None:
    assert f"{tickers['SPX']['event_time']:%Y-%m-%d %H:%M}" == "2026-11-18 20:59"
    assert tickers["SPX"]["flags"] == ["single_source"]


def test_every_instrument_has_a_price(tickers: dict[str, dict[str, Any]]) -> None:
    assert len(tickers) == 40
    assert [symbol for symbol, row in tickers.items() if row["price"] is None] == []
