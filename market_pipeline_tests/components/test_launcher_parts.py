"""The launcher's parts: who holds a run's lock, who must be killed, what counts as a change, who starts again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from market_pipeline.components.launcher.children import Children
from market_pipeline.components.launcher.fingerprint import fingerprint
from market_pipeline.components.launcher.keeper import Keeper
from market_pipeline.components.launcher.protocol import connected, launcher_folder
from market_pipeline.components.launcher.workers import Worker, become_worker, is_living, noted_workers, worker_file
from market_pipeline.errors import ZygoteAbsent

WORKER = """
import os, signal, sys
from pathlib import Path
from market_pipeline.components.launcher.workers import become_worker

lock = become_worker(Path(sys.argv[1]), "r1", "the arguments")
print("taken", flush=True)
signal.pause()
"""


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The living process of run r1."""
    launcher_folder(tmp_path)
    process = subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "taken\n"
    yield process
    process.kill()
    process.communicate()


def freeze(process: subprocess.Popen[str]) -> None:
    """Return once it stands still: a signal that overtakes SIGSTOP would end it."""
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)


def test_a_run_lives_as_long_as_its_process(tmp_path: Path, worker: subprocess.Popen[str]) -> None:
    assert is_living(tmp_path, "r1") is True
    worker.kill()
    worker.wait()
    assert is_living(tmp_path, "r1") is False
    assert list(noted_workers(tmp_path)) == [Worker("r1", worker.pid, "the arguments")]


def test_a_run_that_never_had_a_process_does_not_live(tmp_path: Path) -> None:
    assert is_living(tmp_path, "r9") is False


def test_a_run_has_one_process(tmp_path: Path, worker: subprocess.Popen[str]) -> None:
    with pytest.raises(BlockingIOError):
        become_worker(tmp_path, "r1", "the arguments")


def test_a_file_that_does_not_say_whose_it_is_is_removed(tmp_path: Path) -> None:
    launcher_folder(tmp_path)
    worker_file(tmp_path, "r1").touch()
    assert list(noted_workers(tmp_path)) == []
    assert not worker_file(tmp_path, "r1").exists()


def test_a_frozen_run_that_was_asked_to_stop_is_killed(tmp_path: Path, worker: subprocess.Popen[str]) -> None:
    freeze(worker)
    children = Children(tmp_path, grace_seconds=0)
    assert children.end("r1") is True
    assert list(children.kill_overdue()) == ["r1"]
    assert worker.wait(timeout=10) == -signal.SIGKILL
    assert list(children.kill_overdue()) == []


def test_a_run_is_not_killed_before_its_time(tmp_path: Path, worker: subprocess.Popen[str]) -> None:
    freeze(worker)
    children = Children(tmp_path, grace_seconds=60)
    children.end("r1")
    assert list(children.kill_overdue()) == []
    assert is_living(tmp_path, "r1") is True


@pytest.mark.parametrize(("lives_seconds", "killed"), [(0.0, ["r1"]), (60.0, []), (None, [])])
def test_a_run_that_has_outlived_its_time_is_killed_though_nobody_asked(
    tmp_path: Path, worker: subprocess.Popen[str], lives_seconds: float | None, killed: list[str]
) -> None:
    freeze(worker)
    children = Children(tmp_path)
    children.add(Worker("r1", worker.pid, "the arguments"), lives_seconds=lives_seconds)
    assert list(children.kill_overdue()) == killed
    assert is_living(tmp_path, "r1") is not bool(killed) or worker.wait(timeout=10) == -signal.SIGKILL


def test_a_run_left_by_an_earlier_zygote_is_reported_once_it_ends(
    tmp_path: Path, worker: subprocess.Popen[str]
) -> None:
    children = Children(tmp_path)
    assert list(children.take_ended()) == []
    worker.kill()
    os.waitid(os.P_PID, worker.pid, os.WEXITED | os.WNOWAIT)
    ended = list(children.take_ended())
    assert ended == [
        (Worker("r1", worker.pid, "the arguments"), f"the run's process {worker.pid} was ended by SIGKILL")
    ]
    assert children.count == 0


def test_without_a_zygote_the_launcher_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ZygoteAbsent, match="without it runs start the default way"), connected(tmp_path):
        pass


def test_a_home_of_two_hundred_letters_has_a_socket_too(tmp_path: Path) -> None:
    home = tmp_path / ("h" * 200)
    launcher_folder(home)
    with pytest.raises(ZygoteAbsent, match=r"does not answer \(FileNotFoundError\)"), connected(home):
        pass


def test_code_market_files_and_their_removal_change_the_fingerprint(tmp_path: Path) -> None:
    seen = [fingerprint(tmp_path)]
    for change in (
        lambda: (tmp_path / "a.py").write_text("1"),
        lambda: (tmp_path / "a.py").write_text("22"),
        (tmp_path / "defs.yaml").touch,
        (tmp_path / "a.py").unlink,
    ):
        change()
        seen.append(fingerprint(tmp_path))
    assert len(set(seen)) == 5


def test_what_is_compiled_does_not_change_the_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").mkdir()
    before = fingerprint(tmp_path)
    (tmp_path / "__pycache__" / "a.pyc").touch()
    (tmp_path / "__pycache__" / "calendar_XNSE_2026.json").touch()  # our calendars as plain text
    assert fingerprint(tmp_path) == before


def test_the_keeper_starts_again_what_ends_until_it_is_told_to_stop(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "starts"
    keeper = Keeper([sys.executable, "-c", f"open({str(log)!r}, 'a').write('x'); raise SystemExit(7)"], (0.0,))
    keeping = threading.Thread(target=keeper.keep)
    keeping.start()
    while not log.exists() or len(log.read_text()) < 3:
        os.sched_yield()
    keeper.stop()
    keeping.join(timeout=10)
    assert not keeping.is_alive()
    assert "the zygote ended with code 7; runs start the default way" in capsys.readouterr().err
