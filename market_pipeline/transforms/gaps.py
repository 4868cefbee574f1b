"""Find the missing minutes of a session and say, as ranges, why they are missing and what became of those known before.

Pure and idempotent: finding again with the same bars and outcomes gives the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.model.gap import ACTIVE, EVERY_SYMBOL, QUIET, GapCause, GapState
from market_pipeline.transforms.bar_rows import UTC_TIME, Integers, Truths
from market_pipeline.transforms.gap_grid import CAUSES, PROCESS_DOWN, Codes, Grid, SourceTiming, bars_in, told

GAP_SCHEMA = pa.schema(
    [
        ("market", pa.string()),
        ("symbol", pa.string()),
        ("session_date", pa.date32()),
        ("first_minute", UTC_TIME),
        ("last_minute", UTC_TIME),
        ("minutes", pa.int32()),
        ("tier", pa.int32()),
        ("cause", pa.string()),
        ("state", pa.string()),
        ("reason", pa.string()),
        ("found_at", UTC_TIME),
        ("healed_at", UTC_TIME),
        ("attempts", pa.int32()),
        ("known_at", UTC_TIME),
    ]
)
NOTHING_TRADED_TEXT = "the source answered: nothing traded in these minutes"
HALTED_TEXT = "the source answered: trading was halted"
HEALED_TEXT = "have a bar now; where one has none, nothing traded"
_ENDS = ("first_minute", "last_minute")


@dataclass(frozen=True)
class Healing:
    """What can be healed: minutes from `served_from` on; None: nothing can. `why_not` says so for the rest."""

    served_from: datetime | None
    why_not: str


class Asked(NamedTuple):
    """What asking for a symbol's history gave: the outcome's reason in words; final when asking again cannot help."""

    reason: str | None
    is_final: bool = False


@dataclass(frozen=True)
class Evidence:
    """All that is known of a session besides its grid."""

    bars: pa.Table
    outcomes: pa.Table
    timing: Mapping[str, SourceTiming]
    known: pa.Table
    """Rows of this session found before (GAP_SCHEMA's columns)."""
    healing: Healing
    asked: Mapping[str, Asked] = field(default_factory=dict)
    """Symbols whose history was asked for since."""


class _Story(NamedTuple):
    """What the minutes of one gap share."""

    cause: str
    state: str
    reason: str | None
    found_at: datetime
    healed_at: datetime | None
    attempts: int


class _Stories:
    """Numbers stories from 1 on, so that a grid of integers can tell them apart."""

    def __init__(self) -> None:
        self._numbers: dict[_Story, int] = {}
        self.known: list[_Story | None] = [None]

    def number(self, story: _Story) -> int:
        if story not in self._numbers:
            self._numbers[story] = len(self.known)
            self.known.append(story)
        return self._numbers[story]

    def is_failure(self, cells: Integers) -> Truths:
        """Return which cells tell of a gap that somebody asked for, and got no answer."""
        of_number = np.array([s is not None and s.cause != GapCause.PROCESS_DOWN for s in self.known])
        flags: Truths = of_number[cells]
        return flags

    def flags(self, cells: Integers, states: tuple[str, ...]) -> Truths:
        """Return which cells tell of a gap in one of these states."""
        of_number = np.array([story is not None and story.state in states for story in self.known])
        flags: Truths = of_number[cells]
        return flags

    def change(self, cells: Integers, where: Truths, change: Callable[[_Story], _Story]) -> None:
        """Replace the stories of the cells in `where` by what `change` makes of them."""
        becomes = np.arange(len(self.known))
        for number in np.unique(cells[where]).tolist():
            story = self.known[number]
            becomes[number] = number if story is None else self.number(change(story))
        cells[where] = becomes[cells[where]]


def find_gaps(grid: Grid, evidence: Evidence, *, now: datetime) -> pa.Table:
    """Return the gaps of one session in GAP_SCHEMA, by symbol and first minute.

    A due minute without a bar is a gap unless the source answered that nothing traded; such minutes, and halted ones,
    are summed up in one row a symbol. A gap found before keeps its found_at, attempts and state while it lasts, and is
    healed once its bars are there or the source has answered for all of it. Where every symbol lacks a minute with
    the same story, one row of symbol * stands for all.
    """
    has_bar = bars_in(grid, evidence.bars)
    said = told(grid, evidence.outcomes, evidence.timing)
    is_hole = grid.is_due & ~has_bar & ~said.is_quiet
    stories = _Stories()
    cells = _known_cells(grid, evidence.known, stories)
    _open_new(grid, cells, stories, is_hole=is_hole, causes=said.cause, now=now)
    _note_attempts(grid, cells, stories, asked=evidence.asked)
    _give_up(grid, cells, stories, healing=evidence.healing)
    is_done = stories.flags(cells, (*ACTIVE, GapState.UNHEALABLE)) & ~is_hole
    stories.change(cells, is_done, lambda story: story._replace(state=GapState.HEALED, healed_at=now))
    rows = _ranges(grid, cells, stories, has_bar=has_bar)
    is_quiet = grid.is_due & ~has_bar & said.is_quiet & (cells == 0)
    rows += _quiet_rows(grid, is_quiet, said.is_halted, known=evidence.known, now=now)
    shared = {"market": grid.session.market, "session_date": grid.session.session_date, "known_at": now}
    found = pa.Table.from_pylist([row | shared for row in rows], schema=GAP_SCHEMA)
    return found.sort_by([("symbol", "ascending"), ("first_minute", "ascending")])


def _known_cells(grid: Grid, known: pa.Table, stories: _Stories) -> Integers:
    cells = np.zeros(grid.is_due.shape, np.int64)
    row_of = {symbol: row for row, symbol in enumerate(grid.symbols)}
    is_quiet = pc.is_in(known["cause"], value_set=pa.array(QUIET, pa.string()))  # those are read from the outcomes anew
    for gap in known.filter(pc.invert(is_quiet)).to_pylist():
        story = _Story(*(gap[name] for name in _Story._fields))
        first, last = ((gap[name] - grid.session.open) // timedelta(minutes=1) for name in _ENDS)
        rows: Any = slice(None) if gap["symbol"] == EVERY_SYMBOL else row_of.get(gap["symbol"])
        if rows is not None:
            part = cells[rows, first : last + 1]
            part[grid.is_due[rows, first : last + 1]] = stories.number(story)
    return cells


def _open_new(grid: Grid, cells: Integers, stories: _Stories, *, is_hole: Truths, causes: Codes, now: datetime) -> None:
    """Give each new hole a story: that of the minute before it while the same gap goes on, else a new one."""
    is_new = is_hole & ~stories.flags(cells, (*ACTIVE, GapState.UNHEALABLE))
    due, missing = grid.is_due.sum(axis=0), is_hole.sum(axis=0)
    for column in np.flatnonzero(is_new.any(axis=0)).tolist():
        new, found = is_new[:, column], causes[:, column].copy()
        if due[column] == missing[column]:  # the whole market: of several causes the commonest stands for all
            found[new] = np.bincount(found[new]).argmax()
        before = cells[:, column - 1] if column else np.zeros(len(new), np.int64)
        goes_on = new & stories.flags(before, ACTIVE) & (stories.is_failure(before) == (found != PROCESS_DOWN))
        cells[goes_on, column] = before[goes_on]
        for cause in np.unique(found[new & ~goes_on]).tolist():
            story = _Story(CAUSES[cause], GapState.OPEN, None, now, None, 0)
            cells[new & ~goes_on & (found == cause), column] = stories.number(story)


def _note_attempts(grid: Grid, cells: Integers, stories: _Stories, *, asked: Mapping[str, Asked]) -> None:
    for row in (row for row, symbol in enumerate(grid.symbols) if symbol in asked):
        answer = asked[grid.symbols[row]]
        state = GapState.UNHEALABLE if answer.is_final else GapState.HEALING

        def tried(story: _Story, state: str = state, reason: str | None = answer.reason) -> _Story:
            return story._replace(state=state, reason=reason, attempts=story.attempts + 1)

        stories.change(cells[row], stories.flags(cells[row], ACTIVE), tried)


def _give_up(grid: Grid, cells: Integers, stories: _Stories, *, healing: Healing) -> None:
    since = healing.served_from
    last = grid.minutes if since is None else (since - grid.session.open) // timedelta(minutes=1)
    is_lost = stories.flags(cells, ACTIVE)
    is_lost[:, max(0, min(last, grid.minutes)) :] = False
    stories.change(cells, is_lost, lambda story: story._replace(state=GapState.UNHEALABLE, reason=healing.why_not))


def _ranges(grid: Grid, cells: Integers, stories: _Stories, *, has_bar: Truths) -> list[dict[str, Any]]:
    """Return one row for each run of neighbouring minutes with the same story.

    A healed run without any bar was no gap: its cells become 0, and its minutes count as not traded.
    """
    due, most = grid.is_due, np.iinfo(np.int64).max
    lowest = np.where(due, cells, most).min(axis=0, initial=most)
    highest = np.where(due, cells, 0).max(axis=0, initial=0)
    shared = np.where((lowest == highest) & (due.sum(axis=0) > 1), highest, 0)
    own = np.where(shared > 0, 0, cells)
    rows: list[dict[str, Any]] = []
    runs: list[tuple[Any, int, int]] = [(slice(None), *run[1:]) for run in _runs(shared[None, :])]
    for at, first, end in (*runs, *_runs(own)):
        minutes = slice(first, end)
        traded = int(np.atleast_2d(has_bar[at, minutes]).any(axis=0).sum())
        story = stories.known[int(np.atleast_2d(cells[at, minutes]).max())]
        if story is None or (story.state == GapState.HEALED and not traded):
            cells[at, minutes] = 0
            continue
        owner = (EVERY_SYMBOL, min(grid.tiers)) if isinstance(at, slice) else (grid.symbols[at], grid.tiers[at])
        rows.append(_row(grid, _explained(story, traded, end - first), owner, ends=(first, end), minutes=end - first))
    return rows


def _runs(cells: Integers) -> Iterator[tuple[int, int, int]]:
    """Yield (row, first, end) of each run of equal numbers above zero."""
    padded = np.pad(cells, ((0, 0), (1, 1)))
    changes = padded[:, 1:] != padded[:, :-1]
    rows, columns = np.nonzero(changes)
    if len(rows) == 0:
        return
    is_run = (rows[:-1] == rows[1:]) & (cells[rows[:-1], np.minimum(columns[:-1], cells.shape[1] - 1)] > 0)
    for at in np.flatnonzero(is_run).tolist():
        yield int(rows[at]), int(columns[at]), int(columns[at + 1])


def _row(grid: Grid, story: _Story, owner: tuple[str, int], *, ends: tuple[int, int], minutes: int) -> dict[str, Any]:
    return {
        "symbol": owner[0],
        "tier": owner[1],
        "first_minute": grid.moment(ends[0]),
        "last_minute": grid.moment(ends[1] - 1),
        "minutes": minutes,
        **story._asdict(),
    }


def _explained(story: _Story, traded: int, minutes: int) -> _Story:
    if story.state != GapState.HEALED or (story.reason or "").endswith(HEALED_TEXT):
        return story
    return story._replace(reason=f"{traded} of {minutes} minutes {HEALED_TEXT}")


def _quiet_rows(
    grid: Grid, is_quiet: Truths, is_halted: Truths, *, known: pa.Table, now: datetime
) -> list[dict[str, Any]]:
    """Return one row for each symbol with minutes in which nothing traded, and one where trading was halted."""
    names = ("symbol", "cause", "found_at")
    found = {row[:2]: row[2] for row in zip(*(known[name].to_pylist() for name in names), strict=True)}
    rows = []
    for cause, flags, reason in (
        (GapCause.NOT_TRADED, is_quiet & ~is_halted, NOTHING_TRADED_TEXT),
        (GapCause.HALTED, is_quiet & is_halted, HALTED_TEXT),
    ):
        counts, firsts, backwards = flags.sum(axis=1), flags.argmax(axis=1), flags[:, ::-1].argmax(axis=1)
        for at in np.flatnonzero(counts).tolist():
            found_at = found.get((grid.symbols[at], cause), now)
            story = _Story(cause, GapState.UNHEALABLE, reason, found_at, None, 0)
            ends = (int(firsts[at]), grid.minutes - int(backwards[at]))
            rows.append(_row(grid, story, (grid.symbols[at], grid.tiers[at]), ends=ends, minutes=int(counts[at])))
    return rows
