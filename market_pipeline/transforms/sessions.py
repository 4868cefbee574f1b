"""Minute bars → one row a symbol and session, for plots and metadata."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

SESSION_SCHEMA = pa.schema(
    [
        ("market", pa.string()),
        ("symbol", pa.string()),
        ("session_date", pa.date32()),
        ("open", pa.float64()),
        ("high", pa.float64()),
        ("low", pa.float64()),
        ("close", pa.float64()),
        ("volume", pa.float64()),
        ("turnover", pa.float64()),
        ("bars", pa.int64()),
        ("sampled_bars", pa.int64()),
        ("first_interval", pa.timestamp("us", tz="UTC")),
        ("last_interval", pa.timestamp("us", tz="UTC")),
    ]
)
_KEY = ["market", "symbol", "session_date"]
_AGGREGATES = (
    ("open", "first", None),
    ("high", "max", None),
    ("low", "min", None),
    ("close", "last", None),
    # a minute of unknown volume makes the session's unknown: a smaller sum would be a false one
    ("volume", "sum", pc.ScalarAggregateOptions(skip_nulls=False)),
    ("turnover", "sum", pc.ScalarAggregateOptions(skip_nulls=False)),
    ("interval_start", "count", None),
    ("is_sampled", "sum", None),
    ("interval_start", "first", None),
    ("interval_start", "last", None),
)


def summarise_sessions(bars: pa.Table) -> pa.Table:
    """Return one row a market, symbol and session from minute bars in any order, sorted by these three.

    Open is the first bar's, close the last one's; volume and turnover are null where one minute's is unknown;
    `bars` counts the minutes that have one, `sampled_bars` those seen only through polls.
    """
    is_sampled = pc.equal(bars["origin"], "sampled").cast(pa.int64())
    ordered = bars.append_column("is_sampled", is_sampled).sort_by("interval_start")
    groups = ordered.group_by(_KEY, use_threads=False).aggregate(list(_AGGREGATES))
    names = [f"{column}_{function}" for column, function, _ in _AGGREGATES]
    arrays = [groups[name] for name in (*_KEY, *names)]
    columns = [array.cast(field.type) for array, field in zip(arrays, SESSION_SCHEMA, strict=True)]
    return pa.table(columns, schema=SESSION_SCHEMA).sort_by([(name, "ascending") for name in _KEY])
