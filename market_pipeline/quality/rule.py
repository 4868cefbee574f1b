"""What a validity rule is made of: the facts it may use, what it found, and the result that people see."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.model.session import Session

EXAMPLE_CHARACTERS = 240
"""Results travel in the metadata of minute runs, which must stay small."""


class Severity(StrEnum):
    """ERROR: our own rows are wrong. WARN: a source sent something odd that the merge is there to handle."""

    WARN = "warn"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule's verdict over one table. `example` describes the first failing row, None when there is none."""

    rule: str
    passed: bool
    severity: Severity
    failed_rows: int
    example: str | None
    what_to_do: str


@dataclass(frozen=True, slots=True)
class Range:
    """Allowed values of a column, both ends included; None leaves that end open."""

    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules know besides the rows. A rule whose fact is None is left out of the results, never passed."""

    now: datetime
    sessions: tuple[Session, ...] | None = None
    """Sessions that the rows may belong to."""
    requested: frozenset[tuple[str, str, str]] | None = None
    """Every (source, symbol, kind) that was asked for in this cycle."""
    ranges: Mapping[str, Range] = field(default_factory=dict)
    """Allowed values per indicator column, from the catalogue."""
    clock_slack: timedelta = timedelta(seconds=5)
    """How far a source's clock may run ahead of ours."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule found wrong: 0 rows and no example when nothing is."""

    failed_rows: int = 0
    example: str | None = None


Find = Callable[[pa.Table, Facts], Found | None]
"""Looks for bad rows; None means that the fact it needs was not given."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One sentence that must hold for every row."""

    sentence: str
    columns: tuple[str, ...]
    find: Find
    what_to_do: str
    severity: Severity = Severity.ERROR

    def judge(self, rows: pa.Table, facts: Facts) -> RuleResult | None:
        """Return the verdict over `rows`, None when the fact it needs is missing. An absent column fails."""
        present = set(rows.column_names)
        absent = [name for name in self.columns if name not in present]
        if absent:
            example = f"no column {', '.join(absent)}"
            return RuleResult(self.sentence, False, Severity.ERROR, rows.num_rows, example, self.what_to_do)
        found = self.find(rows, facts)
        if found is None:
            return None
        passed = found.failed_rows == 0
        return RuleResult(self.sentence, passed, self.severity, found.failed_rows, found.example, self.what_to_do)


def rows_where(rows: pa.Table, bad: pa.ChunkedArray, shown: Sequence[str]) -> Found:
    """Return how many rows are `bad` (null counts as good) and the `shown` columns of the first of them."""
    count = int(pc.sum(bad).as_py() or 0)
    if count == 0:
        return Found()
    return Found(count, describe(rows, pc.index(bad, True).as_py(), shown))


def describe(rows: pa.Table, index: int, shown: Sequence[str]) -> str:
    """Return "column=value, …" of one row, starting with what identifies it."""
    present = set(rows.column_names) - set(shown)
    identity = [name for name in ("source", "symbol", "interval_start") if name in present]
    row = rows.select([*identity, *shown]).slice(index, 1).to_pylist()[0]
    text = ", ".join(f"{name}={_shown(value)}" for name, value in row.items())
    return text[:EXAMPLE_CHARACTERS]


def _shown(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
