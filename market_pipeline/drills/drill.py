"""What a drill is: a story with a fault, what is expected of the system, and what was found. It runs nothing itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import structlog

from market_pipeline.drills.record import Record

Say = Callable[[str], None]
Play = Callable[[Path, Say], Record]
"""Lives through the drill in an empty folder, says where it is, and returns what was seen."""

log = structlog.get_logger("market_pipeline.drills")


class Pace(StrEnum):
    """How time passes."""

    SHIFTED = "shifted clock"
    """Real cycles and looks, called one after the other; a minute of the market takes as long as its work."""
    REAL = "real pace"
    """Real processes, as `market-pipeline up` starts them; a minute takes a minute."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether an expectation is met, and what was seen."""

    is_met: bool
    seen: str


@dataclass(frozen=True)
class Expectation:
    """Something that must come of a drill."""

    text: str
    judge: Callable[[Record], Judgement]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was expected, what was seen, and whether that is the same."""

    expected: str
    seen: str
    is_met: bool


@dataclass(frozen=True)
class Drill:
    """One drill. `seconds` is about what it takes on a machine with nothing else to do."""

    name: str
    story: str
    market: str
    pace: Pace
    seconds: int
    play: Play
    expects: Sequence[Expectation]


@dataclass(frozen=True)
class DrillReport:
    """What became of a drill. `record` is None when it broke off."""

    drill: Drill
    findings: tuple[Finding, ...]
    record: Record | None
    seconds: float

    @property
    def has_passed(self) -> bool:
        """Tell whether every expectation is met."""
        return all(finding.is_met for finding in self.findings)


def run_drill(drill: Drill, folder: Path, say: Say = lambda _: None) -> DrillReport:
    """Live through a drill in an empty folder and judge it. A drill that breaks off has failed; others go on."""
    began = time.monotonic()
    try:
        record = drill.play(folder, say)
    except Exception as error:  # the outermost loop over drills: what breaks one off is what it has found
        log.error("drill_broke_off", drill=drill.name, exc_info=error)
        seen = " ".join(f"{type(error).__name__}: {error}".split())
        found = Finding("the drill runs to its end", seen, is_met=False)
        return DrillReport(drill, (found,), None, time.monotonic() - began)
    findings = tuple(_finding(expectation, record) for expectation in drill.expects)
    return DrillReport(drill, findings, record, time.monotonic() - began)


def _finding(expectation: Expectation, record: Record) -> Finding:
    judged = expectation.judge(record)
    return Finding(expectation.text, judged.seen, judged.is_met)
