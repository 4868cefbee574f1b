"""Reads Dhan's instrument master, the compact CSV of everything that trades in India (dhanhq.co/docs/v2/instruments).

A row: NSE,E,2885,EQUITY,0,RELIANCE,1.0,Reliance Industries,,,,10.0000,NA,ES,EQ,RELIANCE INDUSTRIES LTD
Government bonds say EQUITY too and differ by their series; the exchange's own test rows are in it; ticks are in paise.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from market_pipeline.errors import PayloadError
from market_pipeline.markets.schema import MarketFile, UniverseRule
from market_pipeline.model.instrument import Alias, Instrument

EXCHANGE, SEGMENT, SECURITY_ID, INSTRUMENT = (
    "SEM_EXM_EXCH_ID",
    "SEM_SEGMENT",
    "SEM_SMST_SECURITY_ID",
    "SEM_INSTRUMENT_NAME",
)
SYMBOL, LOT, TITLE, TICK = "SEM_TRADING_SYMBOL", "SEM_LOT_UNITS", "SEM_CUSTOM_SYMBOL", "SEM_TICK_SIZE"
SERIES, COMPANY = "SEM_SERIES", "SM_SYMBOL_NAME"
COLUMNS = (EXCHANGE, SEGMENT, SECURITY_ID, INSTRUMENT, SYMBOL, LOT, TITLE, TICK, SERIES, COMPANY)
PAISE_PER_RUPEE = 100

MasterRow = Mapping[str, str]


@dataclass(frozen=True)
class Master:
    """The instruments that the universe rule chose, and how many chosen rows could not be read."""

    instruments: tuple[Instrument, ...]
    rejected: int


def parse_master(body: bytes, market: MarketFile, *, rule: UniverseRule, source: str) -> Master:
    """Return the instruments of the universe, tier 1 first, then by symbol; ids as aliases of `source`.

    Where a symbol trades in several of the rule's series, the series named first wins. Raises PayloadError when a
    column is missing.
    """
    chosen: dict[str, MasterRow] = {}
    rejected = 0
    for row in _chosen(_read(body), rule):
        if not row[SECURITY_ID].isdigit() or _tick_size(row) is None:
            rejected += 1
            continue
        best = chosen.get(row[SYMBOL])
        if best is None or rule.series.index(row[SERIES]) < rule.series.index(best[SERIES]):
            chosen[row[SYMBOL]] = row
    instruments = sorted(
        (_instrument(row, market, source) for row in chosen.values()), key=lambda i: (i.tier, i.symbol)
    )
    return Master(tuple(instruments[: rule.limit]), rejected)


def _read(body: bytes) -> Iterable[MasterRow]:
    lines = csv.reader(body.decode("utf-8-sig").splitlines())
    header = [name.strip() for name in next(lines, [])]
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise PayloadError(
            f"tried to read Dhan's instrument master and did not find {', '.join(missing)} in its header: a retry does "
            "not help; compare it with dhanhq.co/docs/v2/instruments"
        )
    places: Sequence[tuple[str, int]] = [(name, header.index(name)) for name in COLUMNS]
    for line in lines:
        if len(line) == len(header):
            yield {name: line[place] for name, place in places}


def _chosen(rows: Iterable[MasterRow], rule: UniverseRule) -> Iterable[MasterRow]:
    excluded = re.compile(rule.exclude_pattern) if rule.exclude_pattern else None
    wanted = (rule.exchange, rule.segment, rule.instrument)
    for row in rows:
        if (row[EXCHANGE], row[SEGMENT], row[INSTRUMENT]) != wanted or row[SERIES] not in rule.series:
            continue
        if excluded is None or not excluded.search(row[SYMBOL]):
            yield row


def _tick_size(row: MasterRow) -> float | None:
    try:
        tick = Decimal(row[TICK]) / PAISE_PER_RUPEE
    except InvalidOperation:
        return None
    return float(tick) if tick.is_finite() and tick > 0 else None


def _instrument(row: MasterRow, market: MarketFile, source: str) -> Instrument:
    symbol = row[SYMBOL]
    return Instrument(
        market=market.market,
        symbol=symbol,
        name=row[TITLE] or row[COMPANY] or symbol,
        currency=market.currency,
        tier=1 if symbol in market.tier_1 else 2,
        tick_size=_tick_size(row),
        lot_size=float(row[LOT]) if row[LOT] else None,
        group=next((group for group, members in market.group_members.items() if symbol in members), None),
        aliases=(Alias(source, row[SECURITY_ID]),),
    )
