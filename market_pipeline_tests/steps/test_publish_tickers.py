"""From the warehouse into a real PostgreSQL: what is sent, what is not, and what an outage costs."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import SecretStr

from market_pipeline.clock import HandClock
from market_pipeline.errors import ConfigurationError, SinkUnreachable
from market_pipeline.settings import Settings
from market_pipeline.steps.cycle import run_cycle
from market_pipeline.steps.examine import Finding, examine
from market_pipeline.steps.publish_tickers import publish_tickers
from market_pipeline.steps.runtime import Runtime
from market_pipeline.storage.tables import LIVE_TICKERS
from market_pipeline_tests.postgres_cluster import Cluster
from market_pipeline_tests.steps.conftest import ALL_OPEN
from market_pipeline_tests.storage.desk import tickers

MINUTE = timedelta(minutes=1)


@pytest.fixture
def publisher(tmp_path: Path, clock: HandClock, postgres: Cluster) -> Runtime:
    """A feed without its exchange, which publishes."""
    return Runtime(Settings(data=tmp_path, postgres_dsn=SecretStr(postgres.dsn), _env_file=None), clock)


def write(runtime: Runtime, *symbols: str, price: float, at: datetime = ALL_OPEN, market: str = "crypto") -> None:
    runtime.warehouse.write(LIVE_TICKERS, market, tickers(symbols, price=price, known_at=at, market=market))


def prices(postgres: Cluster) -> list[tuple[object, ...]]:
    return postgres.rows("SELECT ticker, price::float FROM live_tickers ORDER BY 1")


def test_what_a_cycle_merged_arrives_as_it_is_in_the_warehouse(
    settings: Settings, clock: HandClock, postgres: Cluster
) -> None:
    runtime = Runtime(settings.model_copy(update={"postgres_dsn": SecretStr(postgres.dsn)}), clock)
    run_cycle(runtime, "casablanca")
    report = publish_tickers(runtime)
    assert (report.rows, report.text) == (16, "published 16 rows: casablanca 16")
    rows = runtime.warehouse.latest(LIVE_TICKERS, "casablanca").sort_by("ticker").to_pylist()
    found = postgres.rows("SELECT ticker, price, source, timestamp, known_at, flags FROM live_tickers ORDER BY ticker")
    assert found == [
        (row["ticker"], Decimal(str(row["price"])), row["source"], row["timestamp"], row["known_at"], row["flags"])
        for row in rows
    ]


def test_only_what_is_newer_than_the_table_is_sent(publisher: Runtime, clock: HandClock, postgres: Cluster) -> None:
    write(publisher, "BTC-USD", "ETH-USD", price=1.0)
    assert publish_tickers(publisher).text == "published 2 rows: crypto 2"
    assert publish_tickers(publisher).text == "nothing new to publish"
    clock.advance(MINUTE)
    write(publisher, "ETH-USD", price=2.0, at=ALL_OPEN + MINUTE)
    assert publish_tickers(publisher).rows == 1
    assert prices(postgres) == [("BTC-USD", 1.0), ("ETH-USD", 2.0)]


def test_while_the_server_is_down_cycles_go_on_and_afterwards_the_newest_state_arrives(
    settings: Settings, clock: HandClock, postgres: Cluster
) -> None:
    runtime = Runtime(settings.model_copy(update={"postgres_dsn": SecretStr(postgres.dsn)}), clock)
    postgres.stop()
    try:
        for _ in range(3):
            assert run_cycle(runtime, "crypto").tickers.rows == 8
            with pytest.raises(SinkUnreachable, match="nothing is lost"):
                publish_tickers(runtime)
            clock.advance(MINUTE)
    finally:
        postgres.start()
    assert publish_tickers(runtime).rows == 8
    newest = ALL_OPEN + 2 * MINUTE
    assert postgres.rows("SELECT DISTINCT known_at FROM live_tickers") == [(newest,)]


def test_a_table_that_was_dropped_is_made_and_filled_again(publisher: Runtime, postgres: Cluster) -> None:
    write(publisher, "BTC-USD", price=1.0)
    publish_tickers(publisher)
    postgres.rows("DROP TABLE live_tickers")
    assert publish_tickers(publisher).rows == 1


def test_after_a_simulated_clock_stepped_back_the_market_is_published_anew(
    publisher: Runtime, clock: HandClock, postgres: Cluster, tmp_path: Path
) -> None:
    clock.advance(timedelta(days=1))
    write(publisher, "BTC-USD", price=1.0, at=ALL_OPEN + timedelta(days=1))
    publish_tickers(publisher)
    clock.at = ALL_OPEN
    settings = Settings(data=tmp_path / "anew", postgres_dsn=SecretStr(postgres.dsn), _env_file=None)
    begun_anew = Runtime(settings, clock)
    write(begun_anew, "BTC-USD", price=3.0)
    publish_tickers(begun_anew)
    assert prices(postgres) == [("BTC-USD", 3.0)]


def test_markets_are_published_side_by_side_and_one_without_rows_is_left_alone(
    publisher: Runtime, postgres: Cluster
) -> None:
    write(publisher, "ATW", price=1.0, market="casablanca")
    write(publisher, "BTC-USD", price=2.0)
    assert publish_tickers(publisher).text == "published 2 rows: casablanca 1, crypto 1"


def test_a_stale_ticker_arrives_with_its_flags(publisher: Runtime, postgres: Cluster) -> None:
    write(publisher, "ATW", price=1.0)
    publish_tickers(publisher)
    assert postgres.rows("SELECT flags FROM live_tickers") == [(["disputed"],)]


def test_without_the_setting_there_is_nothing_to_publish_to(runtime: Runtime) -> None:
    with pytest.raises(ConfigurationError, match="set MARKET_PIPELINE_POSTGRES_DSN"):
        publish_tickers(runtime)


def examined(settings: Settings) -> list[Finding]:
    return [finding for finding in examine(settings) if finding.what == "PostgreSQL"]


def test_doctor_says_what_is_published_and_up_to_when(publisher: Runtime, postgres: Cluster) -> None:
    [finding] = examined(publisher.settings)
    assert (finding.level, finding.remedy[:40]) == ("warn", "the next publication makes it, if the ro")
    write(publisher, "BTC-USD", price=1.0)
    publish_tickers(publisher)
    [finding] = examined(publisher.settings)
    here = f"127.0.0.1:{postgres.port}/postgres"
    assert (finding.level, finding.found) == ("ok", f"live_tickers in {here}: newest row 2026-11-19 09:50 UTC")


@pytest.mark.parametrize(
    ("dsn", "level", "found"),
    [
        ("postgresql://market:secret@127.0.0.1:9/postgres", "unreachable", "Connection refused"),
        ("postgresql://market:sec/ret@127.0.0.1:9/postgres", "fail", "no connection string that can be understood"),
    ],
)
def test_doctor_has_a_remedy_for_a_database_that_cannot_be_used(
    tmp_path: Path, dsn: str, level: str, found: str
) -> None:
    [finding] = examined(Settings(data=tmp_path, postgres_dsn=SecretStr(dsn), _env_file=None))
    assert finding.level == level
    assert found in finding.found
    assert "sec" not in finding.found.replace("second", "")
    assert finding.remedy


def test_doctor_is_silent_about_a_sink_that_nobody_asked_for(settings: Settings) -> None:
    assert examined(settings) == []
