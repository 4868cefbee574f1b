"""What Yahoo calls things: codes of symbols, exchanges, kinds of instruments, zones, currencies with their subunits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from market_pipeline.markets.loader import load_market
from market_pipeline.simulator.company import Company, company_of
from market_pipeline.simulator.exchange import Exchange
from market_pipeline.simulator.listing import Listing

SOURCE = "yahoo"
SUBUNITS = frozenset({"GBp", "ZAc", "ILA", "USX"})


@dataclass(frozen=True, slots=True)
class Venue:
    """An exchange as Yahoo describes it."""

    exchange: str
    name: str
    market: str
    zone: str
    kind: str = "EQUITY"
    quote_source: str = "Delayed Quote"
    has_extended_hours: bool = False
    currency: str | None = None
    """None: the market's. A subunit (GBp) stands for prices a hundred times as large."""
    has_volume: bool = True


@dataclass(frozen=True, eq=False)
class Paper:
    """One instrument under Yahoo's code."""

    code: str
    listing: Listing
    venue: Venue
    main_currency: str

    @cached_property
    def currency(self) -> str:
        """Return the currency that prices are in, perhaps a subunit."""
        return self.venue.currency or self.main_currency

    @cached_property
    def factor(self) -> int:
        """Return how many units of `currency` make one of the main currency."""
        return 100 if self.currency in SUBUNITS else 1

    @cached_property
    def company(self) -> Company:
        """Return what the company behind it reports."""
        return company_of(self.listing)

    @cached_property
    def is_share(self) -> bool:
        """Tell whether a company stands behind it."""
        return self.venue.kind == "EQUITY"

    @cached_property
    def decimals(self) -> int:
        """Return the decimals of a price in `currency`."""
        return max(0, self.listing.decimals - 2) if self.factor == 100 else self.listing.decimals

    def shown(self, price: float | None) -> float | None:
        """Return a price in `currency`."""
        return price if price is None or self.factor == 1 else round(price * self.factor, self.decimals)


NEW_YORK, LONDON = "America/New_York", "Europe/London"
_US = Venue(
    "NMS", "NasdaqGS", "us_market", NEW_YORK, quote_source="Nasdaq Real Time Price", has_extended_hours=True
)  # fmt: skip
US_VENUES = {
    "Q": _US,
    "G": replace(_US, exchange="NGM", name="NasdaqGM"),
    "S": replace(_US, exchange="NCM", name="NasdaqCM"),
    "N": replace(_US, exchange="NYQ", name="NYSE"),
    "A": replace(_US, exchange="ASE", name="NYSE American"),
    "P": replace(_US, exchange="PCX", name="NYSEArca"),
    "Z": replace(_US, exchange="BTS", name="Cboe US"),
}
CURRENCIES = Venue("CCY", "CCY", "ccy_market", LONDON, "CURRENCY", has_volume=False)
CRYPTO = Venue("CCC", "CCC", "ccc_market", "UTC", "CRYPTOCURRENCY", "CoinMarketCap")
COMEX = Venue("CMX", "COMEX", "us24_market", NEW_YORK, "FUTURE")
INDICES = {
    "^GSPC": Venue("SNP", "SNP", "us_market", NEW_YORK, "INDEX", "Free Realtime Quote"),
    "^DJI": Venue("DJI", "DJI", "us_market", NEW_YORK, "INDEX"),
    "^IXIC": Venue("NIM", "Nasdaq GIDS", "us_market", NEW_YORK, "INDEX"),
    "^NDX": Venue("NIM", "Nasdaq GIDS", "us_market", NEW_YORK, "INDEX"),
    "^RUT": Venue("WCB", "Chicago Options", "us_market", NEW_YORK, "INDEX"),
    "^VIX": Venue("WCB", "Cboe Indices", "us_market", NEW_YORK, "INDEX", has_volume=False),
    "^FTSE": Venue("FGI", "FTSE Index", "gb_market", LONDON, "INDEX"),
    "^GDAXI": Venue("GER", "XETRA", "de_market", "Europe/Berlin", "INDEX"),
    "^FCHI": Venue("PAR", "Paris", "fr_market", "Europe/Paris", "INDEX"),
    "^STOXX50E": Venue("ZRH", "Zurich", "dr_market", "Europe/Berlin", "INDEX"),
    "^N225": Venue("OSA", "Osaka", "jp_market", "Asia/Tokyo", "INDEX"),
    "^HSI": Venue("HKG", "HKSE", "hk_market", "Asia/Hong_Kong", "INDEX"),
    "^TASI.SR": Venue("SAU", "Saudi", "sr_market", "Asia/Riyadh", "INDEX", has_volume=False),
}
SUFFIXES = {
    ".SR": Venue("SAU", "Saudi", "sr_market", "Asia/Riyadh"),
    ".L": Venue("LSE", "LSE", "gb_market", LONDON, currency="GBp"),
    ".JO": Venue("JNB", "Johannesburg", "za_market", "Africa/Johannesburg", currency="ZAc"),
    ".DE": Venue("GER", "XETRA", "de_market", "Europe/Berlin"),
    ".PA": Venue("PAR", "Paris", "fr_market", "Europe/Paris"),
    ".T": Venue("JPX", "Tokyo", "jp_market", "Asia/Tokyo"),
    ".TA": Venue("TLV", "Tel Aviv", "il_market", "Asia/Jerusalem", currency="ILA"),
    ".CS": Venue("CAS", "Casablanca", "ma_market", "Africa/Casablanca"),
    "=X": CURRENCIES,
    "=F": COMEX,
    "-USD": CRYPTO,
}
FUTURES = {
    "CL=F": replace(COMEX, exchange="NYM", name="NY Mercantile"),
    "BZ=F": replace(COMEX, exchange="NYM", name="NY Mercantile"),
    "NG=F": replace(COMEX, exchange="NYM", name="NY Mercantile"),
    "ZC=F": replace(COMEX, exchange="CBT", name="CBOT", currency="USX"),
    "ZW=F": replace(COMEX, exchange="CBT", name="CBOT", currency="USX"),
}


@lru_cache(maxsize=32)
def papers_of(market: str, exchange: Exchange) -> dict[str, Paper]:
    """Return Yahoo's code → instrument, for all that a market's exchange lists."""
    file = load_market(market)
    rules = {rule.symbol: rule for rule in file.symbols}
    codes = {rule.symbol: alias.code for rule in file.symbols for alias in rule.aliases if alias.source == SOURCE}
    papers = {}
    for symbol, listing in exchange.listings.items():
        code = codes.get(symbol, symbol.replace("$", "-P").replace(".", "-") if market == "us" else symbol)
        rule = rules.get(symbol)
        currency = (rule.currency if rule else None) or file.currency
        papers[code] = Paper(code, listing, _venue(code, listing), currency)
    return papers


def _venue(code: str, listing: Listing) -> Venue:
    if code in INDICES or code in FUTURES:
        return (INDICES | FUTURES)[code]
    if code.startswith("^"):
        return replace(INDICES["^GSPC"], quote_source="Delayed Quote")
    venue = next((venue for suffix, venue in SUFFIXES.items() if code.endswith(suffix)), None)
    if venue is None:
        venue = US_VENUES.get(listing.fact("listed"), _US)
    return replace(venue, kind="ETF") if listing.fact("kind") == "etf" else venue
