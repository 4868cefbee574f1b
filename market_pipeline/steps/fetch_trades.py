"""Fetch past trades for the minutes of a session that a source's charts no longer reach."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import cast

from market_pipeline.model.instrument import Instrument
from market_pipeline.model.outcome import Outcome, OutcomeStatus, RequestKind
from market_pipeline.model.session import Session
from market_pipeline.model.tick import Tick
from market_pipeline.sources.source import TradesSource
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.transforms.bar_rows import Bars, no_rows
from market_pipeline.transforms.tick_bars import tick_bars

MARGIN = timedelta(minutes=2)
"""Charts are asked for a moment after this was reckoned; both may give the minutes between."""


def charts_reach(runtime: Runtime, market: MarketRuntime, source: str) -> datetime:
    """Return the oldest moment that the source's minute charts still serve."""
    return runtime.clock.now() - timedelta(days=market.file.source(source).minute_history_days)


def trades_source(market: MarketRuntime) -> TradesSource | None:
    """Return the best source that serves past trades, or None."""
    found = next((source for source in market.sources if RequestKind.TRADES in source.kinds), None)
    return cast(TradesSource, found) if found is not None else None


def needs_trades(runtime: Runtime, market: MarketRuntime, session: Session) -> bool:
    """Tell whether a part of `session` lies before the charts' reach, and trades could fill it."""
    source = trades_source(market)
    return source is not None and charts_reach(runtime, market, source.name) > session.open


def bars_of_trades(
    runtime: Runtime,
    market: MarketRuntime,
    session: Session,
    *,
    instruments: Sequence[Instrument],
    stored: Collection[str],
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[Bars, tuple[Outcome, ...]]:
    """Return bars of origin ticks for the part of `session` before the charts' reach, and one outcome a symbol.

    Symbols in `stored` have that part already and are left out.
    """
    source = trades_source(market)
    end = session.close if source is None else min(session.close, charts_reach(runtime, market, source.name) + MARGIN)
    if source is None or end <= session.open:
        return Bars(no_rows()), ()
    ticks: list[Tick] = []
    outcomes: list[Outcome] = []
    for instrument in instruments:
        if instrument.symbol not in stored:
            fetched = source.trades(instrument, start=session.open, end=end)
            ticks.extend(fetched.records)
            outcomes.extend(fetched.outcomes)
            progress(instrument.symbol)
    is_whole = all(outcome.status in (OutcomeStatus.OK, OutcomeStatus.EMPTY) for outcome in outcomes)
    complete_until = end if is_whole else session.open
    bars = tick_bars(ticks, session=session, complete_until=complete_until, known_at=runtime.clock.now())
    return bars, tuple(outcomes)


def trades_between(
    runtime: Runtime,
    market: MarketRuntime,
    session: Session,
    *,
    instrument: Instrument,
    span: tuple[datetime, datetime],
) -> tuple[Bars, tuple[Outcome, ...]]:
    """Return bars of origin ticks for the whole minutes of `span`, and the outcome of asking for its trades."""
    source = trades_source(market)
    start, end = span
    if source is None or start >= end:
        return Bars(no_rows()), ()
    fetched = source.trades(instrument, start=start, end=end)
    is_whole = all(outcome.status in (OutcomeStatus.OK, OutcomeStatus.EMPTY) for outcome in fetched.outcomes)
    complete_until = end if is_whole else start
    bars = tick_bars(fetched.records, session=session, complete_until=complete_until, known_at=runtime.clock.now())
    return bars, fetched.outcomes
