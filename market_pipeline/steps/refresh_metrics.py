"""Ask every source that offers metrics, merge them with what our own tables say, and write one row an instrument."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import cast

import pyarrow as pa

from market_pipeline.clock import floor_minute
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.metrics import METRIC_FIELDS, Metrics
from market_pipeline.model.outcome import RequestKind
from market_pipeline.quality.rule import RuleResult
from market_pipeline.sources.source import Fetched, MetricsSource
from market_pipeline.steps.ask_batches import Question, ask_batches
from market_pipeline.steps.judge import judge
from market_pipeline.steps.note_set_aside import note_metrics
from market_pipeline.steps.refresh_instruments import instruments_of
from market_pipeline.steps.runtime import MarketRuntime, Runtime, newest_moment, oldest_moment
from market_pipeline.storage import metrics_records, records
from market_pipeline.storage.tables import BARS_1D, FETCH_OUTCOMES, INSTRUMENTS, LIVE_TICKERS, METRICS
from market_pipeline.transforms.metrics import (
    MergedMetrics,
    MetricsInputs,
    MetricsLimits,
    RefusedMetrics,
    accept_reports,
    merge_metrics,
)
from market_pipeline.transforms.year_range import USED_COLUMNS, YearRange, first_day, year_ranges


@dataclass(frozen=True)
class FieldReport:
    """One field over all instruments: how many know it, from whom, and the oldest time that a value holds for."""

    name: str
    known: int
    sources: Mapping[str, int]
    oldest: datetime | None


@dataclass(frozen=True)
class MetricsReport:
    """What a refresh gave."""

    as_of: datetime
    rows: int
    fields: tuple[FieldReport, ...]
    counts: Mapping[str, Mapping[str, int]]
    """Source → outcome status → number of symbols."""
    notes: Mapping[str, str]
    """Source → why it was not asked."""
    refused: tuple[RefusedMetrics, ...]
    """What took no part, with the reason; table set_aside keeps it."""
    rules: tuple[RuleResult, ...]
    asking_seconds: float
    own_seconds: float

    @property
    def oldest(self) -> FieldReport | None:
        """Return the field with the oldest value; None when nothing is known."""
        dated = [(found.oldest, found) for found in self.fields if found.oldest is not None]
        return min(dated, key=lambda pair: pair[0])[1] if dated else None


def refresh_metrics(runtime: Runtime, market: MarketRuntime) -> MetricsReport:
    """Fetch, merge and write the metrics of every listed instrument. Never raises for a source.

    A market whose sources offer none has those that follow from its live tickers, daily bars and instruments.
    """
    as_of = floor_minute(runtime.clock.now())
    instruments = instruments_of(runtime, market)
    began = runtime.clock.monotonic()
    fetched = _ask(runtime, market, instruments)
    answered = runtime.clock.monotonic()
    _write_outcomes(runtime, market, fetched, as_of=as_of)
    reports, unasked = accept_reports([report for said in fetched.values() for report in said.records], instruments)
    merged = merge_metrics(_inputs(runtime, market, instruments, reports=reports), _limits(runtime, market))
    refused = (*unasked, *merged.refused)
    note_metrics(runtime, market, refused)
    table = _write(runtime, market, merged, as_of=as_of)
    return MetricsReport(
        as_of=as_of,
        rows=table.num_rows,
        fields=tuple(_field_report(table, name) for name in METRIC_FIELDS),
        counts={name: Counter(o.status.value for o in said.outcomes) for name, said in fetched.items()},
        notes=_notes(market, fetched),
        refused=refused,
        rules=judge(runtime, market, METRICS, rows=table),
        asking_seconds=answered - began,
        own_seconds=runtime.clock.monotonic() - answered,
    )


def metrics_sources(market: MarketRuntime) -> list[MetricsSource]:
    """Return the sources to ask, best first: those that the market file names, else all that offer metrics."""
    offered = {source.name: source for source in market.sources if RequestKind.METRICS in source.kinds}
    order = market.file.metrics.sources or tuple(offered)
    return [cast(MetricsSource, offered[name]) for name in order if name in offered]


def calls_at_once(market: MarketRuntime, source: str, symbols: int) -> int:
    """Return how many symbols go into one call: a source without batches may serve all of them from one page."""
    size = market.file.source(source).batch_size
    return size if size > 1 else max(symbols, 1)


def _ask(runtime: Runtime, market: MarketRuntime, instruments: Sequence[Instrument]) -> dict[str, Fetched[Metrics]]:
    questions = [
        Question(
            source.name,
            RequestKind.METRICS,
            source.metrics,
            instruments,
            at_once=calls_at_once(market, source.name, len(instruments)),
        )
        for source in metrics_sources(market)
    ]
    return ask_batches(runtime, market, questions, deadline_seconds=market.file.metrics.deadline_seconds)


def _notes(market: MarketRuntime, fetched: Mapping[str, object]) -> dict[str, str]:
    notes = dict(market.off)
    for name in market.file.metrics.sources or ():
        if name not in fetched and name not in notes:
            notes[name] = "named in metrics.sources, and its module offers no metrics"
    return notes


def _write_outcomes(
    runtime: Runtime, market: MarketRuntime, fetched: Mapping[str, Fetched[Metrics]], *, as_of: datetime
) -> None:
    outcomes = [outcome for said in fetched.values() for outcome in said.outcomes]
    day = market.calendar.session_date_at(as_of)
    runtime.warehouse.write(
        FETCH_OUTCOMES, market.name, records.outcomes_table(outcomes, session_date=day, as_of=as_of)
    )


def _write(runtime: Runtime, market: MarketRuntime, merged: MergedMetrics, *, as_of: datetime) -> pa.Table:
    day = market.calendar.session_date_at(as_of)
    table = metrics_records.metrics_table(merged.rows, session_date=day, as_of=as_of, known_at=runtime.clock.now())
    runtime.warehouse.write(METRICS, market.name, table)
    return table


def _inputs(
    runtime: Runtime,
    market: MarketRuntime,
    instruments: Sequence[Instrument],
    *,
    reports: Mapping[str, Sequence[Metrics]],
) -> MetricsInputs:
    warehouse = runtime.warehouse
    tickers = records.tickers_from_table(warehouse.latest(LIVE_TICKERS, market.name))
    previous = metrics_records.metrics_from_table(warehouse.latest(METRICS, market.name))
    return MetricsInputs(
        instruments,
        reports,
        tickers={ticker.symbol: ticker for ticker in tickers},
        ranges=_ranges(runtime, market, instruments),
        previous={row.symbol: row for row in previous},
        close_of=_closes(runtime, market),
        listed_at=newest_moment(warehouse.latest(INSTRUMENTS, market.name)["known_at"]),
    )


def _limits(runtime: Runtime, market: MarketRuntime) -> MetricsLimits:
    now, rule = runtime.clock.now(), market.file.metrics
    session = market.calendar.session(market.calendar.session_date_at(now))
    start = session.phases[0].start if session is not None else now
    return MetricsLimits(now, start, rule.max_age_hours.by_group(), rule.max_dividend_yield)


def _ranges(runtime: Runtime, market: MarketRuntime, instruments: Sequence[Instrument]) -> dict[str, YearRange]:
    today = market.calendar.local_date(runtime.clock.now())
    return year_ranges(
        runtime.warehouse.small_since(BARS_1D, market.name, first_day(today), columns=USED_COLUMNS),
        today=today,
        sources=[rule.name for rule in market.file.sources],
        listed_from={instrument.symbol: instrument.listed_from for instrument in instruments},
    )


def _closes(runtime: Runtime, market: MarketRuntime) -> Callable[[date], datetime]:
    """Return session date → its close, not after now: the bar of a session in progress holds for now."""
    now = runtime.clock.now()

    @cache
    def close_of(day: date) -> datetime:
        session = market.calendar.session(day)
        ended = session.close if session is not None else datetime.combine(day, time(), UTC) + timedelta(days=1)
        return min(ended, now)

    return close_of


def _field_report(table: pa.Table, name: str) -> FieldReport:
    sources = table[f"{name}_source"].drop_null().value_counts()
    return FieldReport(
        name,
        known=table.num_rows - table[name].null_count,
        sources={entry["values"]: entry["counts"] for entry in sources.to_pylist()},
        oldest=oldest_moment(table[f"{name}_as_of"]),
    )
