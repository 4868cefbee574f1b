"""Between the model's dataclasses and Arrow tables, column by column. The columns' meaning is in tables.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.errors import UsageError
from market_pipeline.model.bar import Bar, BarOrigin, DailyBar
from market_pipeline.model.outcome import Outcome, OutcomeStatus, RequestKind
from market_pipeline.model.quote import PriceKind, Quote
from market_pipeline.storage.columns import fill
from market_pipeline.storage.instrument_records import instruments_from_table, instruments_table
from market_pipeline.storage.tables import BARS_1D, BARS_1M, FETCH_OUTCOMES, RAW_QUOTES
from market_pipeline.storage.ticker_records import tickers_from_table, tickers_table

__all__ = [
    "bars_from_table",
    "bars_table",
    "daily_bars_from_table",
    "daily_bars_table",
    "instruments_from_table",
    "instruments_table",
    "newest",
    "outcomes_from_table",
    "outcomes_table",
    "quotes_from_table",
    "quotes_table",
    "tickers_from_table",
    "tickers_table",
]


def quotes_table(quotes: Sequence[Quote], *, session_date: date, as_of: datetime, known_at: datetime) -> pa.Table:
    """Return quotes as rows of raw_quotes."""
    return fill(RAW_QUOTES, quotes, session_date=session_date, as_of=as_of, known_at=known_at)


def quotes_from_table(rows: pa.Table) -> list[Quote]:
    """Return rows of raw_quotes as quotes."""
    return [
        Quote(**{**values, "price_kind": PriceKind(values["price_kind"])})
        for values in _values(rows, Quote.__dataclass_fields__)
    ]


def outcomes_table(outcomes: Sequence[Outcome], *, session_date: date, as_of: datetime) -> pa.Table:
    """Return outcomes as rows of fetch_outcomes."""
    return fill(FETCH_OUTCOMES, outcomes, session_date=session_date, as_of=as_of)


def outcomes_from_table(rows: pa.Table) -> list[Outcome]:
    """Return rows of fetch_outcomes as outcomes."""
    return [
        Outcome(**{**values, "kind": RequestKind(values["kind"]), "status": OutcomeStatus(values["status"])})
        for values in _values(rows, Outcome.__dataclass_fields__)
    ]


def bars_table(bars: Sequence[Bar]) -> pa.Table:
    """Return bars as rows of bars_1m. Who has columns already should keep them: see transforms/bar_rows.py."""
    return fill(BARS_1M, bars)


def bars_from_table(rows: pa.Table) -> list[Bar]:
    """Return rows of bars_1m as bars."""
    return [
        Bar(**{**values, "origin": BarOrigin(values["origin"])}) for values in _values(rows, Bar.__dataclass_fields__)
    ]


def daily_bars_table(bars: Sequence[DailyBar], *, known_at: datetime) -> pa.Table:
    """Return daily bars as rows of bars_1d."""
    return fill(BARS_1D, bars, known_at=known_at)


def daily_bars_from_table(rows: pa.Table) -> list[DailyBar]:
    """Return rows of bars_1d as daily bars."""
    return [DailyBar(**values) for values in _values(rows, DailyBar.__dataclass_fields__)]


def newest(rows: pa.Table, column: str) -> datetime:
    """Return the newest time in a column. Raises UsageError when there is none."""
    moment: datetime | None = pc.max(rows.column(column)).as_py()
    if moment is None:
        raise UsageError(f"asked for the newest {column} of {rows.num_rows} rows, and there is none")
    return moment


def _values(rows: pa.Table, names: Mapping[str, object]) -> Iterable[dict[str, Any]]:
    columns = [rows.column(name).to_pylist() for name in names]
    return (dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True))
