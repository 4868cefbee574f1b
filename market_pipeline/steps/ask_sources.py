"""Ask several sources at once, each until its own deadline; what came in time counts, and the rest is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from threading import Lock

import structlog

from market_pipeline.errors import MarketPipelineError
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.outcome import Outcome, OutcomeStatus, RequestKind
from market_pipeline.model.quote import Quote
from market_pipeline.sources.parsing.outcomes import outcome_status
from market_pipeline.sources.source import Fetched, Source, joined, parts_of
from market_pipeline.steps.runtime import MarketRuntime, Runtime

_NOT_ASKED_FOR_GOOD = frozenset({OutcomeStatus.UNKNOWN, OutcomeStatus.DELISTED, OutcomeStatus.EMPTY})
"""Why a source does not ask for a symbol, now or later: it would be no use to put it first next time."""

log = structlog.get_logger("market_pipeline.quotes")


@dataclass(frozen=True)
class Answered:
    """What one source gave: an outcome for every instrument that it was handed."""

    fetched: Fetched[Quote]
    reached: frozenset[str] = frozenset()
    """The symbols whose turn came: a request was sent for them, or the source has none to send."""
    duration_seconds: float = 0.0


@dataclass
class _Asking:
    """One source at work, and what it has brought so far. Once it is cut off, nothing more is taken."""

    source: Source
    instruments: Sequence[Instrument]
    began: float
    last_at: float
    received: list[Fetched[Quote]] = field(default_factory=list)
    is_cut_off: bool = False
    lock: Lock = field(default_factory=Lock)

    def take(self, part: Fetched[Quote], at: float) -> bool:
        """Take a part; tell whether more is wanted."""
        with self.lock:
            if not self.is_cut_off:
                self.received.append(part)
                self.last_at = at
            return not self.is_cut_off

    def cut_off(self) -> Fetched[Quote]:
        """Return everything that came so far, and take nothing more."""
        with self.lock:
            self.is_cut_off = True
            return joined(self.received)


def ask_sources(
    runtime: Runtime, market: MarketRuntime, orders: Mapping[str, tuple[Source, Sequence[Instrument]]]
) -> dict[str, Answered]:
    """Ask every source for its instruments, in their order. Never raises for a source.

    Of a source that misses its deadline the parts that came before it count; the rest get the outcome `timeout`.
    """
    began = runtime.clock.monotonic()
    askings = {name: _Asking(*order, began, began) for name, order in orders.items()}
    pool = ThreadPoolExecutor(len(askings), thread_name_prefix="quotes")
    try:
        futures = {name: pool.submit(_collect, runtime, asking) for name, asking in askings.items()}
        answers = {}
        for name in sorted(futures, key=market.file.deadline_seconds):
            wait([futures[name]], timeout=max(market.cycle.left(market.file.deadline_seconds(name)), 0.0))
            answers[name] = _answer(runtime, market, askings[name], future=futures[name])
        return {name: answers[name] for name in orders}
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _collect(runtime: Runtime, asking: _Asking) -> None:
    for part in parts_of(asking.source, asking.instruments):
        if not asking.take(part, runtime.clock.monotonic()):
            # its symbols have the outcome `timeout` already
            log.warning("late_answer_dropped", source=asking.source.name, quotes=len(part.records))
            return


def _answer(runtime: Runtime, market: MarketRuntime, asking: _Asking, *, future: Future[None]) -> Answered:
    fetched, now = asking.cut_off(), runtime.clock.now()
    answered = {outcome.symbol for outcome in fetched.outcomes}
    reached = frozenset(outcome.symbol for outcome in fetched.outcomes if _is_reached(outcome))
    missing = [one.symbol for one in asking.instruments if one.symbol not in answered]
    if missing:
        name = asking.source.name
        status, reason = _why_missing(market, name, future, answered=len(answered))
        outcomes = [Outcome(market.name, name, s, RequestKind.QUOTE, status, now, reason=reason) for s in missing]
        fetched = Fetched(fetched.records, (*fetched.outcomes, *outcomes))
    return Answered(fetched, reached, asking.last_at - asking.began)


def _is_reached(outcome: Outcome) -> bool:
    return outcome.attempts > 0 or outcome.status in _NOT_ASKED_FOR_GOOD


def _why_missing(market: MarketRuntime, name: str, future: Future[None], *, answered: int) -> tuple[OutcomeStatus, str]:
    if not future.done():
        seconds = market.file.deadline_seconds(name)
        log.warning(
            "source_missed_deadline", market=market.name, source=name, deadline_seconds=seconds, answered=answered
        )
        return OutcomeStatus.TIMEOUT, f"no answer within {seconds} s of the cycle's start; what came before that counts"
    error = future.exception()
    if isinstance(error, MarketPipelineError):
        return outcome_status(error), str(error)
    if error is not None:  # outermost loop over sources: a defect in one must not harm its neighbours
        log.error("source_failed", market=market.name, source=name, exc_info=error)
        return OutcomeStatus.PARSE_ERROR, f"defect in the source module: {error!r}"
    return OutcomeStatus.PARSE_ERROR, "defect in the source module: it gave no outcome for this symbol"
