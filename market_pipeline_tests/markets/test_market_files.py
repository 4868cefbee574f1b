"""What the three market files say about their symbols, and where that was checked."""

from __future__ import annotations

import csv
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
