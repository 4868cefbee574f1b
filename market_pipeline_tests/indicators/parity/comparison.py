"""How far two series of figures lie apart, and what that is called."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from market_pipeline.indicators.indicator import FloatArray

TOLERANCE = 1e-9
TAIL = 100
"""Bars at the end, by which a mean's first value must be forgotten."""


class Verdict(StrEnum):
    """What the distance is called; everything but EQUAL needs a reason. AT_THE_END: over the last 100 bars."""

    EQUAL = "equal"
    STARTS = "equal from another start"
    AT_THE_END = "equal at the end"
    DIFFERS = "differs"
    ABSENT = "not ours"


@dataclass(frozen=True)
class Comparison:
    """Bars compared, those more than a billionth apart, the greatest distance of all and of the last 100 bars.

    A distance is relative to the other's figure, or to the median size of its figures where that is greater
    (never below 0.001).
    """

    bars: int
    apart: int
    max_error: float
    tail_error: float
    our_start: int
    their_start: int
    one_sided: int
    """Bars after both have started at which only one of them has a figure."""

    @property
    def verdict(self) -> Verdict:
        """Return the name of the distance."""
        if self.one_sided or not self.bars or self.tail_error > TOLERANCE:
            return Verdict.DIFFERS
        if self.max_error > TOLERANCE:
            return Verdict.AT_THE_END
        return Verdict.EQUAL if self.our_start == self.their_start else Verdict.STARTS


def compare(ours: FloatArray, theirs: FloatArray) -> Comparison:
    """Compare two series, bar by bar; NaN says that there is no figure yet."""
    has_ours, has_theirs = np.isfinite(ours), np.isfinite(theirs)
    both = has_ours & has_theirs
    size = np.abs(theirs[has_theirs])
    # the median of patterns and flags is 0; rounding alone puts 2e-16 in the place of a 0
    typical = max(np.median(size) or size.max(), 1e-3) if size.size else 1.0
    scale = np.maximum(np.abs(theirs), typical)
    error = np.where(both, np.abs(ours - theirs) / scale, 0.0)
    starts = int(np.argmax(has_ours)), int(np.argmax(has_theirs))
    one_sided = (has_ours != has_theirs)[max(starts) :].sum()
    apart = (error > TOLERANCE).sum()
    return Comparison(
        int(both.sum()), int(apart), float(error.max()), float(error[-TAIL:].max()), *starts, int(one_sided)
    )
