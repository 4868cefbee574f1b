"""Reads Dhan's instrument master, the compact CSV of everything that trades in India (dhanhq.co/docs/v2/instruments).

A row: NSE,E,2885,EQUITY,0,RELIANCE,1.0,Reliance Industries,,,,10.0000,NA,ES,EQ,RELIANCE INDUSTRIES LTD
Government bonds say EQUITY too and differ by their series; the exchange's own test rows are in it; ticks are in paise.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation

from market_pipeline.errors import PayloadError
from market_pipeline.markets.schema import MarketFile, UniverseRule
from market_pipeline.model.instrument import Alias, Instrument
from market_pipeline.sources.universe import ListFormat, Row, Universe, universe_of

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

FIELDS = {
    "exchange": EXCHANGE,
    "segment": SEGMENT,
    "instrument": INSTRUMENT,
    "series": SERIES,
    "symbol": SYMBOL,
    "name": TITLE,
}
"""Words of a universe rule → columns."""


def parse_master(body: bytes, market: MarketFile, *, rule: UniverseRule, source: str) -> Universe:
    """Return the instruments of the universe, ids as aliases of `source`. Raises PayloadError for a missing column."""
    tier_1 = frozenset(market.tier_1)
    form = ListFormat(
        FIELDS,
        is_readable=lambda row: row[SECURITY_ID].isdigit() and _tick_size(row) is not None,
        instrument=lambda row: _instrument(row, market, source=source, tier=1 if row[SYMBOL] in tier_1 else 2),
    )
    return universe_of(_read(body), market, rule=rule, form=form)


def _read(body: bytes) -> Iterable[Row]:
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


def _tick_size(row: Row) -> float | None:
    try:
        tick = Decimal(row[TICK]) / PAISE_PER_RUPEE
    except InvalidOperation:
        return None
    return float(tick) if tick.is_finite() and tick > 0 else None


def _instrument(row: Row, market: MarketFile, *, source: str, tier: int) -> Instrument:
    symbol = row[SYMBOL]
    return Instrument(
        market=market.market,
        symbol=symbol,
        name=row[TITLE] or row[COMPANY] or symbol,
        currency=market.currency,
        tier=tier,
        tick_size=_tick_size(row),
        lot_size=float(row[LOT]) if row[LOT] else None,
        group=next((group for group, members in market.group_members.items() if symbol in members), None),
        aliases=(Alias(source, row[SECURITY_ID]),),
    )
