"""The kinds of validity rule, each a function that makes a Rule for some columns. All work on whole Arrow columns."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.quality.rule import Facts, Found, Rule, Severity, describe, rows_where

_MICROSECONDS_A_MINUTE = 60_000_000
_NOTHING = pa.array(["", "{}", None])


def _any_of(masks: list[pa.ChunkedArray]) -> pa.ChunkedArray:
    return reduce(pc.or_, [pc.fill_null(mask, False) for mask in masks])


def key_is_unique(key: tuple[str, ...]) -> Rule:
    """Make the rule that no two rows share `key`; failed_rows counts the surplus ones."""

    def find(rows: pa.Table, _: Facts) -> Found:
        if rows.num_rows == 0:
            return Found()
        groups = rows.select(key).group_by(list(key)).aggregate([([], "count_all")])
        surplus = rows.num_rows - groups.num_rows
        if surplus == 0:
            return Found()
        return Found(surplus, describe(groups, pc.index(pc.greater(groups["count_all"], 1), True).as_py(), key))

    return Rule(
        f"({', '.join(key)}) is unique",
        key,
        find,
        "find the step that wrote the row twice; rerun the cycle, which merges",
    )


def prices_are_positive(
    *columns: str, required: bool = False, severity: Severity = Severity.ERROR, what_to_do: str
) -> Rule:
    """Make the rule that prices are finite and above zero; null is allowed unless `required`."""

    def bad(column: pa.ChunkedArray) -> pa.ChunkedArray:
        wrong = pc.invert(pc.and_(pc.is_finite(column), pc.greater(column, 0)))
        return pc.fill_null(wrong, required)

    def find(rows: pa.Table, _: Facts) -> Found:
        return rows_where(rows, _any_of([bad(rows[name]) for name in columns]), columns)

    text = "present, finite and above zero" if required else "null, or finite and above zero"
    return Rule(f"prices ({', '.join(columns)}) are {text}", columns, find, what_to_do, severity)


def amounts_are_not_negative(*columns: str, severity: Severity = Severity.ERROR, what_to_do: str) -> Rule:
    """Make the rule that amounts (volume, turnover, counts) are null, or finite and at least zero."""

    def bad(column: pa.ChunkedArray) -> pa.ChunkedArray:
        return pc.invert(pc.and_(pc.is_finite(column), pc.greater_equal(column, 0)))

    def find(rows: pa.Table, _: Facts) -> Found:
        return rows_where(rows, _any_of([bad(rows[name]) for name in columns]), columns)

    sentence = f"amounts ({', '.join(columns)}) are null, or finite and not negative"
    return Rule(sentence, columns, find, what_to_do, severity)


def at_least(greater: str, *lesser: str, severity: Severity = Severity.ERROR, what_to_do: str) -> Rule:
    """Make the rule that `greater` >= each of `lesser` wherever both are known."""

    def find(rows: pa.Table, _: Facts) -> Found:
        masks = [pc.less(rows[greater], rows[name]) for name in lesser]
        return rows_where(rows, _any_of(masks), (greater, *lesser))

    return Rule(f"{greater} >= {', '.join(lesser)}", (greater, *lesser), find, what_to_do, severity)


def at_most(lesser: str, *greater: str, severity: Severity = Severity.ERROR, what_to_do: str) -> Rule:
    """Make the rule that `lesser` <= each of `greater` wherever both are known."""

    def find(rows: pa.Table, _: Facts) -> Found:
        masks = [pc.greater(rows[lesser], rows[name]) for name in greater]
        return rows_where(rows, _any_of(masks), (lesser, *greater))

    return Rule(f"{lesser} <= {', '.join(greater)}", (lesser, *greater), find, what_to_do, severity)


def _is_aware(column: pa.ChunkedArray) -> bool:
    return pa.types.is_timestamp(column.type) and column.type.tz is not None


def times_are_aware(*columns: str) -> Rule:
    """Make the rule that time columns carry a zone: a naive one fails with all its rows."""

    def find(rows: pa.Table, _: Facts) -> Found:
        naive = [name for name in columns if not _is_aware(rows[name])]
        return Found(max(rows.num_rows, 1), f"{', '.join(naive)} of type {rows[naive[0]].type}") if naive else Found()

    return Rule(f"times ({', '.join(columns)}) carry a zone", columns, find, "convert to UTC where the row is made")


def times_have_come(*columns: str, severity: Severity = Severity.ERROR, what_to_do: str) -> Rule:
    """Make the rule that no time lies after now plus the clock slack; a naive column is the other rule's business."""

    def find(rows: pa.Table, facts: Facts) -> Found:
        limit = pa.scalar(facts.now + facts.clock_slack)
        masks = [pc.greater(rows[name], limit.cast(rows[name].type)) for name in columns if _is_aware(rows[name])]
        return rows_where(rows, _any_of(masks), columns) if masks else Found()

    return Rule(f"times ({', '.join(columns)}) are not in the future", columns, find, what_to_do, severity)


def _microseconds(column: pa.ChunkedArray) -> pa.ChunkedArray:
    # not floor_temporal: it looks the zone up in the system's zone files, which a slim container lacks
    return column.cast(pa.timestamp("us", tz=column.type.tz)).cast(pa.int64())


def on_the_minute_grid(column: str) -> Rule:
    """Make the rule that every time is a whole minute."""

    def find(rows: pa.Table, _: Facts) -> Found:
        off = np.mod(pc.fill_null(_microseconds(rows[column]), 1).to_numpy(), _MICROSECONDS_A_MINUTE) != 0
        return rows_where(rows, pa.chunked_array([pa.array(off)]), (column,))

    return Rule(
        f"{column} is a whole minute", (column,), find, "label bars by the start of their minute where they are made"
    )


def inside_the_session(time_column: str, date_column: str = "session_date") -> Rule:
    """Make the rule that open <= time < close of the session that the row names; not judged without sessions."""

    def find(rows: pa.Table, facts: Facts) -> Found | None:
        if facts.sessions is None:
            return None
        if not _is_aware(rows[time_column]):
            return Found(rows.num_rows, f"{time_column} of type {rows[time_column].type}")
        times, dates = rows[time_column], rows[date_column]
        inside = [
            pc.and_(
                pc.equal(dates, pa.scalar(session.session_date)),
                pc.and_(
                    pc.greater_equal(times, pa.scalar(session.open).cast(times.type)),
                    pc.less(times, pa.scalar(session.close).cast(times.type)),
                ),
            )
            for session in facts.sessions
        ]
        nothing = pa.chunked_array([pa.array(np.zeros(rows.num_rows, dtype=bool))])
        return rows_where(rows, pc.invert(_any_of([nothing, *inside])), (date_column, time_column))

    return Rule(
        f"{time_column} lies inside its session",
        (time_column, date_column),
        find,
        "compare the market's calendar with the source's times (zone, half day, auction outside open..close)",
    )


def is_one_of(column: str, allowed: frozenset[str]) -> Rule:
    """Make the rule that a text column holds only the words of our vocabulary; null fails."""

    def find(rows: pa.Table, _: Facts) -> Found:
        words = pa.array(sorted(allowed))
        return rows_where(rows, pc.invert(pc.is_in(rows[column], value_set=words)), (column,))

    return Rule(f"{column} is one of {', '.join(sorted(allowed))}", (column,), find, "use the model's enumeration")


def text_matches(column: str, pattern: str, *, what_to_do: str) -> Rule:
    """Make the rule that a text is null or matches a regular expression as a whole."""

    def find(rows: pa.Table, _: Facts) -> Found:
        return rows_where(rows, pc.invert(pc.match_substring_regex(rows[column], f"^(?:{pattern})$")), (column,))

    return Rule(f"{column} is null or looks like {pattern}", (column,), find, what_to_do)


def known_where(
    columns: tuple[str, ...], *, sentence: str, when: Callable[[pa.Table], pa.ChunkedArray], what_to_do: str
) -> Rule:
    """Make the rule that text columns are filled in (not null, "" or "{}") wherever `when` holds."""

    def find(rows: pa.Table, _: Facts) -> Found:
        empty = _any_of([pc.is_in(rows[name], value_set=_NOTHING) for name in columns])
        return rows_where(rows, pc.and_(pc.fill_null(when(rows), False), empty), columns)

    return Rule(sentence, columns, find, what_to_do)


def final_bars_are_over() -> Rule:
    """Make the rule that a bar called final became known only after its minute had ended."""

    def find(rows: pa.Table, facts: Facts) -> Found:
        if not (_is_aware(rows["interval_start"]) and _is_aware(rows["known_at"])):
            return Found()
        end = pc.add(_microseconds(rows["interval_start"]), _MICROSECONDS_A_MINUTE)
        slack = round(facts.clock_slack.total_seconds() * 1_000_000)
        too_early = pc.less(pc.add(_microseconds(rows["known_at"]), slack), end)
        return rows_where(rows, pc.and_(rows["is_final"], too_early), ("is_final", "known_at"))

    return Rule(
        "a final bar's minute was over when it became known",
        ("interval_start", "known_at", "is_final"),
        find,
        "mark the bar of the running minute as not final where it is made",
    )
