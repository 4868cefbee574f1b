"""What changes slowly about each instrument, with source and age of every field; the Sharia screen and its inputs."""

from __future__ import annotations

from market_pipeline.model.metrics import METRIC_FIELDS
from market_pipeline.storage.tables.schema import (
    AS_OF,
    DATE,
    KNOWN_AT,
    MARKET,
    REAL,
    RECEIVED,
    SESSION,
    SYMBOL,
    TEXT,
    TEXTS,
    UTC_TIME,
    Table,
    column,
)

CURRENCY = column("currency", TEXT, "ISO 4217 code of all money in the row")
VALUES = (
    column("volume", REAL, "traded since the session opened", "shares"),
    column("day_high", REAL, "highest price of the session", "currency"),
    column("day_low", REAL, "lowest price of the session", "currency"),
    column("bid", REAL, "best bid", "currency"),
    column("bid_size", REAL, "size at the best bid", "shares"),
    column("ask", REAL, "best ask", "currency"),
    column("ask_size", REAL, "size at the best ask", "shares"),
    column("market_cap", REAL, "market capitalisation, not in billions", "currency"),
    column("pe_ratio", REAL, "price by the earnings of the last twelve months", "times"),
    column("dividend_yield", REAL, "dividends of a year by the price: 0.031 is 3.1 %", "fraction"),
    column("week_52_low", REAL, "lowest price of the last 52 weeks", "currency"),
    column("week_52_high", REAL, "highest price of the last 52 weeks", "currency"),
    column("average_volume_3m", REAL, "mean volume of a session over the last three months", "shares"),
    column("eps", REAL, "earnings of the last twelve months per share", "currency per share"),
    column("book_value", REAL, "equity per share", "currency per share"),
    column("earnings_date", DATE, "the next (else the last) report, in the exchange's zone"),
    column("shares_outstanding", REAL, "shares in issue", "shares"),
)
ORIGINS = tuple(
    made
    for name in METRIC_FIELDS
    for made in (
        column(f"{name}_source", TEXT, f"who said {name}: a source, instruments, bars_1d or derived"),
        column(f"{name}_as_of", UTC_TIME, f"time for which {name} holds; its age is known_at less this", "UTC"),
    )
)

METRICS = Table(
    "metrics",
    "Every ten minutes one row an instrument; a field that no source says is null, and so are its source and time",
    ("symbol",),
    "as_of",
    (MARKET, SYMBOL, SESSION, AS_OF, CURRENCY, *VALUES, *ORIGINS, KNOWN_AT),
    has_latest=True,
)

STATEMENTS = (
    column("period_end", DATE, "last day of the period that the statements cover"),
    column("total_debt", REAL, "interest-bearing debt, short and long term", "currency"),
    column("cash_and_interest_bearing_deposits", REAL, "interest-bearing deposits, and cash at interest", "currency"),
    column("impermissible_income", REAL, "interest and other income that the standard forbids", "currency"),
    column("total_revenue", REAL, "total income of the period", "currency"),
    column("sector", TEXT, "line of business in the source's words"),
)

FUNDAMENTALS = Table(
    "fundamentals",
    "The newest balance sheet of each instrument as a source or the operator's file gives it: inputs of the screen",
    ("source", "symbol"),
    "known_at",
    (
        MARKET,
        column("source", TEXT, "who said it"),
        SYMBOL,
        CURRENCY,
        *STATEMENTS,
        RECEIVED,
        column("payload_sha", TEXT, "SHA-256 of the payload that it was parsed from"),
        KNOWN_AT,
    ),
    is_small=True,
)

SHARIA_SCREEN = Table(
    "sharia_screen",
    "The verdict of the market file's Sharia screen on each instrument, with everything it rests on",
    ("symbol",),
    "as_of",
    (
        MARKET,
        SYMBOL,
        SESSION,
        AS_OF,
        column("verdict", TEXT, "compliant, not_compliant (an excluded sector decides alone), unknown: input missing"),
        column("reason", TEXT, "why, in words"),
        column("missing", TEXTS, "inputs that nobody gave, or that are too old or in another currency"),
        column("excluded_by", TEXT, "the excluded line of business that the sector is; null when none"),
        column("debt_ratio", REAL, "interest-bearing debt by market capitalisation", "fraction"),
        column("debt_limit", REAL, "it may not be above this", "fraction"),
        column("deposits_ratio", REAL, "interest-bearing deposits by market capitalisation", "fraction"),
        column("deposits_limit", REAL, "it may not be above this", "fraction"),
        column("income_ratio", REAL, "impermissible income by total income", "fraction"),
        column("income_limit", REAL, "it may not be above this", "fraction"),
        column("market_cap", REAL, "current market capitalisation, the denominator", "currency"),
        column("market_cap_source", TEXT, "who said it"),
        column("market_cap_as_of", UTC_TIME, "time for which it holds", "UTC"),
        CURRENCY,
        *STATEMENTS,
        column("sector_source", TEXT, "who said the sector: a source, operator, or reviewed (the market file)"),
        column("fundamentals_source", TEXT, "who gave the statements"),
        column("fundamentals_received_time", UTC_TIME, "when the statements reached us", "UTC"),
        column("standard", TEXT, "the published standard that the limits are of"),
        KNOWN_AT,
    ),
    has_latest=True,
)
