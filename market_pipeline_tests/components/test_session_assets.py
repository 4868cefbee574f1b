"""Sessions as partitions: the daily job, a backfill over a range, holidays, and a history that does not answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from market_pipeline.clock import HandClock
from market_pipeline.components.market.partitions import closed_days, session_partitions
from market_pipeline.markets.loader import load_market
from market_pipeline.settings import Settings
from market_pipeline.simulator.faults import FaultPlan
from market_pipeline.simulator.server import RunningSimulator, SimulatorOptions, running_simulator
from market_pipeline.steps.runtime import Runtime
from market_pipeline_tests.alerts.receivers import mail_server
from market_pipeline_tests.components.conftest import close_logs, point_to
from market_pipeline_tests.components.dagster_desk import EARLY, OPEN, Desk, Ran


@dataclass(frozen=True)
class Daily:
    """A daily job that has run, and which sessions were closed then."""

    run: Ran
    closed: list[str]


@pytest.fixture(scope="module")
def wednesday(definitions: dg.Definitions, tmp_path_factory: pytest.TempPathFactory) -> Daily:
    """The daily job of crypto for 18 November, for tests that only look at it."""
    folder, clock = tmp_path_factory.mktemp("wednesday"), HandClock(OPEN)
    options = SimulatorOptions(port=0, delays=False)
    with pytest.MonkeyPatch.context() as patch, running_simulator(options, clock=clock) as exchange:
        feed = point_to(patch, folder, exchange.url)
        settings = Settings(data=feed.parent, simulator_url=exchange.url, budgets=False, _env_file=None)
        with dg.DagsterInstance.ephemeral() as instance:
            run = Desk(definitions, instance).run("crypto_daily", partition_key="2026-11-18")
        closed = Runtime(settings, clock).warehouse.closed_sessions("crypto")
    close_logs()
    return Daily(run, [str(day) for day in closed])


def test_the_daily_job_completes_an_ended_session_with_its_partitioned_and_unpartitioned_assets(
    wednesday: Daily,
) -> None:
    run = wednesday.run
    assert run.success
    assert sorted(run.materialized()) == [
        "crypto/bars_1d",
        "crypto/daily_report",
        "crypto/health",
        "crypto/instruments",
        "crypto/session_bars",
        "crypto/session_indicators",
        "crypto/session_levels",
        "crypto/weekly_report",
    ]
    assert wednesday.closed == ["2026-11-18"]
    assert run.metadata("crypto/bars_1d", "2026-11-18")["dagster/row_count"] == 16  # a row of each source
    bars = run.metadata("crypto/session_bars", "2026-11-18")
    assert bars["symbols"] == 8
    assert bars["plot"].startswith("![bars a minute](data:image/png;base64,iVBOR")
    indicators = run.metadata("crypto/session_indicators", "2026-11-18")
    assert indicators["dagster/row_count"] == bars["dagster/row_count"]
    assert run.metadata("crypto/session_levels", "2026-11-18")["dagster/row_count"] == bars["dagster/row_count"]


def test_the_indicators_of_a_session_show_its_chart_drawn_when_its_levels_are_there(wednesday: Daily) -> None:
    run = wednesday.run
    order = run.materialized()
    assert order.index("crypto/session_levels") < order.index("crypto/session_indicators")
    chart = run.metadata("crypto/session_indicators", "2026-11-18")["chart"]
    assert chart.startswith(
        "![BTC-USD · Crypto currencies in US dollars · Wed 18 Nov 2026](data:image/png;base64,iVBOR"
    )


def test_the_daily_job_ends_with_the_reports_of_the_session_and_its_week(
    desk: Desk, runtime: Runtime, clock: HandClock
) -> None:
    clock.at = EARLY
    desk.run("crypto_minute")
    run = desk.run("crypto_daily", partition_key="2026-11-19")
    daily = run.metadata("crypto/daily_report", "2026-11-19")
    assert daily["coverage, tier 1"] == "100 % (of 8 symbols)"
    assert "**SIMULATED · made-up prices, no real market is concerned**" in daily["report"]
    folder = runtime.folder / "reports" / "crypto"
    assert daily["path"] == str(folder / "daily_2026-11-19.html")
    assert run.metadata("crypto/weekly_report", "2026-11-19")["path"] == str(folder / "weekly_2026-W47.html")
    assert sorted(path.suffix for path in folder.iterdir()) == [".html", ".html", ".md", ".md"]
    assert "mail" not in daily


def test_a_mail_server_that_is_down_costs_the_report_nothing_and_is_named_until_it_is_back(
    desk: Desk, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"MARKET_PIPELINE_MAIL_REPORTS": "daily", "SMTP_HOST": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ALERT_EMAIL_RECIPIENTS", "ops@example.org")
    with mail_server() as box:
        monkeypatch.setenv("SMTP_PORT", str(box.port))
    down = desk.materialize("crypto/daily_report", partition_key="2026-11-18")
    assert down.success
    said = down.metadata("crypto/daily_report", "2026-11-18")
    assert Path(said["path"]).exists()
    assert said["mail"] == (
        f"not sent: tried to mail through 127.0.0.1:{box.port} (plain): ConnectionRefusedError: [Errno 111] Connection "
        "refused; it is not tried again by itself; `market-pipeline report daily --market crypto --mail` sends it "
        "again; if this stays, check SMTP_HOST, SMTP_PORT (465 is TLS, 587 STARTTLS) and that the server is up"
    )
    with mail_server(again=box):
        back = desk.materialize("crypto/daily_report", partition_key="2026-11-18")
    assert back.metadata("crypto/daily_report", "2026-11-18")["mail"] == "sent to ops@example.org"
    assert len(box.envelopes) == 1


def test_a_backfill_over_a_range_is_one_run_with_each_sessions_own_figures(desk: Desk) -> None:
    run = desk.materialize("casablanca/bars_1d", first="2026-11-16", last="2026-11-19")
    assert run.materialized() == ["casablanca/bars_1d"] * 3
    rows = {day: run.metadata("casablanca/bars_1d", day)["dagster/row_count"] for day in ("2026-11-16", "2026-11-17")}
    assert rows == {"2026-11-16": 16, "2026-11-17": 16}


def test_a_range_leaves_complete_sessions_as_they_are_and_a_single_one_is_asked_for_again(desk: Desk) -> None:
    days = {"first": "2026-11-16", "last": "2026-11-17"}
    first = desk.materialize("casablanca/session_bars", **days)
    again = desk.materialize("casablanca/session_bars", **days)
    alone = desk.materialize("casablanca/session_bars", partition_key="2026-11-16")
    assert first.metadata("casablanca/session_bars", "2026-11-16")["is_closed"]
    assert again.metadata("casablanca/session_bars", "2026-11-16") == {"was_complete": True}
    assert alone.metadata("casablanca/session_bars", "2026-11-16")["is_closed"]


def test_a_session_in_progress_is_completed_and_stays_open(desk: Desk, runtime: Runtime) -> None:
    run = desk.materialize("crypto/session_bars", partition_key="2026-11-19")
    assert run.metadata("crypto/session_bars", "2026-11-19")["dagster/row_count"] == 4720
    assert runtime.warehouse.closed_sessions("crypto") == []


def test_a_market_without_minute_history_closes_its_session_from_what_was_seen_live(
    desk: Desk, runtime: Runtime
) -> None:
    run = desk.run("casablanca_daily", partition_key="2026-11-17")
    assert run.metadata("casablanca/session_bars", "2026-11-17")["history_requests"] == "nothing asked"
    assert run.metadata("casablanca/bars_1d", "2026-11-17")["history_requests"] == "16 ok"
    assert [str(day) for day in runtime.warehouse.closed_sessions("casablanca")] == ["2026-11-17"]


def test_a_holiday_is_no_partition(desk: Desk) -> None:
    with pytest.raises(dg.DagsterUnknownPartitionError, match="2026-11-18"):
        desk.run("casablanca_daily", partition_key="2026-11-18")


def test_a_holiday_that_is_asked_for_by_tag_is_refused_and_not_taken_for_the_next_session(
    desk: Desk, runtime: Runtime
) -> None:
    run = desk.materialize("casablanca/session_bars", first="2026-11-18", last="2026-11-18")
    assert not run.success
    assert "asked for sessions of casablanca from 2026-11-18 to 2026-11-18, and there is none" in run.failures()
    assert runtime.warehouse.closed_sessions("casablanca") == []


def test_a_history_that_does_not_answer_fails_the_run_and_says_that_it_is_tried_again(
    desk: Desk, exchange: RunningSimulator
) -> None:
    exchange.set_faults(FaultPlan.model_validate({"faults": [{"kind": "401"}]}))
    run = desk.run("casablanca_daily", partition_key="2026-11-17")
    assert not run.success
    assert "asked the history of 16 symbols of casablanca (daily_bars) and got 16 unauthorised" in run.failures()
    assert "the daily schedule makes one each hour" in run.failures()


def test_partitions_are_the_calendars_sessions_in_the_exchanges_zone(environment: Path) -> None:
    partitions = session_partitions(load_market("india"))
    assert partitions.timezone == "Asia/Kolkata"
    assert partitions.get_first_partition_key() == "2013-01-01"
    days = ["2026-11-09", "2026-11-10", "2026-11-13", "2026-11-14", "2026-02-01"]
    # Diwali Balipratipada, a Saturday, and the Sunday of the budget session
    assert [partitions.has_partition_key(day) for day in days] == [True, False, True, False, True]


def test_the_closed_days_are_asked_of_the_calendar_once_and_kept(environment: Path) -> None:
    file = load_market("casablanca")
    days = closed_days(file, environment / "cache")
    assert {"2026-11-14", "2026-11-18"} <= set(days)
    [kept] = (environment / "cache").glob("casablanca_closed_days_*.json")
    kept.write_text('{"closed_days": ["2026-01-01"]}')
    assert closed_days(file, environment / "cache") == ["2026-01-01"]


def test_a_folder_that_cannot_be_written_to_only_costs_time(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert "2026-11-18" in closed_days(load_market("casablanca"), tmp_path / "cache")


def test_a_market_that_never_closes_has_every_day(environment: Path, clock: HandClock) -> None:
    assert closed_days(load_market("crypto"), environment / "cache") == []


def test_a_run_that_asks_for_an_unknown_column_of_pandas_ta_is_told_the_nearest_one(desk: Desk) -> None:
    asked = {"pandas_ta_symbols": ["BTC-USD"], "pandas_ta_columns": ["UI14"]}
    run = desk.materialize(
        "crypto/session_indicators",
        partition_key="2026-11-19",
        run_config={"ops": {"crypto__session_indicators": {"config": asked}}},
    )
    assert not run.success
    assert "asked crypto for indicators of pandas-ta and found unknown column 'UI14' (did you mean UI_14?)" in (
        run.failures()
    )
