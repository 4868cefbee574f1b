"""What processes of a feed share, across threads, kills and reboots."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from market_pipeline.errors import StorageError
from market_pipeline.sources.transport.shared_state import SharedState


def change(state: SharedState, at: float) -> None:
    with state.changing(at) as record:
        record["n"] = record.get("n", 0) + 1


def test_a_record_that_was_never_written_is_empty(tmp_path: Path) -> None:
    assert SharedState(tmp_path / "a.json").read(0.0) == {}


def test_no_change_is_lost_among_threads(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: change(SharedState(tmp_path / "a.json"), 1.0), range(60)))
    assert SharedState(tmp_path / "a.json").read(1.0)["n"] == 60


def test_a_record_of_another_boot_counts_as_absent(tmp_path: Path) -> None:
    state = SharedState(tmp_path / "a.json")
    state.path.write_text(json.dumps({"n": 7, "boot": "another", "at": 0.0}))
    assert state.read(1.0) == {}


def test_a_record_from_the_future_counts_as_absent(tmp_path: Path) -> None:
    state = SharedState(tmp_path / "a.json")
    change(state, 1000.0)
    assert state.read(1000.0)["n"] == 1
    assert state.read(900.0) == {}


def test_what_was_written_while_another_waited_for_the_lock_is_not_taken_for_another_boot_s(tmp_path: Path) -> None:
    state = SharedState(tmp_path / "a.json")
    change(state, 1000.0)
    change(state, 999.9)
    assert state.read(1000.0)["n"] == 2


def test_a_torn_record_counts_as_absent_and_is_written_anew(tmp_path: Path) -> None:
    state = SharedState(tmp_path / "a.json")
    state.path.write_text('{"n": 7, "bo')
    change(state, 1.0)
    assert state.read(1.0)["n"] == 1


def test_a_shorter_record_leaves_nothing_of_a_longer_one(tmp_path: Path) -> None:
    state = SharedState(tmp_path / "a.json")
    for text in ("x" * 500, "y"):
        with state.changing(1.0) as record:
            record["text"] = text
    assert state.read(1.0)["text"] == "y"


def test_a_failed_change_writes_nothing(tmp_path: Path) -> None:
    state = SharedState(tmp_path / "a.json")
    with pytest.raises(ZeroDivisionError), state.changing(1.0) as record:
        record["n"] = 1 / 0
    assert not state.path.exists()


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="check that the folder is writable"):
        change(SharedState(tmp_path / "file" / "a.json"), 1.0)
