"""Ask several sources at the same time, batch by batch, until a deadline; every symbol asked for has one outcome.

What a source answered before the deadline counts: only the batches after it are lost, and say so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import batched

import structlog

from market_pipeline.errors import MarketPipelineError
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.outcome import OutcomeStatus, RequestKind
from market_pipeline.sources.parsing.outcomes import Inquiry
from market_pipeline.sources.source import Fetched
from market_pipeline.steps.runtime import MarketRuntime, Runtime

log = structlog.get_logger("market_pipeline.sources")


@dataclass(frozen=True)
class Question[Record]:
    """What one source is asked about which instruments, so many in one call."""

    source: str
    kind: RequestKind
    call: Callable[[Sequence[Instrument]], Fetched[Record]]
    instruments: Sequence[Instrument]
    at_once: int


def ask_batches[Record](
    runtime: Runtime, market: MarketRuntime, questions: Sequence[Question[Record]], *, deadline_seconds: float
) -> dict[str, Fetched[Record]]:
    """Return source → what it answered in time. Raises only what is no source's fault, such as a full disk."""
    if not questions:
        return {}
    ends = runtime.clock.monotonic() + deadline_seconds
    heard: dict[str, list[Fetched[Record]]] = {question.source: [] for question in questions}
    pool = ThreadPoolExecutor(len(questions), thread_name_prefix="sources")
    try:
        futures = [pool.submit(_ask, runtime, market, q, ends=ends, heard=heard[q.source]) for q in questions]
        done = wait(futures, timeout=deadline_seconds).done
        for future in done:
            future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    late = f"no answer within {deadline_seconds:g} s"
    return {q.source: _complete(runtime, market, q, parts=tuple(heard[q.source]), late=late) for q in questions}


def _ask[Record](
    runtime: Runtime,
    market: MarketRuntime,
    question: Question[Record],
    *,
    ends: float,
    heard: list[Fetched[Record]],
) -> None:
    """Append each batch's answer to `heard`, which the waiting thread reads when time is up."""
    for batch in batched(question.instruments, question.at_once):
        if runtime.clock.monotonic() >= ends:
            return
        heard.append(_call(runtime, market, question, batch))


def _call[Record](  # noqa: PLR0917 in the order of who asks what
    runtime: Runtime, market: MarketRuntime, question: Question[Record], batch: Sequence[Instrument]
) -> Fetched[Record]:
    symbols = [instrument.symbol for instrument in batch]
    inquiry = Inquiry(market.name, question.source, question.kind)
    try:
        return question.call(batch)
    except MarketPipelineError as error:
        return Fetched((), inquiry.failed(symbols, error, at=runtime.clock.now()))
    except Exception as error:  # outermost loop over sources: a defect in one must not harm its neighbours
        log.exception("source_failed", market=market.name, source=question.source, kind=question.kind.value)
        reason, now = f"defect in the source module: {error!r}", runtime.clock.now()
        failed = (inquiry.not_asked(symbol, OutcomeStatus.PARSE_ERROR, reason, at=now) for symbol in symbols)
        return Fetched((), tuple(failed))


def _complete[Record](
    runtime: Runtime, market: MarketRuntime, question: Question[Record], *, parts: Sequence[Fetched[Record]], late: str
) -> Fetched[Record]:
    """Join the batches, and give each symbol that nobody spoke of its outcome."""
    said = {outcome.symbol: outcome for part in parts for outcome in part.outcomes}
    inquiry, now = Inquiry(market.name, question.source, question.kind), runtime.clock.now()
    answered = len(parts) * question.at_once
    outcomes = []
    for number, instrument in enumerate(question.instruments):
        forgotten = (OutcomeStatus.PARSE_ERROR, "the source module gave no outcome")
        status, reason = forgotten if number < answered else (OutcomeStatus.TIMEOUT, late)
        symbol = instrument.symbol
        outcomes.append(said[symbol] if symbol in said else inquiry.not_asked(symbol, status, reason, at=now))
    if answered < len(question.instruments):
        log.warning("source_missed_deadline", market=market.name, source=question.source, kind=question.kind.value)
    return Fetched(tuple(record for part in parts for record in part.records), tuple(outcomes))
