"""Ask every source of a market at the same time; write the quotes, and one outcome for every requested symbol."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.clock import floor_minute
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.outcome import Outcome
from market_pipeline.quality.rule import RuleResult
from market_pipeline.sources.source import Source
from market_pipeline.steps.ask_sources import Answered, ask_sources
from market_pipeline.steps.budget_use import BudgetUse, keep_budgets
from market_pipeline.steps.date_quotes import date_quotes
from market_pipeline.steps.judge import judge
from market_pipeline.steps.refresh_instruments import instruments_of
from market_pipeline.steps.rotation import in_turn, next_full_sweep, rotation_of
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.steps.source_due import not_due
from market_pipeline.storage import records
from market_pipeline.storage.tables import FETCH_OUTCOMES, RAW_QUOTES


@dataclass(frozen=True)
class SourceReport:
    """What one source gave in this cycle. `note` says why it was not asked, if it was not."""

    rows: int
    counts: Mapping[str, int]
    rules: tuple[RuleResult, ...]
    first_event: datetime | None
    last_event: datetime | None
    duration_seconds: float
    full_sweep_at: datetime | None = None
    """When it will have been asked for every instrument once more, at this cycle's pace."""
    budgets: tuple[BudgetUse, ...] = ()
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


def fetch_quotes(runtime: Runtime, market: MarketRuntime, *, only: Collection[str] | None = None) -> QuotesReport:
    """Fetch and write the quotes of all sources, or of those named in `only`. Never raises for a source.

    The cycle begins here. Tier 1 is asked first; whatever budget and deadline leave out gets the outcome `deferred`.
    """
    as_of = floor_minute(runtime.clock.now())
    wanted = {rule.name for rule in market.file.quote_sources if only is None or rule.name in only}
    notes = {name: reason for name, reason in market.off.items() if name in wanted}
    due: list[Source] = []
    for source in market.sources:
        if source.name not in wanted:
            continue
        reason = not_due(runtime, market, source.name)
        if reason:
            notes[source.name] = reason
        else:
            due.append(source)
    instruments = instruments_of(runtime, market) if due else ()
    market.cycle.begin()  # not before: the day's first list of instruments may take longer than a cycle
    reports = _ask(runtime, market, due, as_of=as_of, instruments=instruments) if due else {}
    reports.update({name: SourceReport(0, {}, (), None, None, 0.0, note=reason) for name, reason in notes.items()})
    return QuotesReport(as_of, _with_budgets(runtime, market, reports))


def _ask(
    runtime: Runtime,
    market: MarketRuntime,
    sources: Sequence[Source],
    *,
    as_of: datetime,
    instruments: Sequence[Instrument],
) -> dict[str, SourceReport]:
    turns = {
        source.name: rotation_of(runtime.folder, market.name, source.name, now=as_of, tier=market.tier)
        for source in sources
    }
    orders = {source.name: (source, in_turn(instruments, turns[source.name].last_asked)) for source in sources}
    answers = ask_sources(runtime, market, orders)
    reports = _write(runtime, market, answers, as_of=as_of)
    for name, answer in answers.items():
        turns[name].remember(instruments, answer.reached, as_of)
        cadence = 1 if runtime.is_simulated else market.file.source(name).cadence_minutes
        sweep = next_full_sweep(instruments, answer.reached, as_of=as_of, cadence_minutes=cadence)
        reports[name] = replace(reports[name], full_sweep_at=sweep)
    return reports


def _with_budgets(
    runtime: Runtime, market: MarketRuntime, reports: Mapping[str, SourceReport]
) -> dict[str, SourceReport]:
    """Keep what is left of the budgets, and let each source's report tell its own."""
    kept = keep_budgets(runtime, market, {name: report.full_sweep_at for name, report in reports.items()})
    return {name: replace(report, budgets=kept.get(name, ())) for name, report in reports.items()}


def _write(
    runtime: Runtime, market: MarketRuntime, answers: Mapping[str, Answered], *, as_of: datetime
) -> dict[str, SourceReport]:
    session_date = market.calendar.session_date_at(as_of)
    known_at = runtime.clock.now()
    outcomes: list[Outcome] = []
    tables, reports = [], {}
    for name, answer in answers.items():
        quotes = date_quotes(runtime, market, answer.fetched.records, source=name, as_of=as_of)
        table = records.quotes_table(quotes, session_date=session_date, as_of=as_of, known_at=known_at)
        tables.append(table)
        outcomes.extend(answer.fetched.outcomes)
        reports[name] = _report(answer, table, rules=judge(runtime, market, RAW_QUOTES, rows=table))
    if tables:
        runtime.warehouse.write(RAW_QUOTES, market.name, pa.concat_tables(tables))
        rows = records.outcomes_table(outcomes, session_date=session_date, as_of=as_of)
        runtime.warehouse.write(FETCH_OUTCOMES, market.name, rows)
    return reports


def _report(answer: Answered, table: pa.Table, *, rules: tuple[RuleResult, ...]) -> SourceReport:
    counts = Counter(outcome.status.value for outcome in answer.fetched.outcomes)
    return SourceReport(
        rows=table.num_rows,
        counts=dict(counts),
        rules=rules,
        first_event=pc.min(table["event_time"]).as_py(),
        last_event=pc.max(table["event_time"]).as_py(),
        duration_seconds=answer.duration_seconds,
    )
