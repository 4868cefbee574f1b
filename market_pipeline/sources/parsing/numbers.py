"""Numbers as sources write them, one grammar per locale, never a guess: "1.105" is 1105 on some pages, 1.105 on others.

Must not know a source: who reads a page says which locale it is written in.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Literal, assert_never

from market_pipeline.errors import PayloadError

Locale = Literal["fr", "en", "raw"]

NO_VALUE = frozenset({"", "-", "--", "—", "–", "n/a", "na", "nan", "null", "none", "nd", "n.d."})
MULTIPLIERS = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "BN": 10**9, "T": 10**12, "TR": 10**12}

_SPACES = re.compile(r"[\s\u00a0\u2009\u202f]+")
_CURRENCY = r"(?:MAD|DHS?|KES|KSHS?|INR|SAR|USD)"
_DECORATED = re.compile(
    rf"(?:{_CURRENCY} ?)?(?P<sign>[+-]?) ?(?P<digits>[\d.,' ]*\d(?:[eE][+-]?\d+)?) ?(?P<suffix>K|M|BN?|TR?)?"
    rf" ?(?:%|{_CURRENCY})?",
    re.IGNORECASE,
)
_GRAMMARS: dict[Locale, re.Pattern[str]] = {
    "fr": re.compile(r"(?:\d{1,3}(?:[ ']\d{3})+|\d+)?(?:,\d+)?"),
    "en": re.compile(r"(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?"),
    "raw": re.compile(r"\d*(?:\.\d+)?(?:[eE][+-]?\d+)?"),
}


def parse_number(value: object, locale: Locale) -> float | None:
    """Return the number that `value` states, or None where the source says that it has none.

    None, "", "-", "n/a", NaN and an empty list (Drupal's null) are None. "%" and currency codes are dropped, K, M, B
    and T multiply. `fr` groups by spaces and has a decimal comma, `en` groups by commas and has a decimal point,
    `raw` is what JSON would write. Raises PayloadError for everything else, also when another locale could read it.
    """
    if value is None or (isinstance(value, list | dict) and not value):
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _finite(float(value), value, locale)
    if isinstance(value, str):
        return _parse_text(value, locale)
    raise _unreadable(value, locale)


def _parse_text(text: str, locale: Locale) -> float | None:
    plain = _SPACES.sub(" ", text).strip().replace("\u2212", "-").replace("’", "'")
    if plain.lower() in NO_VALUE:
        return None
    match = _DECORATED.fullmatch(plain)
    if match is None or not _GRAMMARS[locale].fullmatch(match["digits"]):
        raise _unreadable(text, locale)
    number = Decimal(match["sign"] + _canonical(match["digits"], locale)) * MULTIPLIERS[(match["suffix"] or "").upper()]
    return _finite(float(number), text, locale)


def _canonical(digits: str, locale: Locale) -> str:
    match locale:
        case "fr":
            return digits.replace(" ", "").replace("'", "").replace(",", ".")
        case "en":
            return digits.replace(",", "")
        case "raw":
            return digits
    assert_never(locale)


def _finite(number: float, seen: object, locale: Locale) -> float | None:
    if math.isnan(number):
        return None
    if math.isinf(number):
        raise _unreadable(seen, locale)
    return number


def _unreadable(seen: object, locale: Locale) -> PayloadError:
    return PayloadError(
        f"tried to read a number written in the {locale!r} locale, saw {str(seen)[:60]!r}: a retry does not help; "
        "look at the source's page and correct the locale or the parser"
    )
