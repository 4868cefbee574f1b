"""The stored bars of one session as a block. Indicators and levels of a minute need the same ones: read once."""

from __future__ import annotations

from datetime import date

from market_pipeline.steps.bar_windows import WINDOW_COLUMNS, SessionBlock, session_block
from market_pipeline.steps.refresh_instruments import symbols_of
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.storage.tables import BARS_1M

KEPT_SESSIONS = 3


def stored_block(runtime: Runtime, market: MarketRuntime, day: date) -> SessionBlock:
    """Return the bars of a session that are worked on; those read last are kept for as long as no file changes."""
    state = runtime.warehouse.state(BARS_1M, market.name, day)
    blocks = market.blocks
    kept = blocks.get(day)
    if kept is None or kept[0] != state:
        symbols = symbols_of(runtime, market)
        bars = runtime.warehouse.read(BARS_1M, market.name, sessions=[day], symbols=symbols, columns=WINDOW_COLUMNS)
        kept = blocks[day] = (state, session_block(bars))
        for older in list(blocks)[:-KEPT_SESSIONS]:
            del blocks[older]
    return kept[1]
