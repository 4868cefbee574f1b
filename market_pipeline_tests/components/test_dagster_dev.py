"""Plain `dagster dev` from a bare shell: no DAGSTER_HOME, only the data folder and the simulator's address are set."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from market_pipeline.markets.loader import market_names
from market_pipeline.simulator.server import SimulatorOptions, running_simulator
from market_pipeline_tests.conftest import PROJECT

SELECTOR = {"repositoryName": "__repository__", "repositoryLocationName": "market_pipeline"}
LAUNCH = """mutation($p: ExecutionParams!) {launchPipelineExecution(executionParams: $p) {__typename
  ... on LaunchRunSuccess {run {runId}} ... on PythonError {message}}}"""
LOCATIONS = """{workspaceOrError {... on Workspace {locationEntries {name loadStatus
  locationOrLoadError {__typename ... on PythonError {message}}}}}}"""
SCHEDULES = """query($s: RepositorySelector!) {schedulesOrError(repositorySelector: $s) {... on Schedules {results {name
  scheduleState {status ticks(limit: 1) {status skipReason error {message}}}}}}}"""
GROUPS = "{assetNodes {assetKey {path} groupName dependencyKeys {path}}}"


@dataclass
class Webserver:
    """Dagster's GraphQL."""

    port: int
    log: Path

    @property
    def home(self) -> Path:
        """Return the temporary folder that it made for itself in the working directory."""
        found = re.search(r"Using temporary directory (\S+) for storage", self.log.read_text())
        assert found is not None
        return Path(found[1])

    def ask(self, query: str, **variables: Any) -> Any:
        body = {"query": query, "variables": variables}
        return requests.post(f"http://127.0.0.1:{self.port}/graphql", json=body, timeout=20).json()["data"]

    def loaded(self) -> bool:
        entries = self.ask(LOCATIONS)["workspaceOrError"]["locationEntries"]
        assert [e["locationOrLoadError"] for e in entries if "PythonError" in str(e["locationOrLoadError"])] == []
        return [(e["name"], e["loadStatus"]) for e in entries] == [("market_pipeline", "LOADED")]

    def launch(self, job: str) -> str:
        params = {"selector": {**SELECTOR, "jobName": job}, "mode": "default"}
        answer = self.ask(LAUNCH, p=params)["launchPipelineExecution"]
        return str(answer["run"]["runId"])

    def status(self, run_id: str) -> str:
        query = "query($r: ID!) {runOrError(runId: $r) {... on Run {status}}}"
        return str(self.ask(query, r=run_id)["runOrError"]["status"])

    def schedules(self) -> dict[str, Any]:
        results = self.ask(SCHEDULES, s=SELECTOR)["schedulesOrError"]["results"]
        return {schedule["name"]: schedule["scheduleState"] for schedule in results}


def wait_until[Result](attempt: Callable[[], Result], *, seconds: float) -> Result:
    ends = time.monotonic() + seconds
    while True:
        try:
            if result := attempt():
                return result
        except requests.RequestException:
            pass
        assert time.monotonic() < ends, f"waited {seconds} s in vain"
        time.sleep(0.5)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def dagster_dev(data: Path, simulator_url: str) -> Iterator[Webserver]:
    """Run it in the project's root; ask it to stop as Ctrl-C does, and its whole process group at last."""
    port = free_port()
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "MARKET_PIPELINE_DATA": str(data),
        "MARKET_PIPELINE_SIMULATOR_URL": simulator_url,
    }
    log_file = data / "dagster_dev.log"
    with log_file.open("wb") as log:
        command = ["dagster", "dev", "-h", "127.0.0.1", "-p", str(port)]
        process = subprocess.Popen(
            command, cwd=PROJECT, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            yield Webserver(port, log_file)
        finally:
            os.killpg(process.pid, signal.SIGINT)
            try:
                process.wait(20)
            finally:
                if _is_alive(process.pid):
                    os.killpg(process.pid, signal.SIGKILL)


def _is_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.e2e
def test_dagster_dev_loads_with_schedules_on_shows_the_lineage_and_runs_a_minute(tmp_path: Path) -> None:
    options = SimulatorOptions(port=0, as_of="2026-11-19T09:50:00+00:00")
    with running_simulator(options) as exchange, dagster_dev(tmp_path, exchange.url) as server:
        wait_until(server.loaded, seconds=60)
        assert {state["status"] for state in server.schedules().values()} == {"RUNNING"}
        nodes = server.ask(GROUPS)["assetNodes"]
        assert {node["groupName"] for node in nodes} == {*market_names(), "examples"}
        tickers = next(node for node in nodes if node["assetKey"]["path"] == ["casablanca", "live_tickers"])
        assert len(tickers["dependencyKeys"]) == 3
        run_id = server.launch("india_minute")
        wait_until(lambda: server.status(run_id) in {"SUCCESS", "FAILURE"}, seconds=60)
        assert server.status(run_id) == "SUCCESS"
    shutil.rmtree(server.home, ignore_errors=True)  # a run that was in its middle may write to it to the end


@pytest.mark.e2e
def test_without_the_simulated_exchange_the_ticks_of_dagster_dev_name_the_command(tmp_path: Path) -> None:
    with dagster_dev(tmp_path, f"http://127.0.0.1:{free_port()}") as server:

        def ticked() -> dict[str, Any] | None:
            ticks = server.schedules()["crypto_minute"]["ticks"] if server.loaded() else []
            return dict(ticks[0]) if ticks and ticks[0]["status"] != "STARTED" else None

        tick = wait_until(ticked, seconds=100)
    assert not server.home.exists()
    assert tick["status"] == "SKIPPED"
    assert "start it with `market-pipeline simulate` (or everything with `make run`)" in tick["skipReason"]
