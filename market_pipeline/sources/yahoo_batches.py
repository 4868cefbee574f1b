"""Asks for many symbols in batches, in their order, until the budget or the cycle's time is used up.

A batch that fails concerns its own symbols only; those that were not reached are deferred.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import batched

from market_pipeline.errors import BudgetExhausted, MarketPipelineError
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.metrics import Metrics
from market_pipeline.model.outcome import Outcome, OutcomeStatus
from market_pipeline.model.quote import Quote
from market_pipeline.sources.parsing.desk import Desk
from market_pipeline.sources.parsing.outcomes import FETCH_ERRORS
from market_pipeline.sources.parsing.readings import Reading
from market_pipeline.sources.source import Answer, Fetched
from market_pipeline.sources.yahoo_payloads import Delisted, Report

MOST_PER_CALL = 200


class YahooDesk(Desk):
    """Knows Yahoo's codes: an alias, else our symbol, for `code_style: us` with its dots and dollars rewritten.

    The exchanges write BRK.B and BAC$B, Yahoo BRK-B and BAC-PB.
    """

    def code(self, instrument: Instrument) -> str:
        """Return the code under which Yahoo knows `instrument` today."""
        code = super().code(instrument)
        if code != instrument.symbol or self.context.rule.options.get("code_style") != "us":
            return code
        return code.replace("$", "-P").replace(".", "-")

    def failed(self, instruments: Sequence[Instrument], error: MarketPipelineError) -> tuple[Outcome, ...]:
        """Return one outcome for each instrument that a failed request was about."""
        outcomes = super().failed(instruments, error)
        if not isinstance(error, Delisted):
            return outcomes
        return tuple(replace(outcome, status=OutcomeStatus.DELISTED) for outcome in outcomes)


@dataclass(frozen=True)
class Sweep[Record: Quote | Metrics]:
    """One question about many symbols: how a batch of codes is asked for, and how its answer is read."""

    desk: YahooDesk
    ask: Callable[[Sequence[str]], Answer]
    parse: Callable[[Answer], Mapping[str, Report[Record]]]

    def parts(self, instruments: Sequence[Instrument]) -> Iterator[Fetched[Record]]:
        """Yield what each batch brought, with an outcome for each of its instruments; at last those not reached."""
        asked, gone = self.desk.split(instruments)
        yield Fetched((), gone)
        batches = list(batched(asked, min(self.desk.context.rule.batch_size, MOST_PER_CALL)))
        for index, batch in enumerate(batches):
            rest = [one for later in batches[index:] for one in later]
            try:
                answer = self.ask([self.desk.code(one) for one in batch])
                fetched = self._settled(batch, self.parse(answer), answer)
            except BudgetExhausted as error:
                # a later batch must not overtake an earlier one
                yield Fetched((), self.desk.failed(rest, error))
                return
            except FETCH_ERRORS as error:
                fetched = Fetched((), self.desk.failed(batch, error))
            yield fetched

    def over(self, instruments: Sequence[Instrument]) -> Fetched[Record]:
        """Return what all batches brought, and one outcome for each instrument."""
        parts = list(self.parts(instruments))
        return Fetched(
            tuple(record for part in parts for record in part.records),
            tuple(outcome for part in parts for outcome in part.outcomes),
        )

    def _settled(
        self, batch: Sequence[Instrument], reports: Mapping[str, Report[Record]], answer: Answer
    ) -> Fetched[Record]:
        records: list[Record] = []
        outcomes: list[Outcome] = []
        for one in batch:
            code = self.desk.code(one)
            report = reports.get(code) or Report(OutcomeStatus.UNKNOWN, reason=f"Yahoo's answer leaves out {code}")
            if report.record is not None:
                records.append(replace(report.record, symbol=one.symbol))
            reading = Reading(report.status, reason=report.reason, rejected_records=report.rejected)
            outcomes.append(self.desk.answered(one.symbol, reading, answer))
        return Fetched(tuple(records), tuple(outcomes))
