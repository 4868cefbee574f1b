"""What the market files say about their symbols, and where that was checked."""

from __future__ import annotations

import csv
import re
from datetime import date
from pathlib import Path

import pytest

from market_pipeline.markets.loader import load_market
from market_pipeline.markets.trading_calendar import calendar_for


def test_casablanca_has_the_sixteen_live_instruments_in_tier_one() -> None:
    symbols = load_market("casablanca").symbols
    names = " ".join(rule.symbol for rule in symbols)
    assert names == "ATW IAM BCP BOA CIH WAA SAH ADH LBV LES CMA LHM MSA TMA MNG TQM"
    assert {rule.tier for rule in symbols} == {1}


def test_every_seed_of_casablanca_is_accounted_for() -> None:
    seeds = {seed.code: (seed.resolution, seed.symbol, seed.added_symbol) for seed in load_market("casablanca").seeds}
    assert len(seeds) == 16
    assert {code: seed for code, seed in seeds.items() if seed != ("same", code, None)} == {
        "BMCE": ("renamed", "BOA", None),
        "MAR": ("unresolved", None, None),
        "CEN": ("corrected", "CMA", None),
        "HOL": ("merged", "LHM", None),
        "LAF": ("merged", "LHM", None),
        "MSA": ("kept", "MSA", "MNG"),
        "TMA": ("kept", "TMA", "TQM"),
    }


def test_the_resellers_of_one_feed_share_one_vote() -> None:
    sources = load_market("casablanca").sources
    assert [rule.name for rule in sources] == ["casablanca_bourse", "wafa_bourse", "african_markets"]
    assert {rule.feed_group for rule in sources} == {"casablanca_exchange"}


def test_every_priority_share_of_india_is_derivative_listed() -> None:
    file = load_market("india")
    assert len(set(file.tier_1)) == 20
    assert set(file.tier_1) <= set(file.group_members["derivatives"])


def test_every_pair_of_crypto_is_known_to_kraken_by_its_own_code() -> None:
    rules = load_market("crypto").symbols
    assert {rule.symbol: rule.aliases[0].code for rule in rules}["BTC-USD"] == "BTC/USD"
    assert all(rule.aliases[0].code == rule.symbol.replace("-", "/") for rule in rules)


@pytest.mark.realdata
def test_isins_and_shares_of_casablanca_are_those_of_the_exchanges_board(realdata: Path) -> None:
    with (realdata / "casablanca" / "cote_casablanca_2026-09-16.csv").open(encoding="utf-8") as file:
        board = {row["symbol"]: row for row in csv.DictReader(file, delimiter=";")}
    for rule in load_market("casablanca").symbols:
        row = board[rule.symbol]
        assert rule.isin == row["isin"]
        assert rule.shares_outstanding == round(float(row["market_cap"]) / float(row["cours"]))


@pytest.mark.realdata
def test_sessions_of_casablanca_are_the_days_on_which_its_large_shares_traded(realdata: Path) -> None:
    pandas = pytest.importorskip("pandas")
    files = sorted((realdata / "casablanca" / "spyamine").glob("*.csv.gz"))
    days = {
        day for path in files for day in pandas.to_datetime(pandas.read_csv(path, usecols=["date"])["date"]).dt.date
    }
    traded = sorted(day for day in days if day >= date(2013, 1, 1))
    assert traded[-1] == date(2020, 10, 28)
    assert calendar_for(load_market("casablanca")).sessions_between(date(2013, 1, 1), date(2020, 10, 28)) == traded


US_RULE = load_market("us").universe


@pytest.mark.parametrize(
    "name",
    [
        "Archfield Acquisition Corp. - Warrants",
        "Archfield Acquisition Corp. - Unit",
        "Archfield Acquisition Corp. - Units",
        "Archfield Acquisition Corp. - Rights",
        "Spinning Top Acquisition Corp. Units, each consisting of one Class A share and one-half of one warrant",
        "Spinning Top Acquisition Corp. Warrants to purchase Class A ordinary shares",
        "Blue Shell Acquisition Corp II Unit",
    ],
)
def test_warrants_units_and_rights_of_the_us_are_left_out(name: str) -> None:
    assert US_RULE is not None
    assert re.search(str(US_RULE.exclude_name_pattern), name)


@pytest.mark.parametrize(
    "name",
    [
        "Alliance Resource Partners, L.P. - Common Units representing Limited Partners Interests",
        "Energy Transfer LP Common Units",
        "Brookfield Infrastructure Partners LP Limited Partnership Units",
        "Icahn Enterprises L.P. - Depositary units",
        "America Movil American Depositary Shares (each representing the right to receive twenty Series B Shares)",
        "United Airlines Holdings, Inc. - Common Stock",
        "Bright Horizons Family Solutions Inc. Common Stock",
        "SPDR S&P 500 ETF Trust",
        "United States Oil Fund, LP",
    ],
)
def test_partnerships_depositary_shares_and_funds_of_the_us_stay(name: str) -> None:
    assert US_RULE is not None
    assert not re.search(str(US_RULE.exclude_name_pattern), name)


def test_the_hot_list_of_the_us_has_five_hundred_names_and_none_twice() -> None:
    tier_1 = load_market("us").tier_1
    assert (len(tier_1), len(set(tier_1))) == (500, 500)
    assert {"AAPL", "BRK.B", "SPY", "ON"} <= set(tier_1)


def test_the_directory_of_the_us_is_never_asked_for_quotes() -> None:
    assert [rule.name for rule in load_market("us").quote_sources] == ["yahoo"]


def test_exchanges_come_before_yahoo() -> None:
    assert [rule.name for rule in load_market("crypto").sources] == ["kraken", "yahoo"]
    assert [rule.name for rule in load_market("nairobi").sources] == ["afx", "african_markets"]


def test_safcom_is_a_code_for_safaricom() -> None:
    seeds = {seed.code: (seed.resolution, seed.symbol) for seed in load_market("nairobi").seeds}
    assert seeds["SAFCOM"] == ("corrected", "SCOM")
    assert [rule.symbol for rule in load_market("nairobi").symbols if rule.tier == 1] == [
        "SCOM",
        "KCB",
        "EQTY",
        "ABSA",
        "NCBA",
    ]


def test_every_instrument_of_global_names_its_currency_or_trades_in_dollars() -> None:
    currencies = {rule.symbol: rule.currency for rule in load_market("global").symbols}
    assert (currencies["HSBA.L"], currencies["NPN.JO"], currencies["USDJPY"]) == ("GBP", "ZAR", "JPY")
    assert (currencies["SPX"], currencies["GC"], currencies["EURUSD"]) == (None, None, None)


def test_every_group_of_global_keeps_a_calendar() -> None:
    file = load_market("global")
    assert {rule.group for rule in file.symbols} - {None} <= set(file.calendar.group_calendars)


@pytest.mark.realdata
def test_every_saudi_symbol_is_on_the_exchanges_main_market(realdata: Path) -> None:
    with (realdata / "saudi" / "tadawulhawk_stocks.csv").open(encoding="utf-8") as file:
        listed = {row["symbol"] for row in csv.DictReader(file) if row["exchange"] == "Tadawul"}
    codes = {rule.symbol: rule.aliases[0].code for rule in load_market("saudi").symbols}
    assert len(codes) == 56
    assert set(codes.values()) <= listed
    assert all(code == f"{symbol}.SR" for symbol, code in codes.items())


@pytest.mark.realdata
def test_the_board_of_nairobi_is_the_exchanges_of_the_last_day_that_we_have(realdata: Path) -> None:
    with (realdata / "nairobi" / "NSE_data_all_stocks_2024.csv").open(encoding="utf-8-sig") as file:
        board = {row["Code"] for row in csv.DictReader(file) if row["Date"] == "31-Dec-24"}
    shares = {code for code in board if not code.startswith("^")}
    assert {rule.symbol for rule in load_market("nairobi").symbols} == shares - {"NBK"}  # absorbed by KCB in 2019
