"""Finds rows of indicators whose sampled bars a better origin has confirmed since.

Such a bar keeps its values and its known_at; only the count of sampled bars is no longer true.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.indicators.bar_window import Integers
from market_pipeline.indicators.trust import doubts_within
from market_pipeline.steps.bar_doubts import bar_doubts
from market_pipeline.steps.indicator_rows import AnchoredSession
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.steps.warehouse_tables import indicators_1m
from market_pipeline.steps.windowed_rows import Due

COLUMNS = ("symbol", "interval_start", "sampled_bars")


def with_confirmed(
    runtime: Runtime, market: MarketRuntime, anchored: AnchoredSession, *, due: Sequence[Due]
) -> list[Due]:
    """Return what is due, and from the first row on whose count of sampled bars has become smaller."""
    firsts = {entry.symbol: entry.first for entry in due}
    counts = dict(_suspects(anchored, runtime.warehouse.latest(indicators_1m(), market.name)))
    if counts:
        stored = runtime.warehouse.read(
            indicators_1m(), market.name, sessions=[anchored.day], symbols=list(counts), columns=COLUMNS
        )
        for symbol, now in counts.items():
            first = _first_difference(anchored, symbol, now, stored.filter(pc.equal(stored["symbol"], symbol)))
            if first is not None:
                firsts[symbol] = min(first, firsts.get(symbol, first))
    return [Due(symbol, first) for symbol, first in firsts.items()]


def _suspects(anchored: AnchoredSession, latest: pa.Table) -> Iterator[tuple[str, Integers]]:
    """Yield the symbols whose newest row counts more sampled bars than there are, with the counts of all their bars.

    Where the session alone has so many, there is nothing to look up: the newest row counts it from the open.
    """
    block = anchored.present.block
    minutes = latest["interval_start"].cast(pa.int64()).to_pylist()
    for symbol, minute, stored in zip(
        latest["symbol"].to_pylist(), minutes, latest["sampled_bars"].to_pylist(), strict=True
    ):
        rows = block.rows_of.get(symbol)
        if rows is None or stored is None:
            continue
        place = int(np.searchsorted(block.minutes[rows], minute))
        is_of_this_session = place < rows.stop - rows.start and block.minutes[rows][place] == minute
        if not is_of_this_session or stored <= anchored.present.sampled[rows][place]:
            continue
        now = _counts(anchored, symbol)
        if now[place] < stored:
            yield symbol, now


def _counts(anchored: AnchoredSession, symbol: str) -> Integers:
    doubt = bar_doubts(symbol, anchored.sessions)
    rows = anchored.present.block.rows_of[symbol]
    start = len(doubt.sampled) - (rows.stop - rows.start)
    return doubts_within(doubt, np.arange(start, len(doubt.sampled)), session_start=start)[1]


def _first_difference(anchored: AnchoredSession, symbol: str, now: Integers, stored: pa.Table) -> int | None:  # noqa: PLR0917
    block = anchored.present.block
    places = np.searchsorted(block.minutes[block.rows_of[symbol]], stored["interval_start"].cast(pa.int64()).to_numpy())
    counts = pc.fill_null(stored["sampled_bars"], -1).to_numpy()
    is_there = places < len(now)
    places, counts = places[is_there], counts[is_there]
    different = places[(counts >= 0) & (now[places] != counts)]
    return int(different.min()) if len(different) else None
