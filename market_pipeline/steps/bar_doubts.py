"""What is doubtful about the bars of a window: minutes of continuous trading without a bar, and sampled bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from market_pipeline.indicators.bar_window import Integers
from market_pipeline.indicators.trust import BarDoubts, Truths
from market_pipeline.markets.phases import open_stretches
from market_pipeline.markets.trading_calendar import TradingCalendar
from market_pipeline.steps.bar_windows import SessionBlock

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MINUTE_MICROSECONDS = 60_000_000
ONE_DAY = timedelta(days=1)

type Groups = Mapping[str, str]
"""Symbol → the group whose phases it keeps; others keep the market's."""


@dataclass(frozen=True, eq=False)
class SessionDoubts:
    """One session's doubts, a number a bar in the block's order; sums begin anew with each symbol."""

    block: SessionBlock
    groups: Groups
    missing: Integers
    """Minutes of continuous trading without a bar, from the open up to the bar."""
    missing_later: Integers
    """Minutes of continuous trading after the bar: without one, if it is the last."""
    sampled: Integers
    expected: Mapping[str | None, int]
    """Group → minutes of continuous trading in the whole session."""
    skipped: Mapping[str | None, int]
    """Group → minutes of continuous trading in the sessions before this one of which nothing at all is stored."""


def session_doubts(
    block: SessionBlock, calendar: TradingCalendar, day: date, *, before: date | None, groups: Groups
) -> SessionDoubts:
    """Count the doubts of one session's block; `before` is the stored session before it, None where there is none."""
    names: list[str | None] = [None, *sorted(set(groups.values()))]
    opened, is_due = _due_minutes(calendar, day, names)
    counted = np.cumsum(is_due, axis=1)
    codes = [names.index(groups.get(symbol)) for symbol in block.rows_of]
    group = np.repeat(np.array(codes, np.int64), [rows.stop - rows.start for rows in block.rows_of.values()])
    place = (block.minutes - opened) // MINUTE_MICROSECONDS
    inside = np.clip(place, 0, is_due.shape[1] - 1)
    due_by_now = counted[group, inside]
    return SessionDoubts(
        block,
        groups,
        missing=due_by_now - block.sums(is_due[group, inside] & (place == inside)),
        missing_later=counted[group, -1] - due_by_now,
        sampled=block.sums(block.is_sampled),
        expected={name: int(counted[row, -1]) for row, name in enumerate(names)},
        skipped=_skipped(calendar, names, before=before, day=day),
    )


def _due_minutes(calendar: TradingCalendar, day: date, names: Sequence[str | None]) -> tuple[int, Truths]:
    """Return the open (microseconds since 1970) and, by group and minute, whether trading is continuous."""
    session = calendar.session(day)
    if session is None:
        return 0, np.zeros((len(names), 1), bool)
    is_due = np.zeros((len(names), max(1, (session.close - session.open) // MINUTE)), bool)
    for row, name in enumerate(names):
        for start, end in open_stretches(session, name):
            is_due[row, (start - session.open) // MINUTE : (end - session.open) // MINUTE] = True
    return (session.open - EPOCH) // timedelta(microseconds=1), is_due


def _skipped(
    calendar: TradingCalendar, names: Sequence[str | None], *, before: date | None, day: date
) -> Mapping[str | None, int]:
    between = calendar.sessions_between(before + ONE_DAY, day - ONE_DAY) if before else []
    return {name: sum(calendar.expected_minutes(one, group=name) for one in between) for name in names}


def bar_doubts(symbol: str, sessions: Sequence[SessionDoubts]) -> BarDoubts:
    """Return the doubts of one symbol's window, as bar_window cuts it; the last session is the present one.

    Nothing counts before the first of these sessions in which the symbol has a bar.
    """
    missing, sampled = list[Integers](), list[Integers]()
    lacking = taken = at_open = 0
    for number, one in enumerate(sessions):
        rows, group = one.block.rows_of.get(symbol), one.groups.get(symbol)
        if missing:
            lacking += one.skipped[group]
        at_open = lacking if number == len(sessions) - 1 else 0
        if rows is None:
            lacking += one.expected[group] if missing else 0
            continue
        missing.append(one.missing[rows] + lacking)
        sampled.append(one.sampled[rows] + taken)
        last = rows.stop - 1
        lacking += int(one.missing[last] + one.missing_later[last])
        taken += int(one.sampled[last])
    nothing: Integers = np.zeros(0, np.int64)
    return BarDoubts(np.concatenate([nothing, *missing]), np.concatenate([nothing, *sampled]), at_open)
