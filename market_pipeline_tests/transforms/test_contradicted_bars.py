"""Chart bars beside the live tickers of the same session."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from market_pipeline.transforms.bar_rows import Bars
from market_pipeline.transforms.chart_bars import chart_bars
from market_pipeline.transforms.contradicted_bars import without_contradicted
from market_pipeline_tests.transforms.bar_cases import LATER, SESSION, at, chart_bar, column

SCHEMA = pa.schema(
    [("symbol", pa.string()), *((n, pa.float64()) for n in ("price", "high_24h", "low_24h", "previous_close"))]
)


def bars(*closes: float) -> Bars:
    sent = [chart_bar(minute, open=close, high=close, low=close, close=close) for minute, close in enumerate(closes)]
    return chart_bars(sent, session=SESSION, known_at=LATER)


def tickers(**values: Any) -> pa.Table:
    return pa.Table.from_pylist([{"symbol": "ATW", **values}] if values else [], schema=SCHEMA)


def left(made: Bars, seen: pa.Table) -> list[float]:
    return column(without_contradicted(made, seen, jump_percent=15).rows, "close")


@pytest.mark.parametrize("wrong", [73_600.0, 7360.0, 73.6, 7.36])
def test_a_chart_in_a_wrong_unit_is_set_aside_minute_by_minute(wrong: float) -> None:
    made = without_contradicted(
        bars(737.0, wrong), tickers(price=736.0, high_24h=740.0, low_24h=730.0), jump_percent=15
    )
    assert column(made.rows, "close") == [737.0]
    assert made.set_aside == (("ATW", at(1), "contradicts_quotes"),)


def test_what_the_session_has_seen_is_believed_however_far_from_the_price_of_now() -> None:
    seen = tickers(price=500.0, high_24h=800.0, low_24h=490.0, previous_close=810.0)
    assert left(bars(800.0, 700.0, 500.0), seen) == [800.0, 700.0, 500.0]


def test_a_share_that_fell_since_yesterday_is_believed_at_both_prices() -> None:
    assert left(bars(790.0, 400.0), tickers(price=400.0, previous_close=800.0)) == [790.0, 400.0]


@pytest.mark.parametrize("seen", [{}, {"price": None}], ids=["no ticker", "no price"])
def test_without_a_witness_a_chart_is_believed(seen: dict[str, Any]) -> None:
    assert left(bars(73_600.0), tickers(**seen)) == [73_600.0]


def test_a_witness_of_another_symbol_says_nothing() -> None:
    other = pa.Table.from_pylist([{"symbol": "BCP", "price": 1.0}], schema=SCHEMA)
    assert left(bars(736.0), other) == [736.0]
