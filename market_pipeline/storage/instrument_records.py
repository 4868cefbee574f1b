"""Instruments as rows of the table instruments and back, with what became of the codes that users asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from market_pipeline.markets.schema import SeedRule
from market_pipeline.model.instrument import Alias, Instrument
from market_pipeline.storage.columns import as_json
from market_pipeline.storage.tables import INSTRUMENTS

LISTED, DELISTED, UNRESOLVED = "listed", "delisted", "unresolved"


def instruments_table(
    instruments: Sequence[Instrument], seeds: Sequence[SeedRule] = (), *, known_at: datetime
) -> pa.Table:
    """Return instruments as rows, each with the seeds that resolve to it; an unresolved seed has a row of its own."""
    notes = _notes(seeds)
    rows = [_row(instrument) | notes.get(instrument.symbol, {}) for instrument in instruments]
    if instruments:
        market = instruments[0].market
        rows += [_unresolved(seed, market) for seed in seeds if seed.symbol is None]
    return pa.Table.from_pylist([row | {"known_at": known_at} for row in rows], schema=INSTRUMENTS.schema)


def instruments_from_table(rows: pa.Table) -> list[Instrument]:
    """Return rows of the table as instruments, unresolved seeds left out, tier 1 first."""
    found = [_instrument(row) for row in rows.to_pylist() if row["status"] != UNRESOLVED]
    return sorted(found, key=lambda instrument: (instrument.tier, instrument.symbol))


def _row(instrument: Instrument) -> dict[str, Any]:
    names = set(INSTRUMENTS.schema.names) & set(Instrument.__dataclass_fields__)
    row = {name: getattr(instrument, name) for name in names}
    row["instrument_group"] = instrument.group
    row["aliases"] = as_json([asdict(alias) for alias in instrument.aliases])
    row["status"] = LISTED if instrument.listed_to is None else DELISTED
    return row


def _unresolved(seed: SeedRule, market: str) -> dict[str, Any]:
    return {
        "market": market,
        "symbol": seed.code,
        "name": seed.seed_name,
        "aliases": "[]",
        "status": UNRESOLVED,
        "seed_code": seed.code,
        "seed_note": _note(seed),
    }


def _notes(seeds: Iterable[SeedRule]) -> dict[str, dict[str, str]]:
    """Return symbol → its seed columns; several seeds may have become one instrument, and one seed two."""
    of_symbol: dict[str, list[SeedRule]] = {}
    for seed in seeds:
        for symbol in (seed.symbol, seed.added_symbol):
            if symbol is not None:
                of_symbol.setdefault(symbol, []).append(seed)
    return {
        symbol: {
            "seed_code": ", ".join(seed.code for seed in found),
            "seed_note": "; ".join(_note(seed) for seed in found),
        }
        for symbol, found in of_symbol.items()
    }


def _note(seed: SeedRule) -> str:
    since = f" since {seed.valid_from}" if seed.valid_from else ""
    return f"{seed.code} ({seed.seed_name}): {seed.resolution}{since}: {seed.reason}"


def _instrument(row: Mapping[str, Any]) -> Instrument:
    names = set(row) & set(Instrument.__dataclass_fields__) - {"aliases"}
    aliases = tuple(_alias(alias) for alias in json.loads(row["aliases"] or "[]"))
    return Instrument(**{name: row[name] for name in names}, group=row["instrument_group"], aliases=aliases)


def _alias(alias: Mapping[str, Any]) -> Alias:
    valid_from, valid_to = (_date(alias[name]) for name in ("valid_from", "valid_to"))
    return Alias(alias["source"], alias["code"], valid_from, valid_to)


def _date(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
