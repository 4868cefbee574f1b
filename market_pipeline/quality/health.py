"""The health score of a market, 0 to 100, which explains itself: every lost point has a cause, evidence and a remedy.

A part that cannot be judged (a closed market, nothing asked yet) loses nothing, so points lost and score add up to 100.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from market_pipeline.markets.schema import HealthRule, HealthWeights
from market_pipeline.quality.health_parts import JUDGES, Loss, Part
from market_pipeline.quality.situation import Situation

ALL_MARKETS = "all"
"""Stands for the market of the overall score."""


@dataclass(frozen=True, slots=True)
class LostPoints:
    """Points that one part lost, why, and where to look: run, source and symbols as far as they are known."""

    part: Part
    points: float
    cause: str
    evidence: str
    what_to_do: str
    market: str
    source: str | None = None
    symbols: tuple[str, ...] = ()
    run_id: str | None = None

    @property
    def document(self) -> dict[str, Any]:
        """Return it for JSON, without what is not known."""
        return {name: value for name, value in asdict(self).items() if value not in (None, ())}


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

    @property
    def is_judged(self) -> bool:
        """Tell whether any part could be judged."""
        return any(part.is_judged for part in self.parts)

    @property
    def run_id(self) -> str | None:
        """Return the run that the greatest loss with a known run points to."""
        return next((lost.run_id for lost in self.lost_points if lost.run_id is not None), None)

    @property
    def document(self) -> dict[str, Any]:
        """Return it for JSON: score, what is left of each judged part, and the lost points."""
        return {
            "score": self.score,
            "parts": {part.part.value: part.points if part.is_judged else None for part in self.parts},
            "lost_points": [lost.document for lost in self.lost_points],
        }


def score(situation: Situation, *, rule: HealthRule | None = None) -> Health:
    """Return the health of one market."""
    rule = rule or HealthRule()
    parts, lost = list[PartScore](), list[LostPoints]()
    for part, judge in JUDGES.items():
        losses = judge(situation, rule.scales)
        weight = _weight(rule.weights, part)
        entries = [*_priced(situation.market, part, losses=losses or (), weight=weight)]
        left = round(weight - sum(entry.points for entry in entries), 1)
        parts.append(PartScore(part, left, weight, is_judged=losses is not None))
        lost += entries
    return _health(situation.market, parts, lost)


def overall(markets: Iterable[Health]) -> Health:
    """Return the health of all markets together: the mean of those in which something was judged.

    A closed market would flatter it. Each loss counts for its share, under the name of its market.
    """
    listed = list(markets)
    judged = [health for health in listed if health.is_judged]
    count = max(len(judged), 1)
    lost = [_shared(entry, count) for health in judged for entry in health.lost_points]
    parts = []
    for part in Part:
        of_part = [p for health in (judged or listed) for p in health.parts if p.part is part]
        weight = round(sum(p.weight for p in of_part) / max(len(of_part), 1), 1)
        left = round(weight - sum(entry.points for entry in lost if entry.part is part), 1)
        parts.append(PartScore(part, left, weight, is_judged=any(p.is_judged for p in of_part)))
    return _health(ALL_MARKETS, parts, [entry for entry in lost if entry.points])


def health_from(market: str, document: Mapping[str, Any]) -> Health:
    """Return what `document` wrote. The parts' weights are not kept."""
    parts = [
        PartScore(Part(name), points or 0.0, points or 0.0, is_judged=points is not None)
        for name, points in document["parts"].items()
    ]
    lost = []
    for entry in document["lost_points"]:
        fields = {"part": Part(entry["part"]), "symbols": tuple(entry.get("symbols", ()))}
        lost.append(LostPoints(**{**entry, **fields}))
    return Health(market, document["score"], tuple(parts), tuple(lost))


def _health(market: str, parts: Sequence[PartScore], lost: Sequence[LostPoints]) -> Health:
    ordered = sorted(lost, key=lambda entry: -entry.points)
    total = round(100 - sum(entry.points for entry in ordered), 1)
    return Health(market, max(total, 0.0), tuple(parts), tuple(ordered))


def _priced(market: str, part: Part, *, losses: Sequence[Loss], weight: float) -> Iterable[LostPoints]:
    """Yield what each loss costs; rounding never makes the entries of a part add up to more than they cost together."""
    told = before = 0.0
    for loss in losses:
        before += weight * loss.share
        points = round(round(before, 1) - told, 1)
        told += points
        if points > 0:
            yield LostPoints(
                part,
                points,
                loss.cause,
                loss.evidence,
                loss.what_to_do,
                market=market,
                source=loss.source,
                symbols=loss.symbols,
                run_id=loss.run_id,
            )


def _shared(entry: LostPoints, count: int) -> LostPoints:
    return LostPoints(**{**asdict(entry), "points": round(entry.points / count, 2)})


def _weight(weights: HealthWeights, part: Part) -> float:
    return float(getattr(weights, part.value))
