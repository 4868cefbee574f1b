"""Date the quotes of sources that give no time, by what was stored of them before. Others cost nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.clock import floor_minute
from market_pipeline.model.quote import Quote
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.storage import records
from market_pipeline.storage.rows import of_symbols
from market_pipeline.storage.tables import RAW_QUOTES
from market_pipeline.transforms.first_seen import first_seen, needs_history


def date_quotes(
    runtime: Runtime, market: MarketRuntime, quotes: Sequence[Quote], *, source: str, as_of: datetime
) -> Sequence[Quote]:
    """Return one source's quotes; those without a time of their own get the one at which their content was first seen.

    What was stored counts, so neither a restart nor a cycle in which the source was not asked makes them younger.
    """
    undated = {quote.symbol: quote for quote in quotes if quote.is_undated}
    if not undated:
        return quotes
    session = market.calendar.session(market.calendar.session_date_at(as_of))
    opened = session.open if session is not None else as_of
    seen = _seen(runtime, market, undated, source=source, as_of=as_of)
    return [
        first_seen(quote, seen[quote.symbol], session_open=opened)
        if quote.symbol in seen and quote.is_undated
        else quote
        for quote in quotes
    ]


def _seen(
    runtime: Runtime, market: MarketRuntime, undated: Mapping[str, Quote], *, source: str, as_of: datetime
) -> Mapping[str, Sequence[Quote]]:
    """Return symbol → what was stored before: the newest, and more of this session where that is not enough."""
    seen: dict[str, list[Quote]] = defaultdict(list)
    latest = of_symbols(runtime.warehouse.latest(RAW_QUOTES, market.name), list(undated))
    for quote in _quotes_of(source, latest):
        seen[quote.symbol].append(quote)
    doubtful = [newest for (newest,) in seen.values() if needs_history(undated[newest.symbol], newest)]
    if doubtful:
        for quote in _history(runtime, market, undated, doubtful=doubtful, as_of=as_of):
            seen[quote.symbol].append(quote)
    return seen


def _history(
    runtime: Runtime, market: MarketRuntime, undated: Mapping[str, Quote], *, doubtful: Sequence[Quote], as_of: datetime
) -> list[Quote]:
    rows = runtime.warehouse.read(
        RAW_QUOTES,
        market.name,
        sessions=[market.calendar.session_date_at(as_of)],
        since=_since(undated, doubtful),
        symbols=[newest.symbol for newest in doubtful],
    )
    return _quotes_of(doubtful[0].source, rows)


def _since(undated: Mapping[str, Quote], doubtful: Sequence[Quote]) -> datetime | None:
    """Return where to begin reading, None for the session's start.

    Nothing before the newest one's own time had more volume, and only what has less now was made before that.
    """
    for newest in doubtful:
        volume = undated[newest.symbol].volume
        if volume is None or newest.volume is None or volume < newest.volume:
            return None
    return floor_minute(min(newest.event_time for newest in doubtful))


def _quotes_of(source: str, rows: pa.Table) -> list[Quote]:
    return records.quotes_from_table(rows.filter(pc.equal(rows["source"], source)))
