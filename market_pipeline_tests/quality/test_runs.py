"""Scheduled runs, counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from market_pipeline.quality.runs import CycleRun, CycleTime, count_runs, cycle_time

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def run(minute: int, seconds: float | None = 10, *, failed: bool = False) -> CycleRun:
    began = NOON + timedelta(minutes=minute)
    return CycleRun(began, None if seconds is None else began + timedelta(seconds=seconds), failed, f"r{minute}")


def test_overlapping_failed_and_needless_runs_are_counted_with_their_names_newest_first() -> None:
    runs = [run(3, failed=True), run(0), run(1, 70), run(2, failed=True), run(4)]
    found = count_runs(runs, expected=5, is_due=lambda began: began < NOON + timedelta(minutes=4))
    assert (found.expected, found.started, found.failed, found.overlapping, found.while_closed) == (5, 5, 2, 1, 1)
    assert (found.last_id, found.failed_ids, found.irregular_ids) == ("r4", ("r3", "r2"), ("r4", "r2"))


def test_a_run_that_never_ended_overlaps_with_the_next() -> None:
    assert count_runs([run(0, None), run(1)], expected=2, is_due=lambda _: True).irregular_ids == ("r1",)


def test_the_median_cycle_and_the_slowest_one_count_only_what_ended() -> None:
    assert cycle_time([run(0, 8), run(1, 30), run(2, 10), run(3, None)], 40) == CycleTime(10, 40, 30, "r1")
    assert cycle_time([run(3, None)], 40) == CycleTime(None, 40)
