"""Bars of one minute and of one session."""

from __future__ import annotations

from market_pipeline.storage.tables.schema import (
    COUNT,
    FLAG,
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

BARS_1M = Table(
    "bars_1m",
    "One-minute bars; a minute without trades has no bar",
    ("symbol", "interval_start"),
    "interval_start",
    (
        MARKET,
        SYMBOL,
        column("interval_start", UTC_TIME, "start of the minute", "UTC"),
        SESSION,
        column("open", REAL, "first price", "currency"),
        column("high", REAL, "highest price", "currency"),
        column("low", REAL, "lowest price", "currency"),
        column("close", REAL, "last price", "currency"),
        column("volume", REAL, "traded in the minute; null when it cannot be known", "shares"),
        column("turnover", REAL, "money traded in the minute; null when it cannot be known", "currency"),
        column("origin", TEXT, "chart (the source's own bar), ticks, or sampled (one poll a minute)"),
        column("n_ticks", COUNT, "trades, or polls for sampled bars; null when unknown"),
        column("is_final", FLAG, "the minute is over and the source had time to report it"),
        column("is_synthetic", FLAG, "made without a trade (never by us)"),
        column("revision", COUNT, "0 at first, +1 each time a final bar was replaced by different values"),
        KNOWN_AT,
    ),
    has_latest=True,
)

BARS_1M_REPLACED = Table(
    "bars_1m_replaced",
    "Final bars as they were before other values replaced them, each with the revision that it had",
    ("symbol", "interval_start", "revision", "known_at"),
    "interval_start",
    BARS_1M.columns,
    is_appended=True,
)

BARS_1D = Table(
    "bars_1d",
    "One row a session from the sources' daily history; prices as traded, unless is_split_adjusted",
    ("source", "symbol", "session_date"),
    "session_date",
    (
        MARKET,
        column("source", TEXT, "whose history it is"),
        SYMBOL,
        SESSION,
        column("open", REAL, "first price", "currency"),
        column("high", REAL, "highest price", "currency"),
        column("low", REAL, "lowest price", "currency"),
        column("close", REAL, "closing price", "currency"),
        column("volume", REAL, "traded in the session", "shares"),
        column("turnover", REAL, "money traded in the session", "currency"),
        column("market_cap", REAL, "market capitalisation at the close", "currency"),
        column("adjusted_close", REAL, "the source's close, adjusted for all later splits and dividends", "currency"),
        column("dividend", REAL, "cash that the session is the first to trade without", "currency per share"),
        column("split_ratio", REAL, "new shares for an old one from this session on: 7 for 7:1", "shares"),
        column("is_split_adjusted", FLAG, "the source has divided prices by every later split already"),
        KNOWN_AT,
    ),
    is_small=True,
)

BARS_1D_ADJUSTED = Table(
    "bars_1d_adjusted",
    "Daily bars as they were traded, and adjusted for every later split and dividend that is known",
    ("source", "symbol", "session_date"),
    "session_date",
    (
        MARKET,
        column("source", TEXT, "whose history it is"),
        SYMBOL,
        SESSION,
        column("open", REAL, "first price, as traded", "currency"),
        column("high", REAL, "highest price, as traded", "currency"),
        column("low", REAL, "lowest price, as traded", "currency"),
        column("close", REAL, "closing price, as traded", "currency"),
        column("volume", REAL, "traded in the session, in the shares of that day", "shares"),
        column("dividend", REAL, "cash that the session is the first to trade without, as paid", "currency per share"),
        column("split_ratio", REAL, "new shares for an old one from this session on", "shares"),
        column("open_adjusted", REAL, "first price, adjusted", "currency"),
        column("high_adjusted", REAL, "highest price, adjusted", "currency"),
        column("low_adjusted", REAL, "lowest price, adjusted", "currency"),
        column("close_adjusted", REAL, "closing price, adjusted", "currency"),
        column("volume_adjusted", REAL, "traded in the session, in the newest shares", "shares"),
        column("split_factor", REAL, "product of all later splits: prices were divided by it once"),
        column("dividend_factor", REAL, "product of all later dividends' factors: prices were multiplied by it once"),
        column("repair", TEXT, "what the source had got wrong and was put right; null where nothing was"),
        KNOWN_AT,
    ),
    is_small=True,
)
