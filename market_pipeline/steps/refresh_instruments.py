"""What trades: from the market file, or from a source's instrument master through the file's universe rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import structlog

from market_pipeline.errors import SourceUnreachable
from market_pipeline.markets.schema import MarketFile, SymbolRule
from market_pipeline.model.instrument import Alias, Instrument
from market_pipeline.model.outcome import RequestKind
from market_pipeline.quality.rule import RuleResult
from market_pipeline.sources.source import Source
from market_pipeline.steps.judge import judge
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.storage import records
from market_pipeline.storage.tables import INSTRUMENTS

log = structlog.get_logger("market_pipeline.instruments")


@dataclass(frozen=True)
class InstrumentsReport:
    """What a refresh changed."""

    rows: int
    new: int
    gone: int
    rules: tuple[RuleResult, ...]


def instruments_of(runtime: Runtime, market: MarketRuntime) -> tuple[Instrument, ...]:
    """Return the listed instruments, tier 1 first; refresh the list when it is not from the present day."""
    stored = runtime.warehouse.latest(INSTRUMENTS, market.name)
    today = runtime.clock.now().date()
    if stored.num_rows == 0 or records.newest(stored, "known_at").date() != today:
        refresh_instruments(runtime, market)
        stored = runtime.warehouse.latest(INSTRUMENTS, market.name)
    if market.file.universe is None:  # the file is the truth for what it names, also before the next refresh
        return file_instruments(market.file)
    return tuple(i for i in records.instruments_from_table(stored) if i.listed_to is None or i.listed_to >= today)


def refresh_instruments(runtime: Runtime, market: MarketRuntime) -> InstrumentsReport:
    """Write the market's instruments. One that left the source's list keeps its row, with the day it was missed.

    Raises SourceUnreachable when the list cannot be had and none is stored.
    """
    today = runtime.clock.now().date()
    listed = file_instruments(market.file) if market.file.universe is None else _universe(runtime, market)
    before = {i.symbol: i for i in records.instruments_from_table(runtime.warehouse.latest(INSTRUMENTS, market.name))}
    names = {instrument.symbol for instrument in listed}
    gone = [_delisted(i, today) for symbol, i in before.items() if symbol not in names and i.listed_to is None]
    table = records.instruments_table([*listed, *gone], market.file.seeds, known_at=runtime.clock.now())
    runtime.warehouse.write(INSTRUMENTS, market.name, table)
    report = InstrumentsReport(
        rows=table.num_rows,
        new=len(names - before.keys()),
        gone=len(gone),
        rules=judge(runtime, market, INSTRUMENTS, rows=table),
    )
    log.info("instruments_refreshed", market=market.name, rows=report.rows, new=report.new, gone=report.gone)
    return report


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


def _delisted(instrument: Instrument, today: date) -> Instrument:
    return replace(instrument, listed_to=today)
