"""Every table's schema in one place: names, types, units and meaning. Shown in Dagster, in the docs and by `views`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

UTC_TIME = pa.timestamp("us", tz="UTC")
FLAGS = pa.list_(pa.string())


@dataclass(frozen=True)
class Column:
    """One column: `unit` is empty where the type says it all."""

    name: str
    type: pa.DataType
    description: str
    unit: str = ""


@dataclass(frozen=True)
class Table:
    """One table. `key` identifies a row within its minute (and market); `minute_column` says which minute that is."""

    name: str
    description: str
    key: tuple[str, ...]
    minute_column: str
    columns: tuple[Column, ...]
    has_latest: bool = False
    is_small: bool = False
    """Kept whole, one file a market, merged by `key`; a real table in market.duckdb."""
    is_appended: bool = False
    """Every write is a slice of its own; nothing is replaced."""

    @cached_property
    def schema(self) -> pa.Schema:
        """Return the Arrow schema, in column order."""
        return pa.schema([pa.field(c.name, c.type) for c in self.columns])

    @cached_property
    def version(self) -> str:
        """Return a short name of this exact schema: it changes when a column is added, removed or retyped."""
        text = ";".join(f"{c.name}:{c.type}" for c in self.columns)
        return hashlib.sha256(text.encode()).hexdigest()[:8]


def _c(name: str, type_: pa.DataType, description: str, unit: str = "") -> Column:  # noqa: PLR0917 reads as a table
    return Column(name, type_, description, unit)


_TEXT, _REAL, _COUNT, _FLAG, _DATE = pa.string(), pa.float64(), pa.int32(), pa.bool_(), pa.date32()
_MARKET = _c("market", _TEXT, "market (a venue with a calendar)")
_SYMBOL = _c("symbol", _TEXT, "our stable symbol of the instrument")
_SESSION = _c("session_date", _DATE, "trading date in the exchange's zone")
_KNOWN_AT = _c("known_at", UTC_TIME, "when this row became known to us", "UTC")
_AS_OF = _c("as_of", UTC_TIME, "minute of the cycle that asked", "UTC")
_EVENT = _c("event_time", UTC_TIME, "the exchange's time of the price", "UTC")
_RECEIVED = _c("received_time", UTC_TIME, "when the answer reached us", "UTC")

_SESSION_FIELDS = (
    _c("open", _REAL, "first price of the session", "currency"),
    _c("high", _REAL, "highest price of the session", "currency"),
    _c("low", _REAL, "lowest price of the session", "currency"),
    _c("previous_close", _REAL, "official close of the previous session", "currency"),
    _c("volume", _REAL, "traded since the session opened", "shares"),
    _c("turnover", _REAL, "money traded since the session opened", "currency"),
    _c("bid", _REAL, "best bid", "currency"),
    _c("bid_size", _REAL, "size at the best bid", "shares"),
    _c("ask", _REAL, "best ask", "currency"),
    _c("ask_size", _REAL, "size at the best ask", "shares"),
    _c("market_cap", _REAL, "market capitalisation", "currency"),
    _c("change_1d_percent", _REAL, "change against the previous close, as the source says it", "percent"),
    _c("change_ytd_percent", _REAL, "change since the year began, as the source says it", "percent"),
)

RAW_QUOTES = Table(
    "raw_quotes",
    "What each source reported, unedited; rejected records carry the reason",
    ("source", "symbol"),
    "as_of",
    (
        _MARKET,
        _c("source", _TEXT, "who reported it"),
        _SYMBOL,
        _SESSION,
        _AS_OF,
        _EVENT,
        _c("event_precision_seconds", _REAL, "the event lies within so many seconds after event_time", "seconds"),
        _RECEIVED,
        _c("price", _REAL, "the price", "currency"),
        _c("price_kind", _TEXT, "trade, close, reference or indicative"),
        *_SESSION_FIELDS,
        _c("currency", _TEXT, "ISO 4217 code"),
        _c("name", _TEXT, "the source's name of the instrument"),
        _c("source_status", _TEXT, "the source's own status token, verbatim"),
        _c("payload_sha", _TEXT, "SHA-256 of the payload that it was parsed from"),
        _KNOWN_AT,
    ),
    has_latest=True,
)

FETCH_OUTCOMES = Table(
    "fetch_outcomes",
    "One row for every requested symbol, source and kind of request",
    ("source", "symbol", "kind"),
    "as_of",
    (
        _MARKET,
        _c("source", _TEXT, "who was asked"),
        _SYMBOL,
        _SESSION,
        _AS_OF,
        _c("kind", _TEXT, "quote, minute_bars, daily_bars, trades or instruments"),
        _c(
            "status",
            _TEXT,
            "ok, empty, not_traded, halted, delisted, unknown, deferred, rate_limited, blocked, "
            "parse_error, timeout or unauthorised",
        ),
        _c("reason", _TEXT, "in words; null when there is nothing to say"),
        _c("attempts", _COUNT, "requests made, retries included", "requests"),
        _c("http_status", _COUNT, "status of the last answer"),
        _c("latency_ms", _REAL, "time from the first request to the last answer", "milliseconds"),
        _c("rejected_records", _COUNT, "records of this symbol that were set aside", "records"),
        _c("payload_sha", _TEXT, "SHA-256 of the payload"),
        _RECEIVED,
    ),
    has_latest=True,
)

LIVE_TICKERS = Table(
    "live_tickers",
    "The merged state of each instrument, one row a cycle",
    ("symbol",),
    "known_at",
    (
        _c("ticker", _TEXT, "symbol, under the name that the seed used"),
        _c("name", _TEXT, "name of the instrument"),
        _c("price", _REAL, "merged price; null when no eligible source gave one", "currency"),
        _c("change_1d_percent", _REAL, "price against the previous close", "percent"),
        _c("change_ytd_percent", _REAL, "price against the last close of the year before", "percent"),
        _c("volume", _REAL, "traded since the session opened", "shares"),
        _c("market_cap_billion", _REAL, "market capitalisation", "1e9 currency"),
        _c("high_24h", _REAL, "highest price of the session (crypto: of the UTC day)", "currency"),
        _c("low_24h", _REAL, "lowest price of the session (crypto: of the UTC day)", "currency"),
        _c("open_price", _REAL, "first price of the session", "currency"),
        _c("previous_close", _REAL, "official close of the previous session", "currency"),
        _c("source", _TEXT, "who supplied the price"),
        _c("timestamp", UTC_TIME, "event_time, under the name that the seed used", "UTC"),
        _c("exchange", _TEXT, "name of the exchange"),
        _c("country", _TEXT, "country of the exchange"),
        _MARKET,
        _SYMBOL,
        _c("isin", _TEXT, "ISIN, where there is one"),
        _c("currency", _TEXT, "ISO 4217 code"),
        _SESSION,
        _c("session_state", _TEXT, "closed, pre_open, auction, open or post_close"),
        _EVENT,
        _RECEIVED,
        _c("price_kind", _TEXT, "trade, close, reference or indicative"),
        _c("flags", FLAGS, "single_source, disputed, not_traded, quarantined, stale …"),
        _c("provenance", _TEXT, "JSON: per field group the source, its times, and who lost and why"),
        _c("turnover", _REAL, "money traded since the session opened", "currency"),
        _c("bid", _REAL, "best bid", "currency"),
        _c("bid_size", _REAL, "size at the best bid", "shares"),
        _c("ask", _REAL, "best ask", "currency"),
        _c("ask_size", _REAL, "size at the best ask", "shares"),
        _KNOWN_AT,
    ),
    has_latest=True,
)

BARS_1M = Table(
    "bars_1m",
    "One-minute bars; a minute without trades has no bar",
    ("symbol", "interval_start"),
    "interval_start",
    (
        _MARKET,
        _SYMBOL,
        _c("interval_start", UTC_TIME, "start of the minute", "UTC"),
        _SESSION,
        _c("open", _REAL, "first price", "currency"),
        _c("high", _REAL, "highest price", "currency"),
        _c("low", _REAL, "lowest price", "currency"),
        _c("close", _REAL, "last price", "currency"),
        _c("volume", _REAL, "traded in the minute; null when it cannot be known", "shares"),
        _c("turnover", _REAL, "money traded in the minute; null when it cannot be known", "currency"),
        _c("origin", _TEXT, "chart (the source's own bar), ticks, or sampled (one poll a minute)"),
        _c("n_ticks", _COUNT, "trades, or polls for sampled bars; null when unknown"),
        _c("is_final", _FLAG, "the minute is over and the source had time to report it"),
        _c("is_synthetic", _FLAG, "made without a trade (never by us)"),
        _c("revision", _COUNT, "0 at first, +1 each time a final bar was replaced by different values"),
        _KNOWN_AT,
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

SET_ASIDE = Table(
    "set_aside",
    "Records that took no part, each with its reason: refused quotes, and bars or trades that cannot be true",
    ("kind", "source", "symbol", "event_time", "reason"),
    "as_of",
    (
        _MARKET,
        _c("kind", _TEXT, "quote or bar"),
        _c("source", _TEXT, "who reported it; null where the market's chart source did"),
        _SYMBOL,
        _SESSION,
        _AS_OF,
        _EVENT,
        _c("price", _REAL, "the price that was refused, if there was one", "currency"),
        _c("reason", _TEXT, "bad_price, future, stale, outside_band, duplicate …"),
        _KNOWN_AT,
    ),
)

INSTRUMENTS = Table(
    "instruments",
    "What trades on each market, with its names at the sources",
    ("symbol",),
    "known_at",
    (
        _MARKET,
        _SYMBOL,
        _c("name", _TEXT, "name of the instrument"),
        _c("isin", _TEXT, "ISIN, where there is one"),
        _c("currency", _TEXT, "ISO 4217 code"),
        _c("tier", _COUNT, "1 is served first, every minute"),
        _c("tick_size", _REAL, "smallest price step", "currency"),
        _c("lot_size", _REAL, "smallest tradable size", "shares"),
        _c("instrument_group", _TEXT, "trading group that selects its phases"),
        _c("shares_outstanding", _REAL, "shares in issue", "shares"),
        _c("listed_from", _DATE, "first trading date, if known"),
        _c("listed_to", _DATE, "last trading date; null while listed"),
        _c("aliases", _TEXT, "JSON list of {source, code, valid_from, valid_to}"),
        _c("status", _TEXT, "listed, delisted or unresolved"),
        _c("seed_code", _TEXT, "the code that a user asked for, where it differs or was reviewed"),
        _c("seed_note", _TEXT, "how the seed was resolved, and why"),
        _KNOWN_AT,
    ),
    is_small=True,
)

BARS_1D = Table(
    "bars_1d",
    "One row a session from the sources' daily history; prices as traded, not adjusted",
    ("source", "symbol", "session_date"),
    "session_date",
    (
        _MARKET,
        _c("source", _TEXT, "whose history it is"),
        _SYMBOL,
        _SESSION,
        _c("open", _REAL, "first price", "currency"),
        _c("high", _REAL, "highest price", "currency"),
        _c("low", _REAL, "lowest price", "currency"),
        _c("close", _REAL, "closing price", "currency"),
        _c("volume", _REAL, "traded in the session", "shares"),
        _c("turnover", _REAL, "money traded in the session", "currency"),
        _c("market_cap", _REAL, "market capitalisation at the close", "currency"),
        _KNOWN_AT,
    ),
    is_small=True,
)

BASE_TABLES = (RAW_QUOTES, FETCH_OUTCOMES, LIVE_TICKERS, BARS_1M, BARS_1M_REPLACED, SET_ASIDE, INSTRUMENTS, BARS_1D)
"""All tables but indicators_1m, whose columns the catalogue of indicators decides."""


def indicators_table(columns: Iterable[Column]) -> Table:
    """Return the table of one-minute indicators for these catalogue columns."""
    key = (_MARKET, _SYMBOL, _c("interval_start", UTC_TIME, "start of the minute", "UTC"), _SESSION)
    return Table(
        "indicators_1m",
        "Technical indicators of one-minute bars; null while warming up",
        ("symbol", "interval_start"),
        "interval_start",
        (*key, *columns, _KNOWN_AT),
        has_latest=True,
    )
