"""Runs forked from a zygote: they end as others do, and nothing that dies stays unnoticed."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg
import psutil
import pytest
from dagster._core.workspace.context import BaseWorkspaceRequestContext, WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget, ModuleTarget
from dagster._daemon.monitoring.run_monitoring import monitor_started_run
from dagster._daemon.run_coordinator import QueuedRunCoordinatorDaemon

from market_pipeline.clock import HandClock
from market_pipeline.components.cadence import run_tags
from market_pipeline.components.launcher.private_api import GRPC_INFO_TAG, WorkerStatus, run_arguments
from market_pipeline.components.launcher.protocol import ask, connected
from market_pipeline.components.launcher.workers import is_living, worker_file
from market_pipeline.components.market.schedules import still_running
from market_pipeline.settings import Settings
from market_pipeline.simulator.server import RunningSimulator, SimulatorOptions, running_simulator
from market_pipeline.steps.cycle import run_cycle
from market_pipeline.steps.runtime import Runtime
from market_pipeline_tests.components.dagster_desk import EARLY
from market_pipeline_tests.components.launcher_desk import WarmDesk, wait_until, warm_desk

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240), pytest.mark.xdist_group("zygote")]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmDesk]:
    with warm_desk(tmp_path_factory.mktemp("warm")) as running:
        yield running


@pytest.fixture
def desk(kept: WarmDesk) -> WarmDesk:
    """The desk without what an earlier test's runs wrote, and with a zygote that answers."""
    for path in kept.folder.glob("*.out"):
        path.unlink()
    wait_until(kept.zygote)
    return kept


def zygote_process(desk: WarmDesk) -> psutil.Process:
    return psutil.Process(wait_until(desk.zygote)["pid"])  # type: ignore[index]


def has_ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_a_run_is_a_child_of_the_zygote_and_its_output_is_kept(desk: WarmDesk) -> None:
    run_id = desk.launch("quick")
    assert desk.end_of(run_id) == "SUCCESS"
    assert int(desk.output("quick").split()[0]) == zygote_process(desk).pid
    kept_logs = [path.read_text() for path in (desk.home / "storage" / run_id).rglob("*.out")]
    assert kept_logs == ["hello from the run\n"]
    wait_until(lambda: not worker_file(desk.home, run_id).exists())


def test_what_nobody_waits_for_gives_way_to_the_minutes_cycles(desk: WarmDesk) -> None:
    given = []
    for cadence in ("minute", "daily"):
        assert desk.end_of(desk.launch("quick", cadence=cadence)) == "SUCCESS"
        given.append(int(desk.output("quick").split()[-1]))
    assert given[1] - given[0] == 5


def test_a_cycle_starts_at_once_without_the_daemon_that_works_the_queue_off(desk: WarmDesk) -> None:
    run_id = desk.submit("quick", run_tags("india", "minute"))
    assert desk.end_of(run_id) == "SUCCESS"


@pytest.mark.parametrize(
    "tags", [{}, run_tags("india", "daily"), {**run_tags("india", "minute"), "dagster/backfill": "abcdefgh"}]
)
def test_all_other_runs_wait_in_the_queue(desk: WarmDesk, tags: dict[str, str]) -> None:
    run_id = desk.submit("quick", tags)
    assert desk.status(run_id) == "QUEUED"
    assert desk.instance.run_coordinator.cancel_run(run_id)
    assert desk.status(run_id) == "CANCELED"


@pytest.mark.parametrize("cadence", ["sweep", "heal", "metrics", "daily"])
def test_what_nobody_waits_for_begins_when_no_cycle_of_its_market_runs(desk: WarmDesk, cadence: str) -> None:
    cycle = desk.submit("waiting", run_tags("us", "minute"))
    wait_until((desk.folder / "waiting.out").exists)
    beside, behind = (desk.submit("quick", run_tags(market, cadence)) for market in ("india", "us"))
    with WorkspaceProcessContext(desk.instance, EmptyWorkspaceTarget()) as workspace:
        queue = QueuedRunCoordinatorDaemon(interval_seconds=1)
        list(queue.run_iteration(workspace))
        assert desk.end_of(beside) == "SUCCESS"
        assert desk.status(behind) == "QUEUED"
        assert desk.instance.run_coordinator.cancel_run(cycle)
        assert desk.end_of(cycle) == "CANCELED"
        list(queue.run_iteration(workspace))
    assert desk.end_of(behind) == "SUCCESS"


def test_a_cycle_starts_beside_what_nobody_waits_for(desk: WarmDesk) -> None:
    long = desk.launch_waiting(run_tags("us", "sweep"))
    assert desk.end_of(desk.submit("quick", run_tags("us", "minute"))) == "SUCCESS"
    assert desk.status(long) == "STARTED"
    assert desk.instance.run_coordinator.cancel_run(long)
    assert desk.end_of(long) == "CANCELED"


def test_a_cycle_that_is_submitted_again_is_not_started_again(desk: WarmDesk) -> None:
    run_id = desk.submit("quick", run_tags("us", "minute"))
    assert desk.end_of(run_id) == "SUCCESS"
    desk.instance.submit_run(run_id, None)  # type: ignore[arg-type]  # a warm start needs no workspace
    assert desk.status(run_id) == "SUCCESS"


def test_two_runs_draw_different_random_numbers(desk: WarmDesk) -> None:
    drawn = []
    for _ in range(2):
        assert desk.end_of(desk.launch("quick")) == "SUCCESS"
        drawn.append(desk.output("quick").split()[1:3])
    assert drawn[0][0] != drawn[1][0]
    assert drawn[0][1] != drawn[1][1]


def test_a_step_that_fails_fails_the_run_with_its_own_error(desk: WarmDesk) -> None:
    run_id = desk.launch("failing")
    assert desk.end_of(run_id) == "FAILURE"
    errors = [
        e.dagster_event.step_failure_data.error
        for e in desk.instance.all_logs(run_id)
        if e.is_dagster_event and e.dagster_event.is_step_failure
    ]  # type: ignore[union-attr]
    assert "RuntimeError: as it should" in errors[0].to_string()  # type: ignore[union-attr]


def test_a_killed_run_is_ended_as_failed_and_says_by_what(desk: WarmDesk) -> None:
    run_id = desk.launch_waiting()
    worker = desk.process(run_id)
    worker.kill()
    assert desk.end_of(run_id) == "FAILURE"
    assert desk.messages(run_id)[-1] == f"the run's process {worker.pid} was ended by SIGKILL"


def test_a_terminated_run_is_canceled(desk: WarmDesk) -> None:
    run_id = desk.launch_waiting()
    assert desk.instance.run_launcher.terminate(run_id) is True
    assert desk.end_of(run_id) == "CANCELED"


def test_a_frozen_run_that_is_terminated_is_killed_and_canceled(desk: WarmDesk) -> None:
    run_id = desk.launch_waiting()
    worker = desk.process(run_id)
    worker.suspend()
    assert desk.instance.run_launcher.terminate(run_id) is True
    assert desk.end_of(run_id) == "CANCELED"
    assert has_ended(worker)
    assert desk.messages(run_id)[-1] == f"the run's process {worker.pid} was ended by SIGKILL"


def test_a_frozen_run_that_nobody_asked_to_stop_is_killed_long_after_its_time(
    desk: WarmDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("market_pipeline.components.launcher.warm_launcher.FORGOTTEN_SECONDS", 1)
    run = desk.create("waiting", {"dagster/max_runtime": "1"})
    desk.instance.launch_run(run.run_id, None)  # type: ignore[arg-type]  # a warm start needs no workspace
    worker = desk.process(run.run_id)
    worker.suspend()
    wait_until(lambda: has_ended(worker))


def test_a_run_that_hangs_while_it_writes_is_ended_by_its_longest_runtime_and_the_next_minute_is_right(
    desk: WarmDesk, tmp_path: Path
) -> None:
    clock = HandClock(EARLY)
    with running_simulator(SimulatorOptions(port=0, delays=False), clock=clock) as exchange:
        hit, spared = (open_feed(folder, exchange, clock) for folder in (desk.folder / "data", tmp_path))
        run_cycle(hit, "crypto")
        run = desk.create("hanging", {"dagster/max_runtime": "1"})
        desk.instance.launch_run(run.run_id, None)  # type: ignore[arg-type]  # a warm start needs no workspace
        wait_until((desk.folder / "hanging.out").exists)
        assert str(still_running(desk.instance, "hanging")).endswith("is still started")
        wait_until(lambda: monitored(desk, run.run_id) == "FAILURE")
        assert "Exceeded maximum runtime of 1 seconds." in desk.messages(run.run_id)
        assert still_running(desk.instance, "hanging") is None
        clock.advance(timedelta(minutes=2))
        assert run_cycle(hit, "crypto").coverage == 1.0
        run_cycle(spared, "crypto")
    assert minutes_of(hit) == minutes_of(spared)


def open_feed(folder: Path, exchange: RunningSimulator, clock: HandClock) -> Runtime:
    return Runtime(Settings(data=folder, simulator_url=exchange.url, budgets=False, _env_file=None), clock)


def monitored(desk: WarmDesk, run_id: str) -> str:
    """Let Dagster's run monitoring look at a run once, as the daemon does every five seconds; return its status."""
    record = desk.instance.get_run_record_by_id(run_id)
    assert record is not None
    if record.dagster_run.status is dg.DagsterRunStatus.STARTED:
        monitor_started_run(desk.instance, None, record, logging.getLogger("monitoring"))  # type: ignore[arg-type]
    return desk.status(run_id)


def minutes_of(runtime: Runtime) -> list[tuple[str, datetime, float]]:
    bars = runtime.warehouse.read("bars_1m", "crypto", columns=("symbol", "interval_start", "close"))
    return sorted((row["symbol"], row["interval_start"], row["close"]) for row in bars.to_pylist())


def test_run_monitoring_sees_whether_the_process_lives(desk: WarmDesk) -> None:
    run_id = desk.launch_waiting()
    run = desk.instance.get_run_by_id(run_id)
    assert run is not None
    worker = desk.process(run_id)
    assert desk.instance.run_launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING
    worker.kill()
    wait_until(lambda: not is_living(desk.home, run_id))
    assert desk.instance.run_launcher.check_run_worker_health(run).status is WorkerStatus.NOT_FOUND


def test_a_launcher_that_gave_up_waiting_has_its_run_not_started(desk: WarmDesk) -> None:
    run = desk.create("quick")
    with connected(desk.home) as stream:
        answer = ask(stream, {"launch": run.run_id, "arguments": run_arguments(run, desk.instance)})
    wait_until(lambda: not psutil.pid_exists(answer["pid"]))
    assert desk.status(run.run_id) == "NOT_STARTED"
    assert not (desk.folder / "quick.out").exists()


def test_only_the_owner_may_speak_to_the_zygote(desk: WarmDesk) -> None:
    assert (desk.home / "launcher").stat().st_mode & 0o777 == 0o700
    assert (desk.home / "launcher" / "zygote.sock").stat().st_mode & 0o777 == 0o600


def test_after_a_change_of_code_no_run_starts_from_the_old_zygote(desk: WarmDesk) -> None:
    old = wait_until(desk.zygote)
    waiting = desk.launch_waiting()
    desk.probe.write_text(desk.probe.read_text().replace("WORD", "NEWS"))
    renewed = wait_until(lambda: (now := desk.zygote()) and now["state"] != old["state"] and now)  # type: ignore[index]
    assert renewed["runs"] == 1  # type: ignore[index]
    assert desk.end_of(desk.launch("quick")) == "SUCCESS"
    assert desk.output("quick").split()[3] == "NEWS"
    desk.process(waiting).kill()
    assert desk.end_of(waiting) == "FAILURE"


def test_a_killed_zygote_is_replaced_and_meanwhile_runs_start_the_default_way(desk: WarmDesk) -> None:
    process = zygote_process(desk)
    os.kill(desk.keeper.pid, signal.SIGSTOP)  # so that the absence lasts
    process.kill()
    target = ModuleTarget("warm_probe", "defs", str(desk.folder), "warm_probe")
    try:
        with WorkspaceProcessContext(desk.instance, target) as workspace:
            context = workspace.create_request_context()
            run = launched_through(context, desk)
            assert desk.end_of(run.run_id) == "SUCCESS"
    finally:
        os.kill(desk.keeper.pid, signal.SIGCONT)
    ended = desk.instance.get_run_by_id(run.run_id)
    assert ended is not None
    assert GRPC_INFO_TAG in ended.tags
    assert desk.instance.run_launcher.check_run_worker_health(ended).status is WorkerStatus.RUNNING
    assert zygote_process(desk).pid != process.pid


def launched_through(context: BaseWorkspaceRequestContext, desk: WarmDesk) -> dg.DagsterRun:
    """Launch the quick job as daemon and webserver do: by the code location that knows it."""
    job = context.code_locations[0].get_repository("__repository__").get_full_job("quick")
    run = desk.create("quick", remote_job_origin=job.get_remote_origin())
    desk.instance.launch_run(run.run_id, context)
    return run


@pytest.mark.parametrize("is_killed", [False, True], ids=["stopped", "killed"])
def test_the_keepers_end_is_the_end_of_zygote_and_runs(tmp_path: Path, is_killed: bool) -> None:
    with warm_desk(tmp_path) as desk:
        run_id = desk.launch_waiting()
        worker, zygote = desk.process(run_id), zygote_process(desk)
        if is_killed:
            desk.keeper.kill()
        else:
            os.killpg(desk.keeper.pid, signal.SIGTERM)  # as `up` does
        wait_until(lambda: has_ended(zygote) and has_ended(worker))
        assert desk.end_of(run_id) == "FAILURE"
        assert any("Execution was interrupted unexpectedly" in message for message in desk.messages(run_id))
