"""The merge on a recorded morning of 177 shares: it believes real prices and no wrong unit."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from market_pipeline.model.live_ticker import LiveTicker
from market_pipeline.model.quote import PriceKind, Quote
from market_pipeline.transforms.merge import merge_tickers
from market_pipeline_tests.transforms.merge_cases import market, source

OPENING = datetime(2016, 8, 16, 3, 45, tzinfo=UTC)
MINUTES = 60
INDIA = market(
    market="india",
    currency="INR",
    calendar={"name": "XBOM", "zone": "Asia/Kolkata"},
    sources=[source("dhan", max_age_minutes=3)],
    symbols=[{"symbol": "RELIANCE", "name": "Reliance"}],
    merge={},
)


@pytest.fixture(scope="module")
def cycles(realdata: Path) -> list[list[Quote]]:
    """One list of quotes for each of the morning's minutes."""
    bars = pq.read_table(
        realdata / "replay" / "india_2016-08-16_22.parquet", columns=["symbol", "interval_start", "close"]
    )
    morning = bars.filter(pc.less(bars["interval_start"], OPENING + timedelta(minutes=MINUTES)))
    by_minute: dict[datetime, list[Quote]] = {}
    for row in morning.to_pylist():
        at = row["interval_start"] + timedelta(seconds=59)
        report = Quote("india", "dhan", row["symbol"], at, at, row["close"], PriceKind.TRADE, currency="INR")
        by_minute.setdefault(row["interval_start"], []).append(report)
    return [by_minute[minute] for minute in sorted(by_minute)]


def _minutes(a: datetime, b: datetime, *, group: str | None = None) -> float:
    del group
    return (b - a).total_seconds() / 60


def _run(cycles: list[list[Quote]]) -> list[tuple[dict[str, LiveTicker], int]]:
    """Tickers and the number of reports set aside, cycle by cycle."""
    known: dict[str, LiveTicker] = {}
    history = []
    for reports in cycles:
        now = reports[0].event_time + timedelta(seconds=1)
        result = merge_tickers(
            reports,
            now=now,
            market_file=INDIA,
            previous=known,
            open_minutes=_minutes,
        )
        known = {ticker.symbol: ticker for ticker in result.tickers}
        history.append((known, len(result.set_aside)))
    return history


@pytest.mark.realdata
def test_no_real_price_is_refused(cycles: list[list[Quote]]):
    history = _run(cycles)
    assert len(history[-1][0]) == 177
    assert sum(refused for _, refused in history) == 0
    for reports, (known, _) in zip(cycles, history, strict=True):
        assert all(known[report.symbol].price == report.price for report in reports)


@pytest.mark.realdata
@pytest.mark.parametrize("factor", [100.0, 10.0, 0.01])
def test_blocks_of_twenty_minutes_in_a_wrong_unit_are_never_believed(cycles: list[list[Quote]], factor: float):
    chance = random.Random(7)
    wrong = {symbol: chance.randrange(5, 35) for symbol in chance.sample([q.symbol for q in cycles[0]], 50)}
    spoiled = [
        [replace(q, price=q.price * factor) if _is_in_block(wrong, q.symbol, minute) else q for q in reports]
        for minute, reports in enumerate(cycles)
    ]
    history = _run(spoiled)
    assert sum(refused for _, refused in history) == 50 * 20
    for reports, (known, _) in zip(cycles, history, strict=True):
        assert all(0.8 < known[report.symbol].price / report.price < 1.25 for report in reports)


def _is_in_block(wrong: dict[str, int], symbol: str, minute: int) -> bool:
    return symbol in wrong and wrong[symbol] <= minute < wrong[symbol] + 20
