"""What the simulated United States list: well-known tickers, the hot list, and openly simulated ones up to 8,800.

Beside them stand rows that a symbol directory has and a universe leaves out: test issues, warrants, units, rights.
"""

from __future__ import annotations

from collections.abc import Iterator

from market_pipeline.markets.loader import load_market
from market_pipeline.simulator.randomness import uniform

Row = dict[str, str]

SIZE = 8_800
PREFERREDS = 150
SHELL_COMPANIES = 330
"""Each has units and warrants beside its shares, every third one rights as well."""
TESTS = ("ZAZZT", "ZBZZT", "ZCZZT", "ZJZZT", "ZVZZT", "ZWZZT", "ZXZZT")
OTHER_TESTS = ("ATEST", "CTEST", "MTEST", "NTEST", "PTEST")
PLACES = "QQQQGSSSNNNNAPPZ"
"""Letters of the exchanges, as often as they occur."""
FUND_PLACES = "GGPPPPZZ"


def fill_up(known: list[Row]) -> list[Row]:
    """Return the known rows, the rest of the hot list, preferred shares and simulated ones."""
    symbols = {row["symbol"] for row in known}
    hot = [symbol for symbol in load_market("us").tier_1 if symbol not in symbols]
    rows = known + [_hot(symbol) for symbol in hot] + [_preferred(number) for number in range(1, PREFERREDS + 1)]
    return rows + [_simulated(number) for number in range(1, SIZE - len(rows) + 1)]


def _hot(symbol: str) -> Row:
    volume = 1e6 * 20 ** uniform("volume", symbol)
    listed = PLACES[int(uniform("listed", symbol) * 13)]
    dash = " -" if listed in "QGS" else ""
    return {
        "symbol": symbol, "name": f"{symbol}{dash} Common Stock", "listed": listed, "kind": "stock",
        "daily_volume": str(round(volume)), "minute_probability": "1",
    }  # fmt: skip


def _preferred(number: int) -> Row:
    letter, rate = "ABCD"[number % 4], 4 + number % 4
    name = (
        f"Simulated Company {number} Depositary Shares, each representing a 1/1,000th interest in a share of "
        f"{rate}.500% Non-Cumulative Preferred Stock, Series {letter}"
    )
    return {
        "symbol": f"SIM{number:04d}${letter}", "name": name, "listed": "N", "kind": "preferred",
        "price": str(18 + number % 8), "daily_volume": str(4000 + 90 * number), "daily_volatility": "0.004",
    }  # fmt: skip


def _simulated(number: int) -> Row:
    symbol = f"SIM{number:04d}"
    is_fund = uniform("fund", symbol) < 0.35
    places = FUND_PLACES if is_fund else PLACES
    listed = places[int(uniform("listed", symbol) * len(places))]
    dash = " -" if listed in "QGS" else ""
    kind = "ETF" if is_fund else f"Simulated Company {number}{dash} Common Stock"
    splits = {7: "2026-09-14:7:1", 8: "2026-10-05:1:10"}.get(number, "")
    return {
        "symbol": symbol, "name": f"Simulated Fund {number} ETF" if is_fund else kind, "listed": listed,
        "kind": "etf" if is_fund else "stock", "daily_volume": str(round(3000 * 2000 ** uniform("volume", symbol))),
        "splits": splits, "price": _price(symbol),
    }  # fmt: skip


def _price(symbol: str) -> str:
    price = 2 * 100 ** uniform("price", symbol)
    return f"{0.2 + 0.6 * uniform('penny', symbol):.4f}" if uniform("is_penny", symbol) < 0.04 else f"{price:.2f}"


def left_out() -> Iterator[Row]:
    """Give the rows of the directory that nobody quotes: symbol, name, listed, is_test, and its other spellings."""
    for number, symbol in enumerate(TESTS):
        yield {"symbol": symbol, "name": "NASDAQ TEST STOCK", "listed": "QGS"[number % 3], "is_test": "Y"}
    for number, symbol in enumerate(OTHER_TESTS):
        yield {"symbol": symbol, "name": f"Tick Pilot Test Stock {number}", "listed": "ANPZN"[number], "is_test": "Y"}
    for number in range(1, SHELL_COMPANIES + 1):
        yield from _shell_company(number)


def _shell_company(number: int) -> Iterator[Row]:
    name, root = f"Simulated Acquisition {number} Corp.", f"SQ{number:03d}"
    if number % 2:
        yield {"symbol": f"{root}U", "name": f"{name} - Units", "listed": "G"}
        yield {"symbol": f"{root}W", "name": f"{name} - Warrants", "listed": "G"}
        if number % 3 == 0:
            yield {"symbol": f"{root}R", "name": f"{name} - Rights", "listed": "G"}
        return
    parts = "one Class A ordinary share and one-half of one redeemable warrant"
    unit = {"symbol": f"{root}.U", "name": f"{name} Units, each consisting of {parts}", "listed": "N"}
    yield unit | {"nasdaq": f"{root}="}
    warrants = f"{name} Warrants, each exercisable for one Class A ordinary share at $11.50"
    yield {"symbol": f"{root}.W", "name": warrants, "listed": "N", "cqs": f"{root}.WS", "nasdaq": f"{root}+"}
