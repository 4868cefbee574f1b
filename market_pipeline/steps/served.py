"""Which sessions a market's source still serves minutes of, and what to say of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from market_pipeline.steps.fetch_charts import chart_source
from market_pipeline.steps.runtime import MarketRuntime, Runtime


@dataclass(frozen=True)
class Served:
    """The sessions to ask for, and in words what cannot be had."""

    days: tuple[date, ...]
    notes: tuple[str, ...] = ()


def served_sessions(runtime: Runtime, market: MarketRuntime, days: Sequence[date]) -> Served:
    """Return those of `days` whose minutes the chart source still serves, at least in part."""
    source = chart_source(market)
    if source is None:
        return Served((), (f"{market.name} has no source with minute history: its past gives daily bars only",))
    history = timedelta(days=market.file.source(source.name).minute_history_days)
    oldest = runtime.clock.now() - history
    sessions = {day: session for day in days if (session := market.calendar.session(day))}
    served = [day for day, session in sessions.items() if session.close > oldest]
    notes = []
    if gone := [day for day in days if day not in served]:
        hours = history / timedelta(hours=1)
        notes.append(f"{source.name} serves the last {hours:g} hours of minutes; no longer served: {_listed(gone)}")
    if partly := [day for day in served if sessions[day].open < oldest]:
        notes.append(f"{source.name} serves {_listed(partly)} only from {oldest:%Y-%m-%d %H:%M} UTC on")
    return Served(tuple(served), tuple(notes))


def _listed(days: Sequence[date]) -> str:
    shown = ", ".join(str(day) for day in days[:5])
    return shown if len(days) <= 5 else f"{shown} and {len(days) - 5} more"
