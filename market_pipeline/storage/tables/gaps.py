"""Minutes that are missing, and how a session's live bars compared with the source's history."""

from __future__ import annotations

from market_pipeline.storage.tables.schema import (
    COUNT,
    KNOWN_AT,
    MARKET,
    REAL,
    SESSION,
    SYMBOL,
    TEXT,
    UTC_TIME,
    Table,
    column,
)

GAPS = Table(
    "gaps",
    "Minutes of open hours without a bar, as ranges: why they are missing and what became of them",
    ("symbol", "session_date", "first_minute"),
    "first_minute",
    (
        MARKET,
        column("symbol", TEXT, "our stable symbol of the instrument, or * when every symbol lacks the range"),
        SESSION,
        column("first_minute", UTC_TIME, "start of the first missing minute", "UTC"),
        column("last_minute", UTC_TIME, "start of the last missing minute (included)", "UTC"),
        column("minutes", COUNT, "how many are missing, for each symbol; not traded and halted: of the session in all"),
        column("tier", COUNT, "tier of the symbol; for * the best one"),
        column("cause", TEXT, "timeout, rate_limited, blocked …, breaker, deferred, process_down, halted, not_traded"),
        column("state", TEXT, "open, healing, healed or unhealable"),
        column("reason", TEXT, "in words: what the source answered, why it cannot be healed, how much was traded"),
        column("found_at", UTC_TIME, "when the gap was found", "UTC"),
        column("healed_at", UTC_TIME, "when its history was there; null before", "UTC"),
        column("attempts", COUNT, "how often its history was asked for", "requests"),
        KNOWN_AT,
    ),
    is_small=True,
)

SESSION_DIFFERENCES = Table(
    "session_differences",
    "How a session's live bars differed from the source's own history; a symbol without a difference has no row",
    ("symbol", "session_date"),
    "session_date",
    (
        MARKET,
        SYMBOL,
        SESSION,
        column("equal", COUNT, "minutes in which both say the same", "bars"),
        column("different", COUNT, "minutes in which they do not", "bars"),
        column("missing", COUNT, "minutes that only the history has", "bars"),
        column("extra", COUNT, "minutes that only we have", "bars"),
        column("worst_minute", UTC_TIME, "minute in which the closes differ most; null when all are equal", "UTC"),
        column("worst_percent", REAL, "by how much they differ then, of the history's close", "percent"),
        column("live_close", REAL, "our close of that minute", "currency"),
        column("history_close", REAL, "the history's close of that minute", "currency"),
        KNOWN_AT,
    ),
    is_small=True,
)
