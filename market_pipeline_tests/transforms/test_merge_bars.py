"""New bars into the bars that we have."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_pipeline.transforms.bars import merge_bars
from market_pipeline_tests.transforms.bar_cases import at, bar, bar_rows, column


def test_the_first_bars_are_all_added():
    merged = merge_bars(None, bar_rows([bar(1), bar(0)]))
    assert column(merged.rows, "interval_start") == [at(0), at(1)]
    assert (merged.added, merged.updated, merged.revised, merged.has_changed) == (2, 0, 0, True)


def test_new_minutes_and_symbols_join_the_old_ones_in_order():
    merged = merge_bars(bar_rows([bar(0), bar(2)]), bar_rows([bar(1), bar(0, symbol="AAA")]))
    assert column(merged.rows, "symbol", "interval_start") == [
        ("AAA", at(0)),
        ("ATW", at(0)),
        ("ATW", at(1)),
        ("ATW", at(2)),
    ]
    assert merged.added == 2


def test_equal_values_change_nothing_and_keep_when_they_were_known():
    old = bar_rows([bar(0, known_at=at(1))])
    merged = merge_bars(old, bar_rows([bar(0, known_at=at(9))]))
    assert merged.rows.equals(old)
    assert (merged.replaced.num_rows, merged.has_changed) == (0, False)


def test_a_final_bar_that_changes_gets_a_revision_and_leaves_its_old_row_behind():
    merged = merge_bars(bar_rows([bar(0, 100.0, revision=2)]), bar_rows([bar(0, 101.0, known_at=at(9))]))
    assert column(merged.rows, "close", "revision", "known_at") == [(101.0, 3, at(9))]
    assert column(merged.replaced, "close", "revision", "known_at") == [(100.0, 2, at(1))]
    assert (merged.revised, merged.updated) == (1, 0)


@pytest.mark.parametrize("name", ["open", "high", "low", "close", "volume", "turnover"])
def test_any_value_that_differs_is_a_revision(name: str):
    merged = merge_bars(bar_rows([bar(0)]), bar_rows([bar(0, **{name: 123.0})]))
    assert column(merged.rows, name, "revision") == [(123.0, 1)]


def test_a_volume_that_becomes_known_is_a_revision():
    merged = merge_bars(bar_rows([bar(0, volume=None)]), bar_rows([bar(0, volume=0.0)]))
    assert column(merged.rows, "volume", "revision") == [(0.0, 1)]


def test_a_forming_bar_is_simply_updated():
    merged = merge_bars(
        bar_rows([bar(0, 100.0, is_final=False)]), bar_rows([bar(0, 101.0, is_final=True, known_at=at(9))])
    )
    assert column(merged.rows, "close", "is_final", "revision", "known_at") == [(101.0, True, 0, at(9))]
    assert (merged.replaced.num_rows, merged.updated) == (0, 1)


def test_a_forming_bar_becomes_final_even_with_equal_values():
    merged = merge_bars(bar_rows([bar(0, is_final=False)]), bar_rows([bar(0)]))
    assert column(merged.rows, "is_final") == [True]


def test_a_forming_bar_never_replaces_a_final_one():
    merged = merge_bars(bar_rows([bar(0, 100.0, origin="sampled")]), bar_rows([bar(0, 101.0, is_final=False)]))
    assert column(merged.rows, "close", "is_final") == [(100.0, True)]


@pytest.mark.parametrize(("better", "worse"), [("chart", "ticks"), ("chart", "sampled"), ("ticks", "sampled")])
def test_a_worse_origin_never_overwrites_a_better_one(better: str, worse: str):
    old = bar_rows([bar(0, 100.0, origin=better)])
    assert merge_bars(old, bar_rows([bar(0, 101.0, origin=worse)])).rows.equals(old)


@pytest.mark.parametrize(("better", "worse"), [("chart", "ticks"), ("chart", "sampled"), ("ticks", "sampled")])
def test_a_better_origin_replaces_a_worse_one_as_a_revision(better: str, worse: str):
    merged = merge_bars(bar_rows([bar(0, 100.0, origin=worse)]), bar_rows([bar(0, 101.0, origin=better)]))
    assert column(merged.rows, "close", "origin", "revision") == [(101.0, better, 1)]
    assert column(merged.replaced, "close", "origin") == [(100.0, worse)]


def test_a_better_origin_that_says_the_same_is_noted_without_a_revision():
    old = bar_rows([bar(0, origin="sampled", n_ticks=1, known_at=at(1))])
    merged = merge_bars(old, bar_rows([bar(0, origin="chart", n_ticks=None, known_at=at(9))]))
    assert column(merged.rows, "origin", "n_ticks", "revision", "known_at") == [("chart", None, 0, at(1))]
    assert (merged.revised, merged.updated) == (0, 1)


def test_of_several_new_rows_of_one_minute_the_best_origin_counts_then_final_then_the_last():
    rows = [
        bar(0, 100.0, origin="sampled"),
        bar(0, 101.0, is_final=False),
        bar(0, 102.0),
        bar(0, 103.0),
        bar(0, 105.0, is_final=False),
        bar(0, 104.0, origin="ticks"),
    ]
    merged = merge_bars(None, bar_rows(rows))
    assert column(merged.rows, "close") == [103.0]
    assert merged.added == 1


def test_nothing_new_changes_nothing():
    old = bar_rows([bar(0), bar(1)])
    merged = merge_bars(old, bar_rows([]))
    assert merged.rows.equals(old)
    assert not merged.has_changed


def test_floats_keep_every_bit():
    merged = merge_bars(bar_rows([bar(0, 0.1)]), bar_rows([bar(1, 0.1 + 0.2)]))
    assert column(merged.rows, "close") == [0.1, 0.30000000000000004]


def test_columns_may_come_in_any_order_and_with_wide_text():
    rows = bar_rows([bar(0)])
    wide = rows.set_column(1, "symbol", rows["symbol"].cast("large_string")).select(rows.column_names[::-1])
    assert merge_bars(wide, wide).rows.equals(rows)


BARS = st.builds(
    lambda minute, close, origin, is_final, symbol: bar(minute, close, origin=origin, is_final=is_final, symbol=symbol),
    st.integers(0, 3),
    st.sampled_from([100.0, 101.0]),
    st.sampled_from(["chart", "ticks", "sampled"]),
    st.booleans(),
    st.sampled_from(["ATW", "IAM"]),
)
BATCHES = st.lists(BARS, max_size=6).map(bar_rows)


@settings(deadline=None)
@given(BATCHES, BATCHES)
def test_merging_the_same_bars_twice_changes_nothing_the_second_time(first, second):
    once = merge_bars(merge_bars(None, first).rows, second)
    twice = merge_bars(once.rows, second)
    assert twice.rows.equals(once.rows)
    assert not twice.has_changed


@settings(deadline=None)
@given(st.lists(BATCHES, min_size=1, max_size=4))
def test_every_minute_is_there_once_and_no_final_bar_is_lost(batches):
    rows, kept = None, []
    for batch in batches:
        merged = merge_bars(rows, batch)
        before = set() if rows is None else {_final(row) for row in rows.to_pylist() if row["is_final"]}
        kept += [_final(row) for row in merged.replaced.to_pylist()]
        rows = merged.rows
        assert before <= {_final(row) for row in rows.to_pylist()} | set(kept)
    keys = column(rows, "symbol", "interval_start")
    assert keys == sorted(set(keys))


@settings(deadline=None)
@given(BATCHES, BATCHES)
def test_the_revision_counts_the_rows_left_behind(first, second):
    start = merge_bars(None, first).rows
    merged = merge_bars(start, second)
    assert sum(column(merged.rows, "revision")) == merged.revised == merged.replaced.num_rows


def _final(row):
    return row["symbol"], row["interval_start"], row["close"], row["revision"]
