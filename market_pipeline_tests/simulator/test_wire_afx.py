"""AFX's pages and African Markets' second exchange, pinned to the recorded samples."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lxml import html

from market_pipeline.simulator.wire import afx
from market_pipeline_tests.simulator.wires import ask

EARLY, OPEN, EVENING = (f"2026-11-20T{time}" for time in ("06:20:00", "11:30:00", "13:30:00"))
BOARD, COMPANY = "/nse/", "/nse/scom.html"
LIST = "/en/stock-markets/nse/listed-companies"
KINDS = (
    (r"", "blank"), (r"\d{4}-\d\d-\d\d", "date"), (r"[+-][\d,.]+", "signed"),
    (r"-?[\d.]+%", "percent"), (r"[\d.]+[MBT]", "short number"), (r"[\d,]+(\.\d+)?", "number"), (r"[A-Z0-9-]+", "code"),
)  # fmt: skip


def kind(text: str) -> str:
    return next((kind for pattern, kind in KINDS if re.fullmatch(pattern, text)), "text")


def cells_of(body: bytes, heading: str) -> list[list[str]]:
    """The cells below the table whose first heading is this, row by row."""
    page = html.fromstring(body.decode("utf-8"))
    table = next(t for t in page.iter("table") if (head := t.find(".//th")) is not None and head.text == heading)
    return [[cell.text_content().strip() for cell in row.iter("td")] for row in table.iter("tr")][1:]


def row(at: str, code: str) -> list[str]:
    return next(cells for cells in cells_of(ask("afx", BOARD, at=at).body, "Ticker") if cells[0] == code)


def kinds(rows: list[list[str]], column: int) -> set[str]:
    return {kind(cells[column]) for cells in rows}


def test_the_board_has_the_columns_and_cells_of_the_sample(samples: Path) -> None:
    recorded = cells_of((samples / "afx" / "board_normal.html").read_bytes(), "Ticker")
    ours = cells_of(ask("afx", BOARD, at=OPEN).body, "Ticker")
    assert len(ours) == 65
    found = [(kinds(ours, column), kinds(recorded, column)) for column in (0, 2, 3, 4)]
    assert [ours <= recorded for ours, recorded in found] == [True] * 4, found


def test_the_board_leaves_out_the_end_tags_that_the_sample_leaves_out(samples: Path) -> None:
    for body in ((samples / "afx" / "board_normal.html").read_bytes(), ask("afx", BOARD, at=OPEN).body):
        assert (body.count(b"</td>"), body.count(b"</html>")) == (0, 0)
        assert body.count(b"<table") == body.count(b"</table>")


def test_the_board_names_its_date_in_the_samples_words(samples: Path) -> None:
    sentence = b"<p>NSE trading summary for Friday, November 20, 2026</p>"
    assert sentence in (samples / "afx" / "board_normal.html").read_bytes()
    assert sentence in ask("afx", BOARD, at=OPEN).body


def test_before_the_first_trade_a_share_has_a_price_but_no_volume() -> None:
    assert row(EARLY, "SCOM")[2:] != row(OPEN, "SCOM")[2:]
    early = row("2026-11-20T06:35:00", "SCOM")
    assert (early[2], early[4]) == ("", "")
    assert float(early[3]) > 0


def test_the_board_is_half_an_hour_late() -> None:
    assert row("2026-11-20T07:00:00", "SCOM")[2] == ""
    assert row("2026-11-20T07:02:00", "SCOM")[2] != ""


def test_a_companys_page_has_the_tables_of_the_sample(samples: Path) -> None:
    recorded, ours = (samples / "afx" / "company_normal.html").read_bytes(), ask("afx", COMPANY, at=EVENING).body
    labels = rb"<tr><td>([A-Z][A-Za-z/ ]+)</td><td"
    assert set(re.findall(labels, ours)) | {b"Industry"} == set(re.findall(labels, recorded))
    assert b"<table data-hist><thead><tr><th>Date</th><th>Volume</th><th>Close</th>" in recorded
    assert b"<table data-hist><thead><tr><th>Date</th><th>Volume</th><th>Close</th>" in ours


def test_history_has_ten_sessions_newest_first_and_none_in_progress() -> None:
    dates = [cells[0] for cells in cells_of(ask("afx", COMPANY, at=OPEN).body, "Date")]
    assert dates[:3] == ["2026-11-19", "2026-11-18", "2026-11-17"]
    assert len(dates) == 10
    assert cells_of(ask("afx", COMPANY, at=EVENING).body, "Date")[0][0] == "2026-11-20"


def test_the_newest_close_of_history_is_the_boards_price_after_the_close() -> None:
    assert cells_of(ask("afx", COMPANY, at=EVENING).body, "Date")[0][2] == row(EVENING, "SCOM")[3]


@pytest.mark.parametrize("path", ["/gse/", "/nse/nope.html", "/nse/SCOM.html", "/gse/scom.html"])
def test_a_page_that_is_not_there_is_a_404(path: str) -> None:
    assert ask("afx", path, at=OPEN).status == 404


def test_a_refusal_is_a_page(samples: Path) -> None:
    recorded = (samples / "afx" / "error_403.html").read_bytes()
    reply = afx.refuse(403, "GET", BOARD)
    assert (reply.status, b"<h1>403 Forbidden</h1>" in reply.body) == (403, True)
    assert b"<h1>403 Forbidden</h1>" in recorded


def test_african_markets_shows_nairobi_under_its_own_address() -> None:
    body = ask("african_markets", LIST, at=OPEN).body
    assert b'<a href="/en/stock-markets/nse/listed-companies/company?code=SCOM">' in body
    assert b"<title>Listed Companies - NSE - African Markets</title>" in body
    assert b"ATTIJARIWAFA" not in body


def test_both_sites_show_the_same_price_of_nairobi() -> None:
    page = ask("african_markets", LIST, at=OPEN).body.decode()
    found = re.search(r'code=SCOM">.*?</a></td><td>[^<]*</td><td>([\d,.]+)', page)
    assert found is not None
    assert found[1] == row(OPEN, "SCOM")[3]


def test_an_exchange_that_nobody_simulates_is_a_404() -> None:
    assert ask("african_markets", "/en/stock-markets/zse/listed-companies", at=OPEN).status == 404
