"""For whom which indicators are computed: the market file's choice, its cadence, and what a run asks for besides."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from market_pipeline.clock import HandClock
from market_pipeline.errors import MarketFileError, UsageError
from market_pipeline.indicators.choice import pandas_ta_columns
from market_pipeline.markets.loader import load_market
from market_pipeline.markets.schema import IndicatorChoice
from market_pipeline.steps.compute_indicators import compute_session_indicators
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.steps.wanted_indicators import PandasTaRequest, check_request, wanted_indicators
from market_pipeline_tests.steps.correction_desk import DAYS, Desk, bar_of, minute_of, open_runtime, table_of

TODAY, YESTERDAY = date(2026, 11, 20), date(2026, 11, 19)


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return open_runtime(tmp_path)


def crypto(runtime: Runtime, **choice: Any) -> MarketRuntime:
    file = load_market("crypto").model_copy(update={"indicators": IndicatorChoice.model_validate(choice)})
    return runtime.wired(file)


def test_a_file_with_an_unknown_name_is_refused_before_anything_runs(runtime: Runtime) -> None:
    with pytest.raises(MarketFileError, match="did you mean SMA_20"):
        crypto(runtime, columns=["SMA20"])


def tier_1() -> set[str]:
    return {rule.symbol for rule in load_market("crypto").symbols if rule.tier == 1}


def test_tier_1_gets_pandas_ta_by_default(runtime: Runtime) -> None:
    assert wanted_indicators(runtime, crypto(runtime), TODAY).pandas_ta == tier_1()


def test_named_symbols_get_pandas_ta_instead_of_tier_1(runtime: Runtime) -> None:
    market = crypto(runtime, pandas_ta={"symbols": ["XRP-USD"]})
    assert wanted_indicators(runtime, market, TODAY).pandas_ta == {"XRP-USD"}


def test_the_daily_cadence_waits_until_the_session_is_over(runtime: Runtime) -> None:
    market = crypto(runtime, pandas_ta={"symbols": ["XRP-USD"], "cadence": "daily"})
    assert wanted_indicators(runtime, market, TODAY).pandas_ta == frozenset()
    assert wanted_indicators(runtime, market, YESTERDAY).pandas_ta == {"XRP-USD"}
    assert isinstance(runtime.clock, HandClock)
    runtime.clock.advance(timedelta(days=1))
    assert wanted_indicators(runtime, market, TODAY).pandas_ta == {"XRP-USD"}


def test_a_request_adds_symbols_and_columns_to_what_the_file_chooses(runtime: Runtime) -> None:
    market = crypto(runtime, columns=["SMA_20"], pandas_ta={"symbols": "none"})
    wanted = wanted_indicators(runtime, market, TODAY, request=PandasTaRequest(("XRP-USD",), ("UI_14",)))
    assert wanted.pandas_ta == {"XRP-USD"}
    assert wanted.chosen.columns == {"SMA_20", "BBM_20_2", "ACCM_20", "UI_14"}


def test_a_request_without_columns_means_all_of_pandas_ta_and_without_symbols_tier_1(runtime: Runtime) -> None:
    market = crypto(runtime, columns=["SMA_20"], pandas_ta={"symbols": "none"})
    by_symbol = wanted_indicators(runtime, market, TODAY, request=PandasTaRequest(symbols=("XRP-USD",)))
    by_column = wanted_indicators(runtime, market, TODAY, request=PandasTaRequest(columns=("UI_14",)))
    assert by_symbol.chosen.columns >= set(pandas_ta_columns())
    assert by_column.pandas_ta == tier_1()


def test_a_request_with_misspelt_names_is_refused_with_the_nearest_ones(runtime: Runtime) -> None:
    with pytest.raises(UsageError) as caught:
        check_request(runtime, crypto(runtime), PandasTaRequest(("XRPUSD",), ("UI14",)))
    assert "unknown column 'UI14' (did you mean UI_14?); unknown symbol 'XRPUSD' (did you mean XRP-USD?)" in str(
        caught.value
    )


def test_columns_that_are_not_chosen_are_null_and_so_are_the_flags_of_their_families(runtime: Runtime) -> None:
    desk, random = Desk(runtime), np.random.default_rng(1)
    rows = [bar_of("TCS", DAYS[0], n, known_at=minute_of(DAYS[0], n + 1), random=random) for n in range(25)]
    desk.store(table_of(rows))
    file = load_market("india").model_copy(update={"indicators": IndicatorChoice(columns=("SMA_20",))})
    report = compute_session_indicators(runtime, runtime.wired(file), [DAYS[0]])
    newest = desk.indicators().to_pylist()[-1]
    filled = {name for name, value in newest.items() if value is not None}
    trust = {"revision", "bars_available", "missing_minutes", "sampled_bars", "is_warm_averages", "is_warm_volatility"}
    key = {"market", "symbol", "interval_start", "session_date", "known_at"}
    assert filled == {*key, *trust, "SMA_20", "BBM_20_2", "ACCM_20"}
    assert report.columns == 3


def test_a_request_fills_columns_of_pandas_ta_that_the_file_leaves_out(runtime: Runtime) -> None:
    desk, random = Desk(runtime), np.random.default_rng(1)
    rows = [bar_of("TCS", DAYS[0], n, known_at=minute_of(DAYS[0], n + 1), random=random) for n in range(30)]
    desk.store(table_of(rows))
    choice = IndicatorChoice.model_validate({"groups": ["custom"], "pandas_ta": {"symbols": "none"}})
    market = runtime.wired(load_market("india").model_copy(update={"indicators": choice}))
    compute_session_indicators(runtime, market, [DAYS[0]], request=PandasTaRequest(columns=("UI_14",)))
    newest = desk.indicators().to_pylist()[-1]
    assert newest["UI_14"] > 0
    assert newest["is_warm_extra"] is True
    assert newest["CHOP_14_1_100.0"] is None
    compute_session_indicators(runtime, market, [DAYS[0]])
    assert desk.indicators().to_pylist()[-1]["UI_14"] is None
