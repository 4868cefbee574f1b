"""The three Casablanca sources, pinned to the recorded samples; they show one exchange."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from lxml import html

from market_pipeline.simulator.wire import african_markets, casablanca_bourse
from market_pipeline_tests.simulator.shapes import shape_of, union
from market_pipeline_tests.simulator.wires import ask, load

PRE, FIRST, OPEN, CLOSED = (f"2026-11-20T{time}" for time in ("09:35:00", "09:47:00", "13:45:10", "16:20:00"))
BOARD = "/api/proxy/fr/api/bourse/dashboard/ticker"
HISTORY = "/fr/api/bourse_data/instrument_history"
ROUTE = "/api/proxy/data/JNNJ"
LIST = "/en/stock-markets/bvc/listed-companies"


def board(at: str) -> dict[str, Any]:
    return {row["ticker"]: row for row in load(ask("casablanca_bourse", BOARD, at=at))["data"]["values"]}


def test_the_board_has_the_shape_of_the_samples(samples: Path) -> None:
    names = ("ticker_normal", "ticker_closed")
    recorded = [json.loads((samples / "casablanca_bourse" / f"{name}.json").read_bytes()) for name in names]
    ours = [load(ask("casablanca_bourse", BOARD, at=at)) for at in (PRE, FIRST, OPEN, CLOSED)]
    assert union(*map(shape_of, ours)) == union(*map(shape_of, recorded))


def test_a_row_of_the_board_has_the_samples_order_of_keys(samples: Path) -> None:
    recorded = json.loads((samples / "casablanca_bourse" / "ticker_normal.json").read_bytes())["data"]["values"][0]
    assert list(board(OPEN)["ATW"]) == list(recorded)


def test_the_board_uses_the_samples_status_tokens() -> None:
    assert {row["field_etat_cot_val"] for at in (PRE, OPEN) for row in board(at).values()} == {"T", "N.T", "S", "PRE"}


def test_a_suspended_share_shows_its_old_price_but_no_trade() -> None:
    row = board(OPEN)["SAM"]
    assert (row["field_etat_cot_val"], row["field_cours_courant"]) == ("S", "127.8000000000")
    assert (row["field_last_traded_price"], row["field_transact_time"]) == (None, "2026-11-20T08:10:00")


def test_an_untraded_share_says_so_in_another_way() -> None:
    row = board(OPEN)["MLE"]
    assert (row["field_etat_cot_val"], row["field_cours_courant"], row["field_last_traded_price"]) == ("N.T", "-", [])
    assert row["field_static_reference_price"] == "368.5000000000"


def test_before_the_open_a_theoretical_price_is_shown() -> None:
    row = board(PRE)["ATW"]
    assert row["field_etat_cot_val"] == "PRE"
    assert abs(float(row["field_pto"]) - float(row["field_static_reference_price"])) < 0.21
    assert board(OPEN)["ATW"]["field_pto"] == []


def test_the_board_is_15_minutes_late_and_local() -> None:
    times = [board(f"2026-11-20T{time}")["ATW"]["field_last_traded_time"] for time in ("09:45:00", "09:46:00")]
    assert not times[0]
    assert times[1].startswith("2026-11-20T09:30:")


def test_after_the_close_the_closing_price_is_the_last_one() -> None:
    row = board(CLOSED)["ATW"]
    assert row["field_closing_price"] == row["field_last_traded_price"] != row["field_static_reference_price"]
    assert row["field_last_traded_time"].startswith("2026-11-20T15:29:")


def history(at: str = CLOSED, **changes: str) -> dict[str, Any]:
    number = board(OPEN)["ATW"]["field_symbol"]
    params = {
        "filter[date-start][condition][path]": "field_seance_date",
        "filter[date-start][condition][operator]": ">=",
        "filter[date-start][condition][value]": "2026-11-11",
        "filter[date-end][condition][path]": "field_seance_date",
        "filter[date-end][condition][operator]": "<=",
        "filter[date-end][condition][value]": "2026-11-20",
        "filter[instrument][condition][path]": "symbol.meta.drupal_internal__target_id",
        "filter[instrument][condition][operator]": "=",
        "filter[instrument][condition][value]": number,
        "sort[date-seance][path]": "created",
        "sort[date-seance][direction]": "DESC",
        "page[limit]": "3",
    }
    document: dict[str, Any] = load(ask("casablanca_bourse", HISTORY, at=at, params=params | changes))
    return document


def dates(page: dict[str, Any]) -> list[str]:
    return [row["attributes"]["created"][:10] for row in page["data"]]


def test_history_has_the_shape_of_the_samples(samples: Path) -> None:
    names = ("history_page1", "history_page2")
    recorded = [json.loads((samples / "casablanca_bourse" / f"{name}.json").read_bytes()) for name in names]
    agm = board(OPEN)["AGM"]["field_symbol"]
    ours = [history(), history(**{"filter[instrument][condition][value]": agm, "page[limit]": "50"})]
    assert union(*map(shape_of, ours)) == union(*map(shape_of, recorded))


def test_history_comes_in_pages_newest_first_with_links_to_the_other_host() -> None:
    first = history()
    link = urlsplit(first["links"]["next"]["href"])
    query = {name: values[0] for name, values in parse_qs(link.query).items()}
    second = load(ask("casablanca_bourse", link.path, at=CLOSED, params=query))
    assert (link.scheme, link.netloc) == ("https", "api.casablanca-bourse.com")
    assert dates(first) + dates(second) == [f"2026-11-{day}" for day in (20, 19, 17, 16, 13, 12)]
    assert dates(history(**{"page[offset]": "6"})) == ["2026-11-11"]
    assert "next" not in history(**{"page[offset]": "6"})["links"]


def test_history_has_only_sessions_that_are_over() -> None:
    assert dates(history(at=OPEN))[0] == "2026-11-19"


def test_a_page_has_at_most_250_rows() -> None:
    page = history(**{"page[limit]": "1000", "filter[date-start][condition][value]": "2025-01-01"})
    assert len(page["data"]) == 250


def test_the_last_close_of_history_is_the_reference_of_the_next_day() -> None:
    close = history(at=OPEN)["data"][0]["attributes"]["closingPrice"]
    assert board(OPEN)["ATW"]["field_static_reference_price"] == close


def test_an_unknown_path_is_an_error_like_the_sample(samples: Path) -> None:
    recorded = json.loads((samples / "casablanca_bourse" / "error_404.json").read_bytes())
    reply = casablanca_bourse.refuse(404, "GET", "/api/proxy/fr/api/bourse_data/instrument_histories")
    assert (reply.status, load(reply)) == (404, recorded)


def wafa(symbol: str, at: str = OPEN) -> list[Any]:
    action = {
        "ACTION": {"NAME": "VALEUR-INDICATORS", "TYPE": "SELECT", "VALUE": "VALEUR-INDICATORS"},
        "PARAMS": [{"NAME": "Symbol_", "TYPE": "S", "VALUE": symbol}],
    }
    answer: list[Any] = load(ask("wafa_bourse", ROUTE, at=at, body={"ACTIONS": [action]}))
    return answer


def test_indicators_have_the_shape_of_the_samples(samples: Path) -> None:
    names = ("indicators_normal", "indicators_old_day", "indicators_unknown")
    recorded = [json.loads((samples / "wafa_bourse" / f"{name}.json").read_bytes()) for name in names]
    ours = [wafa("ATW"), wafa("MLE"), wafa("NOPE")]
    assert union(*map(shape_of, ours)) == union(*map(shape_of, recorded))


def test_an_unknown_symbol_is_the_samples_answer(samples: Path) -> None:
    assert wafa("NOPE") == json.loads((samples / "wafa_bourse" / "indicators_unknown.json").read_bytes())


@pytest.mark.parametrize("body", [{}, {"ACTIONS": "ATW"}, {"ACTIONS": [{"PARAMS": []}]}])
def test_a_malformed_question_is_refused(body: Any) -> None:
    assert ask("wafa_bourse", ROUTE, at=OPEN, body=body).status == 400


def test_the_token_comes_with_a_cookie(samples: Path) -> None:
    reply = ask("wafa_bourse", "/api/proxy/token", at=OPEN)
    assert list(load(reply)) == list(json.loads((samples / "wafa_bourse" / "token.json").read_bytes()))
    assert re.fullmatch(r"proxy-session=\w{8}; Path=/; HttpOnly", reply.headers["Set-Cookie"])


def table(body: bytes) -> tuple[str, list[str], list[list[str]]]:
    page = html.fromstring(body.decode("utf-8"))
    found = next(item for item in page.iter("table") if item.get("id", "").startswith("tab_"))
    rows = [[cell.text_content() for cell in row.iter("td")] for row in found.iter("tr") if row.find("td") is not None]
    return found.get("id"), [head.text_content() for head in found.iter("th")], rows


def cell_kinds(rows: list[list[str]]) -> list[set[str]]:
    kinds = (
        (r"-", "none"), (r"[+-−]\d+\.\d\d%", "signed percent"), (r"0\.00%", "zero percent"), (r"\d\d/\d\d", "day"),
        (r"\d\d/\d\d/\d{4}", "date"), (r"[\d,]+\.\d\d\xa0?", "number"),
    )  # fmt: skip
    columns = zip(*rows, strict=True)
    return [
        {next((kind for pattern, kind in kinds if re.fullmatch(pattern, text)), "text") for text in column}
        for column in columns
    ]


def test_the_page_has_the_tables_and_cells_of_the_sample(samples: Path) -> None:
    _, heads, recorded = table((samples / "african_markets" / "listed_companies_normal.html").read_bytes())
    early, late = (table(ask("african_markets", LIST, at=at).body) for at in (FIRST, CLOSED))
    ours = [a | b for a, b in zip(cell_kinds(early[2]), cell_kinds(late[2]), strict=True)]
    assert early[1] == heads
    assert ours == cell_kinds(recorded)


def test_the_tables_id_changes_between_requests() -> None:
    ids = {table(ask("african_markets", LIST, at=f"2026-11-20T12:00:0{second}").body)[0] for second in range(5)}
    assert len(ids) == 5


def test_lafarge_has_its_third_party_code_on_african_markets() -> None:
    assert b"company?code=LAF" in ask("african_markets", LIST, at=OPEN).body
    assert b"company?code=LHM" not in ask("african_markets", LIST, at=OPEN).body


def test_a_forbidden_visitor_sees_a_challenge() -> None:
    assert b"Verify you are human" in african_markets.refuse(403, "GET", LIST).body


@pytest.mark.parametrize("symbol", ["ATW", "IAM", "BOA"])
def test_the_three_sources_show_the_same_price(symbol: str) -> None:
    row = board(OPEN)[symbol]
    data = wafa(symbol)[0]["VALEUR-INDICATORS"]["Data"][0]
    page = ask("african_markets", LIST, at=OPEN).body.decode()
    cell = re.search(rf'code={symbol}">.*?</a></td><td>[^<]*</td><td>([\d,.]+)', page)
    assert cell is not None
    assert float(row["field_last_traded_price"]) == data["DernierCours"] == float(cell[1].replace(",", ""))
    assert float(row["field_cumul_titres_echanges"]) == data["QteEchangee"]
