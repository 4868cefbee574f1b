"""Pivot points of five schools, from the previous session's open, high, low and close: constant through the session.

All five as https://www.niftytrader.in/pivot-calculator and https://stockezee.com/developing-pivots-calculator give
them. Woodie's has another published form, with 2·open in place of 2·close; Indian traders know this one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from market_pipeline.indicators.indicator import FloatArray
from market_pipeline.indicators.levels.level import PRICE, Level

NIFTYTRADER = "https://www.niftytrader.in/pivot-calculator"
STOCKEZEE = "https://stockezee.com/developing-pivots-calculator"


@dataclass(frozen=True, eq=False)
class PreviousSession:
    """Open, high, low and close of the session before, one entry a symbol; NaN where there was none."""

    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray

    @cached_property
    def span(self) -> FloatArray:
        """Return high − low."""
        return self.high - self.low

    @cached_property
    def classic(self) -> FloatArray:
        """Return P, the mean of high, low and close."""
        return (self.high + self.low + self.close) / 3

    @cached_property
    def woodie(self) -> FloatArray:
        """Return Woodie's P, in which the close counts twice."""
        return (self.high + self.low + 2 * self.close) / 4

    @cached_property
    def demark(self) -> FloatArray:
        """Return DeMark's X: the session's direction decides which of its prices counts twice."""
        doubled = np.where(self.close < self.open, self.low, np.where(self.close > self.open, self.high, self.close))
        total: FloatArray = self.high + self.low + self.close + doubled
        return total


type Formula = Callable[[PreviousSession], FloatArray]
_POINT = "pivot point"
_RESISTANCE, _SUPPORT = "resistance {} above the pivot", "support {} below the pivot"


def _school(name: str, *formulas: tuple[str, str, Formula], source: str = NIFTYTRADER) -> list[tuple[Level, Formula]]:
    """Return the columns of one school: (R1, formula in words, formula) becomes R1_<SCHOOL>."""
    return [
        (Level(f"{mark}_{name.upper()}", PRICE, f"{name}'s {_meaning(mark)}", text, source), formula)
        for mark, text, formula in formulas
    ]


def _meaning(mark: str) -> str:
    return _POINT if mark == "PP" else {"R": _RESISTANCE, "S": _SUPPORT}[mark[0]].format(mark[1])


_PIVOTS = (
    *_school(
        "Classic",
        ("PP", "P = (H + L + C)/3 of the previous session", lambda s: s.classic),
        ("R1", "2·P − L", lambda s: 2 * s.classic - s.low),
        ("R2", "P + (H − L)", lambda s: s.classic + s.span),
        ("R3", "H + 2·(P − L)", lambda s: s.high + 2 * (s.classic - s.low)),
        ("S1", "2·P − H", lambda s: 2 * s.classic - s.high),
        ("S2", "P − (H − L)", lambda s: s.classic - s.span),
        ("S3", "L − 2·(H − P)", lambda s: s.low - 2 * (s.high - s.classic)),
    ),
    *_school(
        "Fibonacci",
        ("R1", "P + 0.382·(H − L)", lambda s: s.classic + 0.382 * s.span),
        ("R2", "P + 0.618·(H − L)", lambda s: s.classic + 0.618 * s.span),
        ("R3", "P + (H − L)", lambda s: s.classic + s.span),
        ("S1", "P − 0.382·(H − L)", lambda s: s.classic - 0.382 * s.span),
        ("S2", "P − 0.618·(H − L)", lambda s: s.classic - 0.618 * s.span),
        ("S3", "P − (H − L)", lambda s: s.classic - s.span),
        source=STOCKEZEE,
    ),
    *_school(
        "Camarilla",
        ("R1", "C + 1.1·(H − L)/12", lambda s: s.close + 1.1 * s.span / 12),
        ("R2", "C + 1.1·(H − L)/6", lambda s: s.close + 1.1 * s.span / 6),
        ("R3", "C + 1.1·(H − L)/4", lambda s: s.close + 1.1 * s.span / 4),
        ("R4", "C + 1.1·(H − L)/2", lambda s: s.close + 1.1 * s.span / 2),
        ("S1", "C − 1.1·(H − L)/12", lambda s: s.close - 1.1 * s.span / 12),
        ("S2", "C − 1.1·(H − L)/6", lambda s: s.close - 1.1 * s.span / 6),
        ("S3", "C − 1.1·(H − L)/4", lambda s: s.close - 1.1 * s.span / 4),
        ("S4", "C − 1.1·(H − L)/2", lambda s: s.close - 1.1 * s.span / 2),
    ),
    *_school(
        "Woodie",
        ("PP", "P = (H + L + 2·C)/4 of the previous session", lambda s: s.woodie),
        ("R1", "2·P − L", lambda s: 2 * s.woodie - s.low),
        ("R2", "P + (H − L)", lambda s: s.woodie + s.span),
        ("S1", "2·P − H", lambda s: 2 * s.woodie - s.high),
        ("S2", "P − (H − L)", lambda s: s.woodie - s.span),
    ),
    *_school(
        "DeMark",
        ("PP", "X/4; X = H + L + C + (L if C < O, H if C > O, C if C = O)", lambda s: s.demark / 4),
        ("R1", "X/2 − L", lambda s: s.demark / 2 - s.low),
        ("S1", "X/2 − H", lambda s: s.demark / 2 - s.high),
        source=STOCKEZEE,
    ),
)

PIVOTS: tuple[Level, ...] = tuple(level for level, _ in _PIVOTS)


def pivots(previous: PreviousSession) -> FloatArray:
    """Return the pivots of each symbol, shape (columns, symbols)."""
    return np.array([formula(previous) for _, formula in _PIVOTS])
