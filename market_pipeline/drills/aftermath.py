"""What drills measure once all is over: gaps and their healing, requests, cycles, rows of the future."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyarrow.compute as pc

from market_pipeline.drills.drill import Expectation, Judgement
from market_pipeline.drills.expectations import fact
from market_pipeline.drills.record import Record
from market_pipeline.drills.stage import Stage
from market_pipeline.model.gap import QUIET
from market_pipeline.steps.find_gaps import stored_gaps
from market_pipeline.steps.heal_gaps import heal_gaps


def heal(stage: Stage, record: Record) -> None:
    """Find what is missing since the drill began and heal it from the sources' history, as the hourly job does."""
    runtime = stage.runtime
    market = runtime.market(record.market)
    report = heal_gaps(runtime, market)
    quiet = [cause.value for cause in QUIET]
    rows = [row for row in stored_gaps(runtime, market).rows.to_pylist() if row["cause"] not in quiet]
    states = Counter(row["state"] for row in rows if row["first_minute"] >= record.scores[0].at.replace(second=0))
    record.facts["gaps"] = {"states": dict(states), "bars": report.bars}
    record.facts["missing minutes"] = missing_minutes(stage, record)


def missing_minutes(stage: Stage, record: Record) -> list[str]:
    """Return the minutes of the fault that the exchange traded in and that have no bar."""
    runtime, exchange = stage.runtime, stage.exchange.exchange(record.market)
    bars = runtime.warehouse.read("bars_1m", record.market, since=record.fault_began)
    stored = {(row["symbol"], int(row["interval_start"].timestamp())) for row in bars.to_pylist()}
    began, ended = record.fault_began.timestamp(), record.fault_ended.timestamp()
    missing = []
    for instrument in sorted({symbol for symbol, _ in stored}):
        minutes = exchange.minutes(instrument, start=began, end=ended, at=stage.clock.now().timestamp())
        traded = zip(minutes.starts.tolist(), minutes.volume.tolist(), strict=True)
        missing += [f"{instrument} {at}" for at, volume in traded if volume and (instrument, at) not in stored]
    return missing


def _healed(record: Record) -> Judgement:
    missing, gaps = record.facts.get("missing minutes"), record.facts.get("gaps", {})
    states = ", ".join(f"{count} {state}" for state, count in gaps.get("states", {}).items()) or "no gap was left"
    if missing is None:
        return Judgement(False, "not measured")
    return Judgement(not missing, f"{states}; {len(missing)} minutes of the fault are missing")


GAPS_HEALED = Expectation("the minutes of the fault are there in the end", _healed)


def count_requests(stage: Stage, record: Record) -> None:
    """Count the answers 429 that a source had to give, a minute of the fault."""
    counts = (count for route, count in stage.exchange.simulation.counts.items() if route.startswith("/kraken/"))
    refused = sum(count.by_status[429] for count in counts)
    minutes = (record.fault_ended - record.fault_began).total_seconds() / 60
    record.facts["refused requests"] = round(refused / minutes, 1)


REQUESTS_STAY_FEW = fact(
    "Kraken is asked at most 4 times a minute while it refuses", "refused requests", lambda found: _is_at_most(found, 4)
)


def look_ahead(stage: Stage, record: Record) -> None:
    """Count the tickers and bars that lie in the future of the moment at which they became known."""
    read = stage.runtime.warehouse.read
    found = 0
    for table, time in (("live_tickers", "event_time"), ("bars_1m", "interval_start")):
        rows = read(table, record.market, columns=(time, "known_at"))
        found += pc.sum(pc.greater(rows[time], rows["known_at"])).as_py() or 0
    record.facts["rows of the future"] = found


NOTHING_OF_THE_FUTURE = fact(
    "nothing is stored that lies in the future", "rows of the future", lambda found: found == 0
)


def longest_cycle(stage: Stage, record: Record) -> None:
    """Note how long the longest cycle took."""
    runs = stage.runs[record.market]
    record.facts["longest cycle, seconds"] = round(max((run.seconds or 0.0 for run in runs), default=0.0), 1)


NO_CYCLE_WAITS = fact(
    "no cycle takes much longer than its deadline of 40 seconds",
    "longest cycle, seconds",
    lambda found: _is_at_most(found, 45),
)


def _is_at_most(found: Any, most: float) -> bool:
    return isinstance(found, int | float) and found <= most
