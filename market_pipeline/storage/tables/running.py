"""How well the feed runs, minute by minute: its health, whose price is fresh, what is left of each budget."""

from __future__ import annotations

from market_pipeline.storage.tables.schema import (
    AS_OF,
    COUNT,
    FLAG,
    KNOWN_AT,
    MARKET,
    REAL,
    SESSION,
    TEXT,
    UTC_TIME,
    Table,
    column,
)

HEALTH = Table(
    "health",
    "The health score of each market, minute by minute, and of all together (market `all`): what is left of each part",
    ("as_of",),
    "as_of",
    (
        MARKET,
        SESSION,
        column("as_of", UTC_TIME, "minute of the look", "UTC"),
        column("is_open", FLAG, "trades could happen; of `all`: in any market"),
        column("score", REAL, "100 less all lost points", "points"),
        column("running", REAL, "left of 30: cycles bring data; null where there was nothing to judge", "points"),
        column("compliance", REAL, "left of 20: runs follow the market's hours; null as above", "points"),
        column("errors", REAL, "left of 25: requests and runs succeed; null as above", "points"),
        column("freshness", REAL, "left of 15: data is new; null as above", "points"),
        column("performance", REAL, "left of 10: cycles are quick; null as above", "points"),
        column(
            "lost_points",
            TEXT,
            "JSON: part, points, cause, evidence, what_to_do; source, symbols, run_id as far as known; null if none",
        ),
        KNOWN_AT,
    ),
    is_small=True,
    is_current=True,
)

SERVICE_LEVEL = Table(
    "service_level",
    "Minutes of tier 1 that were expected, and what became of them; only where a source serves minute bars",
    ("minute",),
    "minute",
    (
        MARKET,
        SESSION,
        column("minute", UTC_TIME, "start of the minute", "UTC"),
        column("expected", COUNT, "good + late + missing", "symbols"),
        column("good", COUNT, "bar final and from trades within a minute of its end and the declared delay", "symbols"),
        column("late", COUNT, "the same, but later", "symbols"),
        column("missing", COUNT, "no such bar, and no source said that nothing was traded", "symbols"),
        column("not_traded", COUNT, "no bar, but a source answered in time; not expected", "symbols"),
        KNOWN_AT,
    ),
    is_small=True,
    is_current=True,
)

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

STEP_TIMES = Table(
    "step_times",
    "How long each step of a cycle took, written at the cycle's end",
    ("tier", "step", "source"),
    "as_of",
    (
        MARKET,
        column("tier", COUNT, "the only tier that the cycle was about; null: all"),
        SESSION,
        column("as_of", UTC_TIME, "minute in which the cycle began", "UTC"),
        column("step", TEXT, "fetch, merge, bars, indicators, levels; write: of all of them, and part of their times"),
        column("source", TEXT, "of fetch: one source's part, which runs beside the others'; null for the whole"),
        column("seconds", REAL, "how long it took", "seconds"),
        KNOWN_AT,
    ),
    has_latest=True,
)

BUDGETS = Table(
    "budgets",
    "Each cycle's look at the request budgets and breakers of the market's sources, which all its processes share",
    ("source", "kind", "host"),
    "as_of",
    (
        MARKET,
        column("source", TEXT, "who is asked"),
        column("kind", TEXT, "kind of request (default: those without a budget of their own; any: all together)"),
        column("host", TEXT, "host whose budget it is; null for one that counts a source's requests to every host"),
        SESSION,
        AS_OF,
        column("limit_per_second", REAL, "configured rate; null where no budget is", "requests a second"),
        column("burst", COUNT, "requests that may go at once", "requests"),
        column("rate_per_second", REAL, "rate now: each 429 halves it, and it recovers slowly", "requests a second"),
        column("used_last_minute", COUNT, "requests of all processes in the last minute", "requests"),
        column("tokens_left", COUNT, "requests that could go at once now", "requests"),
        column("wait_seconds", REAL, "how long the next request would have to wait", "seconds"),
        column("halved_count", COUNT, "refusals that halved the rate since the machine started"),
        column("breaker", TEXT, "closed, open (the source is left alone) or probing"),
        column("breaker_cause", TEXT, "the last kind of error; null while all is well"),
        column("next_probe", UTC_TIME, "when one request may try whether the source is back; null while closed", "UTC"),
        column(
            "full_sweep_at",
            UTC_TIME,
            "when every listed instrument will have been asked for since this cycle, at its pace; null if not asked",
            "UTC",
        ),
        KNOWN_AT,
    ),
    has_latest=True,
)
