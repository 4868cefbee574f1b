"""The grammar of screens: what each form means on a row, and what is refused with which words."""

from __future__ import annotations

import pyarrow as pa
import pytest

from market_pipeline.errors import UsageError
from market_pipeline.transforms.screen import read_screen

NAMES = {
    "rsi_14": "indicators_1m.RSI_14",
    "rsi_21": "indicators_1m.RSI_21",
    "t3_5_0.7": "indicators_1m.T3_5_0.7",
    "close": "bars_1m.close",
    "open": "bars_1m.open",
    "volume": "bars_1m.volume",
    "bars_1m.volume": "bars_1m.volume",
    "live_tickers.volume": "live_tickers.volume",
}
ROW = {
    "indicators_1m.RSI_14": 25.0,
    "indicators_1m.RSI_21": None,
    "indicators_1m.T3_5_0.7": 9.0,
    "bars_1m.close": 10.0,
    "bars_1m.open": 8.0,
    "bars_1m.volume": 0.0,
    "live_tickers.volume": 5000.0,
}


def matches(text: str) -> bool:
    values = {name: pa.array([value], pa.float64()) for name, value in ROW.items()}
    [found] = read_screen(text, NAMES).matches(values).to_pylist()
    return bool(found)


@pytest.mark.parametrize(
    ("text", "is_met"),
    [
        ("rsi_14 < 30", True),
        ("RSI_14 < 30 and Close > OPEN", True),
        ("rsi_14 < 25", False),
        ("rsi_14 <= 25", True),
        ("rsi_14 == 25.0", True),
        ("rsi_14 != 25", False),
        ("20 < rsi_14 < 30", True),
        ("20 < rsi_14 < 24 < 1e9", False),
        ("not (close > 9 or open > 9)", False),
        ("not close > 10", True),
        ("close > 11 or open == 8 and close == 10", True),
        ("(close > 11 or open == 8) and close == 9", False),
        ("close - open * 2 + 7 == 1", True),
        ("(close - open) / 2 == 1", True),
        ("-close < -9", True),
        ("+close == 10", True),
        ("abs(open - close) == 2", True),
        ("ABS(open - close) == 2", True),
        ("min(open, close, 9) == 8 and max(open, close) == 10", True),
        ('"T3_5_0.7" < close', True),
        ("volume == 0 and live_tickers.volume == 5000", True),
        ("bars_1m.volume == 0", True),
        ("  close\n > 9 ", True),
        ("close > 9 and 1 < 2", True),
    ],
)
def test_a_condition_means_what_it_says(text: str, is_met: bool) -> None:
    assert matches(text) is is_met


@pytest.mark.parametrize(
    "text",
    [
        "rsi_21 < 30",
        "not rsi_21 < 30",
        "rsi_21 == rsi_21",
        "close > 9 and rsi_21 != 5",
        "min(close, rsi_21) < 30",
        "close / volume > 1",
        "not close / volume > 1",
        "volume / volume == 1",
        "close * 1e300 * 1e300 > 1",
    ],
)
def test_what_is_not_known_never_matches(text: str) -> None:
    assert not matches(text)


def test_a_known_half_of_an_or_is_enough() -> None:
    assert matches("close > 9 or rsi_21 < 30")


def test_a_screen_tells_the_columns_that_it_looks_at_in_their_order() -> None:
    found = read_screen("close > open and rsi_14 < 30 and CLOSE < 100", NAMES)
    assert found.columns == ("bars_1m.close", "bars_1m.open", "indicators_1m.RSI_14")


@pytest.mark.parametrize(
    ("text", "position", "why"),
    [
        ("", 1, "it is empty"),
        ("   ", 4, "it is empty"),
        ("close > 1 and rsi_41 < 30", 15, "there is no column rsi_41; did you mean RSI_21, RSI_14?"),
        ("close > nothing_like_it", 9, "there is no column nothing_like_it; `market-pipeline indicators` lists"),
        ("close > 'nothing_like_it'", 9, "there is no column nothing_like_it"),
        ("close > other.volume", 9, "there is no column other.volume; did you mean volume"),
        ("close.__class__ > 1", 1, "there is no column close.__class__"),
        ("rsi_14 = 30", 8, "equal is written =="),
        ("rsi_14 < 30 AND close > 1", 13, "write and, or, not in small letters"),
        ("rsi_14 < 30 && close > 1", 14, "write and, or, !="),
        ("T3_5_0.7 > 1", 7, 'stands in quotes, like "T3_5_0.7"'),
        ("close > 1; import os", 10, "it cannot be read"),
        ("close", 1, "a number stands where a condition is due"),
        ("close > 1 and open", 15, "a number stands where a condition is due"),
        ("not open", 5, "a number stands where a condition is due"),
        ("abs(close)", 1, "a number stands where a condition is due"),
        ("(close > 1) + 1 > 2", 2, "a condition stands where a number is due"),
        ("-(not close) > 2", 3, "a condition stands where a number is due"),
        ("1 < 2", 1, "no column is named"),
        ("True", 1, "that is not part of a screen"),
        ("close > True", 9, "that is not part of a screen"),
        ("close > None", 9, "that is not part of a screen"),
        ("close > 1j", 9, "that is not part of a screen"),
        ("close > 1e999", 9, "the number is too large"),
        (f"close > 1{'0' * 400}", 9, "the number is too large"),
        ("close ** 2 > 1", 1, "that is not part of a screen"),
        ("close % 2 > 1", 1, "that is not part of a screen"),
        ("close | open", 1, "that is not part of a screen"),
        ("close in (1, 2)", 10, "`in` and `is` are not part of a screen"),
        ("close is 1", 10, "`in` and `is` are not part of a screen"),
        ("[close] > 1", 1, "that is not part of a screen"),
        ("close[0] > 1", 1, "that is not part of a screen"),
        ("(lambda: close)() > 1", 1, "that is not part of a screen"),
        ("close > 1 if open else 2", 1, "that is not part of a screen"),
        ("(x := close) > 1", 2, "that is not part of a screen"),
        ("f'{close}' > 1", 1, "that is not part of a screen"),
        ("__import__('os').system('true')", 1, "that is not part of a screen"),
        ("sqrt(close) > 1", 1, "there are the functions abs(x), min(x, y, …) and max(x, y, …)"),
        ("abs(close, 1) > 1", 1, "there are the functions"),
        ("min(close) > 1", 1, "there are the functions"),
        ("max(close, key=open) > 1", 1, "that is not part of a screen"),
        ("max(*close) > 1", 5, "that is not part of a screen"),
        ("close > 1 and é > 2", 15, "there is no column é"),
        ("é > 1", 1, "there is no column é"),
        ("close > 1\x00", 1, "it cannot be read"),
        ("(" * 300 + "close" + ")" * 300 + " > 1", 201, "it cannot be read"),
        ("-" * 500 + "close > 1", 1, "it has more than 400 parts"),
        ("close > 1 and " * 200 + "close > 1", 2000, "it is longer than 2,000 characters"),
    ],
)
def test_anything_else_is_refused_with_its_position(text: str, position: int, why: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_screen(text, NAMES)
    said = str(refused.value)
    assert f"stopped at position {position} (" in said
    assert why in said
    assert "a retry does not help; a screen has columns, numbers, + - * /" in said
