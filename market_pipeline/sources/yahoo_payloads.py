"""What all of Yahoo's answers share: its errors, its currencies in hundredths, and one report a symbol. Pure.

An error: {"chart":{"result":null,"error":{"code":"Not Found","description":"No data found, symbol may be delisted"}}}
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from market_pipeline.errors import MarketPipelineError, NoData, PayloadError, RateLimited, UnknownSymbol
from market_pipeline.model.outcome import OutcomeStatus
from market_pipeline.sources.parsing.readings import load_json, payload_error

SOURCE = "yahoo"

HUNDREDTHS = {"GBp": "GBP", "GBX": "GBP", "ZAc": "ZAR", "ILA": "ILS", "USX": "USD"}
"""Currencies that Yahoo quotes in hundredths → the currency of what we keep."""

WITHOUT_VOLUME = frozenset({"CURRENCY", "CRYPTOCURRENCY"})
"""Kinds of instruments whose volume is none (0), or the money of 24 hours and of many exchanges."""

THROTTLED = b"Too Many Requests"
SHORTEST_DOCUMENT = 200


SINGLE_DIGITS = (6, 7, 8)
"""A single-precision number has seven digits or so."""


class Delisted(UnknownSymbol):
    """Yahoo has no prices and says that the symbol may be delisted."""


@dataclass(frozen=True, slots=True)
class Report[Record]:
    """What an answer says of one code: a record under our words, or why there is none."""

    status: OutcomeStatus
    record: Record | None = None
    reason: str | None = None
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Unit:
    """The currency of our records, and whether Yahoo quotes in hundredths of it."""

    currency: str | None
    is_hundredths: bool = False

    def scaled(self, price: float | None) -> float | None:
        """Return a price of Yahoo's in the currency."""
        # rounded: 92.48 / 100 is 0.9248000000000001
        return price if price is None or not self.is_hundredths else round(price / 100, 8)


def unit_of(currency: object) -> Unit:
    """Return what a record's `currency` means: 925 GBp are 9.25 GBP."""
    code = currency if isinstance(currency, str) and currency else None
    if code in HUNDREDTHS:
        return Unit(HUNDREDTHS[code], is_hundredths=True)
    return Unit(code)


def as_printed(price: float) -> float:
    """Return the decimal number that a chart holds in single precision: 286.8999938964844 stands for 286.9.

    A number of more precision, or of few decimals, is returned as it is.
    """
    if round(price, 4) == price or _single(price) != price:
        return price
    printed = (float(f"{price:.{digits}g}") for digits in SINGLE_DIGITS)
    return next((one for one in printed if _single(one) == price), price)


def _single(number: float) -> float:
    return float(struct.unpack("f", struct.pack("f", number))[0])


def refusal(status: int, body: bytes) -> MarketPipelineError | None:
    """Return what Yahoo's own errors mean, also those under status 200; None for an answer."""
    if status in (200, 429) and len(body) < SHORTEST_DOCUMENT and THROTTLED in body:
        return RateLimited(
            f"asked Yahoo and saw {body.decode('utf-8', 'replace').strip()!r} with status {status}: a retry may help; "
            "lower kind_budgets in the market file if it lasts"
        )
    if status not in (400, 404, 422):
        return None
    try:
        code, text = _stated_error(json.loads(body))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return _meaning(code, text)


def _stated_error(document: Any) -> tuple[str, str]:
    (answer,) = document.values()
    return str(answer["error"]["code"]), str(answer["error"]["description"])


def _meaning(code: str, text: str) -> MarketPipelineError:
    saw = f"asked Yahoo and saw {code}: {text[:160]}"
    if "delisted" in text:
        return Delisted(f"{saw}: a retry does not help; if it still trades, correct its alias in the market file")
    if code == "Not Found":
        return UnknownSymbol(f"{saw}: a retry does not help; correct its alias in the market file")
    if "must be within the last" in text:
        return NoData(f"{saw}: a retry does not help; older minutes are not served")
    return PayloadError(f"{saw}: a retry does not help; compare our request with what yfinance asks")


def results_of(body: bytes, name: str) -> list[Any]:
    """Return the `result` list of the answer called `name` (quoteResponse, chart …). Raises PayloadError."""
    document = load_json(body, source=SOURCE)
    try:
        result = document[name]["result"]
    except (KeyError, TypeError):
        raise payload_error(SOURCE, f"a {name}", document) from None
    if not isinstance(result, list):
        raise payload_error(SOURCE, f"the results of a {name}", document[name])
    return result


def moment(row: Mapping[str, Any], key: str) -> datetime | None:
    """Return the epoch seconds under `key` as a time in UTC, None when there are none. Raises PayloadError."""
    seconds = row.get(key)
    if seconds is None or seconds == 0:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise PayloadError(f"{key}: {str(seconds)[:40]!r} is no time") from error
