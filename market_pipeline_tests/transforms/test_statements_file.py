"""The operator's own file: good lines count, bad ones are named, and a broken file says nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from market_pipeline.model.metrics import Fundamentals
from market_pipeline.transforms.statements_file import StatementsFile, read_statements_file

NOW = datetime(2026, 11, 19, 11, 0, tzinfo=UTC)
HEADER = (
    "symbol,period_end,currency,total_debt,cash_and_interest_bearing_deposits,impermissible_income,total_revenue,sector"
)
GOOD = "2010,2025-12-31,SAR,120,250.5,2e1,1000,Chemicals"


def read(*lines: str, header: str = HEADER) -> StatementsFile:
    content = "\n".join([header, *lines]).encode()
    return read_statements_file(content, market="saudi", listed={"2010", "2222"}, received_time=NOW)


def reasons(*lines: str, header: str = HEADER) -> list[tuple[str, str]]:
    return [(r.symbol, r.reason) for r in read(*lines, header=header).refused]


def test_a_line_is_a_statement_of_the_operator() -> None:
    assert read(GOOD).statements == (
        Fundamentals(
            "saudi", "operator", "2010", NOW, date(2025, 12, 31), 120.0, 250.5, 20.0, 1000.0, "Chemicals", "SAR"
        ),
    )


def test_an_empty_cell_is_unknown_and_zero_is_a_value() -> None:
    [found] = read("2010,2025-12-31,SAR,0,,  ,1000,").statements
    assert (found.total_debt, found.cash_and_interest_bearing_deposits, found.impermissible_income) == (0.0, None, None)
    assert found.sector is None


def test_a_byte_order_mark_and_another_order_of_columns_do_no_harm() -> None:
    columns = ["sector", *HEADER.split(",")[:-1]]
    content = "\ufeff" + ",".join(columns) + "\r\nChemicals,2010,2025-12-31,SAR,1,2,3,4\r\n"
    file = read_statements_file(content.encode(), market="saudi", listed={"2010"}, received_time=NOW)
    assert [(s.sector, s.total_revenue) for s in file.statements] == [("Chemicals", 4.0)]


@pytest.mark.parametrize(
    ("line", "symbol", "reason"),
    [
        ("9999,2025-12-31,SAR,1,2,3,4,x", "9999", "line 3: no listed instrument has this symbol"),
        (
            "2222,2025-12-31,SAR,-1,2,3,4,x",
            "2222",
            "line 3: total_debt '-1': Input should be greater than or equal to 0",
        ),
        ("2222,2025-12-31,SAR,nan,2,3,4,x", "2222", "line 3: total_debt 'nan': Input should be a finite number"),
        (
            "2222,2025-12-31,riyal,1,2,3,4,x",
            "2222",
            "line 3: currency 'riyal': String should match pattern '^[A-Z]{3}$'",
        ),
        ("2222,2027-12-31,SAR,1,2,3,4,x", "2222", "line 3: period_end 2027-12-31 is in the future"),
        ("2222,2025-12-31,SAR,1,2,3,4,x,y", "2222", "line 3: more cells than columns"),
        (",2025-12-31,SAR,1,2,3,4,x", "(file)", "line 3: symbol None: Input should be a valid string"),
    ],
)
def test_a_bad_line_is_named_with_its_reason_and_the_others_count(line: str, symbol: str, reason: str) -> None:
    file = read(GOOD, line)
    assert [s.symbol for s in file.statements] == ["2010"]
    assert [(r.symbol, r.reason) for r in file.refused] == [(symbol, reason)]


def test_a_date_and_an_amount_that_are_none_are_named() -> None:
    [(_, date_reason)] = reasons("2010,31/12/2025,SAR,1,2,3,4,x")
    assert date_reason.startswith("line 2: period_end '31/12/2025': Input should be a valid date")
    [(_, amount_reason)] = reasons('2010,2025-12-31,SAR,"1,200",2,3,4,x')
    assert amount_reason.startswith("line 2: total_debt '1,200': Input should be a valid number")


def test_a_line_that_was_cut_off_is_refused_whatever_its_last_figure() -> None:
    assert reasons("2010,2025-12-31,SAR,12") == [("2010", "line 2: fewer cells than columns: it may have been cut off")]


def test_of_two_lines_on_one_symbol_the_newer_period_counts() -> None:
    file = read("2010,2024-12-31,SAR,9,9,9,9,x", GOOD)
    assert [s.period_end for s in file.statements] == [date(2025, 12, 31)]
    assert [r.reason for r in file.refused] == ["line 2: the file has a newer period of this symbol"]


def test_two_lines_on_the_same_period_contradict_each_other_and_neither_counts() -> None:
    file = read(GOOD, "2010,2025-12-31,SAR,9,9,9,9,x")
    assert file.statements == ()
    assert {r.reason for r in file.refused} == {
        "line 2: lines 2, 3 state the same period",
        "line 3: lines 2, 3 state the same period",
    }


def test_a_misspelled_column_makes_the_whole_file_unreadable() -> None:
    file = read(GOOD, header=HEADER.replace("total_debt", "debt"))
    assert (file.statements, file.is_readable) == ((), False)
    [refused] = file.refused
    assert refused.reason.startswith("the file has the columns symbol, period_end, currency, debt,")
    assert "; it needs exactly symbol, period_end, currency, total_debt," in refused.reason


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b'symbol\n"2010'])
def test_bytes_that_are_no_such_file_are_refused_as_a_whole(content: bytes) -> None:
    file = read_statements_file(content, market="saudi", listed={"2010"}, received_time=NOW)
    assert (file.statements, file.is_readable, len(file.refused)) == ((), False, 1)
