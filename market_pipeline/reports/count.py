"""Rows of a session's tables → its figures. Columns are those of storage/tables; times are UTC."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.quality.situation import Requests
from market_pipeline.reports.figures import (
    AgePoint,
    Asked,
    BudgetFigures,
    GapFigures,
    Move,
    PriceAges,
    Spread,
    StepFigures,
    Stretch,
    TierCycle,
    spread,
)

type Tally = Callable[[Mapping[tuple[str, str], int]], Requests]
"""Tells of counts of (kind, status) how many are answers and how many failures."""
MINUTE = timedelta(minutes=1)
COVERAGE_COLUMNS = ("as_of", "tier", "fresh", "listed", "reasons", "known_at")
TICKER_COLUMNS = ("symbol", "name", "price", "change_1d_percent", "event_time", "known_at")
OUTCOME_COLUMNS = ("source", "symbol", "as_of", "kind", "status", "attempts", "latency_ms", "received_time")
BUDGET_COLUMNS = (
    *("source", "kind", "host", "as_of", "limit_per_second", "rate_per_second", "used_last_minute", "breaker"),
)
STEP_COLUMNS = ("step", "source", "as_of", "seconds")
GAP_COLUMNS = ("symbol", "minutes", "cause", "state")


def tier_cycles(rows: pa.Table) -> tuple[TierCycle, ...] | None:
    """Return what each cycle found of each tier, in order; None where no cycle is stored."""
    found = (
        TierCycle(
            minute=row["as_of"],
            tier=row["tier"],
            fresh=row["fresh"],
            listed=row["listed"],
            seconds=(row["known_at"] - row["as_of"]).total_seconds(),
            reasons=json.loads(row["reasons"]),
        )
        for row in rows.sort_by([("as_of", "ascending"), ("tier", "ascending")]).to_pylist()
    )
    return tuple(found) or None


def step_figures(rows: pa.Table, *, open_now: Sequence[Stretch]) -> tuple[StepFigures, ...] | None:
    """Return how long each step took in the cycles of `open_now`; None where none is stored."""
    found: dict[tuple[str, str | None], list[float]] = defaultdict(list)
    for row in rows.to_pylist():
        if any(start <= row["as_of"] < end for start, end in open_now):
            found[row["step"], row["source"]].append(1000 * row["seconds"])
    ordered = sorted(found, key=lambda key: (key[0], key[1] or ""))
    return tuple(StepFigures(*key, spread(found[key], decimals=0)) for key in ordered) or None


def price_ages(tickers: pa.Table, *, open_now: Sequence[Stretch], open_hours: Sequence[Stretch]) -> PriceAges | None:
    """Return the ages of the prices of all cycles within `open_now`; None where there was no such cycle.

    `open_hours` reach back over earlier sessions: ages count open minutes, and one beyond their start counts from it.
    """
    known = _seconds(tickers["known_at"])
    is_open = np.zeros(len(known), bool)
    for start, end in open_now:
        is_open |= (known >= start.timestamp()) & (known < end.timestamp())
    if not is_open.any():
        return None
    has_price = pc.and_(pc.is_valid(tickers["price"]), pc.is_valid(tickers["event_time"])).to_numpy()
    counted = tickers.filter(pa.array(is_open & has_price))
    at = _seconds(counted["known_at"])
    ages = np.maximum(_open_minutes(at, open_hours) - _open_minutes(_seconds(counted["event_time"]), open_hours), 0.0)
    return PriceAges(spread(ages), _points(at, ages), int((is_open & ~has_price).sum()))


def asked(outcomes: pa.Table, tally: Tally) -> tuple[Asked, ...] | None:
    """Return the requests of each source and kind; None where none is stored."""
    counts: dict[tuple[str, str], Counter[tuple[str, str]]] = defaultdict(Counter)
    grouped = outcomes.group_by(["source", "kind", "status"]).aggregate([([], "count_all")])
    for row in grouped.to_pylist():
        counts[row["source"], row["kind"]][row["kind"], row["status"]] = row["count_all"]
    times = _latencies(outcomes)
    found = (_asked(key, counts[key], tally=tally, latencies=times.get(key, {})) for key in sorted(counts))
    return tuple(found) or None


def failed_by_symbol(outcomes: pa.Table, tally: Tally) -> Mapping[str, int]:
    """Return symbol → requests for it that failed."""
    failed: Counter[str] = Counter()
    grouped = outcomes.group_by(["symbol", "kind", "status"]).aggregate([([], "count_all")])
    is_failure = {
        pair: bool(tally({pair: 1}).failed)
        for pair in set(zip(grouped["kind"].to_pylist(), grouped["status"].to_pylist(), strict=True))
    }
    for row in grouped.to_pylist():
        if is_failure[row["kind"], row["status"]]:
            failed[row["symbol"]] += row["count_all"]
    return failed


def by_symbol(rows: pa.Table) -> Mapping[str, int]:
    """Return symbol → rows; rows without a symbol are left out."""
    return Counter(symbol for symbol in rows["symbol"].to_pylist() if symbol is not None)


def gap_figures(gaps: pa.Table) -> tuple[GapFigures, ...]:
    """Return the gaps by symbol, cause and state."""
    grouped = gaps.group_by(["symbol", "cause", "state"]).aggregate([("minutes", "sum"), ([], "count_all")])
    found = (
        GapFigures(row["symbol"], row["cause"], row["state"], row["count_all"], row["minutes_sum"] or 0)
        for row in grouped.to_pylist()
    )
    return tuple(sorted(found, key=lambda gap: (gap.cause, gap.symbol, gap.state)))


def moves(tickers: pa.Table, *, session_date: date, zone: tzinfo) -> tuple[Move, ...] | None:
    """Return the last state of each instrument that has a price of the session's date; None without tickers."""
    if tickers.num_rows == 0:
        return None
    columns = ["name", "price", "change_1d_percent", "event_time"]
    newest = tickers.sort_by("known_at").group_by("symbol", use_threads=False)
    rows = newest.aggregate([(name, "last", pc.ScalarAggregateOptions(skip_nulls=False)) for name in columns])
    found = []
    for row in rows.sort_by("symbol").to_pylist():
        at: datetime | None = row["event_time_last"]
        if row["price_last"] is not None and at is not None and at.astimezone(zone).date() == session_date:
            found.append(Move(row["symbol"], row["name_last"], row["price_last"], row["change_1d_percent_last"]))
    return tuple(found)


def budget_figures(rows: pa.Table) -> tuple[BudgetFigures, ...] | None:
    """Return the use of each budget over the cycles of a session; None where no look at them is stored."""
    of_budget: dict[tuple[str, str, str | None], list[dict[str, Any]]] = defaultdict(list)
    for row in rows.sort_by("as_of").to_pylist():
        of_budget[row["source"], row["kind"], row["host"]].append(row)
    ordered = sorted(of_budget, key=lambda key: (key[0], key[1], key[2] or ""))
    return tuple(_budget(key, of_budget[key]) for key in ordered) or None


def _budget(key: tuple[str, str, str | None], rows: Sequence[Mapping[str, Any]]) -> BudgetFigures:
    used = [row["used_last_minute"] for row in rows if row["used_last_minute"] is not None]
    limits = [60 * row["limit_per_second"] for row in rows if row["limit_per_second"] is not None]
    slowed = [
        row for row in rows if row["rate_per_second"] and row["rate_per_second"] < 0.999 * row["limit_per_second"]
    ]
    source, kind, host = key
    return BudgetFigures(
        source=source,
        kind=kind,
        host=host,
        used=sum(used),
        peak_a_minute=max(used, default=0),
        cycles=len(rows),
        limit_a_minute=limits[-1] if limits else None,
        breaker_minutes=sum(row["breaker"] != "closed" for row in rows),
        slowed_minutes=len(slowed),
    )


def _asked(key: tuple[str, str], counts: Mapping[tuple[str, str], int], *, tally: Tally, latencies: Spread) -> Asked:
    (source, kind), requests = key, tally(counts)
    other = sum(counts.values()) - requests.total
    return Asked(source, kind, requests.answered, requests.failed_by_status, other, latencies)


def _latencies(outcomes: pa.Table) -> dict[tuple[str, str], Spread]:
    """Return (source, kind) → latencies in ms, each answer once, however many symbols it told of."""
    rows = outcomes.filter(pc.and_(pc.is_valid(outcomes["latency_ms"]), pc.greater(outcomes["attempts"], 0)))
    answers = rows.group_by(["source", "kind", "received_time", "latency_ms"]).aggregate([])
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    columns = (answers[name].to_pylist() for name in ("source", "kind", "latency_ms"))
    for source, kind, latency in zip(*columns, strict=True):
        found[source, kind].append(latency)
    return {key: spread(values, 0) for key, values in found.items()}


def _points(at: npt.NDArray[np.float64], ages: npt.NDArray[np.float64]) -> tuple[AgePoint, ...]:
    minutes = (at // 60).astype(np.int64)
    order = np.argsort(minutes, kind="stable")
    found, starts = np.unique(minutes[order], return_index=True)
    epoch = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    return tuple(
        AgePoint(epoch + int(minute) * MINUTE, *np.percentile(part, (50, 90), method="inverted_cdf").tolist())
        for minute, part in zip(found, np.split(ages[order], starts[1:]), strict=True)
    )


def _open_minutes(at: npt.NDArray[np.float64], stretches: Sequence[Stretch]) -> npt.NDArray[np.float64]:
    """Return the open minutes from the first stretch's start until each moment (seconds since 1970)."""
    edges = np.array([moment.timestamp() for part in sorted(stretches) for moment in part])
    lengths = np.diff(edges, prepend=edges[0])
    lengths[::2] = 0.0
    minutes: npt.NDArray[np.float64] = np.interp(at, edges, np.cumsum(lengths)) / 60
    return minutes


def _seconds(times: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    filled = pc.fill_null(times.cast(pa.int64()), 0)
    seconds: npt.NDArray[np.float64] = filled.to_numpy() / 1e6
    return seconds
