"""How well the feed runs, minute by minute: whose price is fresh, and what is left of each source's budget."""

from __future__ import annotations

from market_pipeline.storage.tables.schema import AS_OF, COUNT, KNOWN_AT, MARKET, REAL, SESSION, TEXT, Table, column

COVERAGE = Table(
    "coverage",
    "Share of a tier's instruments whose price is fresh in each cycle, and why the rest is not",
    ("tier",),
    "as_of",
    (
        MARKET,
        column("tier", COUNT, "1 is served first"),
        SESSION,
        AS_OF,
        column("fresh", COUNT, "instruments whose price counts now", "instruments"),
        column("listed", COUNT, "instruments of this tier", "instruments"),
        column("share", REAL, "fresh / listed; 1 where nothing is listed", "fraction"),
        column(
            "reasons",
            TEXT,
            "JSON: status of fetch_outcomes, old_price or no_outcome → instruments that are not fresh because of it",
        ),
        KNOWN_AT,
    ),
    has_latest=True,
)
