"""The health score of a market, 0 to 100, which explains itself: every lost point has a cause, evidence and a remedy.

A part that cannot be judged (a closed market, nothing asked yet) loses nothing, so points lost and score add up to 100.
"""

from __future__ import annotations

from dataclasses import dataclass

from market_pipeline.errors import ConfigurationError
from market_pipeline.quality.health_parts import JUDGES, Part, Scales
from market_pipeline.quality.situation import Situation


@dataclass(frozen=True, slots=True)
class Weights:
    """Points of each part. Raises ConfigurationError unless they are not negative and add up to 100."""

    running: float = 30
    compliance: float = 20
    errors: float = 25
    freshness: float = 15
    performance: float = 10

    def __post_init__(self) -> None:
        """Refuse weights that do not make 100 points."""
        points = [self.of(part) for part in Part]
        if min(points) < 0 or abs(sum(points) - 100) > 1e-9:
            raise ConfigurationError(
                f"tried to weigh the health score: the weights {points} must be >= 0 and add up to 100, "
                f"they make {sum(points):g}; a retry does not help; correct them"
            )

    def of(self, part: Part) -> float:
        """Return the points of `part`."""
        return float(getattr(self, part.value))


@dataclass(frozen=True, slots=True)
class LostPoints:
    """Points that one part lost, and why."""

    part: Part
    points: float
    cause: str
    evidence: str
    what_to_do: str


@dataclass(frozen=True, slots=True)
class PartScore:
    """What is left of one part's weight. `is_judged` is False where there was nothing to judge."""

    part: Part
    points: float
    weight: float
    is_judged: bool


@dataclass(frozen=True, slots=True)
class Health:
    """A market's score (one decimal), its parts, and the points it lost, most first."""

    market: str
    score: float
    parts: tuple[PartScore, ...]
    lost_points: tuple[LostPoints, ...]


def score(situation: Situation, *, weights: Weights | None = None, scales: Scales | None = None) -> Health:
    """Return the health of one market."""
    weights, scales = weights or Weights(), scales or Scales()
    parts, lost = [], []
    for part, judge in JUDGES.items():
        loss = judge(situation, scales)
        weight = weights.of(part)
        points = round(weight * loss.share, 1) if loss else 0.0
        parts.append(PartScore(part, round(weight - points, 1), weight, is_judged=loss is not None))
        if loss and points:
            lost.append(LostPoints(part, points, loss.cause, loss.evidence, loss.what_to_do))
    lost.sort(key=lambda entry: -entry.points)
    total = round(100 - sum(entry.points for entry in lost), 1)
    return Health(situation.market, max(total, 0.0), tuple(parts), tuple(lost))
