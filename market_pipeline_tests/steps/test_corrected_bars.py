"""A late or corrected bar changes exactly the rows that it reaches, and leaves what a full recompute would give."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from market_pipeline.steps.compute_indicators import (
    compute_indicators,
    compute_session_indicators,
    recompute_indicators,
)
from market_pipeline_tests.steps.correction_desk import (
    DAYS,
    MINUTES,
    Desk,
    bar_of,
    changed_of,
    correction,
    first_bars,
    minute_of,
    open_runtime,
)

TODAY = DAYS[-1]
CLOSED = DAYS[:3]


def filled(folder: Path, bars: pa.Table, *, closed: tuple[date, ...] = CLOSED) -> Desk:
    """A feed with these bars and all their indicators."""
    desk = Desk(open_runtime(folder))
    desk.store(bars, closed=closed)
    compute_session_indicators(desk.runtime, desk.market, DAYS)
    return desk


def assert_as_computed_anew(desk: Desk, folder: Path) -> None:
    """Compare every column of every row, to the last bit, with a feed that computes once from the final bars."""
    anew = filled(folder, desk.bars(), closed=DAYS)
    ours, whole = (one.indicators().drop(["known_at"]).combine_chunks() for one in (desk, anew))
    different = [name for name in ours.column_names if not ours[name].equals(whole[name])]
    assert different == []
    assert ours.num_rows == desk.bars().num_rows


def known(desk: Desk) -> dict[tuple[str, object], object]:
    rows = desk.indicators()
    return dict(
        zip(
            zip(rows["symbol"].to_pylist(), rows["interval_start"].to_pylist(), strict=True),
            rows["known_at"].to_pylist(),
            strict=True,
        )
    )


@pytest.mark.parametrize("seed", range(3))
def test_after_random_corrections_the_table_is_that_of_a_full_recompute(tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    desk = filled(tmp_path / "ours", first_bars(random))
    bars = desk.bars().to_pylist()
    for _ in range(3):  # out of order: each round picks its sessions and minutes anew
        desk.later()
        of_day = defaultdict(list)
        for _ in range(4):
            row = correction(bars, desk, random)
            of_day[row["session_date"]].append(row)
        changed = {day: changed_of(desk.merge(day, rows)) for day, rows in of_day.items()}
        recompute_indicators(desk.runtime, desk.market, changed)
    assert_as_computed_anew(desk, tmp_path / "anew")


@pytest.mark.parametrize("seed", [11, 12])
def test_the_minute_path_alone_follows_corrections_of_the_session_in_progress(tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    desk = filled(tmp_path / "ours", first_bars(random))
    bars = [bar for bar in desk.bars().to_pylist() if bar["session_date"] == TODAY]
    for number in range(4):
        known_at = desk.later()
        rows = [correction(bars, desk, random) for _ in range(2)]
        rows.append(bar_of("TCS", TODAY, MINUTES + number, known_at=known_at, random=random))
        desk.merge(TODAY, rows)
        desk.later()
        compute_indicators(desk.runtime, desk.market)
    assert_as_computed_anew(desk, tmp_path / "anew")


def test_a_late_bar_rewrites_its_symbol_from_that_minute_on_and_the_next_two_sessions(tmp_path: Path) -> None:
    random = np.random.default_rng(21)
    bars = first_bars(random)
    taken = (minute_of(DAYS[1], 12), "TCS")
    is_late = [(row["interval_start"], row["symbol"]) == taken for row in bars.to_pylist()]
    desk = filled(tmp_path, bars.filter(pa.array([not late for late in is_late])))
    before, at = known(desk), desk.later()
    late = bar_of("TCS", DAYS[1], 12, known_at=at, random=random)
    changed = {DAYS[1]: changed_of(desk.merge(DAYS[1], [late]))}
    written = recompute_indicators(desk.runtime, desk.market, changed)
    rewritten = {key for key, moment in known(desk).items() if moment != before.get(key)}
    ours = [row for row in desk.bars().to_pylist() if row["symbol"] == "TCS"]
    reached = [
        row
        for row in ours
        if row["session_date"] in DAYS[2:4] or (row["session_date"] == DAYS[1] and row["interval_start"] >= taken[0])
    ]
    assert rewritten == {("TCS", row["interval_start"]) for row in reached}
    assert written == len(reached)


def test_a_bar_that_only_a_better_origin_confirms_is_no_longer_counted_as_sampled(tmp_path: Path) -> None:
    desk = filled(tmp_path, first_bars(np.random.default_rng(31)))
    today = [bar for bar in desk.bars().to_pylist() if bar["session_date"] == TODAY and bar["symbol"] == "TCS"]
    sampled = sorted(row["interval_start"] for row in today if row["origin"] == "sampled")
    first = next(row for row in today if row["interval_start"] == sampled[2])
    desk.later()
    desk.merge(TODAY, [first | {"origin": "chart"}])
    before = known(desk)
    compute_indicators(desk.runtime, desk.market)
    rewritten = sorted(str(key[1]) for key, moment in known(desk).items() if moment != before[key])
    assert rewritten == sorted(str(row["interval_start"]) for row in today if row["interval_start"] >= sampled[2])


def test_the_first_bars_of_a_session_change_the_windows_of_everybody_in_the_next_two(tmp_path: Path) -> None:
    random = np.random.default_rng(41)
    bars = first_bars(random)
    without = bars.filter(pa.array([day != DAYS[2] for day in bars["session_date"].to_pylist()]))
    desk = filled(tmp_path / "ours", without)
    at = desk.later()
    healed = [bar_of("RELIANCE", DAYS[2], number, known_at=at, random=random) for number in range(MINUTES)]
    recompute_indicators(desk.runtime, desk.market, {DAYS[2]: changed_of(desk.merge(DAYS[2], healed))})
    assert_as_computed_anew(desk, tmp_path / "anew")


def test_nothing_changed_computes_nothing(tmp_path: Path) -> None:
    desk = filled(tmp_path, first_bars(np.random.default_rng(51)))
    before = known(desk)
    desk.later()
    assert recompute_indicators(desk.runtime, desk.market, {DAYS[1]: {}}) == 0
    assert compute_indicators(desk.runtime, desk.market).rows == 0
    assert known(desk) == before
