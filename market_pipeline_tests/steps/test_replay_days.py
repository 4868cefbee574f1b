"""Recorded boards and daily histories of three exchanges, through their sources' wires into the tables.

What cannot be said is not compared: the recorded board of Casablanca has no open, high and low; AFX shows neither, and
three digits of a past volume; no board has an ISIN, which is the market file's.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from market_pipeline.markets.loader import load_market
from market_pipeline.markets.schema import SymbolRule
from market_pipeline.steps.backfill import backfill
from market_pipeline.steps.cycle import run_cycle
from market_pipeline.steps.fetch_quotes import fetch_quotes
from market_pipeline.steps.merge_tickers import merge_tickers
from market_pipeline.steps.refresh_instruments import refresh_instruments
from market_pipeline.steps.runtime import Runtime
from market_pipeline_tests.steps.replay_desk import replaying

pytestmark = pytest.mark.realdata

type Row = dict[str, Any]
AFTER_CASABLANCA = datetime(2026, 9, 16, 15, 30, tzinfo=UTC)
AFTER_NAIROBI = datetime(2024, 12, 31, 14, 0, tzinfo=UTC)
AFTER_RIYADH = datetime(2024, 2, 13, 14, 0, tzinfo=UTC)
TEN_SESSIONS = [date(2024, 12, day) for day in (16, 17, 18, 19, 20, 23, 24, 27, 30, 31)]


def rows_of(path: Path, delimiter: str = ",") -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def number(text: str) -> float | None:
    return None if text in ("", "-") else float(text.replace(",", ""))


def by_symbol(rows: list[Row], **wanted: object) -> dict[str, Row]:
    chosen = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
    found = {row["symbol"]: row for row in chosen}
    assert len(found) == len(chosen), "a symbol stands there twice"
    return found


@pytest.fixture(scope="module")
def board(realdata: Path) -> dict[str, Row]:
    """The board of Casablanca, code → row."""
    return by_symbol(rows_of(realdata / "casablanca" / "cote_casablanca_2026-09-16.csv", ";"))


@pytest.fixture(scope="module")
def casablanca(realdata: Path, board: dict[str, Row], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    """A feed whose market file names the whole board, and the exchange's own page as its only source."""
    path = realdata / "casablanca" / "cote_casablanca_2026-09-16.csv"
    shipped = load_market("casablanca")
    symbols = tuple(SymbolRule(symbol=code, name=row["nom"], isin=row["isin"]) for code, row in board.items())
    file = shipped.model_copy(update={"symbols": symbols, "seeds": (), "sources": shipped.sources[:1]})
    with replaying("casablanca", path, at=AFTER_CASABLANCA, folder=tmp_path_factory.mktemp("board")) as runtime:
        market = runtime.wired(file)
        refresh_instruments(runtime, market)
        fetch_quotes(runtime, market)
        merge_tickers(runtime, market)
        yield runtime


def test_each_of_the_77_codes_has_one_outcome(casablanca: Runtime, board: dict[str, Row]) -> None:
    outcomes = casablanca.warehouse.read("fetch_outcomes", "casablanca").to_pylist()
    quotes = by_symbol(outcomes, kind="quote")
    assert len(quotes) == 77
    assert {code: row["status"] for code, row in quotes.items()} == {
        code: "ok" if row["volume"] else "not_traded" for code, row in board.items()
    }
    assert sum(row["status"] == "not_traded" for row in quotes.values()) == 9


def test_raw_quotes_are_the_board_in_shares_and_dirhams(casablanca: Runtime, board: dict[str, Row]) -> None:
    quotes = by_symbol(casablanca.warehouse.read("raw_quotes", "casablanca").to_pylist())
    assert quotes.keys() == board.keys()
    for code, row in board.items():
        quote, has_traded = quotes[code], bool(row["volume"])
        assert quote["price"] == float(row["cours"]), code
        assert (quote["volume"], quote["turnover"]) == (number(row["volume"]), number(row["volume_mad"])), code
        assert quote["price_kind"] == ("trade" if has_traded else "reference"), code
        # of a share that did not trade the page shows one price, which is both its last and its reference
        assert quote["previous_close"] == float(row["precedent"] if has_traded else row["cours"]), code
        assert quote["market_cap"] == pytest.approx(float(row["market_cap"]), rel=1e-12), code
        assert (quote["open"], quote["high"], quote["low"], quote["currency"]) == (None, None, None, "MAD"), code
    assert (quotes["ADH"]["volume"], quotes["ADH"]["turnover"]) == (79429.0, 2695518.5)


def test_the_change_is_the_boards_own_to_a_hundredth_of_a_percent(casablanca: Runtime, board: dict[str, Row]) -> None:
    quotes = by_symbol(casablanca.warehouse.read("raw_quotes", "casablanca").to_pylist(), price_kind="trade")
    for code, quote in quotes.items():
        assert quote["change_1d_percent"] == pytest.approx(float(board[code]["variation_pct"]), abs=0.0151), code


def test_live_tickers_show_the_board_and_flag_what_did_not_trade(casablanca: Runtime, board: dict[str, Row]) -> None:
    tickers = by_symbol(casablanca.warehouse.latest("live_tickers", "casablanca").to_pylist())
    assert tickers.keys() == board.keys()
    for code, row in board.items():
        ticker, has_traded = tickers[code], bool(row["volume"])
        assert (ticker["price"], ticker["volume"]) == (float(row["cours"]), number(row["volume"])), code
        assert ticker["turnover"] == number(row["volume_mad"]), code
        assert ticker["price_kind"] == ("trade" if has_traded else "reference"), code
        assert ("not_traded" in ticker["flags"]) is not has_traded, code


def test_instruments_have_the_boards_names_and_isins(casablanca: Runtime, board: dict[str, Row]) -> None:
    listed = by_symbol(casablanca.warehouse.latest("instruments", "casablanca").to_pylist(), status="listed")
    found = {code: (row["name"], row["isin"]) for code, row in listed.items()}
    assert found == {code: (row["nom"], row["isin"]) for code, row in board.items()}


@pytest.fixture(scope="module")
def nairobi_days(realdata: Path) -> dict[tuple[str, date], Row]:
    rows = rows_of(realdata / "nairobi" / "NSE_data_all_stocks_2024.csv")
    listed = {rule.symbol for rule in load_market("nairobi").symbols}
    parsed = ((row["Code"], datetime.strptime(row["Date"], "%d-%b-%y").date(), row) for row in rows)  # noqa: DTZ007
    return {(code, day): row for code, day, row in parsed if code in listed}


@pytest.fixture(scope="module")
def nairobi(realdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    path = realdata / "nairobi" / "NSE_data_all_stocks_2024.csv"
    with replaying("nairobi", path, at=AFTER_NAIROBI, folder=tmp_path_factory.mktemp("nairobi")) as runtime:
        backfill(runtime, "nairobi", first=TEN_SESSIONS[0], last=TEN_SESSIONS[-1])
        run_cycle(runtime, "nairobi")
        yield runtime


def test_the_board_of_nairobi_stands_in_raw_quotes(nairobi: Runtime, nairobi_days: dict[tuple[str, date], Row]) -> None:
    quotes = by_symbol(nairobi.warehouse.read("raw_quotes", "nairobi").to_pylist(), source="afx")
    board = {code: row for (code, day), row in nairobi_days.items() if day == TEN_SESSIONS[-1]}
    assert quotes.keys() == board.keys()
    assert len(board) == 65
    for code, row in board.items():
        quote, volume = quotes[code], number(row["Volume"])
        assert (quote["price"], quote["volume"]) == (number(row["Day Price"]), volume), code
        assert quote["price_kind"] == ("reference" if volume is None else "trade"), code
        assert quote["previous_close"] == (None if volume is None else number(row["Previous"])), code


def test_a_code_of_nairobi_traded_or_did_not(nairobi: Runtime, nairobi_days: dict[tuple[str, date], Row]) -> None:
    outcomes = nairobi.warehouse.read("fetch_outcomes", "nairobi").to_pylist()
    found = by_symbol(outcomes, kind="quote", source="afx")
    board = {code: row for (code, day), row in nairobi_days.items() if day == TEN_SESSIONS[-1]}
    assert {code: row["status"] for code, row in found.items()} == {
        code: "not_traded" if row["Volume"] == "-" else "ok" for code, row in board.items()
    }


def test_the_last_ten_sessions_of_nairobi_are_daily_bars(
    nairobi: Runtime, nairobi_days: dict[tuple[str, date], Row]
) -> None:
    stored = nairobi.warehouse.latest("bars_1d", "nairobi").to_pylist()
    found = {(row["symbol"], row["session_date"]): row for row in stored}
    traded = {key: row for key, row in nairobi_days.items() if key[1] in TEN_SESSIONS and row["Volume"] != "-"}
    assert found.keys() == traded.keys()
    for key, row in traded.items():
        assert found[key]["close"] == number(row["Day Price"]), key
        assert found[key]["volume"] == pytest.approx(number(row["Volume"]), rel=0.005), key


def test_the_history_of_aramco_stands_in_daily_bars_to_the_last_digit(realdata: Path, tmp_path: Path) -> None:
    path = realdata / "saudi" / "2222.SR_daily.csv"
    recorded = {date.fromisoformat(row["Date"]): row for row in rows_of(path)}
    with replaying("saudi", path, at=AFTER_RIYADH, folder=tmp_path) as runtime:
        backfill(runtime, "saudi", first=date(2019, 12, 11), last=date(2024, 2, 13))
        stored = runtime.warehouse.latest("bars_1d", "saudi").to_pylist()
    found = {row["session_date"]: row for row in stored}
    assert len(recorded) == 1045
    assert found.keys() == recorded.keys()
    names = {"open": "Open", "high": "High", "low": "Low", "close": "Close", "adjusted_close": "Adj Close"}
    for day, row in recorded.items():
        assert {name: found[day][name] for name in names} == {
            name: float(row[heading]) for name, heading in names.items()
        }, day
        assert found[day]["volume"] == float(row["Volume"]), day
        assert found[day]["is_split_adjusted"], day
