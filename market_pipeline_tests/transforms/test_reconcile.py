"""Live bars against history."""

from __future__ import annotations

from market_pipeline.transforms.reconcile import reconcile
from market_pipeline_tests.transforms.bar_cases import at, bar, bar_rows, column


def test_equal_bars_leave_no_difference():
    result = reconcile(bar_rows([bar(0), bar(1)]), bar_rows([bar(0), bar(1)]))
    assert result.totals == {"equal": 2, "different": 0, "missing": 0, "extra": 0}
    assert result.differences.num_rows == 0


def test_each_minute_is_counted_for_its_symbol():
    live = bar_rows([bar(0), bar(1, 101.0), bar(2), bar(0, symbol="IAM")])
    history = bar_rows([bar(0), bar(1, 102.0), bar(3), bar(4)])
    assert reconcile(live, history).counts.to_pylist() == [
        {"symbol": "ATW", "equal": 1, "different": 1, "missing": 2, "extra": 1},
        {"symbol": "IAM", "equal": 0, "different": 0, "missing": 0, "extra": 1},
    ]


def test_differences_show_both_sides_by_symbol_and_time():
    live = bar_rows([bar(1, 101.0, volume=5.0), bar(2)])
    history = bar_rows([bar(1, 102.0), bar(3, 103.0)])
    assert column(reconcile(live, history).differences, "interval_start", "verdict", "live_close", "history_close") == [
        (at(1), "different", 101.0, 102.0),
        (at(2), "extra", 100.0, None),
        (at(3), "missing", None, 103.0),
    ]


def test_a_volume_that_only_history_knows_is_a_difference():
    result = reconcile(bar_rows([bar(0, volume=None)]), bar_rows([bar(0, volume=10.0)]))
    assert column(result.differences, "verdict", "live_volume", "history_volume") == [("different", None, 10.0)]


def test_a_volume_that_neither_knows_is_equal():
    assert reconcile(bar_rows([bar(0, volume=None)]), bar_rows([bar(0, volume=None)])).totals["equal"] == 1


def test_turnover_is_not_compared():
    assert reconcile(bar_rows([bar(0, turnover=5.0)]), bar_rows([bar(0)])).totals["equal"] == 1


def test_without_live_bars_all_of_history_is_missing():
    assert reconcile(bar_rows([]), bar_rows([bar(0)])).totals == {"equal": 0, "different": 0, "missing": 1, "extra": 0}


def test_nothing_against_nothing():
    result = reconcile(bar_rows([]), bar_rows([]))
    assert result.totals == {"equal": 0, "different": 0, "missing": 0, "extra": 0}
