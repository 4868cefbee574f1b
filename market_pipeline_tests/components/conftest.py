"""Dagster over a feed of its own: simulated exchange, hand clock and warehouse, reached through the environment."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import structlog

from market_pipeline.clock import HandClock
from market_pipeline.components.runtime_resource import RuntimeResource, _log_to_the_feed
from market_pipeline.settings import Settings
from market_pipeline.simulator.server import RunningSimulator, SimulatorOptions, running_simulator
from market_pipeline.steps.runtime import Runtime
from market_pipeline_tests.components.dagster_desk import OPEN, Desk

DAGSTERS_OWN = (
    "ignore:datetime.datetime.utcfromtimestamp:DeprecationWarning",
    "ignore:Parameter `execution_type` of function:dagster_shared.utils.warnings.BetaWarning",
    "ignore:The `__fields__` attribute is deprecated:pydantic.warnings.PydanticDeprecatedSince20",
)
"""Warnings about Dagster's own code, which is not ours to mend."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            for expected in DAGSTERS_OWN:
                item.add_marker(pytest.mark.filterwarnings(expected))


@pytest.fixture(scope="session")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    """The whole project, as Dagster loads it."""
    from market_pipeline.definitions import defs

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MARKET_PIPELINE_DATA", str(tmp_path_factory.mktemp("loading")))
        loaded = defs()
        loaded.get_repository_def()
    return loaded


@pytest.fixture
def clock() -> HandClock:
    return HandClock(OPEN)


@pytest.fixture
def exchange(clock: HandClock) -> Iterator[RunningSimulator]:
    with running_simulator(SimulatorOptions(port=0, delays=False), clock=clock) as running:
        yield running


@pytest.fixture
def environment(tmp_path: Path, exchange: RunningSimulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The environment of a run; .env of the working directory is out of sight."""
    yield point_to(monkeypatch, tmp_path, exchange.url)
    close_logs()


def point_to(patch: pytest.MonkeyPatch, folder: Path, url: str) -> Path:
    """Let the environment name a feed below a folder, and the simulated exchange; return the feed's folder."""
    for field in Settings.model_fields.values():
        alias = field.validation_alias
        patch.delenv(alias if isinstance(alias, str) else str(alias.choices[0]), raising=False)  # type: ignore[union-attr]
    for proxy in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        patch.delenv(proxy, raising=False)
    patch.chdir(folder)
    patch.setenv("MARKET_PIPELINE_DATA", str(folder / "data"))
    patch.setenv("MARKET_PIPELINE_SIMULATOR_URL", url)
    patch.setenv("MARKET_PIPELINE_BUDGETS", "off")
    return folder / "data" / "simulated"


def close_logs() -> None:
    """Close what runs in this process logged to."""
    _log_to_the_feed.cache_clear()
    structlog.reset_defaults()
    ours = logging.getLogger("market_pipeline")
    for handler in list(ours.handlers):
        ours.removeHandler(handler)
        handler.close()
    ours.propagate = True


@pytest.fixture
def runtime(environment: Path, exchange: RunningSimulator, clock: HandClock) -> Runtime:
    """The same feed without Dagster, to prepare it and to look at it."""
    settings = Settings(data=environment.parent, simulator_url=exchange.url, budgets=False, _env_file=None)
    return Runtime(settings, clock)


@pytest.fixture
def desk(environment: Path, definitions: dg.Definitions) -> Iterator[Desk]:
    """Dagster's runs over that feed, kept in memory."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield Desk(definitions, instance)


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Dagster's SQLite files without anything in them: making them takes longer than most tests."""
    home = tmp_path_factory.mktemp("home")
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        instance.get_runs(limit=1)
        instance.all_asset_keys()
        instance.all_instigator_state()
    return home


@pytest.fixture
def kept_desk(environment: Path, definitions: dg.Definitions, empty_home: Path) -> Iterator[Desk]:
    """The same on SQLite, as in real life."""
    home = shutil.copytree(empty_home, environment / "dagster")
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        yield Desk(definitions, instance)


@pytest.fixture
def resource(environment: Path) -> RuntimeResource:
    return RuntimeResource()
