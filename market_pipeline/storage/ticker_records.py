"""Live tickers as rows of live_tickers and back. Their provenance travels as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from market_pipeline.markets.schema import MarketFile
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.live_ticker import LiveTicker
from market_pipeline.model.quote import PriceKind
from market_pipeline.model.session import MarketState
from market_pipeline.storage.tables import LIVE_TICKERS
from market_pipeline.transforms.provenance import provenance_from_json, provenance_json

BILLION = 1e9
SEED_NAMES = {"ticker": "symbol", "timestamp": "event_time", "high_24h": "high", "low_24h": "low", "open_price": "open"}
"""Column → attribute, where the seed's names differ from ours."""


def tickers_table(
    tickers: Sequence[LiveTicker],
    *,
    market_file: MarketFile,
    instruments: Mapping[str, Instrument],
    state: MarketState,
    known_at: datetime,
) -> pa.Table:
    """Return tickers as rows of live_tickers; name, ISIN and currency come from `instruments`, by symbol."""
    count = len(tickers)
    named = [instruments.get(ticker.symbol) for ticker in tickers]
    special: dict[str, list[Any]] = {
        "name": [instrument.name if instrument else None for instrument in named],
        "isin": [instrument.isin if instrument else None for instrument in named],
        "currency": [(instrument.currency if instrument else None) or market_file.currency for instrument in named],
        "market_cap_billion": [None if t.market_cap is None else t.market_cap / BILLION for t in tickers],
        "provenance": [provenance_json(ticker) for ticker in tickers],
        "exchange": [market_file.exchange] * count,
        "country": [market_file.country] * count,
        "session_date": [state.session_date] * count,
        "session_state": [state.state.value] * count,
        "known_at": [known_at] * count,
    }
    arrays = []
    for column in LIVE_TICKERS.columns:
        attribute = SEED_NAMES.get(column.name, column.name)
        values = special.get(column.name) or [getattr(ticker, attribute) for ticker in tickers]
        arrays.append(pa.array(values, column.type))
    return pa.Table.from_arrays(arrays, schema=LIVE_TICKERS.schema)


def tickers_from_table(rows: pa.Table) -> list[LiveTicker]:
    """Return rows of live_tickers as tickers."""
    return [_ticker(row) for row in rows.to_pylist()]


def _ticker(row: Mapping[str, Any]) -> LiveTicker:
    columns = {attribute: column for column, attribute in SEED_NAMES.items()} | {"symbol": "symbol"}
    columns["event_time"] = "event_time"
    own = set(LiveTicker.__dataclass_fields__) - {"flags", "price_kind", "market_cap", "provenance", "pending"}
    provenance, pending = provenance_from_json(row["provenance"] or "{}")
    billions = row["market_cap_billion"]
    return LiveTicker(
        **{name: row[columns.get(name, name)] for name in own},
        price_kind=PriceKind(row["price_kind"]),
        flags=tuple(row["flags"] or ()),
        market_cap=None if billions is None else billions * BILLION,
        provenance=provenance,
        pending=pending,
    )
