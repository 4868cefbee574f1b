"""Ask every source of a market at the same time; write the quotes, and one outcome for every requested symbol."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import structlog

from market_pipeline.clock import floor_minute
from market_pipeline.errors import MarketPipelineError
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.outcome import Outcome, OutcomeStatus, RequestKind
from market_pipeline.model.quote import Quote
from market_pipeline.quality.rule import RuleResult
from market_pipeline.sources.outcomes import outcome_status
from market_pipeline.sources.source import Fetched, Source
from market_pipeline.steps.judge import judge
from market_pipeline.steps.refresh_instruments import instruments_of
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.storage import records
from market_pipeline.storage.tables import FETCH_OUTCOMES, RAW_QUOTES

log = structlog.get_logger("market_pipeline.quotes")


@dataclass(frozen=True)
class SourceReport:
    """What one source gave in this cycle. `note` says why it was not asked, if it was not."""

    rows: int
    counts: Mapping[str, int]
    rules: tuple[RuleResult, ...]
    first_event: datetime | None
    last_event: datetime | None
    duration_seconds: float
    note: str = ""


@dataclass(frozen=True)
class QuotesReport:
    """What all sources gave in this cycle."""

    as_of: datetime
    by_source: Mapping[str, SourceReport]

    @property
    def rows(self) -> int:
        """Return the number of quotes written."""
        return sum(source.rows for source in self.by_source.values())

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Return source → status → number of symbols."""
        return {name: dict(report.counts) for name, report in self.by_source.items()}


@dataclass(frozen=True)
class _Answered:
    fetched: Fetched[Quote]
    duration_seconds: float


def fetch_quotes(runtime: Runtime, market: MarketRuntime, *, only: Collection[str] | None = None) -> QuotesReport:
    """Fetch and write the quotes of all sources, or of those named in `only`. Never raises for a source."""
    as_of = floor_minute(runtime.clock.now())
    wanted = {rule.name for rule in market.file.quote_sources if only is None or rule.name in only}
    notes = {name: reason for name, reason in market.off.items() if name in wanted}
    asked: list[Source] = []
    for source in market.sources:
        if source.name not in wanted:
            continue
        reason = _not_due(runtime, market, source.name)
        if reason:
            notes[source.name] = reason
        else:
            asked.append(source)
    answers = _ask(runtime, market, asked) if asked else {}
    reports = _write(runtime, market, answers, as_of=as_of)
    reports.update({name: SourceReport(0, {}, (), None, None, 0.0, reason) for name, reason in notes.items()})
    return QuotesReport(as_of, reports)


def _not_due(runtime: Runtime, market: MarketRuntime, source: str) -> str:
    cadence = market.file.source(source).cadence_minutes
    if runtime.is_simulated or runtime.clock.now().minute % cadence == 0:
        return ""
    return f"asked every {cadence} minutes; the newest quotes are still in use"


def _ask(runtime: Runtime, market: MarketRuntime, sources: Sequence[Source]) -> dict[str, _Answered]:
    """Ask all sources in parallel; one that misses the cycle's deadline gets the outcome `timeout`."""
    instruments = instruments_of(runtime, market)
    pool = ThreadPoolExecutor(len(sources), thread_name_prefix="quotes")
    try:
        futures = {source.name: pool.submit(_quotes, runtime, source, instruments) for source in sources}
        wait(futures.values(), timeout=market.file.cycle_deadline_seconds)
        return {
            name: _answer(runtime, market, name, future=future, instruments=instruments)
            for name, future in futures.items()
        }
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _quotes(runtime: Runtime, source: Source, instruments: Sequence[Instrument]) -> _Answered:
    started = runtime.clock.monotonic()
    fetched = source.quotes(instruments)
    return _Answered(fetched, runtime.clock.monotonic() - started)


def _answer(
    runtime: Runtime, market: MarketRuntime, name: str, *, future: Future[_Answered], instruments: Sequence[Instrument]
) -> _Answered:
    deadline = market.file.cycle_deadline_seconds
    if not future.done():
        log.warning("source_missed_deadline", market=market.name, source=name, deadline_seconds=deadline)
        reason = f"no answer within the cycle's {deadline} s"
        return _failed(runtime, name, instruments, status=OutcomeStatus.TIMEOUT, reason=reason)
    try:
        return future.result()
    except MarketPipelineError as error:
        return _failed(runtime, name, instruments, status=outcome_status(error), reason=str(error))
    except Exception as error:  # outermost loop over sources: a defect in one must not harm its neighbours
        log.exception("source_failed", market=market.name, source=name)
        reason = f"defect in the source module: {error!r}"
        return _failed(runtime, name, instruments, status=OutcomeStatus.PARSE_ERROR, reason=reason)


def _failed(
    runtime: Runtime, name: str, instruments: Sequence[Instrument], *, status: OutcomeStatus, reason: str
) -> _Answered:
    now = runtime.clock.now()
    outcomes = tuple(
        Outcome(i.market, name, i.symbol, RequestKind.QUOTE, status, received_time=now, reason=reason)
        for i in instruments
    )
    return _Answered(Fetched((), outcomes), 0.0)


def _write(
    runtime: Runtime, market: MarketRuntime, answers: Mapping[str, _Answered], *, as_of: datetime
) -> dict[str, SourceReport]:
    session_date = market.calendar.session_date_at(as_of)
    known_at = runtime.clock.now()
    outcomes: list[Outcome] = []
    tables, reports = [], {}
    for name, answer in answers.items():
        table = records.quotes_table(answer.fetched.records, session_date=session_date, as_of=as_of, known_at=known_at)
        tables.append(table)
        outcomes.extend(answer.fetched.outcomes)
        reports[name] = _report(answer, table, rules=judge(runtime, market, RAW_QUOTES, rows=table))
    if tables:
        runtime.warehouse.write(RAW_QUOTES, market.name, pa.concat_tables(tables))
        rows = records.outcomes_table(outcomes, session_date=session_date, as_of=as_of)
        runtime.warehouse.write(FETCH_OUTCOMES, market.name, rows)
    return reports


def _report(answer: _Answered, table: pa.Table, *, rules: tuple[RuleResult, ...]) -> SourceReport:
    counts = Counter(outcome.status.value for outcome in answer.fetched.outcomes)
    events = [quote.event_time for quote in answer.fetched.records]
    return SourceReport(
        rows=table.num_rows,
        counts=dict(counts),
        rules=rules,
        first_event=min(events, default=None),
        last_event=max(events, default=None),
        duration_seconds=answer.duration_seconds,
    )
