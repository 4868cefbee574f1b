"""Which outcomes are failures of a source, and which only say how things are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.model.outcome import ANSWERED, OutcomeStatus, RequestKind
from market_pipeline.quality.situation import Requests, SourceFailures

_NEITHER = frozenset({OutcomeStatus.DEFERRED, OutcomeStatus.DELISTED, OutcomeStatus.UNKNOWN})
_NAMED = 5
"""So many symbols that failed are named of each source."""


def tally(counts: Mapping[tuple[str, str], int]) -> Requests:
    """Return what counts of (kind, status) → symbols mean: answered, failed, and what is neither.

    An empty history is an answer: nothing was traded. An empty quote is none: every listed share has a last price.
    """
    answered = 0
    failed: Counter[str] = Counter()
    for (kind, status), count in counts.items():
        if _is_answer(kind, status):
            answered += count
        elif status not in _NEITHER:
            failed[str(status)] += count
    return Requests(answered, dict(failed))


def tally_kind(kind: RequestKind, counts: Mapping[str, int]) -> Requests:
    """Return the same for counts of status → symbols of one kind of request."""
    return tally({(kind, status): count for status, count in counts.items()})


def tally_sources(outcomes: pa.Table) -> Requests:
    """Return the same for rows with source, kind, status and symbol, with the failures of each source, most first."""
    grouped = outcomes.group_by(["source", "kind", "status"], use_threads=False).aggregate([("symbol", "count")])
    counts: Counter[tuple[str, str]] = Counter()
    failed: dict[str, Counter[str]] = {}
    for row in grouped.to_pylist():
        kind, status, count = row["kind"], row["status"], row["symbol_count"]
        counts[kind, status] += count
        if not _is_answer(kind, status) and status not in _NEITHER:
            failed.setdefault(row["source"], Counter())[status] += count
    found = [SourceFailures(source, dict(by), _symbols(outcomes, source, by)) for source, by in failed.items()]
    total = tally(counts)
    return Requests(total.answered, total.failed_by_status, tuple(sorted(found, key=lambda entry: -entry.count)))


def answered_of(outcomes: pa.Table) -> pa.Table:
    """Keep the rows in which a source answered: with data, or that there was none to give."""
    known = pc.is_in(outcomes["status"], value_set=pa.array([status.value for status in ANSWERED], pa.string()))
    is_empty = pc.equal(outcomes["status"], OutcomeStatus.EMPTY.value)
    is_history = pc.not_equal(outcomes["kind"], RequestKind.QUOTE.value)
    return outcomes.filter(pc.or_(known, pc.and_(is_empty, is_history)))


def _is_answer(kind: str, status: str) -> bool:
    return status in ANSWERED or (status == OutcomeStatus.EMPTY and kind != RequestKind.QUOTE)


def _symbols(outcomes: pa.Table, source: str, by_status: Mapping[str, int]) -> tuple[str, ...]:
    """Return the symbols that failed most often at `source`."""
    is_failure = pc.is_in(outcomes["status"], value_set=pa.array(sorted(by_status), pa.string()))
    rows = outcomes.filter(pc.and_(pc.equal(outcomes["source"], source), is_failure))
    counted = rows.group_by("symbol", use_threads=False).aggregate([("status", "count")])
    ordered = counted.sort_by([("status_count", "descending"), ("symbol", "ascending")])
    return tuple(ordered["symbol"].slice(0, _NAMED).to_pylist())
