"""Ask each source one polite question and say what came back: parsed by the real parser, compared with the samples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import structlog

from market_pipeline.errors import UsageError
from market_pipeline.markets.loader import load_markets
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.outcome import ANSWERED, OutcomeStatus, RequestKind
from market_pipeline.model.quote import Quote
from market_pipeline.sources.parsing.outcomes import FETCH_ERRORS, outcome_status
from market_pipeline.sources.parsing.shape import Drift, drift, recorded_shapes, shape_of
from market_pipeline.sources.source import Fetched, source_module
from market_pipeline.sources.transport.patience import Patience
from market_pipeline.sources.transport.recorder import Exchange
from market_pipeline.sources.transport.redact import redacted
from market_pipeline.steps.refresh_instruments import file_instruments, instruments_of
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.storage import records
from market_pipeline.storage.tables import INSTRUMENTS

log = structlog.get_logger("market_pipeline.probe")

ONE_TRY = Patience(total_seconds=15, tries=1, budget_seconds=30)
LATER = {OutcomeStatus.TIMEOUT, OutcomeStatus.RATE_LIMITED, OutcomeStatus.DEFERRED}
"""The same question may be answered at another time."""


class Verdict(StrEnum):
    """What a probe found."""

    OK = "ok"
    DRIFT = "drift"
    """Parsed, but fields that were always there are missing or of another type."""
    ODD = "odd"
    """It answered, and not what is due."""
    UNREACHABLE = "unreachable"
    OFF = "off"
    """Its keys are not set, so it was not asked."""


@dataclass(frozen=True)
class Probe:
    """What one source answered. None where there is nothing to say."""

    source: str
    market: str
    verdict: Verdict
    symbol: str | None = None
    http_status: int | None = None
    latency_ms: float | None = None
    requests: int = 0
    price: float | None = None
    event_time: datetime | None = None
    records: int = 0
    status: str | None = None
    reason: str | None = None
    drift: Drift | None = None
    saved: tuple[str, ...] = ()


def sources_to_probe(source: str | None = None, market: str | None = None) -> list[tuple[str, str]]:
    """Return (source, market) for every source, or the one named, in the first market that has it, or the one named.

    Raise UsageError for a source or market that there is not.
    """
    used = [(rule.name, name) for name, file in load_markets().items() for rule in file.sources]
    fitting = [(name, at) for name, at in used if source in (None, name) and market in (None, at)]
    if not fitting:
        asked = f"source {source or 'any'!r}" + (f" in market {market!r}" if market else "")
        listed = "; ".join(f"{name}: {', '.join(at for s, at in used if s == name)}" for name in sorted(dict(used)))
        raise UsageError(f"looked for {asked} and there is none; a retry does not help; there are: {listed}")
    return list({name: (name, at) for name, at in reversed(fitting)}.values())[::-1]


def probe(runtime: Runtime, source: str, market: str, *, save: Path | None = None) -> Probe:
    """Ask one source once, and save what it said, redacted, where `save` names a folder.

    Raise UsageError when it cannot be saved; whatever the source does is in the result.
    """
    wired = runtime.market(market)
    if source in wired.off:
        return Probe(source, market, Verdict.OFF, reason=wired.off[source])
    asked, recorder = runtime.recorded_source(wired.file, wired.file.source(source), patience=ONE_TRY)
    answered = Probe(source, market, Verdict.ODD)
    try:
        instrument = _instrument(runtime, wired) if RequestKind.QUOTE in asked.kinds else None
        answered = replace(answered, symbol=instrument.symbol if instrument else None)
        fetched = asked.quotes([instrument]) if instrument else asked.instruments()
    except FETCH_ERRORS as error:
        answered = _with_status(answered, outcome_status(error), str(error))
    except Exception as error:  # outermost loop over sources: a defect in one must not hide what the others say
        log.exception("probe_failed", source=source, market=market)
        answered = replace(answered, reason=f"defect in the source module: {error!r}; please report it")
    else:
        answered = _with_records(answered, fetched)
    answered = _with_payload(answered, recorder.exchanges)
    secrets = () if runtime.is_simulated else [runtime.key(key) for key in source_module(source).REQUIRED_KEYS]
    return replace(answered, saved=_save(recorder.exchanges, save, f"{source}_{market}", secrets)) if save else answered


def _instrument(runtime: Runtime, market: MarketRuntime) -> Instrument:
    """Return the market's first instrument; its list is fetched only where none was ever stored."""
    if market.file.universe is None:
        return file_instruments(market.file)[0]
    stored = records.instruments_from_table(runtime.warehouse.latest(INSTRUMENTS, market.name))
    return min(stored or instruments_of(runtime, market), key=lambda one: (one.listed_to is not None, one.tier))


def _with_records(answered: Probe, fetched: Fetched[Quote] | Fetched[Instrument]) -> Probe:
    """Add what was parsed."""
    outcome = fetched.outcomes[-1] if fetched.outcomes else None
    status = outcome.status if outcome else OutcomeStatus.EMPTY
    quote = next((record for record in fetched.records if isinstance(record, Quote)), None)
    told = replace(
        answered,
        records=len(fetched.records),
        price=quote.price if quote else None,
        event_time=quote.event_time if quote else None,
    )
    return _with_status(told, status, outcome.reason if outcome else "no outcome for the symbol")


def _with_status(answered: Probe, status: OutcomeStatus, reason: str | None) -> Probe:
    verdict = Verdict.OK if status in ANSWERED and answered.records else Verdict.ODD
    return replace(
        answered, verdict=Verdict.UNREACHABLE if status in LATER else verdict, status=status.value, reason=reason
    )


def _with_payload(answered: Probe, exchanges: Sequence[Exchange]) -> Probe:
    """Add how the last payload travelled, and how its shape differs from the samples'."""
    if not exchanges:
        return answered
    last = exchanges[-1]
    told = replace(answered, http_status=last.http_status, latency_ms=last.latency_ms, requests=len(exchanges))
    known = recorded_shapes(answered.source)
    shape = shape_of(last.body) if last.body else None
    if shape is None or not known:
        return told
    found = drift(shape, known)
    is_drift = told.verdict is Verdict.OK and found.is_harmful
    return replace(told, drift=found, verdict=Verdict.DRIFT if is_drift else told.verdict)


def _save(exchanges: Sequence[Exchange], folder: Path, name: str, secrets: Iterable[str]) -> tuple[str, ...]:  # noqa: PLR0917
    bodies = [exchange.body for exchange in exchanges if exchange.body is not None]
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, body in enumerate(bodies, 1):
            shape = shape_of(body)
            path = folder / f"{name}{f'_{number}' if number > 1 else ''}.{shape.format if shape else 'txt'}"
            path.write_bytes(redacted(body, secrets))
            written.append(str(path))
    except OSError as error:
        raise UsageError(
            f"tried to save the payload in {folder} and could not ({type(error).__name__}); a retry does not help; "
            "name a folder that can be written"
        ) from None
    return tuple(written)
