"""Drills of the disk: it takes nothing more for some minutes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from market_pipeline.alerts.conditions import Key
from market_pipeline.drills.aftermath import GAPS_HEALED, heal
from market_pipeline.drills.expectations import delivered_in_order, ends, fact, prices_true, score_falls, told
from market_pipeline.drills.record import Record
from market_pipeline.drills.script import Script, shifted
from market_pipeline.drills.source_drills import NIGHT
from market_pipeline.drills.stage import Stage

LARGEST_FILE_BYTES = 4096
"""Less than any table's slice."""


@contextmanager
def full_disk(stage: Stage) -> Iterator[None]:
    """Let the disk refuse what cycles write, and count what is stored before."""
    stage.facts["before"] = _stored(stage)
    stage.around_cycle = _small_files
    try:
        yield
    finally:
        stage.around_cycle = nullcontext


@contextmanager
def _small_files() -> Iterator[None]:
    """Limit the size of this process's files: a full disk that needs no rights, and that alerts can be told beside."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE_BYTES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def look_at_disk(stage: Stage, record: Record) -> None:
    """Look for what a refused write left, and whether what was there before still is; then heal the gap."""
    root = stage.settings.feed_folder / "warehouse"
    record.facts["left over"] = sorted(path.name for path in root.rglob("*.tmp*"))
    lost = [row for row in stage.facts.pop("before") if row not in _stored(stage)]
    record.facts["lost rows"] = len(lost)
    record.facts["refusals"] = record.failed_cycles[0] if record.failed_cycles else None
    heal(stage, record)


def _stored(stage: Stage) -> set[tuple[object, ...]]:
    rows = stage.runtime.warehouse.read("bars_1m", "crypto", columns=("symbol", "interval_start"))
    return {tuple(row.values()) for row in rows.to_pylist()}


DISK_FULL = shifted(
    "disk-full",
    "For four minutes the disk takes no more of what cycles write; then somebody makes room.",
    Script(NIGHT, ["crypto"], full_disk, faulty=4, healing=3, after=look_at_disk),
    seconds=18,
    expects=[
        fact("each refused cycle says what to do", "refusals", lambda found: "A retry helps only once" in str(found)),
        told(Key.NOT_RUNNING, within=3),
        fact("nothing half-written is left", "left over", lambda found: found == []),
        fact("what was stored before is still there", "lost rows", lambda found: found == 0),
        prices_true(),
        score_falls(below=75, rises=False),
        ends(Key.NOT_RUNNING, within=2),
        GAPS_HEALED,
        delivered_in_order("slack", "mail"),
    ],
)
