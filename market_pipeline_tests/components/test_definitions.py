"""The project as Dagster sees it: names that outsiders rely on, lineage, and what loading costs."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import cast

import dagster as dg
import pytest

from market_pipeline.components.market import Market
from market_pipeline.errors import MarketFileError
from market_pipeline.indicators.catalogue import columns
from market_pipeline.markets.loader import load_market, load_markets, market_names
from market_pipeline_tests.conftest import PROJECT

MARKETS = market_names()
HEAVY = ["pandas", "talib", "pandas_ta", "numba", "ccxt", "matplotlib", "exchange_calendars", "requests", "aiohttp"]
TABLES = {
    *("live_tickers", "bars_1m", "indicators_1m", "levels_1m", "metrics", "gaps", "health"),
    *("instruments", "session_bars", "session_indicators", "session_levels", "bars_1d"),
    *("daily_report", "weekly_report"),
}


@pytest.fixture(scope="module")
def repository(definitions: dg.Definitions) -> dg.RepositoryDefinition:
    return definitions.get_repository_def()


def keys(repository: dg.RepositoryDefinition) -> dict[str, dg.AssetSpec]:
    specs = [spec for asset in repository.assets_defs_by_key.values() for spec in asset.specs]
    return {spec.key.to_user_string(): spec for spec in specs}


def test_the_root_module_stays_below_sixty_lines() -> None:
    assert len((PROJECT / "market_pipeline" / "definitions.py").read_text().splitlines()) < 60


@pytest.mark.parametrize("market", MARKETS)
def test_every_table_of_a_market_is_an_asset_in_the_markets_group(
    repository: dg.RepositoryDefinition, market: str
) -> None:
    sources = {f"raw_quotes_{rule.name}" for rule in load_markets()[market].quote_sources}
    screen = {"sharia_screen"} if load_markets()[market].sharia else set()
    found = {key: spec for key, spec in keys(repository).items() if key.startswith(f"{market}/")}
    assert set(found) == {f"{market}/{name}" for name in TABLES | sources | screen}
    assert {spec.group_name for spec in found.values()} == {market}


def test_a_source_without_quotes_has_no_asset(repository: dg.RepositoryDefinition) -> None:
    assert [key for key in keys(repository) if key.startswith("us/raw_quotes_")] == ["us/raw_quotes_yahoo"]


def test_the_lineage_leads_from_every_source_to_the_indicators(repository: dg.RepositoryDefinition) -> None:
    graph = repository.asset_graph
    ancestors = {
        key.to_user_string() for key in graph.get_ancestor_asset_keys(dg.AssetKey(["casablanca", "indicators_1m"]))
    }
    assert ancestors == {
        "casablanca/raw_quotes_casablanca_bourse",
        "casablanca/raw_quotes_wafa_bourse",
        "casablanca/raw_quotes_african_markets",
        "casablanca/live_tickers",
        "casablanca/bars_1m",
    }


def test_jobs_schedules_and_sensors_have_their_fixed_names_and_are_on(repository: dg.RepositoryDefinition) -> None:
    cadences = ("minute", "metrics", "daily", "heal")
    names = {f"{market}_{cadence}" for market in MARKETS for cadence in cadences} | {"retention", "us_sweep"}
    jobs = {job.name for job in repository.get_all_jobs() if not job.name.startswith("__")}
    assert jobs == names | {"publish_tickers"}
    assert {s.name for s in repository.schedule_defs} == names
    assert all(s.default_status == dg.DefaultScheduleStatus.RUNNING for s in repository.schedule_defs)
    assert {s.name for s in repository.sensor_defs} == {"health", "publish_tickers"}
    assert all(s.default_status == dg.DefaultSensorStatus.RUNNING for s in repository.sensor_defs)


@pytest.mark.parametrize("market", MARKETS)
def test_the_minute_job_is_one_process_with_a_time_limit_and_the_valid_checks_only(
    repository: dg.RepositoryDefinition, market: str
) -> None:
    job = repository.get_job(f"{market}_minute")
    assert job.executor_def.name == "in_process"
    assert job.tags["dagster/max_runtime"] == "55"
    assert {key.name for key in job.asset_layer.asset_graph.asset_check_keys} == {"valid"}


def test_the_sweep_goes_the_way_of_the_minute_for_tier_2_alone(repository: dg.RepositoryDefinition) -> None:
    sweep, minute = repository.get_job("us_sweep"), repository.get_job("us_minute")
    assert sweep.asset_layer.executable_asset_keys == minute.asset_layer.executable_asset_keys
    assert (minute.tags["market_pipeline/tier"], sweep.tags["market_pipeline/tier"]) == ("1", "2")
    assert "market_pipeline/tier" not in repository.get_job("india_minute").tags
    assert sweep.tags["market_pipeline/cadence"] == "sweep"


@pytest.mark.parametrize("market", MARKETS)
def test_the_metrics_job_is_one_process_with_time_for_the_sources_and_its_own_work(
    repository: dg.RepositoryDefinition, market: str
) -> None:
    job = repository.get_job(f"{market}_metrics")
    assert job.executor_def.name == "in_process"
    limits = {"nairobi": "520", "saudi": "540"}  # afx may be asked once in three seconds; saudi screens statements too
    assert job.tags["dagster/max_runtime"] == limits.get(market, "420")
    assert job.tags["market_pipeline/cadence"] == "metrics"
    screen = {"saudi/sharia_screen"} if market == "saudi" else set()
    assert {key.to_user_string() for key in job.asset_layer.executable_asset_keys} == {f"{market}/metrics"} | screen


@pytest.mark.parametrize("market", MARKETS)
def test_the_daily_job_shows_the_days_health_and_leaves_the_checks_to_the_sensor(
    repository: dg.RepositoryDefinition, market: str
) -> None:
    graph = repository.get_job(f"{market}_daily").asset_layer.asset_graph
    assert dg.AssetKey([market, "health"]) in graph.executable_asset_keys
    assert {key.name for key in graph.asset_check_keys} == {"valid"}


@pytest.mark.parametrize(
    ("market", "days"),
    [("casablanca", 8), ("us", 5), ("saudi", 13), ("india", 7), ("nairobi", 7), ("crypto", 2), ("global", 4)],
)
def test_session_assets_may_stay_as_they_are_for_the_longest_closure_and_a_day(
    repository: dg.RepositoryDefinition, market: str, days: int
) -> None:
    for table in ("session_bars", "session_indicators", "bars_1d"):
        policy = keys(repository)[f"{market}/{table}"].freshness_policy
        assert policy == dg.FreshnessPolicy.time_window(fail_window=timedelta(days=days))


def test_what_is_started_by_hand_runs_in_one_process_too(repository: dg.RepositoryDefinition) -> None:
    assert repository.get_job("__ASSET_JOB").executor_def.name == "in_process"


def is_report(key: str) -> bool:
    return key.endswith("_report")


def test_every_asset_has_its_columns_with_meaning_and_unit(repository: dg.RepositoryDefinition) -> None:
    specs = [spec for key, spec in keys(repository).items() if key.split("/")[0] in MARKETS and not is_report(key)]
    for spec in specs:
        schema = spec.metadata["dagster/column_schema"]
        assert schema.columns, spec.key
        assert all(column.description for column in schema.columns), spec.key
    columns = keys(repository)["india/bars_1m"].metadata["dagster/column_schema"].columns
    turnover = next(column for column in columns if column.name == "turnover")
    assert turnover.description == "money traded in the minute; null when it cannot be known [currency]"


def test_an_indicators_column_is_described_by_its_formula_and_unit(repository: dg.RepositoryDefinition) -> None:
    schema = keys(repository)["india/indicators_1m"].metadata["dagster/column_schema"]
    described = {column.name: column.description for column in schema.columns}
    assert described["RSI_14"] == "100·gains/(gains + losses), Wilder's means [percent]"
    assert described["HMA_20"] == "WMA 4 of 2·WMA 10 − WMA 20 [currency]"
    assert {c.column: f"{c.description} [{c.unit}]" for c in columns()}.items() <= described.items()


def test_every_table_has_its_valid_check_and_live_tables_are_fresh(repository: dg.RepositoryDefinition) -> None:
    checks = {f"{key.asset_key.to_user_string()}:{key.name}" for key in repository.asset_graph.asset_check_keys}
    ours = [key for key in keys(repository) if key.split("/")[0] in MARKETS and not is_report(key)]
    live = ("live_tickers", "bars_1m", "indicators_1m", "levels_1m")
    fresh = {f"{market}/{table}:fresh" for market in MARKETS for table in live}
    others = ("live_tickers:answered", "session_bars:fresh", "health:score")
    running = fresh | {f"{market}/{check}" for market in MARKETS for check in others}
    assert checks == {f"{key}:valid" for key in ours} | running


def process(*command: str, data: Path) -> subprocess.CompletedProcess[str]:
    names = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(data)}
    environment = {**names, "MARKET_PIPELINE_DATA": str(data)}
    return subprocess.run(
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_dg_check_defs_passes_from_a_bare_shell(tmp_path: Path) -> None:
    done = process("dg", "check", "defs", data=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All definitions loaded successfully." in done.stdout


def test_loading_imports_no_heavy_library(tmp_path: Path) -> None:
    """Every run loads the definitions: pandas alone costs 0.3 s, and not every run needs it."""
    code = (
        "import sys; from market_pipeline.definitions import defs; defs(); "
        f"print(*sorted(set(sys.modules) & set({HEAVY})))"
    )
    process(sys.executable, "-c", code, data=tmp_path)  # the first one asks the calendars and keeps their answer
    done = process(sys.executable, "-c", code, data=tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_a_market_file_with_an_unknown_indicator_is_refused_as_dagster_loads_it() -> None:
    file = load_market("crypto")
    wrong = file.model_copy(update={"indicators": file.indicators.model_copy(update={"columns": ("RSI14",)})})
    with pytest.raises(MarketFileError, match=r"columns\[1\]: seen 'RSI14' \(did you mean RSI_14\?\)"):
        Market.load(wrong, cast(dg.ComponentLoadContext, None))
