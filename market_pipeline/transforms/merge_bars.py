"""New bars into the bars that we have: the better origin wins, a final bar that changes leaves its old row behind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.transforms.bar_rows import (
    BAR_SCHEMA,
    MINUTE,
    ORIGINS,
    VALUES,
    Integers,
    Reals,
    Truths,
    codes_of,
    reals,
    starts_of_groups,
    times,
)


@dataclass(frozen=True)
class MergedBars:
    """All bars after a merge, by symbol and interval_start, and the old rows of final bars that were revised."""

    rows: pa.Table
    changed: pa.Table
    """Of `rows`, those that are not as they were: what there is to write."""
    replaced: pa.Table
    added: int
    updated: int
    """Rows that changed without a revision: a bar still forming, or a better origin that says the same."""

    @property
    def revised(self) -> int:
        """Return how many final bars were replaced by different values."""
        return int(self.replaced.num_rows)

    @property
    def has_changed(self) -> bool:
        """Tell whether there is anything to write."""
        return self.added + self.updated + self.revised > 0


def merge_bars(existing: pa.Table | None, new: pa.Table) -> MergedBars:
    """Merge one market's bars by (symbol, interval_start); both tables have BAR_SCHEMA's columns, in any order.

    Chart beats ticks beats sampled: a lower origin never overwrites a higher one, and a forming bar never a final one.
    A final bar replaced by different values gets revision + 1, and its old row goes to `replaced`; equal values keep
    the row with its known_at (a better origin is noted on it). A forming bar is simply updated. Merging the same
    bars again changes nothing. Of several new rows for one minute the best origin counts, then final, then the last.
    """
    old = BAR_SCHEMA.empty_table() if existing is None else _conformed(existing)
    pair = _Pair(old, _conformed(new))
    old_at, new_at = pair.matches()
    fate = pair.fates(old_at, new_at)
    revised, taken, upgraded = (np.flatnonzero(flag) for flag in (fate.is_revised, fate.is_taken, fate.is_upgraded))
    is_new = np.ones(pair.new.num_rows, bool)
    is_new[new_at] = False
    is_new &= pair.is_best_new
    gone = np.zeros(old.num_rows, bool)
    gone[old_at[np.concatenate((revised, taken, upgraded))]] = True
    revised_old = old.take(pa.array(old_at[revised]))
    parts = [
        old.filter(pa.array(~gone)),
        pair.new.filter(pa.array(is_new)),
        _with(pair.new.take(pa.array(new_at[revised])), revision=pc.add(revised_old["revision"], 1)),
        _with(pair.new.take(pa.array(new_at[taken])), revision=old["revision"].take(pa.array(old_at[taken]))),
        _upgraded(old.take(pa.array(old_at[upgraded])), pair.new.take(pa.array(new_at[upgraded]))),
    ]
    rows, changed = pa.concat_tables(parts), pa.concat_tables(parts[1:])
    if gone.any() or is_new.any():
        rows = rows.sort_by([("symbol", "ascending"), ("interval_start", "ascending")])
    return MergedBars(rows, changed, revised_old, int(is_new.sum()), len(taken) + len(upgraded))


@dataclass(frozen=True)
class _Fates:
    """What happens to each matched pair; none of the flags: the old row stays."""

    is_revised: Truths
    is_taken: Truths
    is_upgraded: Truths


class _Pair:
    """Old and new rows as numbers."""

    def __init__(self, old: pa.Table, new: pa.Table) -> None:
        self.old, self.new = old, new
        (old_codes, new_codes), _ = codes_of(old["symbol"], new["symbol"])
        old_times, new_times = times(old["interval_start"]), times(new["interval_start"])
        first = np.concatenate((old_times, new_times)).min(initial=np.iinfo(np.int64).max)
        self.old_keys = _keys(old_codes, old_times - first)
        self.new_keys = _keys(new_codes, new_times - first)
        self.old_rank, self.new_rank = _ranks(old), _ranks(new)
        self.old_final, self.new_final = _truths(old["is_final"]), _truths(new["is_final"])
        self.is_best_new = self._best_new()

    def _best_new(self) -> Truths:
        order = np.lexsort((-np.arange(len(self.new_keys)), ~self.new_final, self.new_rank, self.new_keys))
        is_best = np.zeros(len(order), bool)
        is_best[order[starts_of_groups(self.new_keys[order])]] = True
        return is_best

    def matches(self) -> tuple[Integers, Integers]:
        """Return the indices of old and new rows that speak of the same minute."""
        candidates = np.flatnonzero(self.is_best_new)
        if len(self.old_keys) == 0 or len(candidates) == 0:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        order = np.argsort(self.old_keys, kind="stable")
        places = np.searchsorted(self.old_keys[order], self.new_keys[candidates])
        places = np.minimum(places, len(order) - 1)
        is_match = self.old_keys[order][places] == self.new_keys[candidates]
        return order[places[is_match]].astype(np.int64), candidates[is_match]

    def fates(self, old_at: Integers, new_at: Integers) -> _Fates:
        is_better = self.new_rank[new_at] < self.old_rank[old_at]
        is_allowed = self.new_rank[new_at] <= self.old_rank[old_at]
        was_final, is_final = self.old_final[old_at], self.new_final[new_at]
        is_same = np.ones(len(old_at), bool)
        for name in VALUES:
            is_same &= _is_equal(reals(self.old[name])[old_at], reals(self.new[name])[new_at])
        is_allowed &= is_final | ~was_final
        is_revised = is_allowed & was_final & ~is_same
        is_upgraded = is_allowed & was_final & is_same & is_better
        is_taken = is_allowed & ~was_final & (~is_same | is_final | is_better)
        return _Fates(is_revised, is_taken, is_upgraded)


def _conformed(rows: pa.Table) -> pa.Table:
    return rows.select(BAR_SCHEMA.names).cast(BAR_SCHEMA).combine_chunks()


def _keys(codes: Integers, offsets: Integers) -> Integers:
    # symbol and minute in one number: 2^31 minutes are four thousand years
    return codes * (1 << 31) + offsets // MINUTE


def _ranks(rows: pa.Table) -> Integers:
    ranks: Integers = pc.index_in(rows["origin"], value_set=pa.array(ORIGINS)).to_numpy().astype(np.int64)
    return ranks


def _truths(column: pa.ChunkedArray) -> Truths:
    truths: Truths = column.to_numpy().astype(bool)
    return truths


def _is_equal(first: Reals, second: Reals) -> Truths:
    is_equal: Truths = (first == second) | (np.isnan(first) & np.isnan(second))
    return is_equal


def _with(rows: pa.Table, *, revision: pa.ChunkedArray) -> pa.Table:
    return rows.set_column(BAR_SCHEMA.get_field_index("revision"), "revision", revision.cast(pa.int32()))


def _upgraded(old: pa.Table, new: pa.Table) -> pa.Table:
    for name in ("origin", "n_ticks"):
        old = old.set_column(BAR_SCHEMA.get_field_index(name), name, new[name])
    return old
