"""Reports of a source that gives no time are as old as what they say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from market_pipeline.model.quote import PriceKind, Quote
from market_pipeline.transforms.first_seen import first_seen, needs_history

OPENED = datetime(2026, 11, 20, tzinfo=UTC)


def at(minute: int) -> datetime:
    return OPENED + timedelta(hours=9, minutes=minute, seconds=2)


def said(minute: int, *, event: int | None = None, **fields: Any) -> Quote:
    """What Kraken said in a minute after nine; 91,000 and a volume of 800 unless stated."""
    given = {
        "market": "crypto",
        "source": "kraken",
        "symbol": "BTC-USD",
        "event_time": at(minute if event is None else event),
        "received_time": at(minute),
        "price": 91000.0,
        "price_kind": PriceKind.TRADE,
        "event_precision_seconds": 60.0,
        "open": 90300.0,
        "volume": 800.0,
        "payload_sha": f"of minute {minute}",
        "is_undated": True,
    }
    return Quote(**(given | fields))


@pytest.mark.parametrize(
    ("now", "seen", "minute", "seconds"),
    [
        pytest.param(said(9), [], 9, 60.0, id="what was never seen is of now"),
        pytest.param(said(9), [said(8)], 8, 60.0, id="what was seen a minute ago is a minute old"),
        pytest.param(said(9), [said(8, event=3)], 3, 60.0, id="what was seen again and again is of the first time"),
        pytest.param(said(9), [said(8, bid=90999.0)], 9, 60.0, id="a book that moves is news"),
        pytest.param(said(9, price=91001.0), [said(8, event=3)], 9, 60.0, id="so is a price that moves"),
        pytest.param(said(9, volume=801.0), [said(8, event=3)], 9, 60.0, id="and a trade at the same price"),
        pytest.param(said(9), [said(4, event=3), said(8, volume=900.0)], 3, 60.0, id="an old page served again is old"),
        pytest.param(
            said(9, volume=750.0),
            [said(5, volume=700.0), said(6, volume=760.0), said(8)],
            5,
            60.0,
            id="less volume than before is of the time at which the volume was so",
        ),
        pytest.param(
            said(9, volume=750.0), [said(8)], -540, 32_882.0, id="or of some time since the opening, if nobody saw it"
        ),
        pytest.param(
            said(9, volume=1.0, open=91005.0), [said(8)], 9, 60.0, id="a new session begins with less volume"
        ),
        pytest.param(said(9, volume=None), [said(8, event=3)], 9, 60.0, id="no volume tells nothing"),
    ],
)  # fmt: skip
def test_a_report_is_as_old_as_what_it_says(now: Quote, seen: list[Quote], minute: int, seconds: float) -> None:
    dated = first_seen(now, seen, session_open=OPENED)
    expected = OPENED if minute < 0 else at(minute)
    assert (dated.event_time, dated.event_precision_seconds) == (expected, seconds)
    assert (dated.received_time, dated.price, dated.payload_sha) == (now.received_time, now.price, "of minute 9")


@pytest.mark.parametrize(
    ("now", "newest", "is_needed"),
    [
        pytest.param(said(9), said(8, event=3), False, id="a repetition is dated by the newest"),
        pytest.param(said(9, volume=801.0), said(8), False, id="growth after news is news"),
        pytest.param(said(9, volume=801.0), said(8, event=3), True, id="growth after old news may be catching up"),
        pytest.param(said(9, volume=799.0), said(8), True, id="less volume was before"),
        pytest.param(said(9, volume=1.0, open=91005.0), said(8), False, id="a new session counts anew"),
    ],
)  # fmt: skip
def test_the_newest_report_is_enough_unless_volume_falls_or_may_catch_up(
    now: Quote, newest: Quote, is_needed: bool
) -> None:
    assert needs_history(now, newest) is is_needed
