"""Expected minutes, and what became of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from market_pipeline.quality.service_level import MinuteCounts, Promise, ServiceLevel, burn, count_minutes
from market_pipeline.storage.tables import BARS_1M, FETCH_OUTCOMES

TEN = datetime(2026, 11, 19, 10, 0, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
BAR = ("symbol", "interval_start", "known_at", "is_final", "is_synthetic")
ANSWER = ("symbol", "received_time")
Bar = tuple[str, datetime, datetime, bool, bool]


def bar(symbol: str, minute: int, after: float, *, final: bool = True, synthetic: bool = False) -> Bar:
    """A bar that was known so many seconds after its minute's end."""
    start = TEN + minute * MINUTE
    return symbol, start, start + MINUTE + after * SECOND, final, synthetic


def counted(
    *bars: Bar,
    answers: tuple[tuple[str, datetime], ...] = (),
    minutes: int = 3,
    delay: float = 0,
    now: datetime = TEN + timedelta(hours=1),
) -> MinuteCounts:
    """Count what two symbols owe that trade for some minutes from ten on."""
    rows = pa.Table.from_pylist(
        [dict(zip(BAR, row, strict=True)) for row in bars], schema=pa.schema([BARS_1M.schema.field(n) for n in BAR])
    )
    told = pa.Table.from_pylist(
        [dict(zip(ANSWER, row, strict=True)) for row in answers],
        schema=pa.schema([FETCH_OUTCOMES.schema.field(n) for n in ANSWER]),
    )
    hours = {name: [(TEN, TEN + minutes * MINUTE)] for name in ("BTC", "ETH")}
    promise = Promise(60 * SECOND, delay * SECOND, 0.999)
    return count_minutes(hours, rows, told, promise=promise, now=now)


def figures(found: MinuteCounts) -> dict[str, list[int]]:
    return {name: getattr(found, name).tolist() for name in ("expected", "good", "late", "missing", "not_traded")}


def test_a_bar_is_good_in_time_late_after_it_and_missing_if_it_never_came() -> None:
    found = counted(bar("BTC", 0, 60), bar("BTC", 1, 60.1), bar("ETH", 0, 5), bar("ETH", 1, 5))
    assert figures(found) == {
        "expected": [2, 2, 2],
        "good": [2, 1, 0],
        "late": [0, 1, 0],
        "missing": [0, 0, 2],
        "not_traded": [0, 0, 0],
    }
    assert found.level == ServiceLevel(6, 3, 1, 2)
    assert found.level.share == 0.5


@pytest.mark.parametrize("flaw", [{"final": False}, {"synthetic": True}])
def test_a_bar_that_is_not_final_or_made_up_is_no_bar(flaw: dict[str, bool]) -> None:
    assert figures(counted(bar("BTC", 0, 5, **flaw), minutes=1))["missing"] == [2]


def test_one_version_in_time_is_enough_though_a_later_one_replaced_it() -> None:
    found = counted(bar("BTC", 0, 5), bar("BTC", 0, 900), bar("ETH", 0, 5), minutes=1)
    assert found.level == ServiceLevel(2, 2, 0, 0)


def test_a_minute_about_which_a_source_answered_in_time_was_not_traded() -> None:
    asked = (("BTC", TEN + MINUTE + 10 * SECOND), ("ETH", TEN + MINUTE + 70 * SECOND))
    found = counted(answers=asked, minutes=1)
    assert figures(found) == {"expected": [1], "good": [0], "late": [0], "missing": [1], "not_traded": [1]}


def test_a_bar_that_turns_up_later_takes_the_excuse_away() -> None:
    asked = (("BTC", TEN + MINUTE + 10 * SECOND), ("ETH", TEN + MINUTE + 10 * SECOND))
    found = counted(bar("BTC", 0, 3_600), answers=asked, minutes=1)
    assert figures(found) == {"expected": [1], "good": [0], "late": [1], "missing": [0], "not_traded": [1]}


def test_a_declared_delay_is_no_lateness_of_ours() -> None:
    asked = (("ETH", TEN + MINUTE + 910 * SECOND),)
    found = counted(bar("BTC", 0, 955), answers=asked, minutes=1, delay=900)
    assert figures(found) == {"expected": [1], "good": [1], "late": [0], "missing": [0], "not_traded": [1]}


def test_minutes_whose_time_is_not_over_do_not_count() -> None:
    found = counted(minutes=3, now=TEN + 3 * MINUTE)
    assert figures(found)["expected"] == [2, 2]


def test_where_nothing_is_expected_nothing_is_said() -> None:
    nothing = counted(minutes=0)
    assert nothing.level == ServiceLevel(0, 0, 0, 0)
    assert (nothing.level.share, nothing.level.budget_left(0.999)) == (None, None)


@pytest.mark.parametrize(("good", "left"), [(10_000, 1.0), (9_995, 0.5), (9_990, 0.0), (9_980, -1.0)], ids=str)
def test_the_error_budget_is_what_the_objective_allows(good: int, left: float) -> None:
    assert ServiceLevel(10_000, good, 0, 10_000 - good).budget_left(0.999) == pytest.approx(left)


def test_a_burn_of_one_uses_the_budget_up_just_in_time() -> None:
    rate = {"hours": 1, "objective": 0.999, "limit": 14.4, "minutes": 30}
    assert burn(ServiceLevel(10_000, 9_990, 0, 10), **rate).rate == 1.0
    found = burn(ServiceLevel(1_000, 980, 0, 20), **rate)
    assert (found.rate, found.is_too_fast) == (20.0, True)
    assert burn(ServiceLevel(1_000, 980, 0, 20), **rate | {"minutes": 29}).rate is None
