"""What sources reported, what became of each request, and what was refused."""

from __future__ import annotations

from market_pipeline.storage.tables.schema import (
    AS_OF,
    COUNT,
    EVENT,
    FLAG,
    KNOWN_AT,
    MARKET,
    REAL,
    RECEIVED,
    SESSION,
    SYMBOL,
    TEXT,
    Table,
    column,
)

SESSION_FIELDS = (
    column("open", REAL, "first price of the session", "currency"),
    column("high", REAL, "highest price of the session", "currency"),
    column("low", REAL, "lowest price of the session", "currency"),
    column("previous_close", REAL, "official close of the previous session", "currency"),
    column("volume", REAL, "traded since the session opened", "shares"),
    column("turnover", REAL, "money traded since the session opened", "currency"),
    column("bid", REAL, "best bid", "currency"),
    column("bid_size", REAL, "size at the best bid", "shares"),
    column("ask", REAL, "best ask", "currency"),
    column("ask_size", REAL, "size at the best ask", "shares"),
    column("market_cap", REAL, "market capitalisation", "currency"),
    column("change_1d_percent", REAL, "change against the previous close, as the source says it", "percent"),
    column("change_ytd_percent", REAL, "change since the year began, as the source says it", "percent"),
)

RAW_QUOTES = Table(
    "raw_quotes",
    "What each source reported, unedited; rejected records carry the reason",
    ("source", "symbol"),
    "as_of",
    (
        MARKET,
        column("source", TEXT, "who reported it"),
        SYMBOL,
        SESSION,
        AS_OF,
        EVENT,
        column("event_precision_seconds", REAL, "the event lies within so many seconds after event_time", "seconds"),
        RECEIVED,
        column("price", REAL, "the price", "currency"),
        column("price_kind", TEXT, "trade, close, reference or indicative"),
        *SESSION_FIELDS,
        column("currency", TEXT, "ISO 4217 code"),
        column("name", TEXT, "the source's name of the instrument"),
        column("source_status", TEXT, "the source's own status token, verbatim"),
        column("payload_sha", TEXT, "SHA-256 of the payload that it was parsed from"),
        column("is_undated", FLAG, "the source gave no time: event_time is when we first saw this content"),
        KNOWN_AT,
    ),
    has_latest=True,
)

FETCH_OUTCOMES = Table(
    "fetch_outcomes",
    "One row for every requested symbol, source and kind of request",
    ("source", "symbol", "kind"),
    "as_of",
    (
        MARKET,
        column("source", TEXT, "who was asked"),
        SYMBOL,
        SESSION,
        AS_OF,
        column("kind", TEXT, "quote, minute_bars, daily_bars, trades, instruments, metrics or fundamentals"),
        column(
            "status",
            TEXT,
            "ok, empty, not_traded, halted, delisted, unknown, deferred, rate_limited, blocked, "
            "parse_error, timeout or unauthorised",
        ),
        column("reason", TEXT, "in words; null when there is nothing to say"),
        column("attempts", COUNT, "requests made, retries included", "requests"),
        column("http_status", COUNT, "status of the last answer"),
        column("latency_ms", REAL, "time from the first request to the last answer", "milliseconds"),
        column("rejected_records", COUNT, "records of this symbol that were set aside", "records"),
        column("payload_sha", TEXT, "SHA-256 of the payload"),
        RECEIVED,
    ),
    has_latest=True,
)

SET_ASIDE = Table(
    "set_aside",
    "Records that took no part, each with its reason: refused quotes, metrics, statements, bars that cannot be true",
    ("kind", "source", "symbol", "event_time", "reason"),
    "as_of",
    (
        MARKET,
        column("kind", TEXT, "quote, bar, metrics or fundamentals"),
        column("source", TEXT, "who reported it; null where the market's chart source did"),
        SYMBOL,
        SESSION,
        AS_OF,
        EVENT,
        column("price", REAL, "the price that was refused, if there was one", "currency"),
        column("reason", TEXT, "bad_price, future, stale, outside_band, duplicate …"),
        KNOWN_AT,
    ),
)
