"""What a market file chooses of the catalogue, and how a name that there is not is refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from market_pipeline.errors import MarketFileError
from market_pipeline.indicators.catalogue import columns
from market_pipeline.indicators.choice import check_choice, chosen
from market_pipeline.markets.loader import load_market
from market_pipeline.markets.schema import IndicatorChoice, MarketFile


def file_with(market: str = "crypto", **choice: Any) -> MarketFile:
    return load_market(market).model_copy(update={"indicators": IndicatorChoice.model_validate(choice)})


def test_without_a_choice_everything_is_computed():
    assert chosen(IndicatorChoice()).columns == {column.column for column in columns()}


def test_groups_and_single_columns_add_up():
    found = chosen(IndicatorChoice(groups=("custom",), columns=("RSI_14", "MACDh_12_26_9"))).columns
    assert found == {"PARKINSON_20", "ZSCORE_30", "RSI_14", "MACDh_12_26_9"}


def test_a_column_comes_with_the_call_that_fills_it_and_nothing_else():
    found = chosen(IndicatorChoice(columns=("MACDh_12_26_9",)))
    assert [indicator.function for indicator in found.indicators] == ["MACD"]
    assert found.columns == {"MACDh_12_26_9"}


@pytest.mark.parametrize("name", ["SMA_20", "BBM_20_2", "ACCM_20"])
def test_columns_that_share_their_values_come_together(name):
    assert chosen(IndicatorChoice(columns=(name,))).columns == {"SMA_20", "BBM_20_2", "ACCM_20"}


def test_an_unknown_column_is_refused_with_the_nearest_name():
    with pytest.raises(MarketFileError) as caught:
        check_choice(file_with(columns=["SMA_20", "rsi14"]))
    assert "read crypto/defs.yaml and found 1 unknown name; a retry does not help" in str(caught.value)
    assert (
        f"attributes.indicators.columns[2]: seen 'rsi14' (did you mean RSI_14?), allowed: one of {len(columns())} names"
        in str(caught.value)
    )


def test_an_unknown_group_is_refused_with_all_that_there_are():
    with pytest.raises(
        MarketFileError, match=r"groups\[1\]: seen 'momentun' \(did you mean momentum\?\), allowed: ave"
    ):
        check_choice(file_with(groups=["momentun"]))


def test_a_symbol_for_pandas_ta_that_the_market_does_not_list_is_refused():
    with pytest.raises(MarketFileError, match=r"pandas_ta.symbols\[2\]: seen 'BTC-EUR' \(did you mean BTC-USD\?\)"):
        check_choice(file_with(pandas_ta={"symbols": ["BTC-USD", "BTC-EUR"]}))


def test_a_word_that_names_no_symbols_is_refused():
    with pytest.raises(ValidationError, match="tier_1, none, or a list of symbols"):
        IndicatorChoice.model_validate({"pandas_ta": {"symbols": "tier_3"}})


@pytest.mark.parametrize("market", ["casablanca", "crypto", "global", "india", "nairobi", "saudi", "us"])
def test_the_files_of_our_markets_choose_what_there_is(market):
    check_choice(load_market(market))
