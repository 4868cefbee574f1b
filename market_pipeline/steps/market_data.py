"""The newest rows of a market, read once a look: ages of its symbols, and sources that contradict each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.markets.phases import open_stretches
from market_pipeline.model.outcome import ANSWERED, RequestKind
from market_pipeline.quality.disputes import Comparison, Dispute, find_disputes
from market_pipeline.quality.symbol_ages import Moments, OpenTime, Symbols, TierAges, tier_ages
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.storage.tables import FETCH_OUTCOMES, INSTRUMENTS, LIVE_TICKERS, RAW_QUOTES

SESSIONS_BACK = 5
"""An age is exact within so many sessions; what is older is at least so old."""
EVERYBODY = ""
"""Stands for the group of instruments that have none."""


@dataclass(frozen=True)
class Newest:
    """The newest rows of each source and symbol, only the columns that a look needs."""

    quotes: pa.Table
    outcomes: pa.Table
    """Of requests for quotes."""
    tickers: pa.Table
    instruments: pa.Table
    """The listed ones."""


def newest_of(runtime: Runtime, market: MarketRuntime) -> Newest:
    """Read them; nothing is refreshed."""
    latest, name = runtime.warehouse.latest, market.name
    quoted = ("source", "symbol", "price", "price_kind", "event_time", "received_time", "known_at")
    asked = latest(FETCH_OUTCOMES, name, ("source", "symbol", "as_of", "kind", "status", "received_time"))
    listed = latest(INSTRUMENTS, name, ("symbol", "tier", "instrument_group", "status"))
    return Newest(
        quotes=latest(RAW_QUOTES, name, quoted),
        outcomes=asked.filter(pc.equal(asked["kind"], RequestKind.QUOTE.value)),
        tickers=latest(LIVE_TICKERS, name, ("symbol", "event_time")),
        instruments=listed.filter(pc.equal(listed["status"], "listed")),
    )


def tiers_of(
    market: MarketRuntime, newest: Newest, *, now: datetime, waited_minutes: float, limit_minutes: float
) -> tuple[TierAges, ...]:
    """Return how old each tier's symbols are; nothing before the first instrument is stored."""
    listed = newest.instruments
    if listed.num_rows == 0:
        return ()
    names = listed["symbol"].combine_chunks()
    groups = np.array(pc.fill_null(listed["instrument_group"], EVERYBODY).to_pylist(), dtype=object)
    symbols = Symbols(
        names=np.array(names.to_pylist(), dtype=object),
        tiers=listed["tier"].to_numpy().astype(np.int64),
        groups=groups,
        events=_aligned(names, newest.tickers["symbol"], newest.tickers["event_time"]),
        answered=_answered(names, newest),
    )
    hours = {group: _hours(market, now, group or None) for group in set(groups.tolist())}
    return tier_ages(symbols, hours, now=now, waited_minutes=waited_minutes, limit_minutes=limit_minutes)


def _answered(names: pa.Array, newest: Newest) -> Moments:
    """Return when a source last answered for each symbol: with a quote, or that nothing was traded."""
    answers = pa.array([status.value for status in ANSWERED], pa.string())
    told = newest.outcomes.filter(pc.is_in(newest.outcomes["status"], value_set=answers))
    both = pa.concat_tables([rows.select(["symbol", "received_time"]) for rows in (newest.quotes, told)])
    last = both.group_by("symbol", use_threads=False).aggregate([("received_time", "max")])
    return _aligned(names, last["symbol"], last["received_time_max"])


def _aligned(names: pa.Array, symbols: pa.ChunkedArray, times: pa.ChunkedArray) -> Moments:
    """Return the time of each of `names`, NaT where there is none."""
    found = pc.index_in(names, value_set=symbols.combine_chunks())
    taken: npt.NDArray[Any] = times.take(found).cast(pa.timestamp("us")).to_numpy()
    return taken.astype("datetime64[us]")


def _hours(market: MarketRuntime, now: datetime, group: str | None) -> OpenTime:
    calendar = market.calendar
    today = calendar.session_date_at(now)
    sessions = (calendar.session(day) for day in (*calendar.previous_sessions(today, SESSIONS_BACK), today))
    return OpenTime([part for session in sessions if session is not None for part in open_stretches(session, group)])


def disputes_of(
    market: MarketRuntime, newest: Newest, *, now: datetime, known_since: Mapping[str, datetime]
) -> tuple[Dispute, ...]:
    """Return the symbols whose sources contradict each other; nothing where there is one source."""
    sources = [rule.name for rule in market.file.quote_sources if not rule.is_fallback]
    if len(sources) < 2:
        return ()
    rule = Comparison(
        limit_bps=market.file.alerts.disagree_bps,
        same_moment=timedelta(minutes=market.file.merge.same_moment_minutes),
        sources=sources,
    )
    return find_disputes(newest.quotes, rule, now=now, known_since=known_since)
