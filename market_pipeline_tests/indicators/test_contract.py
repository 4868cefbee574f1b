"""The contract finds each way in which a function of one's own can go wrong, and says which function and which way."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from market_pipeline.indicators import registry
from market_pipeline.indicators.contract import broken_promises
from market_pipeline.indicators.indicator import FloatArray, Indicator


@pytest.fixture
def defined() -> Iterator[Callable[..., Indicator]]:
    """Register a function for the time of a test."""
    before = dict(registry._REGISTERED)

    def define(function: Callable[..., object], inputs: str = "close", window: int = 3) -> Indicator:
        registry.indicator("MINE", inputs, window=window, unit="currency", description="mine")(function)
        return registry._REGISTERED[f"{function.__module__}.{function.__qualname__}"]

    yield define
    registry._REGISTERED.clear()
    registry._REGISTERED.update(before)


def mean_of_three(close: FloatArray) -> FloatArray:
    values = np.full(close.shape, np.nan)
    values[..., 2:] = (close[..., 2:] + close[..., 1:-1] + close[..., :-2]) / 3
    return values


def centred(close: FloatArray) -> FloatArray:
    values = mean_of_three(close)
    values[..., 2:-1] = values[..., 3:]
    return values


def running_mean(close: FloatArray) -> FloatArray:
    values = np.cumsum(close, axis=-1) / np.arange(1, close.shape[-1] + 1)
    values[..., :2] = np.nan
    return values


def relative_change(close: FloatArray) -> FloatArray:
    values = np.full(close.shape, np.nan)
    values[..., 2:] = (close[..., 2:] - close[..., 1:-1]) / (close[..., 1:-1] - close[..., :-2])
    return values


def hasty(close: FloatArray) -> FloatArray:
    return np.nan_to_num(mean_of_three(close))


def too_short(close: FloatArray) -> FloatArray:
    return mean_of_three(close)[..., 2:]


def scribbler(close: FloatArray) -> FloatArray:
    values = mean_of_three(close)
    close[..., 0] = 0.0
    return values


def demeaned(close: FloatArray) -> FloatArray:
    return mean_of_three(close) - (close.mean(axis=0) if close.ndim > 1 else 0)


def failing(close: FloatArray) -> FloatArray:
    raise ZeroDivisionError("by nothing")


def promises(definition: Indicator) -> list[str]:
    return [found.promise for found in broken_promises(definition)]


def test_a_plain_mean_keeps_every_promise(defined):
    assert promises(defined(mean_of_three)) == []


@pytest.mark.parametrize(
    ("function", "promise"),
    [
        (too_short, "one array of the shape of its inputs for each column"),
        (scribbler, "its inputs stay as they are"),
        (hasty, "NaN before the window is full"),
        (centred, "no look-ahead"),
        (running_mean, "no bar before its window counts"),
        (relative_change, "finite on flat bars and bars without volume"),
        (demeaned, "symbols together get what each gets alone"),
    ],
)
def test_a_function_that_breaks_a_promise_is_found_out(defined, function, promise):
    assert promise in promises(defined(function))


def test_the_finding_names_function_column_property_and_place(defined):
    found = [str(one) for one in broken_promises(defined(running_mean))]
    assert len(found) == 1
    assert found[0].startswith(
        "market_pipeline_tests.indicators.test_contract.running_mean (MINE) breaks “no bar before its window counts”: "
        "with window=3, the value of bar "
    )


def test_a_function_that_raises_keeps_no_promise_and_says_what_it_raised(defined):
    found = broken_promises(defined(failing))
    assert len(found) == 7
    assert found[0].seen == "it raised ZeroDivisionError: by nothing"
