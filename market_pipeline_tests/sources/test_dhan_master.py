"""Which rows of Dhan's instrument master become instruments."""

from __future__ import annotations

from pathlib import Path

import pytest

from market_pipeline.errors import PayloadError
from market_pipeline.markets.schema import CalendarSection, MarketFile, SourceRule, UniverseRule
from market_pipeline.model.instrument import Alias, Instrument
from market_pipeline.sources.dhan_master import parse_master
from market_pipeline.sources.universe import Universe

WHERE = {"exchange": ("NSE",), "segment": ("E",), "instrument": ("EQUITY",), "series": ("EQ",)}
SHARES = UniverseRule(source="dhan", where=WHERE, exclude_pattern="NSETEST$")
INDIA = MarketFile(
    market="india",
    title="India",
    exchange="NSE",
    country="India",
    currency="INR",
    calendar=CalendarSection(name="XBOM", zone="Asia/Kolkata"),
    sources=(SourceRule(name="dhan", terms="test", batch_size=1000),),
    universe=SHARES,
    tier_1=("TCS",),
    group_members={"derivatives": ("TCS", "RELIANCE")},
)


@pytest.fixture
def body(samples: Path) -> bytes:
    return (samples / "dhan" / "master_compact.csv").read_bytes()


def master(body: bytes, **changes: object) -> Universe:
    return parse_master(body, INDIA, rule=SHARES.model_copy(update=changes), source="dhan")


def test_only_shares_of_the_series_remain_tier_1_first(body: bytes) -> None:
    symbols = [instrument.symbol for instrument in master(body).instruments]
    assert symbols == ["TCS", "BAJAJ-AUTO", "M&M", "RELIANCE", "TTML"]


def test_a_row_becomes_an_instrument_with_its_id_as_an_alias_and_its_tick_in_rupees(body: bytes) -> None:
    by_symbol = {instrument.symbol: instrument for instrument in master(body).instruments}
    assert by_symbol["RELIANCE"] == Instrument(
        market="india",
        symbol="RELIANCE",
        name="Reliance Industries",
        currency="INR",
        tier=2,
        tick_size=0.1,
        lot_size=1.0,
        group="derivatives",
        aliases=(Alias("dhan", "2885"),),
    )
    assert (by_symbol["TCS"].tick_size, by_symbol["TTML"].tick_size, by_symbol["BAJAJ-AUTO"].tick_size) == (
        0.05,
        0.01,
        0.5,
    )


def test_a_government_bond_says_equity_too_and_is_told_apart_by_its_series(body: bytes) -> None:
    symbols = {instrument.symbol for instrument in master(body, where=WHERE | {"series": ("EQ", "SG")}).instruments}
    assert "704GS2031" in symbols
    assert "704GS2031" not in {instrument.symbol for instrument in master(body).instruments}


def test_the_limit_keeps_tier_1(body: bytes) -> None:
    assert [instrument.symbol for instrument in master(body, limit=2).instruments] == ["TCS", "BAJAJ-AUTO"]


@pytest.mark.parametrize(("series", "code"), [(("EQ", "BE"), "11536"), (("BE", "EQ"), "999")])
def test_of_two_series_the_one_named_first_wins(body: bytes, series: tuple[str, ...], code: str) -> None:
    other = b"NSE,E,999,EQUITY,0,TCS,1.0,Tata,,,,5.0000,NA,ES,BE,TATA\n"
    codes = {i.symbol: i.aliases[0].code for i in master(body + other, where=WHERE | {"series": series}).instruments}
    assert codes["TCS"] == code


@pytest.mark.parametrize(
    "row", ["NSE,E,,EQUITY,0,X,1.0,X,,,,5.0,NA,ES,EQ,X", "NSE,E,7,EQUITY,0,X,1.0,X,,,,x,NA,ES,EQ,X"]
)
def test_a_row_without_id_or_tick_is_set_aside(body: bytes, row: str) -> None:
    found = master(body + row.encode() + b"\n")
    assert (len(found.instruments), found.rejected) == (5, 1)


def test_a_missing_column_is_named(body: bytes) -> None:
    with pytest.raises(PayloadError, match="did not find SEM_SERIES in its header"):
        master(body.replace(b"SEM_SERIES", b"SERIES"))


@pytest.mark.realdata
def test_rows_of_the_true_master_are_read(realdata: Path) -> None:
    body = (realdata / "fixtures" / "dhan_scrip_master_rows.csv").read_bytes()
    codes = {i.symbol: i.aliases[0].code for i in master(body).instruments}
    assert codes == {"RELIANCE": "2885", "TCS": "11536", "TTML": "8954"}
