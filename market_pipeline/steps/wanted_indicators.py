"""Which indicators are computed for whom: what the market file chooses, and what somebody asks for besides."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from market_pipeline.errors import UsageError
from market_pipeline.indicators.choice import Chosen, chosen, chosen_also, near, pandas_ta_columns
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.storage.tables import INSTRUMENTS


@dataclass(frozen=True)
class PandasTaRequest:
    """What a person wants of pandas-ta now, besides what the market file says.

    Symbols get the columns, all of them where none is named. Without symbols those of the market file get them, or
    those of tier 1 where it names none.
    """

    symbols: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether anything is asked for."""
        return bool(self.symbols or self.columns)


@dataclass(frozen=True)
class Wanted:
    """The indicators to compute, and the symbols that get those of pandas-ta."""

    chosen: Chosen
    pandas_ta: Collection[str]


def wanted_indicators(
    runtime: Runtime, market: MarketRuntime, day: date, *, request: PandasTaRequest | None = None
) -> Wanted:
    """Return what is due for rows of a session. The daily cadence of pandas-ta waits until the session is over."""
    choice = market.file.indicators
    named = _named(market)
    if request:
        also = frozenset(request.symbols) or named or _tier_1(market)
        return Wanted(chosen_also(choice, request.columns or tuple(pandas_ta_columns())), named | also)
    session = market.calendar.session(day)
    is_over = session is None or runtime.clock.now() >= session.last_phase_end
    is_due = choice.pandas_ta.cadence == "minute" or is_over
    return Wanted(chosen(choice), named if is_due else frozenset())


def check_request(runtime: Runtime, market: MarketRuntime, request: PandasTaRequest) -> None:
    """Raise UsageError for a column that pandas-ta does not fill here, or a symbol that the market does not list."""
    stored = runtime.warehouse.latest(INSTRUMENTS, market.name)["symbol"].to_pylist()
    listed = [*stored, *(rule.symbol for rule in market.file.symbols)]
    problems = [*_unknown("column", request.columns, pandas_ta_columns()), *_unknown("symbol", request.symbols, listed)]
    if problems:
        raise UsageError(
            f"asked {market.name} for indicators of pandas-ta and found {'; '.join(problems)}; a retry does not help; "
            "correct the run's config (market-pipeline indicators lists the columns, family extra)"
        )


def _unknown(kind: str, names: Sequence[str], known: Sequence[str]) -> list[str]:
    return [f"unknown {kind} {name!r}{near(name, known)}" for name in names if name not in known]


def _named(market: MarketRuntime) -> frozenset[str]:
    symbols = market.file.indicators.pandas_ta.symbols
    if symbols == "tier_1":
        return _tier_1(market)
    return frozenset() if symbols == "none" else frozenset(symbols)


def _tier_1(market: MarketRuntime) -> frozenset[str]:
    return frozenset({*market.file.tier_1, *(rule.symbol for rule in market.file.symbols if rule.tier == 1)})
