"""The symbol directories, pinned to the samples."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from market_pipeline.markets.loader import load_market
from market_pipeline.simulator.wire import nasdaq_directory
from market_pipeline_tests.simulator.wires import ask

AT = "2026-11-20T16:47:10"
NASDAQ, OTHER = "nasdaqlisted", "otherlisted"


@pytest.fixture
def recorded(samples: Path) -> Path:
    return samples / "nasdaq_directory"


def lines(file: str, at: str = AT) -> list[str]:
    reply = ask("nasdaq_directory", f"/dynamic/SymDir/{file}.txt", at=at)
    text = reply.body.decode()
    assert text.endswith("\r\n")
    return text.split("\r\n")[:-1]


def rows(file: str) -> dict[str, list[str]]:
    return {line.split("|")[0]: line.split("|") for line in lines(file)[1:-1]}


@pytest.mark.parametrize("file", [NASDAQ, OTHER])
def test_header_and_trailer_are_the_samples(recorded: Path, file: str) -> None:
    theirs = (recorded / f"{file}_normal.txt").read_bytes().decode().split("\r\n")[:-1]
    ours = lines(file)
    assert ours[0] == theirs[0]
    stamp = re.compile(r"\d{10}:\d{2}")
    assert stamp.search(ours[-1])
    assert stamp.sub("", ours[-1]) == stamp.sub("", theirs[-1])
    assert "1120202611:30" in ours[-1]


def test_the_rows_of_well_known_tickers_are_the_samples(recorded: Path) -> None:
    for file, symbols in (
        (NASDAQ, ("AAPL", "QQQ", "PFBC", "TRMB", "ARLP")),
        (OTHER, ("A", "BRK.B", "SPY", "EPD", "IMO")),
    ):
        theirs = (recorded / f"{file}_normal.txt").read_bytes().decode().split("\r\n")
        ours = rows(file)
        for symbol in symbols:
            assert "|".join(ours[symbol]) in theirs


def test_every_row_has_as_many_columns_as_the_header() -> None:
    for file in (NASDAQ, OTHER):
        assert {line.count("|") for line in lines(file)[:-1]} == {7}


def test_a_symbol_stands_in_one_file_only_and_once() -> None:
    own, other = lines(NASDAQ)[1:-1], lines(OTHER)[1:-1]
    symbols = [line.split("|")[0] for line in own + other]
    assert len(symbols) == len(set(symbols)) == 9527


def test_test_issues_warrants_units_and_rights_stand_between_the_shares() -> None:
    own, other = rows(NASDAQ), rows(OTHER)
    assert own["ZVZZT"][3] == other["ATEST"][6] == "Y"
    assert own["SQ003W"][1] == "Simulated Acquisition 3 Corp. - Warrants"
    assert own["SQ003R"][1] == "Simulated Acquisition 3 Corp. - Rights"
    assert other["SQ002.U"][7] == "SQ002="
    assert other["SQ002.W"][3::4] == ["SQ002.WS", "SQ002+"]
    assert other["SIM0001$B"][3::4] == ["SIM0001pB", "SIM0001-B"]


def test_8800_rows_survive_the_market_files_rule() -> None:
    rule = load_market("us").universe
    assert rule is not None and rule.exclude_name_pattern is not None
    excluded = re.compile(rule.exclude_name_pattern)
    own = [row for row in rows(NASDAQ).values() if row[3] == "N" and not excluded.search(row[1])]
    other = [row for row in rows(OTHER).values() if row[6] == "N" and not excluded.search(row[1])]
    assert len(own) + len(other) == 8800


def test_a_refusal_is_a_page() -> None:
    reply = nasdaq_directory.refuse(503, "GET", "/dynamic/SymDir/otherlisted.txt")
    assert (reply.status, reply.content_type) == (503, "text/html; charset=utf-8")
