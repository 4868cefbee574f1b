"""The group from pandas-ta: tier 1 only, no look-ahead, nothing left to defaults; and pandas-ta as TA-Lib's oracle."""

from __future__ import annotations

import inspect

import numpy as np
import pandas as pd
import pandas_ta
import pytest

from market_pipeline.indicators.bar_window import BarWindow
from market_pipeline.indicators.catalogue import columns
from market_pipeline.indicators.engine import compute, compute_many
from market_pipeline.indicators.indicator import FIELDS, Indicator
from market_pipeline.indicators.pandas_ta_group import EXCLUDED, PANDAS_TA_GROUP
from market_pipeline_tests.indicators.situations import SITUATIONS, first_bars, walk, with_unknown_volume

NAMES = [column.column for column in columns()]
IN_GROUP = [place for place, column in enumerate(columns()) if column.group == "pandas_ta"]
each = pytest.mark.parametrize("definition", PANDAS_TA_GROUP, ids=lambda definition: definition.columns[0])


def test_only_symbols_of_tier_1_get_the_group():
    windows = [walk(), SITUATIONS["a halt over the session's start"]]
    rows = compute_many(windows, [359, 359], tier_1={"PATCHED"})[:, IN_GROUP]
    assert np.isnan(rows[0]).all()
    assert np.isfinite(rows[1]).all()


@each
def test_a_value_does_not_change_when_later_bars_arrive(definition: Indicator):
    whole = compute(walk(), first=0, indicators=(definition,))
    for bars in (60, 150, 241, 359):
        earlier = compute(first_bars(walk(), bars), first=0, indicators=(definition,))
        # pandas takes the mean of all its bars off before it sums fourth powers, so rounding alone changes
        assert np.allclose(earlier, whole[:, :bars], rtol=1e-7, atol=1e-7, equal_nan=True)


@each
def test_the_newest_row_alone_agrees_with_the_whole(definition: Indicator):
    whole = compute(walk(bars=700), first=0, indicators=(definition,))
    newest = compute(walk(bars=700), first=699, indicators=(definition,))
    assert np.allclose(newest, whole[:, -1:], rtol=1e-12, atol=1e-12)


@each
def test_every_parameter_is_stated(definition: Indicator):
    known = inspect.signature(getattr(pandas_ta, definition.function)).parameters
    left_out = {"offset", "kwargs"}  # moving the result is not ours to want
    left_out |= {"close"} if definition.function == "ichimoku" else set()  # only chikou reads it
    assert set(known) - set(definition.inputs) - left_out <= set(definition.params)


def from_pandas_ta(definition: Indicator, window: BarWindow) -> pd.DataFrame:
    """Call pandas-ta itself."""
    bars = {name: pd.Series(array) for name, array in zip(FIELDS, window.fields, strict=True)}
    names = inspect.signature(getattr(pandas_ta, definition.function)).parameters
    inputs = {name: bars[name] for name in names if name in bars and name != "open"}
    with np.errstate(all="ignore"):
        result = getattr(pandas_ta, definition.function)(**inputs, **definition.params)
    result = result[0] if isinstance(result, tuple) else result
    return result.to_frame() if isinstance(result, pd.Series) else result


FORGOTTEN = {"pgo": 400, "cksp": 60, "qqe": 600}
"""Bars after which a mean no longer feels how it began, where pandas-ta begins otherwise than TA-Lib."""


@pytest.mark.parametrize(
    "definition",
    [d for d in PANDAS_TA_GROUP if d.function not in EXCLUDED],
    ids=lambda definition: definition.columns[0],
)
def test_a_column_is_what_pandas_ta_makes_of_the_same_bars_without_talib(definition: Indicator, monkeypatch):
    monkeypatch.setitem(pandas_ta.maps.Imports, "talib", False)
    window, first = walk(bars=900), FORGOTTEN.get(definition.function, definition.stated_warm_up or 0)
    ours = compute(window, first=first, indicators=(definition,))
    theirs = from_pandas_ta(definition, window)
    for values, name in zip(ours, definition.columns, strict=True):
        # pandas sums third and fourth powers as it goes, and loses some digits
        tolerance = 1e-6 if definition.function in ("skew", "kurtosis") else 1e-9
        assert np.allclose(values, theirs[name].to_numpy(np.float64)[first:], rtol=tolerance, atol=tolerance), name


def test_only_what_is_wrong_in_pandas_ta_differs_from_it():
    assert [d.function for d in PANDAS_TA_GROUP if d.function in EXCLUDED] == ["stc"]


def test_schaffs_cycle_of_a_wave_reaches_both_ends_and_turns_with_it():
    closes = 100 + 10 * np.sin(np.arange(320) * np.pi / 40)
    window = BarWindow("PAPER", closes, closes, closes, closes, np.ones(320), session_start=0)
    stc = compute(window, first=0, indicators=(by_function("stc"),))[0]
    # the wave is lowest at bar 220 and highest at 260
    assert [round(float(stc[bar])) for bar in (240, 280)] == [100, 0]


def test_pandas_tas_own_cycle_stands_still_while_macd_is_below_zero():
    falling = pd.Series(np.linspace(200, 100, 160) + 3 * np.sin(np.arange(160) / 3))
    theirs = pandas_ta.stc(falling)["STC_10_12_26_0.5"].to_numpy()
    assert len(np.unique(theirs[60:])) == 1


def test_the_spans_of_ichimoku_at_a_bar_are_those_of_twenty_five_bars_before():
    window = walk()
    span_a, span_b, turning, base = compute(window, first=0, indicators=(by_function("ichimoku"),))
    assert np.array_equal(span_a[200:], (turning[175:335] + base[175:335]) / 2)
    assert span_b[200] == (window.high[124:176].max() + window.low[124:176].min()) / 2


def test_twelve_closes_on_a_line_correlate_with_it_wholly():
    closes = np.concatenate([np.full(12, 100.0), 100 + np.arange(1, 13) * 0.05])
    window = BarWindow("PAPER", closes, closes, closes, closes, np.ones(24), session_start=0)
    cti = compute(window, first=0, indicators=(by_function("cti"),))[0]
    assert cti[11] == 0.0
    assert cti[23] == pytest.approx(1.0, rel=1e-9)


def by_function(name: str) -> Indicator:
    return next(definition for definition in PANDAS_TA_GROUP if definition.function == name)


def test_the_wrong_cci_is_excluded_by_name_with_its_reason():
    assert "parentheses" in EXCLUDED["cci"]


@each
@pytest.mark.parametrize("situation", SITUATIONS)
def test_bars_too_few_or_too_quiet_give_no_error_and_no_infinity(definition: Indicator, situation: str):
    values = compute(SITUATIONS[situation], first=0, indicators=(definition,))
    assert values.shape == (len(definition.columns), len(SITUATIONS[situation]))
    assert not np.isinf(values).any()


def test_klingers_oscillator_starts_anew_after_an_unknown_volume():
    klinger = next(definition for definition in PANDAS_TA_GROUP if definition.function == "kvo")
    values = compute(with_unknown_volume(walk(), 100), first=0, indicators=(klinger,))
    assert np.isfinite(values[:, 67:100]).all()
    assert np.isnan(values[:, 100 : 101 + 67]).all()
    assert np.isfinite(values[:, 101 + 67 :]).all()


def test_the_ulcer_index_of_a_fall_by_a_tenth_of_the_high():
    closes = np.array([100.0] * 13 + [90.0] * 14)
    window = first_bars(walk(), 27)
    window = type(window)("PAPER", closes, closes, closes, closes, window.volume, session_start=0)
    value = compute_many([window], [26], tier_1={"PAPER"})[0, NAMES.index("UI_14")]
    assert value == pytest.approx(np.sqrt(13 * 10.0**2 / 14), rel=1e-12)


AGREES = {
    "EMA_20": lambda b: pandas_ta.ema(b.close, length=20, talib=False),
    "WILLR_14": lambda b: pandas_ta.willr(b.high, b.low, b.close, length=14, talib=False),
    "AROONU_14": lambda b: pandas_ta.aroon(b.high, b.low, length=14, talib=False)["AROONU_14"],
    "VTXP_14": lambda b: pandas_ta.vortex(b.high, b.low, b.close, length=14, drift=1)["VTXP_14"],
    "DCM_20": lambda b: pandas_ta.donchian(b.high, b.low, lower_length=20, upper_length=20)["DCM_20_20"],
    "CMF_20": lambda b: pandas_ta.cmf(b.high, b.low, b.close, b.volume, length=20),
    "ER_10": lambda b: pandas_ta.er(b.close, length=10, drift=1),
    "LINREG_14": lambda b: pandas_ta.linreg(b.close, length=14, talib=False),
}
AGREES_ONCE_THE_SEED_IS_FORGOTTEN = {
    "RSI_14": lambda b: pandas_ta.rsi(b.close, length=14, talib=False),
    "ATR_14": lambda b: pandas_ta.atr(b.high, b.low, b.close, length=14, mamode="rma", talib=False),
    "ADX_14": lambda b: pandas_ta.adx(b.high, b.low, b.close, length=14, talib=False)["ADX_14"],
    "MACDh_12_26_9": lambda b: pandas_ta.macd(b.close, fast=12, slow=26, signal=9, talib=False)["MACDh_12_26_9"],
    "TSI_25_13": lambda b: pandas_ta.tsi(b.close, fast=13, slow=25, signal=13)["TSI_13_25_13"],
    "KDJk_9_3": lambda b: pandas_ta.kdj(b.high, b.low, b.close, length=9, signal=3)["K_9_3"],
    "EFI_13": lambda b: pandas_ta.efi(b.close, b.volume, length=13, mamode="ema", drift=1),
    "MASSI_9_25": lambda b: pandas_ta.massi(b.high, b.low, fast=9, slow=25),
}


def ours_and_theirs(column, call, monkeypatch) -> tuple[np.ndarray, np.ndarray]:
    monkeypatch.setitem(pandas_ta.maps.Imports, "talib", False)  # else pandas-ta would answer with TA-Lib's figures
    window = walk(bars=1500)
    bars = pd.DataFrame(dict(zip(("open", "high", "low", "close", "volume"), window.fields, strict=True)))
    return compute_many([window], [0])[:, NAMES.index(column)], call(bars).to_numpy()


@pytest.mark.parametrize("column", AGREES)
def test_talib_and_pandas_ta_agree_to_a_billionth(column, monkeypatch):
    ours, theirs = ours_and_theirs(column, AGREES[column], monkeypatch)
    assert np.isfinite(theirs).sum() > 1400
    assert np.allclose(ours, theirs, rtol=1e-9, atol=1e-9, equal_nan=True)


@pytest.mark.parametrize("column", AGREES_ONCE_THE_SEED_IS_FORGOTTEN)
def test_talib_and_pandas_ta_agree_to_a_billionth_once_the_seed_is_forgotten(column, monkeypatch):
    ours, theirs = ours_and_theirs(column, AGREES_ONCE_THE_SEED_IS_FORGOTTEN[column], monkeypatch)
    assert np.isfinite(theirs[-500:]).all()
    assert np.allclose(ours[-500:], theirs[-500:], rtol=1e-9, atol=1e-9)
