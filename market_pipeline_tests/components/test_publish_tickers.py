"""The sensor and the job that publish live tickers, as Dagster evaluates them."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest

from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.errors import ConfigurationError
from market_pipeline.steps.runtime import Runtime
from market_pipeline_tests.components.dagster_desk import Desk, ask
from market_pipeline_tests.postgres_cluster import Cluster

SETTING = "MARKET_PIPELINE_POSTGRES_DSN"


def tick(desk: Desk) -> Any:
    repository = desk.definitions.get_repository_def()
    resources = {"runtime": RuntimeResource()}
    with dg.build_sensor_context(instance=desk.instance, repository_def=repository, resources=resources) as context:
        return repository.get_sensor_def("publish_tickers").evaluate_tick(context)


def test_without_the_setting_a_tick_skips_and_says_what_to_set(desk: Desk) -> None:
    assert tick(desk).skip_message == "no PostgreSQL to publish to: set MARKET_PIPELINE_POSTGRES_DSN"


def test_a_tick_publishes_and_says_how_much(
    desk: Desk, runtime: Runtime, postgres: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(runtime, "crypto")
    monkeypatch.setenv(SETTING, postgres.dsn)
    assert tick(desk).skip_message == "published 8 rows: crypto 8"
    assert tick(desk).skip_message == "nothing new to publish"
    assert postgres.rows("SELECT count(*) FROM live_tickers") == [(8,)]


def test_a_server_that_is_down_is_a_skip_with_the_reason(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, "postgresql://market:secret@127.0.0.1:9/db")
    message = tick(desk).skip_message
    assert message.startswith("tried to reach PostgreSQL at 127.0.0.1:9/db and could not (Connection refused)")
    assert "secret" not in message


def test_a_setting_that_somebody_must_mend_fails_the_tick(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, "nonsense")
    with pytest.raises(ConfigurationError, match="no connection string that can be understood"):
        tick(desk)


def test_the_job_publishes_by_hand(
    desk: Desk, runtime: Runtime, postgres: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(runtime, "crypto")
    monkeypatch.setenv(SETTING, postgres.dsn)
    assert desk.run("publish_tickers").success
    assert postgres.rows("SELECT count(*) FROM live_tickers") == [(8,)]
