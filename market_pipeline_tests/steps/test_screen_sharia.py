"""The screen over a real warehouse: statements from a source and from the operator's file, verdicts in the table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest

from market_pipeline.clock import HandClock
from market_pipeline.errors import UsageError
from market_pipeline.steps.refresh_metrics import refresh_metrics
from market_pipeline.steps.refresh_statements import operator_file
from market_pipeline.steps.runtime import Runtime
from market_pipeline.steps.screen_sharia import ScreenReport, screen_sharia
from market_pipeline_tests.conftest import PROJECT
from market_pipeline_tests.steps.saudi_desk import SaudiDesk, documented_section, saudi_desk

NOW = datetime(2026, 11, 19, 9, 50, tzinfo=UTC)
TEN_MINUTES = timedelta(minutes=10)
HEADER = (
    "symbol,period_end,currency,total_debt,cash_and_interest_bearing_deposits,impermissible_income,total_revenue,sector"
)
CLEAN = {
    "period_end": "2025-12-31",
    "currency": "SAR",
    "total_debt": 10.0,
    "cash_and_interest_bearing_deposits": 20.0,
    "impermissible_income": 1.0,
    "total_revenue": 100.0,
    "sector": "Specialty Retail",
}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SaudiDesk]:
    """Every share is worth 100 riyals; all publish clean statements, and 1180 and 1120 are banks."""
    with saudi_desk(tmp_path, HandClock(NOW)) as found:
        symbols = ("1120", "1180", "2010", "2222", "4190")
        found.site.metrics = {symbol: {"market_cap": 100.0, "currency": "SAR"} for symbol in symbols}
        found.site.fundamentals = {symbol: dict(CLEAN) for symbol in symbols}
        for bank in ("1120", "1180"):
            found.site.fundamentals[bank]["sector"] = "Banks—Regional"
        yield found


def test_the_saudi_market_file_has_the_documented_section() -> None:
    text = (PROJECT / "market_pipeline" / "defs" / "saudi" / "defs.yaml").read_text()
    assert documented_section() in text


def screened(desk: SaudiDesk) -> ScreenReport:
    refresh_metrics(desk.runtime, desk.market)
    return screen_sharia(desk.runtime, desk.market)


def row(desk: SaudiDesk, symbol: str) -> dict[str, Any]:
    rows = desk.runtime.warehouse.latest("sharia_screen", "saudi")
    [found] = rows.filter(pc.equal(rows["symbol"], symbol)).to_pylist()
    return dict(found)


def write_file(desk: SaudiDesk, *lines: str) -> None:
    path = operator_file(desk.runtime, desk.market)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([HEADER, *lines]))


def test_the_documented_section_screens_a_market(desk: SaudiDesk) -> None:
    report = screened(desk)
    verdicts = {verdict.symbol: verdict.verdict.value for verdict in report.verdicts}
    assert verdicts == {
        "1120": "compliant",
        "1180": "not_compliant",
        "2010": "compliant",
        "2222": "compliant",
        "4190": "compliant",
    }
    assert report.by_verdict == {"compliant": 4, "not_compliant": 1}
    assert [rule.rule for rule in report.rules if not rule.passed] == []


def test_a_row_shows_ratios_limits_dates_sources_and_the_standard(desk: SaudiDesk) -> None:
    screened(desk)
    found = row(desk, "2222")
    assert (found["debt_ratio"], found["deposits_ratio"], found["income_ratio"]) == (0.1, 0.2, 0.01)
    assert (found["debt_limit"], found["deposits_limit"], found["income_limit"]) == (0.3, 0.3, 0.05)
    assert (found["period_end"], found["market_cap_as_of"]) == (date(2025, 12, 31), NOW)
    assert (found["fundamentals_source"], found["market_cap_source"], found["sector_source"]) == ("board",) * 3
    assert found["standard"].startswith("AAOIFI Sharia Standard No. 21")
    assert (found["as_of"], found["session_date"]) == (NOW, date(2026, 11, 19))
    bank = row(desk, "1180")
    assert bank["excluded_by"] == "conventional_finance"
    assert bank["reason"].startswith("'Banks—Regional' is an excluded line of business (conventional_finance): lending")


def test_without_a_capitalisation_nobody_is_compliant(desk: SaudiDesk) -> None:
    desk.site.metrics = {}
    report = screened(desk)
    assert report.by_verdict == {"unknown": 4, "not_compliant": 1}
    assert report.missing == {"market_cap": 5}


def test_a_capitalisation_that_falls_turns_the_verdict(desk: SaudiDesk) -> None:
    screened(desk)
    desk.clock.advance(TEN_MINUTES)
    desk.site.metrics["2222"]["market_cap"] = 30.0
    screened(desk)
    assert (row(desk, "2222")["verdict"], row(desk, "2222")["debt_ratio"]) == ("not_compliant", pytest.approx(1 / 3))
    history = desk.runtime.warehouse.read("sharia_screen", "saudi", symbols=["2222"]).sort_by("as_of")
    assert history["verdict"].to_pylist() == ["compliant", "not_compliant"]


def test_statements_are_asked_one_symbol_a_call_and_not_again_before_their_time(desk: SaudiDesk) -> None:
    report = screened(desk)
    assert desk.site.requests("fundamentals") == ["1120", "1180", "2010", "2222", "4190"]
    assert report.statements.counts == {"board": {"ok": 5}}
    desk.clock.advance(TEN_MINUTES)
    assert screened(desk).statements.counts == {}
    assert len(desk.site.requests("fundamentals")) == 5
    desk.clock.advance(timedelta(days=7))
    screened(desk)
    assert len(desk.site.requests("fundamentals")) == 10


def test_a_source_that_is_down_is_asked_again_after_an_hour_and_old_statements_stay(desk: SaudiDesk) -> None:
    screened(desk)
    desk.clock.advance(timedelta(days=7))
    desk.site.status = 503
    assert set(screened(desk).statements.counts["board"]) == {"timeout"}
    assert row(desk, "4190")["debt_ratio"] == 0.1
    desk.site.status = 200
    desk.clock.advance(TEN_MINUTES)
    assert screened(desk).statements.counts == {}
    desk.clock.advance(timedelta(minutes=50))
    assert screened(desk).statements.counts == {"board": {"ok": 5}}


def test_impossible_statements_are_set_aside_with_their_reason(desk: SaudiDesk) -> None:
    desk.site.fundamentals["2222"]["total_debt"] = -5.0
    report = screened(desk)
    assert [(r.symbol, r.reason) for r in report.statements.refused] == [("2222", "total_debt -5 is negative")]
    aside = desk.runtime.warehouse.read("set_aside", "saudi").to_pylist()
    assert [(r["kind"], r["source"], r["symbol"], r["reason"]) for r in aside] == [
        ("fundamentals", "board", "2222", "total_debt -5 is negative")
    ]
    assert row(desk, "2222")["verdict"] == "unknown"
    assert row(desk, "4190")["verdict"] == "compliant"


def test_the_operators_file_goes_before_the_source_and_its_bad_lines_are_set_aside(desk: SaudiDesk) -> None:
    write_file(desk, "2222,2025-12-31,SAR,40,20,1,100,Oil", "2010,2025-12-31,SAR,many,20,1,100,Chemicals")
    report = screened(desk)
    assert (row(desk, "2222")["verdict"], row(desk, "2222")["fundamentals_source"]) == ("not_compliant", "operator")
    assert row(desk, "2010")["fundamentals_source"] == "board"
    assert report.statements.operator_lines == 1
    [aside] = desk.runtime.warehouse.read("set_aside", "saudi").to_pylist()
    assert aside["symbol"] == "2010"
    assert aside["reason"].startswith("line 3: total_debt 'many': Input should be a valid number")


def test_an_unchanged_line_keeps_the_time_at_which_it_came(desk: SaudiDesk) -> None:
    write_file(desk, "2222,2025-12-31,SAR,40,20,1,100,Oil")
    screened(desk)
    desk.clock.advance(TEN_MINUTES)
    screened(desk)
    assert row(desk, "2222")["fundamentals_received_time"] == NOW


def test_a_line_taken_out_of_the_file_is_withdrawn(desk: SaudiDesk) -> None:
    write_file(desk, "2222,2025-12-31,SAR,40,20,1,100,Oil")
    screened(desk)
    write_file(desk)
    desk.clock.advance(TEN_MINUTES)
    screened(desk)
    assert (row(desk, "2222")["verdict"], row(desk, "2222")["fundamentals_source"]) == ("compliant", "board")
    operator_file(desk.runtime, desk.market).unlink()
    screened(desk)
    stored = desk.runtime.warehouse.latest("fundamentals", "saudi")
    [kept] = stored.filter(pc.equal(stored["source"], "operator")).to_pylist()
    assert (kept["symbol"], kept["period_end"], kept["total_debt"]) == ("2222", None, None)


def test_a_broken_file_leaves_in_force_what_it_said_before(desk: SaudiDesk) -> None:
    write_file(desk, "2222,2025-12-31,SAR,40,20,1,100,Oil")
    screened(desk)
    operator_file(desk.runtime, desk.market).write_bytes(b"\xff\xfe")
    desk.clock.advance(TEN_MINUTES)
    report = screened(desk)
    assert row(desk, "2222")["verdict"] == "not_compliant"
    assert [r.symbol for r in report.statements.refused] == ["(file)"]


@pytest.mark.parametrize("kind", ["folder", "huge"])
def test_a_file_that_cannot_be_taken_in_is_named_and_fails_nothing(desk: SaudiDesk, kind: str) -> None:
    write_file(desk)
    path = operator_file(desk.runtime, desk.market)
    path.unlink()
    if kind == "folder":
        path.mkdir()
    else:
        path.write_bytes(b"x" * 5_000_001)
    [refused] = screened(desk).statements.refused
    expected = {
        "folder": "the file cannot be opened (Is a directory);",
        "huge": "the file is larger than 5,000,000 bytes;",
    }
    assert refused.reason.startswith(expected[kind])


def test_statements_are_a_table_of_market_duckdb(desk: SaudiDesk) -> None:
    screened(desk)
    desk.runtime.warehouse.build_market_duckdb()
    found = desk.runtime.warehouse.query("SELECT count(*) AS n, min(total_debt) AS least FROM fundamentals")
    assert found.to_pylist() == [{"n": 5, "least": 10.0}]


def test_a_market_without_thresholds_cannot_be_screened(runtime: Runtime) -> None:
    with pytest.raises(UsageError, match="its file has no `sharia` section"):
        screen_sharia(runtime, runtime.market("crypto"))
