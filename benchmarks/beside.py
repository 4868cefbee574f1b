"""What went on beside the measured cycles: all runs by cadence and end, and what share of each tier was fresh."""

from __future__ import annotations

import statistics
from collections import defaultdict
from datetime import datetime
from pathlib import Path

import dagster as dg
import duckdb

from benchmarks.report import print_table
from market_pipeline.components.cadence import CADENCE_TAG

COVERAGE = """
    SELECT market, tier, count(*), min(share), median(share), max(known_at - before) FROM (
        SELECT *, lag(known_at) OVER (PARTITION BY market, tier ORDER BY known_at) AS before FROM coverage
    ) WHERE before IS NOT NULL AND known_at >= ? AND known_at < ? GROUP BY market, tier ORDER BY market, tier
"""


def print_runs(home: Path, since: datetime) -> None:
    """Print how the runs that were created `since` ended, and how long they took."""
    ended = defaultdict[tuple[str, str], list[float]](list)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        for record in instance.get_run_records(dg.RunsFilter(created_after=since)):
            run, seconds = record.dagster_run, (record.end_time or 0.0) - (record.start_time or 0.0)
            ended[run.tags.get(CADENCE_TAG, "none"), run.status.value].append(seconds)
    rows = [
        [cadence, status, str(len(seconds)), f"{statistics.median(seconds):.1f}", f"{max(seconds):.1f}"]
        for (cadence, status), seconds in sorted(ended.items())
        if status != dg.DagsterRunStatus.STARTED.value
    ]
    print_table(["runs", "ended as", "number", "s, p50", "s, most"], rows)


def print_coverage(market_duckdb: Path, since: datetime, until: datetime) -> None:
    """Print each tier's share of fresh symbols from `since` to `until`, moments of the feed, and the longest pause."""
    with duckdb.connect(str(market_duckdb), read_only=True) as connection:
        found = connection.execute(COVERAGE, [since, until]).fetchall()
    rows = [
        [market, "all" if tier is None else str(tier), str(looks), f"{least:.1%}", f"{middle:.1%}", f"{pause.seconds}"]
        for market, tier, looks, least, middle, pause in found
    ]
    print_table(["market", "tier", "times looked", "fresh, least", "p50", "longest pause, s"], rows)
