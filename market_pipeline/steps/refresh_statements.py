"""The statements behind the Sharia screen: the operator's own file, and the sources' newest, a few symbols a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import cast

import pyarrow.compute as pc

from market_pipeline.clock import floor_minute
from market_pipeline.markets.schema import ShariaRule
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.metrics import Fundamentals
from market_pipeline.model.outcome import Outcome, RequestKind
from market_pipeline.quality.rule import RuleResult
from market_pipeline.sources.source import FundamentalsSource
from market_pipeline.steps.ask_batches import Question, ask_batches
from market_pipeline.steps.judge import judge
from market_pipeline.steps.note_set_aside import note_statements
from market_pipeline.steps.refresh_instruments import instruments_of
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.storage import metrics_records, records
from market_pipeline.storage.tables import FETCH_OUTCOMES, FUNDAMENTALS
from market_pipeline.transforms.statements import OPERATOR, Asked, RefusedStatement, accept_statements, due_symbols
from market_pipeline.transforms.statements_file import StatementsFile, broken_file, read_statements_file

FOLDER = "fundamentals"
MOST_BYTES = 5_000_000
"""Fifty thousand lines: more is not a list of one market's companies."""


@dataclass(frozen=True)
class StatementsReport:
    """What a refresh gave. `counts` is source → outcome status → symbols; `by_symbol` all that now counts."""

    by_symbol: Mapping[str, Sequence[Fundamentals]]
    counts: Mapping[str, Mapping[str, int]]
    operator_lines: int
    refused: tuple[RefusedStatement, ...]
    rules: tuple[RuleResult, ...]


def operator_file(runtime: Runtime, market: MarketRuntime) -> Path:
    """Return where the operator may put statements of this market."""
    return runtime.folder / FOLDER / f"{market.name}.csv"


def refresh_statements(runtime: Runtime, market: MarketRuntime, rule: ShariaRule) -> StatementsReport:
    """Read the operator's file, ask the sources for the statements that are due, write what is new.

    Never raises for a source or a wrong file: what was known before stays in force.
    """
    instruments = instruments_of(runtime, market)
    stored = metrics_records.fundamentals_from_table(runtime.warehouse.latest(FUNDAMENTALS, market.name))
    file = _operator(runtime, market, instruments, stored=stored)
    fetched, counts, refused = _ask(runtime, market, instruments, rule=rule)
    changed = [*_changes(file.statements, stored, at=runtime.clock.now()), *fetched]
    table = metrics_records.fundamentals_table(changed, known_at=runtime.clock.now())
    runtime.warehouse.write(FUNDAMENTALS, market.name, table)
    refused = [*file.refused, *refused]
    note_statements(runtime, market, refused)
    every = runtime.warehouse.latest(FUNDAMENTALS, market.name)
    return StatementsReport(
        by_symbol=_by_symbol(market, metrics_records.fundamentals_from_table(every)),
        counts=counts,
        operator_lines=len(file.statements),
        refused=tuple(refused),
        rules=judge(runtime, market, FUNDAMENTALS, rows=every),
    )


def _operator(
    runtime: Runtime, market: MarketRuntime, instruments: Sequence[Instrument], *, stored: Sequence[Fundamentals]
) -> StatementsFile:
    """Return what the operator's file says; a line that says nothing new keeps the time at which it first came."""
    path, now = operator_file(runtime, market), runtime.clock.now()
    if not path.exists():
        return StatementsFile((), ())
    listed = {instrument.symbol for instrument in instruments}
    before = {one.symbol: one for one in stored if one.source == OPERATOR and one.period_end is not None}
    file = _read(path, market=market.name, listed=listed, at=now)
    if not file.is_readable:
        return replace(file, statements=tuple(before.values()))
    kept = (_first_seen(statement, before.get(statement.symbol)) for statement in file.statements)
    return replace(file, statements=tuple(kept))


def _read(path: Path, *, market: str, listed: Collection[str], at: datetime) -> StatementsFile:
    try:
        with path.open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
    except OSError as error:
        return broken_file(f"cannot be opened ({error.strerror})")
    if len(content) > MOST_BYTES:
        return broken_file(f"is larger than {MOST_BYTES:,} bytes")
    return read_statements_file(content, market=market, listed=listed, received_time=at)


def _first_seen(statement: Fundamentals, before: Fundamentals | None) -> Fundamentals:
    if before is None or replace(before, received_time=statement.received_time) != statement:
        return statement
    return before


def _changes(operator: Sequence[Fundamentals], stored: Sequence[Fundamentals], *, at: datetime) -> list[Fundamentals]:
    """Return the operator's rows to write. A line that was taken out of the file leaves a row that says nothing."""
    before = {one.symbol: one for one in stored if one.source == OPERATOR}
    present = {one.symbol for one in operator}
    changed = [one for one in operator if before.get(one.symbol) != one]
    withdrawn = [one for symbol, one in before.items() if symbol not in present and one.period_end is not None]
    return changed + [Fundamentals(one.market, OPERATOR, one.symbol, at) for one in withdrawn]


def _ask(
    runtime: Runtime, market: MarketRuntime, instruments: Sequence[Instrument], *, rule: ShariaRule
) -> tuple[list[Fundamentals], dict[str, Mapping[str, int]], list[RefusedStatement]]:
    questions = [
        Question(source.name, RequestKind.FUNDAMENTALS, source.fundamentals, due, at_once=1)
        for source in _sources(market)
        if (due := _due(runtime, market, source.name, instruments=instruments, rule=rule))
    ]
    answers = ask_batches(runtime, market, questions, deadline_seconds=rule.deadline_seconds)
    _write_outcomes(runtime, market, [outcome for said in answers.values() for outcome in said.outcomes])
    accepted: list[Fundamentals] = []
    refused: list[RefusedStatement] = []
    for question in questions:
        symbols = {instrument.symbol for instrument in question.instruments}
        said, today = answers[question.source].records, market.calendar.local_date(runtime.clock.now())
        good, bad = accept_statements(said, asked=symbols, today=today)
        accepted += good
        refused += bad
    counts = {name: Counter(o.status.value for o in said.outcomes) for name, said in answers.items()}
    return accepted, dict(counts), refused


def _sources(market: MarketRuntime) -> list[FundamentalsSource]:
    offering = (source for source in market.sources if RequestKind.FUNDAMENTALS in source.kinds)
    return [cast(FundamentalsSource, source) for source in offering]


def _due(
    runtime: Runtime, market: MarketRuntime, source: str, *, instruments: Sequence[Instrument], rule: ShariaRule
) -> list[Instrument]:
    outcomes = runtime.warehouse.latest(FETCH_OUTCOMES, market.name)
    ours = pc.and_(pc.equal(outcomes["kind"], RequestKind.FUNDAMENTALS.value), pc.equal(outcomes["source"], source))
    asked = {
        outcome.symbol: Asked(outcome.received_time, outcome.status)
        for outcome in records.outcomes_from_table(outcomes.filter(ours))
    }
    by_symbol = {instrument.symbol: instrument for instrument in instruments}
    due = due_symbols(list(by_symbol), asked, rule=rule, now=runtime.clock.now())
    return [by_symbol[symbol] for symbol in due]


def _write_outcomes(runtime: Runtime, market: MarketRuntime, outcomes: Sequence[Outcome]) -> None:
    as_of = floor_minute(runtime.clock.now())
    day = market.calendar.session_date_at(as_of)
    table = records.outcomes_table(outcomes, session_date=day, as_of=as_of)
    runtime.warehouse.write(FETCH_OUTCOMES, market.name, table)


def _by_symbol(market: MarketRuntime, statements: Sequence[Fundamentals]) -> dict[str, list[Fundamentals]]:
    """Return symbol → its statements in the sources' order; rows that say nothing are left out."""
    order = {rule.name: number for number, rule in enumerate(market.file.sources)}
    found: dict[str, list[Fundamentals]] = {}
    for one in sorted(statements, key=lambda one: order.get(one.source, -1)):
        if one.source != OPERATOR or one.period_end is not None:
            found.setdefault(one.symbol, []).append(one)
    return found
