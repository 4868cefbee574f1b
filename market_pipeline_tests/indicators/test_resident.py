"""The resident engine beside the batch engine: the same values to the last bit, whatever happens to the bars."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from market_pipeline.errors import IndicatorError
from market_pipeline.indicators.bar_window import BarWindow
from market_pipeline.indicators.catalogue import all_indicators, columns
from market_pipeline.indicators.engine import compute_many
from market_pipeline.indicators.indicator import FIELDS, Group
from market_pipeline.indicators.resident import ResidentEngine
from market_pipeline_tests.indicators.situations import SITUATIONS, first_bars, flat, patched, walk, with_unknown_volume

EVERY_SYMBOL = tuple(indicator for indicator in all_indicators() if indicator.group is not Group.PANDAS_TA)
NAMES = [name for indicator in EVERY_SYMBOL for name in indicator.columns]


def bars_of(*windows: BarWindow, bar: int) -> np.ndarray:
    return np.array([[field[bar] for field in window.fields] for window in windows])


def differing(values: np.ndarray, expected: np.ndarray) -> list[str]:
    """Return the columns that are not equal to the last bit, in a NaN or a value."""
    assert values.shape == expected.shape
    is_equal = (values == expected) | (np.isnan(values) & np.isnan(expected))
    return [NAMES[column] for column in np.flatnonzero(~is_equal.all(axis=0))]


def batch(*windows: BarWindow) -> np.ndarray:
    return compute_many(windows, [len(window) - 1 for window in windows], indicators=EVERY_SYMBOL)


def pushed_through(engine: ResidentEngine, window: BarWindow, start: int) -> np.ndarray:
    """Return the values of the bars from `start` on, each pushed by itself."""
    rows = [engine.push([window.symbol], bars_of(window, bar=bar)) for bar in range(start, len(window))]
    return np.concatenate(rows) if rows else np.empty((0, len(NAMES)))


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("start", [0, 1, 5, 100, 240])
def test_every_bar_pushed_has_the_values_of_the_batch_engine(situation: str, start: int):
    start = min(start, len(SITUATIONS[situation]))
    window = replace(SITUATIONS[situation], session_start=start)
    with ResidentEngine(indicators=EVERY_SYMBOL) as engine:
        engine.open([first_bars(window, start)])
        values = pushed_through(engine, window, start)
    assert differing(values, compute_many([window], [start], indicators=EVERY_SYMBOL)) == []


@pytest.mark.realdata
def test_a_recorded_session_has_minute_by_minute_the_values_of_the_batch_engine(realdata: Path):
    table = pq.read_table(realdata / "replay" / "india_2016-08-16_22.parquet")
    windows = []
    for symbol in ("RELIANCE", "ADANIENT", "APOLLOHOSP"):
        bars = table.filter(pc.equal(table["symbol"], symbol)).sort_by("interval_start")
        fields = [bars[name].to_numpy().astype(np.float64)[:1125] for name in FIELDS]
        windows.append(BarWindow(symbol, *fields, session_start=750))
    engine = ResidentEngine(indicators=EVERY_SYMBOL)
    engine.open([first_bars(window, 750) for window in windows])
    symbols = [window.symbol for window in windows]
    minutes = [engine.push(symbols, bars_of(*windows, bar=bar)) for bar in range(750, 1125)]
    expected = compute_many(windows, [750] * 3, indicators=EVERY_SYMBOL)
    assert differing(np.stack(minutes, axis=1).reshape(-1, len(NAMES)), expected) == []


def test_opening_gives_the_values_of_the_newest_bar_of_each_window():
    windows = [walk(), replace(patched(200, 290), symbol="P"), replace(first_bars(walk(), 7), symbol="NEW")]
    values = ResidentEngine(indicators=EVERY_SYMBOL).open(windows)
    assert differing(values, batch(*windows)) == []


def test_a_window_without_a_bar_opens_without_a_value():
    values = ResidentEngine(indicators=EVERY_SYMBOL).open([first_bars(walk(), 0)])
    assert np.isnan(values).all()


def test_columns_are_those_of_the_batch_engine_and_contiguous():
    engine = ResidentEngine()
    engine.open([first_bars(walk(), 359)])
    values = engine.push(["WALK"], bars_of(walk(), bar=359))
    assert values.shape == (1, len(columns()))
    assert values[:, 7].flags.c_contiguous


def test_pandas_ta_computes_for_tier_1_symbols_alone():
    windows = [walk(), replace(walk(seed=5), symbol="OTHER")]
    engine = ResidentEngine(tier_1={"WALK"})
    engine.open([first_bars(window, 358) for window in windows])
    for bar in (358, 359):
        values = engine.push(["WALK", "OTHER"], bars_of(*windows, bar=bar))
    expected = compute_many(windows, [359, 359], tier_1={"WALK"})
    is_extra = np.array([column.group == "pandas_ta" for column in columns()])
    assert np.array_equal(values, expected, equal_nan=True)
    assert np.isfinite(values[0, is_extra]).any()
    assert np.isnan(values[1, is_extra]).all()


@pytest.mark.parametrize("places", [(3, 250), (239, 240), (300, 320, 358), tuple(range(0, 360, 40))])
def test_after_an_unknown_volume_columns_of_volume_start_anew(places: tuple[int, ...]):
    window = with_unknown_volume(walk(), *places)
    engine = ResidentEngine(indicators=EVERY_SYMBOL)
    engine.open([first_bars(window, 240)])
    for bar in range(240, 360):
        values = engine.push(["WALK"], bars_of(window, bar=bar))
        assert differing(values, batch(first_bars(window, bar + 1))) == [], f"bar {bar}"


def test_a_new_session_is_opened_on_its_own_anchor_window():
    window = walk()
    tomorrow = BarWindow("WALK", *(field[120:] for field in window.fields), session_start=240 - 120)
    engine = ResidentEngine(indicators=EVERY_SYMBOL)
    engine.open([first_bars(window, 240), replace(first_bars(flat(), 240), symbol="GONE")])
    engine.open([first_bars(tomorrow, 120)])
    values = pushed_through(engine, tomorrow, 120)
    assert len(engine) == 1
    assert differing(values, compute_many([tomorrow], [120], indicators=EVERY_SYMBOL)) == []


def test_a_corrected_bar_gives_what_the_batch_engine_gives_on_the_corrected_window():
    window, neighbour = walk(), replace(walk(seed=2), symbol="NEXT")
    volume, close = window.volume.copy(), window.close.copy()
    volume[290], close[290] = 7.0, window.low[290]
    corrected = replace(window, volume=volume, close=close)
    engine = ResidentEngine(indicators=EVERY_SYMBOL)
    engine.open([first_bars(window, 300), first_bars(neighbour, 300)])
    assert differing(engine.reopen([first_bars(corrected, 300)]), batch(first_bars(corrected, 300))) == []
    for bar in range(300, 360):
        values = engine.push(["WALK", "NEXT"], bars_of(corrected, neighbour, bar=bar))
    assert differing(values, batch(corrected, neighbour)) == []


def test_a_symbol_that_appears_late_warms_up_beside_the_others():
    window, listed = walk(), replace(first_bars(walk(seed=3), 60), symbol="LISTED")
    listed = replace(listed, session_start=0)
    engine = ResidentEngine(indicators=EVERY_SYMBOL)
    engine.open([first_bars(window, 300)])
    engine.reopen([first_bars(listed, 1)])
    for bar in range(59):
        values = engine.push(
            ["LISTED", "WALK"], np.vstack([bars_of(listed, bar=1 + bar), bars_of(window, bar=300 + bar)])
        )
    assert differing(values, batch(listed, first_bars(window, 359))) == []


def test_a_symbol_without_a_trade_in_a_minute_is_left_as_it_was():
    window, thin = walk(), replace(walk(seed=2), symbol="THIN")
    engine = ResidentEngine(indicators=EVERY_SYMBOL)
    engine.open([first_bars(window, 350), first_bars(thin, 350)])
    for bar in range(350, 358):
        engine.push(["WALK"], bars_of(window, bar=bar))
    values = engine.push(["THIN", "WALK"], np.vstack([bars_of(thin, bar=350), bars_of(window, bar=358)]))
    assert differing(values, batch(first_bars(thin, 351), first_bars(window, 359))) == []


def random_minute(random: np.random.Generator, price: float) -> list[float]:
    """Return a bar that is often flat, tied, without volume or of unknown volume."""
    opened, close = np.round(price * (1 + random.choice([0, 0, 0.01, -0.01, 0.2], 2)), 1)
    edges = random.choice([0, 0, 0.5, 5], 2)
    volume = random.choice([0, 0, 1, 500, 1e7, np.nan], p=[0.15, 0.15, 0.2, 0.3, 0.19, 0.01])
    return [opened, max(opened, close) + edges[0], min(opened, close) - edges[1], close, volume]


@pytest.mark.parametrize("seed", range(4))
def test_nothing_that_happens_in_a_session_parts_the_two_engines(seed: int):
    random = np.random.default_rng(seed)
    bars = {name: [random_minute(random, 90.0) for _ in range(length)] for name, length in
            {"A": 200, "B": 40, "C": 3, "D": 0}.items()}  # fmt: skip
    session = {name: len(rows) for name, rows in bars.items()}

    def window(name: str) -> BarWindow:
        return BarWindow(name, *np.array(bars[name]).reshape(-1, 5).T.copy(), session_start=session[name])

    engine = ResidentEngine(indicators=EVERY_SYMBOL)
    engine.open([window(name) for name in bars])
    for minute in range(130):
        trading = [str(name) for name in random.permutation(list(bars))[: random.integers(1, len(bars) + 1)]]
        for name in trading:
            bars[name].append(random_minute(random, 90.0))
        values = engine.push(trading, np.array([bars[name][-1] for name in trading]))
        if minute % 20 == 7:
            bars["A"][random.integers(len(bars["A"]))] = random_minute(random, 90.0)
            bars[f"LATE{minute}"], session[f"LATE{minute}"] = [random_minute(random, 90.0)], 0
            engine.reopen([window("A"), window(f"LATE{minute}")])
            continue
        assert differing(values, batch(*map(window, trading))) == [], f"minute {minute}"


@pytest.mark.parametrize(
    ("symbols", "spoilt", "message"),
    [
        (["WALK", "NOBODY"], {}, r"push a bar of \['NOBODY'\]: 1 symbols have no window here; nothing was taken"),
        (["WALK", "WALK"], {}, r"push 2 symbols: \['WALK'\] stand there more than once"),
        (["WALK", "OTHER"], {(1, 2): np.nan}, r"push a bar of \['OTHER'\]: in 1 bars a price is NaN or infinite"),
        (["WALK", "OTHER"], {(0, 4): np.inf}, r"push a bar of \['WALK'\].*or a volume is infinite"),
        (["WALK"], {}, r"push the bars of 1 symbols: they are float64\(2, 5\)"),
    ],
)
def test_bars_that_no_window_may_hold_are_refused_and_nothing_is_taken(symbols, spoilt, message):
    windows = [walk(), replace(walk(seed=2), symbol="OTHER")]
    engine = ResidentEngine(indicators=EVERY_SYMBOL)
    engine.open([first_bars(window, 350) for window in windows])
    bars = bars_of(*windows, bar=350)
    for place, value in spoilt.items():
        bars[place] = value
    with pytest.raises(IndicatorError, match=message):
        engine.push(symbols, bars)
    values = engine.push(["WALK", "OTHER"], bars_of(*windows, bar=350))
    assert differing(values, batch(*(first_bars(window, 351) for window in windows))) == []


def test_a_symbol_given_twice_is_refused_at_opening():
    with pytest.raises(IndicatorError, match=r"open 2 symbols: \['WALK'\] stand there more than once"):
        ResidentEngine(indicators=EVERY_SYMBOL).open([walk(), walk()])


def test_a_closed_engine_knows_no_symbol():
    engine = ResidentEngine(indicators=EVERY_SYMBOL)
    with engine:
        engine.open([walk()])
    assert len(engine) == 0
    with pytest.raises(IndicatorError, match="have no window here"):
        engine.push(["WALK"], bars_of(walk(), bar=0))


def test_a_function_without_a_streaming_handle_is_computed_by_the_batch_engine(monkeypatch):
    monkeypatch.delattr("talib.stream.RSI")
    engine = ResidentEngine(indicators=EVERY_SYMBOL)
    engine.open([first_bars(walk(), 5)])
    values = pushed_through(engine, replace(walk(), session_start=5), 5)
    assert differing(values, compute_many([replace(walk(), session_start=5)], [5], indicators=EVERY_SYMBOL)) == []


def resident_bytes() -> int:
    return psutil.Process().memory_info().rss


def test_two_thousand_minutes_take_no_memory_but_their_bars():
    window = walk()
    names = ["A", "B"]
    engine = ResidentEngine(indicators=EVERY_SYMBOL)
    engine.open([replace(window, symbol=name) for name in names])
    for minute in range(2000):
        if minute == 500:
            before = resident_bytes()
        engine.push(names, bars_of(window, window, bar=minute % 360))
    bars = 1500 * 2 * 40
    assert resident_bytes() - before < 2 * bars + 1_000_000


def test_handles_are_freed_when_windows_are_opened_anew():
    windows = [replace(walk(), symbol=f"S{number}") for number in range(60)]
    engine = ResidentEngine(indicators=EVERY_SYMBOL)
    engine.open(windows)
    engine.reopen(windows)
    before = resident_bytes()
    for _ in range(5):
        engine.open(windows)
        engine.reopen(windows)
    engine.close()
    assert resident_bytes() - before < 3_000_000  # 60 symbols' handles take 3.5 MB, ten times that if they stayed
