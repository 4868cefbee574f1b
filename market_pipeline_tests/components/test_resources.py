"""What a user's own assets are given: the warehouse's views, and a DuckDB file of their own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import dagster as dg
import duckdb
import pandas as pd
import pytest
from dagster_duckdb import DuckDBResource
from dagster_duckdb_pandas import DuckDBPandasIOManager
from dagster_slack import SlackResource
from filelock import FileLock

from market_pipeline.components.duckdb_resource import WarehouseDuckDB
from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.defs.platform.example_asset import newest_prices, top_movers
from market_pipeline.defs.platform.resources import resources
from market_pipeline.errors import ConfigurationError, WarehouseBusy
from market_pipeline.steps.cycle import run_cycle
from market_pipeline.steps.runtime import Runtime
from market_pipeline.storage.tables import LIVE_TICKERS
from market_pipeline_tests.alerts.receivers import slack_receiver
from market_pipeline_tests.components.dagster_desk import Desk


@pytest.fixture
def filled(runtime: Runtime) -> Runtime:
    run_cycle(runtime, "casablanca")
    return runtime


def test_the_example_asset_reads_the_views(desk: Desk, filled: Runtime) -> None:
    metadata = desk.materialize("top_movers").metadata("top_movers")
    assert metadata["dagster/row_count"] == 10
    assert "casablanca" in metadata["movers"]


def test_the_example_on_dagster_duckdbs_io_manager_keeps_its_rows_in_a_file_of_its_own(
    filled: Runtime, environment: Path
) -> None:
    bound = resources().resources
    assert dg.materialize([newest_prices], resources=bound).success
    assert dg.materialize([newest_prices], resources=bound).success
    with duckdb.connect(str(environment / "own.duckdb"), read_only=True) as connection:
        rows = connection.sql("SELECT count(*), min(market) FROM newest_prices").fetchall()
    assert rows == [(16, "casablanca")]


def test_the_ten_lines_of_the_readme_work(filled: Runtime) -> None:
    @dg.asset
    def oversold(duckdb: DuckDBResource) -> dg.MaterializeResult:
        """Shares whose RSI is below 30 now."""
        with duckdb.get_connection() as connection:
            rows = connection.sql('SELECT symbol, "RSI_14" FROM indicators_1m_latest WHERE "RSI_14" < 30').df()
        return dg.MaterializeResult(metadata={"dagster/row_count": len(rows)})

    assert dg.materialize([oversold], resources={"duckdb": WarehouseDuckDB()}).success


@pytest.mark.parametrize("raises", [False, True])
def test_the_connection_closes_also_when_the_body_raises(filled: Runtime, raises: bool) -> None:
    kept = []

    def body() -> None:
        with WarehouseDuckDB().get_connection() as connection:
            kept.append(connection)
            if raises:
                raise ZeroDivisionError

    if raises:
        with pytest.raises(ZeroDivisionError):
            body()
    else:
        body()
    with pytest.raises(duckdb.ConnectionException, match="already closed"):
        kept[0].execute("SELECT 1")


def test_a_query_locks_nobody_out(filled: Runtime) -> None:
    with WarehouseDuckDB().get_connection() as one, WarehouseDuckDB().get_connection() as other:
        counts = [c.sql("SELECT count(*) FROM live_tickers").fetchall() for c in (one, other)]
        run_cycle(filled, "casablanca")
    assert counts == [[(16,)], [(16,)]]


def test_the_examples_are_plain_functions_too(filled: Runtime) -> None:
    movers = top_movers(duckdb=WarehouseDuckDB())
    assert isinstance(movers, dg.MaterializeResult)
    assert list(newest_prices(duckdb=WarehouseDuckDB()).columns) == ["market", "symbol", "price", "event_time"]


def test_dagster_duckdbs_own_io_manager_works_beside_the_warehouse(filled: Runtime, tmp_path: Path) -> None:
    @dg.asset
    def prices() -> pd.DataFrame:
        """An asset of a user who knows nothing of ours but the views."""
        with WarehouseDuckDB().get_connection() as connection:
            frame: pd.DataFrame = connection.sql("SELECT symbol, price FROM live_tickers_latest").df()
        return frame

    @dg.asset
    def highest(prices: pd.DataFrame) -> pd.DataFrame:
        return prices.nlargest(1, "price")

    io_manager = DuckDBPandasIOManager(database=str(tmp_path / "mine.duckdb"), schema="main")
    assert dg.materialize([prices, highest], resources={"io_manager": io_manager}).success
    with duckdb.connect(str(tmp_path / "mine.duckdb"), read_only=True) as connection:
        assert connection.sql("SELECT count(*) FROM highest").fetchall() == [(1,)]


@dg.asset
def morning_note(slack: SlackResource) -> None:
    """The example of docs/alerts.md, with a payload that keeps Slack's limits."""
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "India has opened."}}
    slack.get_client().chat_postMessage(channel="#markets", text="India has opened.", blocks=[section])


def test_an_asset_of_your_own_posts_through_dagster_slacks_resource_with_the_settings_token(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound = resources().resources
    with slack_receiver() as slack:
        monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-s3cret")
        monkeypatch.setenv("SLACK_API_URL", f"{slack.address}/api")
        assert dg.materialize([morning_note], resources=bound).success
    assert slack.tokens == ["Bearer xoxb-s3cret"]
    assert (slack.payloads[0]["channel"], slack.payloads[0]["text"]) == ("#markets", "India has opened.")
    assert "s3cret" not in str(bound["slack"].model_dump())


def test_without_a_token_an_asset_that_posts_fails_with_what_to_set(environment: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"SLACK_BOT_TOKEN is not set; .*; set it in \.env"):
        dg.materialize([morning_note], resources=resources().resources)


@pytest.mark.parametrize(("tags", "tier"), [({"market_pipeline/tier": "1"}, 1), ({}, None)])
def test_a_run_works_on_the_tier_that_its_tag_names(runtime: Runtime, tags: dict[str, str], tier: int | None) -> None:
    seen = []

    @dg.asset
    def looks(runtime: RuntimeResource) -> None:
        seen.append(runtime.open().market("us").tier)

    assert dg.materialize([looks], resources={"runtime": RuntimeResource()}, tags=tags).success
    assert seen == [tier]


@pytest.mark.parametrize(("tags", "seconds"), [({"market_pipeline/cadence": "heal"}, 120.0), ({}, 20.0)])
def test_a_run_that_nobody_waits_for_is_patient_with_a_writer(
    runtime: Runtime, tags: dict[str, str], seconds: float
) -> None:
    seen = []

    @dg.asset
    def looks(runtime: RuntimeResource) -> None:
        seen.append(runtime.open().lock_seconds)

    assert dg.materialize([looks], resources={"runtime": RuntimeResource()}, tags=tags).success
    assert seen == [seconds]


def test_a_writer_waits_as_long_as_its_runtime_says_and_no_longer(filled: Runtime) -> None:
    hasty, rows = replace(filled, lock_seconds=0.0), filled.warehouse.latest(LIVE_TICKERS, "casablanca")
    with FileLock(filled.warehouse.layout.lock("casablanca")), pytest.raises(WarehouseBusy, match="waited 0 s"):
        hasty.warehouse.write(LIVE_TICKERS, "casablanca", rows)
