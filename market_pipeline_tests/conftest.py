"""Fixtures that many tests share."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from market_pipeline_tests.postgres_cluster import Cluster, running_cluster

PROJECT = Path(__file__).resolve().parent.parent


def pytest_configure() -> None:
    """Let SIGINT end the processes that tests start: a pytest in a script's background begins with it ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def realdata() -> Path:
    """The folder of recorded real data beside the repository."""
    folder = PROJECT.parent / "shared" / "realdata"
    if not folder.is_dir():
        pytest.skip("recorded real data is not beside the repository (../shared/realdata)")
    return folder


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of recorded payloads, one folder per source."""
    return Path(__file__).resolve().parent / "samples"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Cluster]:
    """A PostgreSQL server of the tests' own; skips where the machine has none."""
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def postgres(postgres_server: Cluster) -> Cluster:
    """The server, with nothing in it."""
    postgres_server.rows("DROP TABLE IF EXISTS live_tickers")
    return postgres_server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, which says so by a time limit of its own: else one worker ends minutes late."""
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)
