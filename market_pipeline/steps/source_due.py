"""Whether a source's turn has come: once in each span of its cadence, and once more after a failure.

Spans are aligned to the hour, so that a source of every five minutes is asked at :00, :05, :10 … or, where that cycle
was missed, at the next one. After a try that brought nothing at all, one more may follow in the same span; not after
a refusal (429, 403, 401): who says no is not asked sooner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow.compute as pc

from market_pipeline.model.outcome import ANSWERED, OutcomeStatus, RequestKind
from market_pipeline.steps.runtime import EPOCH, MarketRuntime, Runtime
from market_pipeline.storage.tables import FETCH_OUTCOMES

MOST_TRIES = 2
REFUSALS = frozenset({OutcomeStatus.RATE_LIMITED, OutcomeStatus.BLOCKED, OutcomeStatus.UNAUTHORISED})


@dataclass(frozen=True, slots=True)
class Try:
    """One cycle in which requests went to the source, and the statuses that came of it."""

    as_of: datetime
    statuses: frozenset[str]

    @property
    def deserves_another(self) -> bool:
        """Tell whether it brought nothing, and the source did not refuse us."""
        return self.statuses.isdisjoint(ANSWERED) and self.statuses.isdisjoint(REFUSALS)


def why_not_due(tries: Sequence[Try], now: datetime, *, cadence_minutes: int) -> str:
    """Return in words why the source is not asked at `now`; "" when it is due.

    `tries` are those of the present span, oldest first.
    """
    if not tries or (len(tries) < MOST_TRIES and tries[-1].deserves_another):
        return ""
    following = span_start(now, cadence_minutes) + timedelta(minutes=cadence_minutes)
    text = f"asked every {cadence_minutes} minutes, next at {following:%H:%M} UTC"
    if tries[-1].statuses.isdisjoint(ANSWERED):
        return f"{text}; the try at {tries[-1].as_of:%H:%M} brought {', '.join(sorted(tries[-1].statuses))}"
    return f"{text}; the quotes of {tries[-1].as_of:%H:%M} are still in use"


def span_start(moment: datetime, cadence_minutes: int) -> datetime:
    """Return the start of the span of the cadence that `moment` lies in."""
    span = timedelta(minutes=cadence_minutes)
    return moment - (moment - EPOCH) % span


def not_due(runtime: Runtime, market: MarketRuntime, source: str) -> str:
    """Return why `source` is not asked in this cycle; "" when it is due. The simulated feed asks every minute."""
    cadence = market.file.source(source).cadence_minutes
    if cadence == 1 or runtime.is_simulated:
        return ""
    now = runtime.clock.now()
    tries = tries_since(runtime, market, source, since=span_start(now, cadence))
    return why_not_due(tries, now, cadence_minutes=cadence)


def tries_since(runtime: Runtime, market: MarketRuntime, source: str, *, since: datetime) -> list[Try]:
    """Return the cycles of the present session in which requests for quotes went to `source`, oldest first."""
    day = market.calendar.session_date_at(runtime.clock.now())
    columns = ("source", "as_of", "kind", "status", "attempts")
    rows = runtime.warehouse.read(FETCH_OUTCOMES, market.name, sessions=[day], since=since, columns=columns)
    is_asked = pc.and_(pc.equal(rows["source"], source), pc.equal(rows["kind"], RequestKind.QUOTE.value))
    found: dict[datetime, set[str]] = {}
    for row in rows.filter(pc.and_(is_asked, pc.greater(rows["attempts"], 0))).to_pylist():
        found.setdefault(row["as_of"], set()).add(row["status"])
    return [Try(as_of, frozenset(found[as_of])) for as_of in sorted(found)]
