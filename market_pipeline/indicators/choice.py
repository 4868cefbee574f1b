"""Which part of the catalogue a market file chooses. Pure; imports no computing library."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from market_pipeline.errors import MarketFileError
from market_pipeline.indicators.catalogue import TWINS, all_indicators
from market_pipeline.indicators.indicator import Group, Indicator
from market_pipeline.markets.schema import IndicatorChoice, MarketFile


@dataclass(frozen=True)
class Chosen:
    """The indicators to compute and, of the columns that they fill, those that are kept."""

    indicators: tuple[Indicator, ...]
    columns: frozenset[str]


def check_choice(file: MarketFile) -> None:
    """Raise MarketFileError when the file names groups or columns that the catalogue does not have."""
    problems = [
        *_unknown("groups", file.indicators.groups, families()),
        *_unknown("columns", file.indicators.columns, _columns(all_indicators())),
        *_unknown("pandas_ta.symbols", _named_symbols(file), [rule.symbol for rule in file.symbols]),
    ]
    if problems:
        raise MarketFileError(
            f"read {file.market}/defs.yaml and found {len(problems)} unknown "
            f"name{'s' if len(problems) > 1 else ''}; a retry does not help; correct the file "
            f"(market-pipeline indicators lists all):\n  {'\n  '.join(problems)}"
        )


@cache
def chosen(choice: IndicatorChoice) -> Chosen:
    """Return what a checked choice means. Of twin columns, which share their values, both are chosen with either."""
    everything = all_indicators()
    names = {
        column for one in everything if one.family in choice.groups for column in one.columns
    } | set(choice.columns)  # fmt: skip
    if not names:
        return Chosen(everything, frozenset(_columns(everything)))
    return _with_columns(names)


@cache
def chosen_also(choice: IndicatorChoice, columns: tuple[str, ...]) -> Chosen:
    """Return what a choice means with a few columns more."""
    return _with_columns({*chosen(choice).columns, *columns})


def families() -> list[str]:
    """Return the families of the catalogue, in the order of their columns."""
    return list(dict.fromkeys(indicator.family for indicator in all_indicators()))


def pandas_ta_columns() -> list[str]:
    """Return the columns that pandas-ta computes."""
    return _columns(indicator for indicator in all_indicators() if indicator.group is Group.PANDAS_TA)


def near(name: str, known: Iterable[str]) -> str:
    """Return ` (did you mean X?)` for a misspelt name, else nothing."""
    by_lower = {one.lower(): one for one in known}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return f" (did you mean {by_lower[found[0]]}?)" if found else ""


def _with_columns(names: set[str]) -> Chosen:
    held = {TWINS.get(name, name) for name in names}
    names = names | held | {twin for twin, holder in TWINS.items() if holder in held}
    indicators = tuple(one for one in all_indicators() if not names.isdisjoint(one.columns))
    return Chosen(indicators, frozenset(names))


def _columns(indicators: Iterable[Indicator]) -> list[str]:
    return [column for indicator in indicators for column in indicator.columns]


def _named_symbols(file: MarketFile) -> Sequence[str]:
    """Return the symbols that the file names for pandas-ta and that it can know: a universe is not known here."""
    symbols = file.indicators.pandas_ta.symbols
    return () if isinstance(symbols, str) or file.universe is not None else symbols


def _unknown(key: str, names: Sequence[str], known: Sequence[str]) -> list[str]:
    return [
        f"attributes.indicators.{key}[{number}]: seen {name!r}{near(name, known)}, "
        f"allowed: {', '.join(known) if len(known) < 20 else f'one of {len(known)} names'}"
        for number, name in enumerate(names, start=1)
        if name not in known
    ]
