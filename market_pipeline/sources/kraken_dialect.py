"""Kraken's dialect through ccxt: addresses, pair names, field positions, error texts. Pure, on bytes; sends nothing.

ccxt builds (`sign`), reads (`parse_…`) and knows the errors (`handle_errors`); the transport moves the bytes, so that
budget, breaker and deadlines are the same for every source. ccxt is imported when the first market is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from market_pipeline.errors import (
    MarketPipelineError,
    PayloadError,
    RateLimited,
    SourceUnreachable,
    Transient,
    Unauthorised,
    UnknownSymbol,
)

GOOD = b'{"error":[]'
UNKNOWN_PAIR = "Unknown asset pair"
THROTTLED = "Throttled"
NOT_PAIRS = frozenset({"last"})


@cache
def exchange() -> Any:
    """Return ccxt's Kraken. It is used for its tables and pure functions only; it never connects."""
    import ccxt

    return ccxt.kraken({"enableRateLimit": False})


def public_url(method: str, **params: str) -> str:
    """Return the address of a public method with its parameters."""
    return str(exchange().sign(method, ["public"], "GET", params)["url"])


def refusal(status: int, body: bytes) -> MarketPipelineError | None:
    """Return what an error body means; Kraken sends its errors with status 200. None for an answer."""
    if body.startswith(GOOD) or body[:1] != b"{":
        return None
    try:
        document = json.loads(body)
        errors = [str(error) for error in document.get("error") or ()]
    except (ValueError, AttributeError, TypeError):
        return None
    return _meaning(errors, status, document) if errors else None


def _meaning(errors: Sequence[str], status: int, document: Any) -> MarketPipelineError:
    import ccxt

    saw = f"asked Kraken and saw {', '.join(errors)}"
    kind: type[MarketPipelineError] = PayloadError
    advice = "compare our request with docs.kraken.com/api"
    try:
        exchange().handle_errors(status, "", "", "GET", {}, json.dumps(document), document, {}, None)
    except (ccxt.DDoSProtection, ccxt.RateLimitExceeded):
        kind, advice = RateLimited, "lower kind_budgets in the market file if it lasts"
    except ccxt.NetworkError:
        kind, advice = SourceUnreachable, "wait for Kraken to recover"
    except ccxt.AuthenticationError:
        kind, advice = Unauthorised, "no key is needed for market data; look at what was asked"
    except ccxt.BaseError:
        # ccxt has no class of its own for these two
        if UNKNOWN_PAIR in saw:
            kind, advice = UnknownSymbol, "correct the alias in the market file to a name in Kraken's AssetPairs"
        elif THROTTLED in saw:
            kind, advice = RateLimited, "lower kind_budgets in the market file if it lasts"
    retry = "a retry may help" if issubclass(kind, Transient) else "a retry does not help"
    return kind(f"{saw}: {retry}; {advice}")


def request_name(code: str) -> str:
    """Return how to name a pair in a request: ccxt's BASE/QUOTE as Kraken's short name, anything else as it is."""
    if "/" not in code:
        return code
    base, _, quote = code.partition("/")
    return _short_name(base) + _short_name(quote)


def answer_names(code: str) -> frozenset[str]:
    """Return all names under which Kraken may answer for a pair: BTC/USD may come as XXBTZUSD."""
    if "/" not in code:
        return frozenset({code})
    base, _, quote = code.partition("/")
    return frozenset(b + q for b in _names(base) for q in _names(quote)) | {f"{_short_name(base)}/{quote}", code}


@cache
def _names(currency: str) -> tuple[str, ...]:
    renamed: Mapping[str, str] = exchange().commonCurrencies
    return (currency, *(name for name, meant in renamed.items() if meant == currency))


def _short_name(currency: str) -> str:
    """Return Kraken's short name: XBT for BTC; its long names (XXBT, ZUSD) are four letters after X or Z."""
    short = [name for name in _names(currency)[1:] if not (len(name) == 4 and name[0] in "XZ")]
    return short[0] if short else currency


def result_of(body: bytes) -> Mapping[str, Any]:
    """Return the `result` of an answer. Raises PayloadError for a body of another shape."""
    try:
        result = json.loads(body)["result"]
        if not isinstance(result, dict):
            raise TypeError("result is not an object")
    except (ValueError, KeyError, TypeError) as error:
        raise unreadable("an answer", error) from None
    return result


def pair_of(result: Mapping[str, Any], code: str) -> Any:
    """Return what `result` says about the pair `code`. Raises PayloadError when it is silent about it."""
    names = answer_names(code)
    for name, content in result.items():
        if name in names:
            return content
    others = [content for name, content in result.items() if name not in NOT_PAIRS]
    if "/" not in code and len(others) == 1:
        # asked by another of its names (XBTUSD), it answers under its id (XXBTZUSD)
        return others[0]
    raise unreadable(f"what was said about {code}", KeyError(", ".join(result)))


def unreadable(what: str, error: Exception) -> PayloadError:
    """Return the error for a body that does not have Kraken's shape."""
    return PayloadError(
        f"tried to read {what} from Kraken and got {type(error).__name__} ({error}): a retry does not help; "
        "compare the kept payload with docs.kraken.com/api"
    )
