"""What trades: from the market file, or from a source's instrument master through the file's universe rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from market_pipeline.errors import SourceUnreachable
from market_pipeline.markets.schema import MarketFile, SymbolRule
from market_pipeline.model.instrument import Alias, Instrument
from market_pipeline.model.outcome import RequestKind
from market_pipeline.quality.rule import RuleResult, Severity
from market_pipeline.sources.source import Source
from market_pipeline.steps.judge import judge
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.storage import records
from market_pipeline.storage.tables import INSTRUMENTS
from market_pipeline.transforms.instrument_changes import LEAST_SHARE, InstrumentChanges, changed_instruments

log = structlog.get_logger("market_pipeline.instruments")


@dataclass(frozen=True)
class InstrumentsReport:
    """What a refresh changed."""

    rows: int
    changes: InstrumentChanges
    rules: tuple[RuleResult, ...]


def instruments_of(runtime: Runtime, market: MarketRuntime) -> tuple[Instrument, ...]:
    """Return the listed instruments that are worked on, tier 1 first; refresh a list that is not of the present day."""
    stored = runtime.warehouse.latest(INSTRUMENTS, market.name)
    today = runtime.clock.now().date()
    if stored.num_rows == 0 or records.newest(stored, "known_at").date() != today:
        refresh_instruments(runtime, market)
        stored = runtime.warehouse.latest(INSTRUMENTS, market.name)
    if market.file.universe is None:  # the file is the truth for what it names, also before the next refresh
        listed = file_instruments(market.file)
    else:
        known = records.instruments_from_table(stored)
        listed = tuple(i for i in known if i.listed_to is None or i.listed_to >= today)
    return listed if market.tier is None else tuple(i for i in listed if i.tier == market.tier)


def symbols_of(runtime: Runtime, market: MarketRuntime) -> list[str] | None:
    """Return the symbols that are worked on; None means all, whatever is stored of them."""
    return None if market.tier is None else [instrument.symbol for instrument in instruments_of(runtime, market)]


def refresh_instruments(runtime: Runtime, market: MarketRuntime) -> InstrumentsReport:
    """Write the market's instruments. One that left the source's list keeps its row, with the day it was missed.

    Raises SourceUnreachable when the list cannot be had and none is stored.
    """
    is_file = market.file.universe is None
    listed = file_instruments(market.file) if is_file else _universe(runtime, market)
    before = records.instruments_from_table(runtime.warehouse.latest(INSTRUMENTS, market.name))
    changes = changed_instruments(listed, before, today=runtime.clock.now().date(), is_complete=is_file)
    table = records.instruments_table(changes.instruments, market.file.seeds, known_at=runtime.clock.now())
    runtime.warehouse.write(INSTRUMENTS, market.name, table)
    rules = (*judge(runtime, market, INSTRUMENTS, rows=table), _is_believed(changes))
    log.info(
        "instruments_refreshed",
        market=market.name,
        rows=table.num_rows,
        new=len(changes.new),
        renamed=len(changes.renamed),
        gone=len(changes.gone),
        held=len(changes.held),
    )
    return InstrumentsReport(table.num_rows, changes, rules)


def _is_believed(changes: InstrumentChanges) -> RuleResult:
    return RuleResult(
        rule=f"the list has at least {LEAST_SHARE:.0%} of the instruments listed so far",
        passed=not changes.held,
        severity=Severity.WARN,
        failed_rows=len(changes.held),
        example=", ".join(changes.held[:5]) or None,
        what_to_do="nobody was delisted; look at the source's list, it should be whole again the next day",
    )


def file_instruments(file: MarketFile) -> tuple[Instrument, ...]:
    """Return the instruments that the market file names itself, tier 1 first."""
    rules = sorted(file.symbols, key=lambda rule: rule.tier)
    return tuple(_from_rule(file, rule) for rule in rules)


def _from_rule(file: MarketFile, rule: SymbolRule) -> Instrument:
    aliases = tuple(Alias(a.source, a.code, a.valid_from, a.valid_to) for a in rule.aliases)
    return Instrument(
        market=file.market,
        symbol=rule.symbol,
        name=rule.name,
        isin=rule.isin,
        currency=rule.currency or file.currency,
        tier=rule.tier,
        tick_size=rule.tick_size,
        group=rule.group,
        shares_outstanding=rule.shares_outstanding,
        listed_from=rule.listed_from,
        listed_to=rule.listed_to,
        aliases=aliases,
    )


def _universe(runtime: Runtime, market: MarketRuntime) -> Sequence[Instrument]:
    fetched = _master(market).instruments()
    if fetched.records:
        return sorted(fetched.records, key=lambda instrument: (instrument.tier, instrument.symbol))
    stored = records.instruments_from_table(runtime.warehouse.latest(INSTRUMENTS, market.name))
    reasons = "; ".join(sorted({outcome.reason or outcome.status for outcome in fetched.outcomes}))
    if not stored:
        raise SourceUnreachable(
            f"asked for the instrument list of {market.name} and got none ({reasons}); nothing is stored from before; "
            "a retry may help once the source answers; `market-pipeline doctor` shows each source's state"
        )
    log.warning("instrument_list_kept", market=market.name, reason=reasons, rows=len(stored))
    return [instrument for instrument in stored if instrument.listed_to is None]


def _master(market: MarketRuntime) -> Source:
    for source in market.sources:
        if RequestKind.INSTRUMENTS in source.kinds:
            return source
    why = "; ".join(f"{name} is {reason}" for name, reason in market.off.items()) or "no source offers one"
    raise SourceUnreachable(f"{market.name} takes its instruments from a source's list, and there is none: {why}")
