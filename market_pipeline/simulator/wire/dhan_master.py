"""Dhan's instrument master (api-scrip-master.csv): NSE shares among bonds, indices, futures, BSE rows and test rows.

Tick sizes are in paise. In a replay it lists the recording's symbols and nothing else.
"""

from __future__ import annotations

import csv
import io
from functools import lru_cache

from market_pipeline.simulator.exchange import Exchange
from market_pipeline.simulator.listing import Listing

COLUMNS = (
    "SEM_EXM_EXCH_ID", "SEM_SEGMENT", "SEM_SMST_SECURITY_ID", "SEM_INSTRUMENT_NAME", "SEM_EXPIRY_CODE",
    "SEM_TRADING_SYMBOL", "SEM_LOT_UNITS", "SEM_CUSTOM_SYMBOL", "SEM_EXPIRY_DATE", "SEM_STRIKE_PRICE",
    "SEM_OPTION_TYPE", "SEM_TICK_SIZE", "SEM_EXPIRY_FLAG", "SEM_EXCH_INSTRUMENT_TYPE", "SEM_SERIES", "SM_SYMBOL_NAME",
)  # fmt: skip
FIRST_SIMULATED_ID = 300_001
NOISE = (
    ("BSE", "E", "500325", "EQUITY", "0", "RELIANCE", "1.0", "Reliance Industries", "", "", "", "5.0000", "NA", "ES",
     "A", "RELIANCE INDUSTRIES LTD."),
    ("BSE", "E", "532540", "EQUITY", "0", "TCS", "1.0", "Tata Consultancy Services", "", "", "", "5.0000", "NA", "ES",
     "A", "TATA CONSULTANCY SERVICES LTD."),
    ("NSE", "I", "13", "INDEX", "0", "NIFTY", "1.0", "Nifty 50", "0001-01-01", "", "XX", "0.0500", "", "INDEX", "X",
     "NIFTY"),
    ("NSE", "I", "25", "INDEX", "0", "BANKNIFTY", "1.0", "Nifty Bank", "0001-01-01", "", "XX", "0.0500", "", "INDEX",
     "X", "BANKNIFTY"),
    ("NSE", "E", "759001", "EQUITY", "0", "704GS2031", "100.0", "7.04% Govt Stock 2031", "", "", "", "1.0000", "NA",
     "ES", "SG", "GOI LOAN 7.04% 2031"),
    ("NSE", "E", "759002", "EQUITY", "0", "757GS2033", "100.0", "7.57% Govt Stock 2033", "", "", "", "1.0000", "NA",
     "ES", "SG", "GOI LOAN 7.57% 2033"),
    ("NSE", "E", "2902", "EQUITY", "0", "011NSETEST", "1.0", "011NSETEST", "", "", "", "5.0000", "NA", "ES", "EQ",
     "011NSETEST"),
    ("NSE", "E", "2903", "EQUITY", "0", "021NSETEST", "1.0", "021NSETEST", "", "", "", "5.0000", "NA", "ES", "EQ",
     "021NSETEST"),
    ("NSE", "E", "2904", "EQUITY", "0", "SIMBE", "1.0", "Simulated Trade For Trade", "", "", "", "5.0000", "NA", "ES",
     "BE", "SIMULATED TRADE FOR TRADE LTD"),
    ("NSE", "D", "53001", "FUTSTK", "0", "RELIANCE-Nov2026-FUT", "500.0", "RELIANCE NOV FUT", "2026-11-24 14:30:00",
     "-0.01000", "XX", "10.0000", "M", "FUT", "", ""),
)  # fmt: skip


@lru_cache(maxsize=16)
def security_ids(exchange: Exchange) -> dict[str, str]:
    """Return symbol → security id: the listing's own, or one that is made up and stays the same."""
    known = {symbol: listing.fact("security_id") for symbol, listing in exchange.listings.items()}
    missing = sorted(symbol for symbol, number in known.items() if not number)
    return known | {symbol: str(FIRST_SIMULATED_ID + index) for index, symbol in enumerate(missing)}


@lru_cache(maxsize=16)
def symbols_by_id(exchange: Exchange) -> dict[str, str]:
    """Return security id → symbol."""
    return {number: symbol for symbol, number in security_ids(exchange).items()}


@lru_cache(maxsize=16)
def master_csv(exchange: Exchange) -> bytes:
    """Return the whole file."""
    ids = security_ids(exchange)
    shares = [_share(listing, ids[symbol]) for symbol, listing in exchange.listings.items()]
    half = len(NOISE) // 2
    rows = [*NOISE[:half], *shares, *NOISE[half:]] if exchange.is_model else shares
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return text.getvalue().encode()


def _share(listing: Listing, number: str) -> tuple[str, ...]:
    tick = f"{100 * listing.tick_size:.4f}"
    return (
        "NSE", "E", number, "EQUITY", "0", listing.symbol, "1.0", listing.name, "", "", "", tick, "NA", "ES", "EQ",
        f"{listing.name.upper()} LTD" if number != "8954" else "",
    )  # fmt: skip
