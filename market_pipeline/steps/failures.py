"""Which outcomes are failures of a source, and which only say how things are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from market_pipeline.model.outcome import ANSWERED, OutcomeStatus, RequestKind
from market_pipeline.quality.situation import Requests

_NEITHER = frozenset({OutcomeStatus.DEFERRED, OutcomeStatus.DELISTED, OutcomeStatus.UNKNOWN})


def tally(counts: Mapping[tuple[str, str], int]) -> Requests:
    """Return what counts of (kind, status) → symbols mean: answered, failed, and what is neither.

    An empty history is an answer: nothing was traded. An empty quote is none: every listed share has a last price.
    """
    answered = 0
    failed: Counter[str] = Counter()
    for (kind, status), count in counts.items():
        is_empty_history = status == OutcomeStatus.EMPTY and kind != RequestKind.QUOTE
        if is_empty_history or status in ANSWERED:
            answered += count
        elif status not in _NEITHER:
            failed[str(status)] += count
    return Requests(answered, dict(failed))


def tally_kind(kind: RequestKind, counts: Mapping[str, int]) -> Requests:
    """Return the same for counts of status → symbols of one kind of request."""
    return tally({(kind, status): count for status, count in counts.items()})
