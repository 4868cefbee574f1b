"""How far a row of indicators can be trusted: what there was to compute from, and what of it is doubtful. Pure.

The bars that a row is judged by are those of the session so far, or as many as the catalogue's longest window (200)
reads, whichever reach further back. Recursive means feel older bars yet, ever less.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from market_pipeline.indicators.bar_window import BarWindow, Integers, start_kind
from market_pipeline.indicators.catalogue import all_indicators
from market_pipeline.indicators.indicator import Indicator
from market_pipeline.indicators.talib_calls import warm_up

Truths = npt.NDArray[np.bool_]
NO_NEED = np.iinfo(np.int64).min


@dataclass(frozen=True, eq=False)
class BarDoubts:
    """What is doubtful about one window's bars, both counted from the window's first bar up to and with each bar."""

    missing: Integers
    """Minutes of continuous trading without a bar."""
    sampled: Integers
    """Bars made from polls."""
    missing_at_open: int
    """`missing` as it stood when the present session opened."""


@dataclass(frozen=True, eq=False)
class Trust:
    """The flags of some rows."""

    bars_available: Integers
    missing_minutes: Integers
    sampled_bars: Integers
    is_warm: Mapping[str, Truths]
    """Family → whether none of its columns is null for want of bars."""


@cache
def longest_window() -> int:
    """Return how many bars the catalogue's longest window reads."""
    return 1 + max(warm_up(indicator) for indicator in all_indicators())


def trust_of(
    windows: Sequence[BarWindow],
    firsts: Sequence[int],
    *,
    doubts: Sequence[BarDoubts],
    indicators: tuple[Indicator, ...],
) -> Trust:
    """Return the flags of the rows that compute_many gives for the same windows and firsts."""
    if not windows:
        empty = np.zeros(0, np.int64)
        return Trust(empty, empty, empty, {})
    bars = [np.arange(first, len(window)) for window, first in zip(windows, firsts, strict=True)]
    counts = [
        doubts_within(doubt, rows, session_start=window.session_start)
        for doubt, rows, window in zip(doubts, bars, windows, strict=True)
    ]
    missing, sampled = (np.concatenate(parts) for parts in zip(*counts, strict=True))
    return Trust(np.concatenate(bars) + 1, missing, sampled, _is_warm(windows, bars, _needs(indicators)))


def doubts_within(doubt: BarDoubts, rows: Integers, *, session_start: int) -> tuple[Integers, Integers]:
    """Return the missing minutes and sampled bars of what each of some rows of a window is judged by.

    A session counts from its open; where a row reaches back to bars before it, from the first of those.
    """
    begin = np.clip(rows - (longest_window() - 1), 0, session_start)
    missing_before = np.where(begin == session_start, doubt.missing_at_open, doubt.missing[begin % len(doubt.missing)])
    sampled_before = np.where(begin > 0, doubt.sampled[begin - 1], 0)
    return doubt.missing[rows] - missing_before, doubt.sampled[rows] - sampled_before


@cache
def _needs(indicators: tuple[Indicator, ...]) -> Mapping[str, tuple[int, ...]]:
    """Return family → its greatest warm-up by start_kind."""
    needs: dict[str, list[int]] = {}
    for indicator in indicators:
        of_family = needs.setdefault(indicator.family, [NO_NEED] * 4)
        kind = start_kind(indicator)
        of_family[kind] = max(of_family[kind], warm_up(indicator))
    return {family: tuple(of_family) for family, of_family in needs.items()}


def _is_warm(
    windows: Sequence[BarWindow], bars: Sequence[Integers], needs: Mapping[str, tuple[int, ...]]
) -> dict[str, Truths]:
    places = np.concatenate(bars)
    session = np.repeat([window.session_start for window in windows], [len(rows) for rows in bars])
    known = np.concatenate([_known_since(window, rows) for window, rows in zip(windows, bars, strict=True)])
    since = [places - start for start in (0, known, session, np.maximum(session, known))]
    return {
        family: np.logical_and.reduce([count >= least for count, least in zip(since, of_family, strict=True)])
        for family, of_family in needs.items()
    }


def _known_since(window: BarWindow, rows: Integers) -> Integers:
    """Return for each row the index after the last bar of unknown volume up to it."""
    unknown = window.unknown_volumes
    if not len(unknown):
        return np.zeros(len(rows), np.int64)
    place = np.searchsorted(unknown, rows, side="right")
    since: Integers = np.where(place > 0, unknown[place - 1] + 1, 0)
    return since
