"""Yahoo's quotes, cookies and summaries, pinned to the samples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from market_pipeline.simulator.wire import yahoo
from market_pipeline.simulator.wire.format import Reply
from market_pipeline_tests.simulator.shapes import shape_of
from market_pipeline_tests.simulator.wires import ask, load

AT = "2026-11-20T16:00:10"
"""A Friday, 11:00 in New York; Saudi Arabia is closed, London open, Tokyo closed."""
QUOTE = "/v7/finance/quote"
COOKIE = {"cookie": "A3=d=AQAB&S=AQAA"}
CRUMB = yahoo.crumb_of("d=AQAB&S=AQAA")
MODULES = "assetProfile,financialData,defaultKeyStatistics,summaryDetail,incomeStatementHistory"


@pytest.fixture
def recorded(samples: Path) -> Path:
    return samples / "yahoo"


def get(path: str, at: str = AT, **params: str) -> Reply:
    return ask("yahoo", path, at=at, params={**params, "crumb": CRUMB}, headers=COOKIE)


def quotes(symbols: str, at: str = AT) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = load(get(QUOTE, at, symbols=symbols))["quoteResponse"]["result"]
    return rows


def summary(symbol: str, modules: str = MODULES) -> Any:
    return load(get(f"/v10/finance/quoteSummary/{symbol}", modules=modules))["quoteSummary"]["result"][0]


def sample(recorded: Path, name: str) -> Any:
    return json.loads((recorded / f"{name}.json").read_bytes())


def kinds(document: Any) -> dict[str, set[str]]:
    """Return path → types, where a whole number may stand for a price."""
    words = {"int": "number", "float": "number"}
    return {
        path: {"text" if path.endswith(".fmt") else words.get(kind, kind) for kind in found}
        for path, found in shape_of(document).items()
    }


@pytest.mark.parametrize(
    ("name", "place", "symbol"),
    [
        ("quote_normal", 0, "AAPL"),
        ("quote_saudi_normal", 0, "2222.SR"),
        ("quote_saudi_normal", 1, "^TASI.SR"),
        ("quote_gbp_pence", 0, "HSBA.L"),
        ("quote_global_normal", 1, "EURUSD=X"),
        ("quote_crypto_normal", 0, "BTC-USD"),
    ],
)
def test_a_quote_has_the_samples_fields_and_types(recorded: Path, name: str, place: int, symbol: str) -> None:
    ours, theirs = kinds(quotes(symbol)[0]), kinds(sample(recorded, name)["quoteResponse"]["result"][place])
    left_out = {".averageAnalystRating", ".dividendDate", ".epsCurrentYear", ".coinImageUrl"}
    assert set(theirs) - set(ours) <= left_out
    assert {path: ours[path] for path in theirs if path not in left_out} == {
        path: found for path, found in theirs.items() if path not in left_out
    }


def test_a_quote_says_what_the_sample_says_of_its_venue(recorded: Path) -> None:
    for name, place, symbol in (
        ("quote_normal", 0, "AAPL"),
        ("quote_global_normal", 1, "EURUSD=X"),
        ("quote_crypto_normal", 0, "BTC-USD"),
    ):
        theirs, ours = sample(recorded, name)["quoteResponse"]["result"][place], quotes(symbol)[0]
        for key in ("quoteType", "typeDisp", "quoteSourceName", "currency", "exchange", "fullExchangeName", "market",
                    "exchangeTimezoneName", "exchangeTimezoneShortName", "gmtOffSetMilliseconds", "marketState",
                    "hasPrePostMarketData", "sourceInterval", "tradeable"):  # fmt: skip
            assert ours[key] == theirs[key], (symbol, key)


def test_an_unknown_symbol_is_simply_absent(recorded: Path) -> None:
    assert [row["symbol"] for row in quotes("NOPE,MSFT,BRK-B,GONE.SR,BTC-USD")] == ["MSFT", "BRK-B", "BTC-USD"]
    assert load(get(QUOTE, symbols="NOPE")) == sample(recorded, "quote_empty")


def test_quotes_of_several_markets_come_in_the_order_asked_for() -> None:
    asked = ["EURUSD=X", "AAPL", "2222.SR", "ETH-USD", "^GSPC", "MSFT"]
    assert [row["symbol"] for row in quotes(",".join(asked))] == asked


def test_a_dividend_yield_is_percent_in_the_quote_and_a_fraction_in_the_summary() -> None:
    row = quotes("KO")[0]
    assert row["dividendYield"] == round(100 * 2.04 / row["regularMarketPrice"], 2)
    assert summary("KO")["summaryDetail"]["dividendYield"]["raw"] == round(2.04 / row["regularMarketPrice"], 4)


def test_a_london_share_is_in_pence_and_its_company_in_pounds() -> None:
    row = quotes("HSBA.L")[0]
    assert (row["currency"], row["financialCurrency"]) == ("GBp", "GBP")
    assert 500 < row["regularMarketPrice"] < 2000
    assert row["marketCap"] == pytest.approx(row["regularMarketPrice"] / 100 * 17_180_000_000)
    assert row["epsTrailingTwelveMonths"] == 0.71


def test_a_delayed_market_says_so_and_shows_old_prices() -> None:
    row = quotes("2222.SR", "2026-11-22T08:30:10")[0]
    assert (row["exchangeDataDelayedBy"], row["marketState"]) == (15, "REGULAR")
    assert 1795335300 <= row["regularMarketTime"] <= 1795335310


def test_before_the_open_the_regular_fields_are_those_of_the_day_before() -> None:
    before, early = quotes("AAPL", "2026-11-19T22:00:00")[0], quotes("AAPL", "2026-11-20T12:00:00")[0]
    same = ("regularMarketPrice", "regularMarketTime", "regularMarketVolume", "regularMarketPreviousClose")
    assert {key: early[key] for key in same} == {key: before[key] for key in same}
    assert (before["marketState"], early["marketState"]) == ("POST", "PRE")
    assert "postMarketPrice" in before and "preMarketPrice" not in before
    assert "preMarketPrice" in early and "postMarketPrice" not in early
    assert 1795174800 < early["preMarketTime"] <= 1795176000


@pytest.mark.parametrize(
    ("moment", "state"),
    [
        ("2026-11-20T08:59:59", "PREPRE"),
        ("2026-11-20T09:00:00", "PRE"),
        ("2026-11-20T14:30:00", "REGULAR"),
        ("2026-11-20T21:05:00", "POST"),
        ("2026-11-21T01:00:00", "POSTPOST"),
        ("2026-11-21T16:00:00", "CLOSED"),
        ("2026-11-27T17:59:59", "REGULAR"),
        ("2026-11-27T18:06:00", "POST"),
        ("2026-11-26T16:00:00", "CLOSED"),
    ],
)
def test_the_market_state_follows_the_calendar(moment: str, state: str) -> None:
    assert quotes("MSFT", moment)[0]["marketState"] == state


def test_a_closed_market_has_no_orders(recorded: Path) -> None:
    theirs = sample(recorded, "quote_closed")["quoteResponse"]["result"][0]
    ours = quotes("2222.SR")[0]
    for key in ("marketState", "bid", "ask", "bidSize", "askSize"):
        assert ours[key] == theirs[key]


def test_sizes_are_lots_of_a_hundred_in_new_york() -> None:
    row = quotes("AAPL")[0]
    assert row["bid"] < row["ask"] <= row["bid"] + 0.05
    assert (row["bidSize"], row["askSize"]) == (442, 165)


@pytest.mark.parametrize("headers", [{}, {"cookie": "A3=another"}, {"cookie": "A3"}])
def test_quotes_want_the_cookie_that_the_crumb_belongs_to(recorded: Path, headers: dict[str, str]) -> None:
    reply = ask("yahoo", QUOTE, at=AT, params={"symbols": "AAPL", "crumb": CRUMB}, headers=headers)
    assert (reply.status, load(reply)) == (401, sample(recorded, "quote_unauthorised"))


def test_the_cookie_page_is_a_404_whose_cookie_earns_a_crumb(recorded: Path) -> None:
    page = ask("yahoo", "/", at=AT, headers={"host": "127.0.0.1:8765"})
    cookie = page.headers["Set-Cookie"].partition(";")[0]
    crumb = ask("yahoo", "/v1/test/getcrumb", at=AT, headers={"cookie": cookie}).body.decode()
    assert page.status == 404
    assert len(crumb) == len((recorded / "crumb.txt").read_text().strip())
    reply = ask("yahoo", QUOTE, at=AT, params={"symbols": "AAPL", "crumb": crumb}, headers={"cookie": cookie})
    assert reply.status == 200


def test_a_cookie_for_yahoos_own_hosts_holds_for_all_of_them() -> None:
    page = ask("yahoo", "", at=AT, headers={"host": "fc.yahoo.com:8765"})
    assert "; Domain=.yahoo.com;" in page.headers["Set-Cookie"]


def test_without_a_cookie_there_is_no_crumb() -> None:
    reply = ask("yahoo", "/v1/test/getcrumb", at=AT, headers={})
    assert (reply.status, load(reply)["finance"]["error"]["description"]) == (401, "Invalid Cookie")


def test_the_consent_page_has_the_samples_form(recorded: Path) -> None:
    page = ask("yahoo", "/consent", at=AT).body.decode()
    for name in ("csrfToken", "sessionId", "originalDoneUrl", "namespace"):
        assert f'name="{name}"' in page
        assert f'name="{name}"' in (recorded / "consent.html").read_text()


@pytest.mark.parametrize(
    ("status", "path", "name"),
    [
        (429, QUOTE, "too_many_requests.txt"),
        (429, "/v1/test/getcrumb", "crumb_too_many_requests.txt"),
        (503, QUOTE, "will_be_right_back.html"),
        (404, "/v8/finance/chart/GONE1", "chart_not_found.json"),
        (401, QUOTE, "quote_unauthorised.json"),
    ],
)
def test_refusals_are_the_samples(recorded: Path, status: int, path: str, name: str) -> None:
    reply = yahoo.refuse(status, "GET", path)
    assert reply.status == status
    assert reply.body.strip() == (recorded / name).read_bytes().strip()


def test_a_summary_has_the_samples_fields_and_types(recorded: Path) -> None:
    theirs = sample(recorded, "summary_normal")["quoteSummary"]["result"][0]
    ours = kinds(summary("2222.SR"))
    missing = set(kinds(theirs)) - set(ours)
    assert missing == {".assetProfile.fullTimeEmployees"}
    assert all(ours[path] == found for path, found in kinds(theirs).items() if path not in missing)


def test_some_companies_have_no_statements_as_in_the_sample(recorded: Path) -> None:
    theirs = sample(recorded, "summary_missing_statements")["quoteSummary"]["result"][0]
    ours = next(found for found in map(summary, (f"SIM{n:04d}" for n in range(1, 80))) if _has_no_debt(found))
    assert ours["assetProfile"]["sector"] == theirs["assetProfile"]["sector"] == ""
    assert ours["financialData"]["totalCash"] == theirs["financialData"]["totalCash"] == {}
    assert ours["financialData"]["financialCurrency"] is None
    assert "incomeStatementHistory" not in ours


def _has_no_debt(found: Any) -> bool:
    return "financialData" in found and found["financialData"]["totalDebt"] == {}


def test_an_unknown_summary_is_the_samples_error(recorded: Path) -> None:
    reply = get("/v10/finance/quoteSummary/GONE1", modules=MODULES)
    assert (reply.status, load(reply)) == (404, sample(recorded, "summary_not_found"))


def test_statements_by_type_are_the_summarys() -> None:
    path = "/ws/fundamentals-timeseries/v1/finance/timeseries/2222.SR"
    debt, unknown = load(get(path, type="annualTotalDebt,annualNothing"))["timeseries"]["result"]
    points = debt["annualTotalDebt"]
    assert [point["asOfDate"] for point in points] == ["2022-12-31", "2023-12-31", "2024-12-31", "2025-12-31"]
    assert points[-1]["reportedValue"] == summary("2222.SR")["financialData"]["totalDebt"]
    assert list(unknown) == ["meta"]


def test_too_many_symbols_are_refused() -> None:
    reply = get(QUOTE, symbols=",".join(f"SIM{n:04d}" for n in range(1, 1002)))
    assert (reply.status, load(reply)["quoteResponse"]["error"]["description"]) == (400, "Too many symbols")
