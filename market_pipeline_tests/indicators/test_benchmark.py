"""The measurement of both engines, on a handful of symbols: each case says what it measured, absent peers are named."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys

import numpy as np

from benchmarks.indicator_cases import FOR_EVERY_SYMBOL, make_windows
from benchmarks.indicator_peers import peers
from benchmarks.report import verdict_at_least
from market_pipeline_tests.conftest import PROJECT


def measured(*words: str) -> dict:
    command = [sys.executable, "-m", "benchmarks.indicator_cases", *words]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_a_resident_case_tells_minutes_open_time_and_peak_memory():
    found = measured("resident", "--symbols", "3", "--bars", "60", "--minutes", "4")
    assert len(found["seconds"]) == 4
    assert found["open_seconds"] > 0
    assert 30 < found["peak_megabytes"] < 1000
    assert found["columns"] >= FOR_EVERY_SYMBOL


def test_shards_divide_the_symbols_and_count_the_slowest_of_each_minute():
    found = measured("batch", "--symbols", "5", "--bars", "60", "--minutes", "2", "--shards", "2")
    assert len(found["seconds"]) == 2
    assert len(found["cpu_seconds"]) == 2


def test_a_peer_that_is_not_installed_is_named_with_the_command_that_brings_it(monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    names = [one.name for one in peers(make_windows(5, 375))]
    assert not any("talipp" in name or "polars" in name for name in names)
    assert "talipp is not installed: uv pip install -e '.[bench]'" in capsys.readouterr().out


def test_the_present_session_is_the_last_375_bars_of_a_seeded_window():
    (window,) = make_windows(1, 1125)
    assert window.session_start == 750
    assert np.array_equal(window.close, make_windows(1, 1125)[0].close)


def test_a_ratio_below_its_least_is_missed():
    assert verdict_at_least(49.0, 50) == "MISSED, 1.0 times it"
    assert verdict_at_least(100.0, 50) == "met, 2.0 times it"
