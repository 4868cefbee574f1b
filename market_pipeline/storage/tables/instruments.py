"""What trades on each market."""

from __future__ import annotations

from market_pipeline.storage.tables.schema import COUNT, DATE, KNOWN_AT, MARKET, REAL, SYMBOL, TEXT, Table, column

INSTRUMENTS = Table(
    "instruments",
    "What trades on each market, with its names at the sources",
    ("symbol",),
    "known_at",
    (
        MARKET,
        SYMBOL,
        column("name", TEXT, "name of the instrument"),
        column("isin", TEXT, "ISIN, where there is one"),
        column("currency", TEXT, "ISO 4217 code"),
        column("tier", COUNT, "1 is served first, every minute"),
        column("tick_size", REAL, "smallest price step", "currency"),
        column("lot_size", REAL, "smallest tradable size", "shares"),
        column("instrument_group", TEXT, "trading group that selects its phases"),
        column("shares_outstanding", REAL, "shares in issue", "shares"),
        column("listed_from", DATE, "first trading date, if known"),
        column("listed_to", DATE, "last trading date; null while listed"),
        column("renamed_to", TEXT, "the symbol that its ISIN trades under since listed_to; null where none is known"),
        column("aliases", TEXT, "JSON list of {source, code, valid_from, valid_to}"),
        column("status", TEXT, "listed, delisted or unresolved"),
        column("seed_code", TEXT, "the code that a user asked for, where it differs or was reviewed"),
        column("seed_note", TEXT, "how the seed was resolved, and why"),
        KNOWN_AT,
    ),
    is_small=True,
)
