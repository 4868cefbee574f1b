"""Which live tickers count as covered. Apart from the merge: whoever only looks needs none of its libraries."""

from __future__ import annotations

import pyarrow as pa

from market_pipeline.transforms.verdicts import Flag

UNUSABLE = frozenset({Flag.STALE.value, Flag.QUARANTINED.value, Flag.NO_PRICE.value})


def fresh_symbols(tickers: pa.Table) -> frozenset[str]:
    """Return whose price counts now: known, and neither stale nor held back."""
    rows = zip(*(tickers[name].to_pylist() for name in ("symbol", "price", "flags")), strict=True)
    return frozenset(symbol for symbol, price, flags in rows if price is not None and UNUSABLE.isdisjoint(flags))
