"""Which live tickers count as covered. Apart from the merge: whoever only looks needs none of its libraries."""

from __future__ import annotations

import pyarrow as pa

from market_pipeline.transforms.verdicts import Flag

UNUSABLE = frozenset({Flag.STALE.value, Flag.QUARANTINED.value, Flag.NO_PRICE.value})


def fresh_count(tickers: pa.Table) -> int:
    """Return how many tickers have a price that counts now: known, and neither stale nor held back."""
    rows = zip(tickers["price"].to_pylist(), tickers["flags"].to_pylist(), strict=True)
    return sum(1 for price, flags in rows if price is not None and UNUSABLE.isdisjoint(flags))
