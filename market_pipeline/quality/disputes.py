"""Symbols whose sources name different prices for the same moment, and since when they do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True, slots=True)
class Dispute:
    """One symbol's newest prices, lowest and highest, and who says so. `spread_bps` is of the lower one."""

    symbol: str
    spread_bps: float
    since: datetime
    low: float
    high: float
    low_source: str
    high_source: str

    @property
    def text(self) -> str:
        """Return "ATW: wafa_bourse 480, casablanca_bourse 502 (458 bps)"."""
        return (
            f"{self.symbol}: {self.low_source} {self.low:g}, {self.high_source} {self.high:g} "
            f"({self.spread_bps:.0f} bps)"
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """Which prices are compared: newest trades of one symbol within the same moment; wider apart is a dispute."""

    limit_bps: float
    same_moment: timedelta
    sources: Sequence[str]
    """Those whose word counts; fallbacks and averages of other venues are not asked."""


def find_disputes(
    quotes: pa.Table, rule: Comparison, *, now: datetime, known_since: Mapping[str, datetime]
) -> tuple[Dispute, ...]:
    """Return who disagrees at `now`, the widest first.

    `quotes` has source, symbol, price, price_kind and event_time of the newest quote of each source; `known_since`
    says since when a symbol's sources disagreed at the last look.
    """
    compared = _of_one_moment(_comparable(quotes, rule), rule)
    found = []
    for row in _ranges(compared).to_pylist():
        spread = 10_000 * (row["price_max"] / row["price_min"] - 1)
        if spread <= rule.limit_bps:
            continue
        by_price = compared.filter(pc.equal(compared["symbol"], row["symbol"])).sort_by("price")["source"]
        found.append(
            Dispute(
                symbol=row["symbol"],
                spread_bps=round(spread, 1),
                since=known_since.get(row["symbol"], now),
                low=row["price_min"],
                high=row["price_max"],
                low_source=by_price[0].as_py(),
                high_source=by_price[-1].as_py(),
            )
        )
    return tuple(sorted(found, key=lambda dispute: -dispute.spread_bps))


def _comparable(quotes: pa.Table, rule: Comparison) -> pa.Table:
    """Keep trades at a positive price."""
    is_trade = pc.and_(pc.equal(quotes["price_kind"], "trade"), pc.greater(quotes["price"], 0.0))
    counts = pc.is_in(quotes["source"], value_set=pa.array(rule.sources, pa.string()))
    return quotes.filter(pc.and_(is_trade, counts))


def _of_one_moment(quotes: pa.Table, rule: Comparison) -> pa.Table:
    """Keep the prices that are not older than their symbol's newest one by more than the same moment."""
    newest = quotes.group_by("symbol").aggregate([("event_time", "max")])
    joined = quotes.join(newest, "symbol")
    behind = pc.subtract(joined["event_time_max"], joined["event_time"])
    return joined.filter(pc.less_equal(behind, pa.scalar(rule.same_moment, behind.type)))


def _ranges(quotes: pa.Table) -> pa.Table:
    """Return lowest and highest price of the symbols that at least two sources report."""
    found = quotes.group_by("symbol").aggregate([("price", "min"), ("price", "max"), ("source", "count_distinct")])
    return found.filter(pc.greater_equal(found["source_count_distinct"], 2))
