"""Sources that contradict each other about the same moment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from market_pipeline.quality.disputes import Comparison, Dispute, find_disputes
from market_pipeline.storage.tables import RAW_QUOTES

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RULE = Comparison(limit_bps=200, same_moment=20 * MINUTE, sources=("bourse", "broker", "news"))
COLUMNS = ("source", "symbol", "price", "price_kind", "event_time")
Quote = tuple[str, str, float | None, str, float]


def found(*quotes: Quote, known_since: Mapping[str, datetime] | None = None) -> tuple[Dispute, ...]:
    rows = [dict(zip(COLUMNS, (*quote[:4], NOW - quote[4] * MINUTE), strict=True)) for quote in quotes]
    schema = pa.schema([RAW_QUOTES.schema.field(name) for name in COLUMNS])
    return find_disputes(pa.Table.from_pylist(rows, schema=schema), RULE, now=NOW, known_since=known_since or {})


def test_prices_too_far_apart_are_a_dispute_that_begins_now() -> None:
    (dispute,) = found(("bourse", "ATW", 500.0, "trade", 1), ("broker", "ATW", 515.0, "trade", 2))
    assert dispute == Dispute("ATW", 300.0, NOW, 500.0, 515.0, "bourse", "broker")
    assert dispute.text == "ATW: bourse 500, broker 515 (300 bps)"


def test_a_dispute_goes_on_from_when_it_was_seen_first() -> None:
    began = NOW - 7 * MINUTE
    quotes = [("bourse", "ATW", 500.0, "trade", 1.0), ("broker", "ATW", 5.0, "trade", 2.0)]
    (dispute,) = found(*quotes, known_since={"ATW": began, "IAM": NOW})
    assert dispute.since == began


@pytest.mark.parametrize(
    "other",
    [
        ("broker", "ATW", 509.9, "trade", 2),
        ("broker", "ATW", 600.0, "trade", 22),
        ("broker", "ATW", 600.0, "close", 2),
        ("broker", "ATW", None, "trade", 2),
        ("broker", "ATW", -5.0, "trade", 2),
        ("average", "ATW", 600.0, "trade", 2),
        ("broker", "IAM", 600.0, "trade", 2),
    ],
    ids=["near enough", "another moment", "not a trade", "no price", "no true price", "not asked", "another symbol"],
)
def test_who_says_nothing_about_the_same_trade_is_no_witness(other: Quote) -> None:
    assert found(("bourse", "ATW", 500.0, "trade", 1), other) == ()


def test_the_widest_dispute_comes_first() -> None:
    disputes = found(
        ("bourse", "ATW", 500.0, "trade", 1),
        ("news", "ATW", 515.0, "trade", 1),
        ("broker", "IAM", 100.0, "trade", 1),
        ("news", "IAM", 10_000.0, "trade", 1),
    )
    assert [dispute.symbol for dispute in disputes] == ["IAM", "ATW"]
