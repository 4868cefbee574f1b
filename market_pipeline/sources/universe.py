"""Chooses from a source's list what the market file's universe rule lets in. Pure: must not fetch or read bodies."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from market_pipeline.errors import MarketFileError
from market_pipeline.markets.schema import MarketFile, UniverseRule
from market_pipeline.model.instrument import Instrument

Row = Mapping[str, str]
"""One line of a list under the source's own names of fields."""


@dataclass(frozen=True)
class Universe:
    """The instruments that the rule chose, and how many chosen rows could not be read."""

    instruments: tuple[Instrument, ...]
    rejected: int


@dataclass(frozen=True)
class ListFormat:
    """How a source's list is read: which field is what, and what becomes of a row."""

    fields: Mapping[str, str]
    """Word of the rule → field of a row; `symbol` and `name` are always there."""
    is_readable: Callable[[Row], bool]
    instrument: Callable[[Row], Instrument]


def universe_of(rows: Iterable[Row], market: MarketFile, *, rule: UniverseRule, form: ListFormat) -> Universe:
    """Return the instruments that `rule` chooses, tier 1 first, then by symbol.

    Where a symbol stands in several rows, the one whose values the rule names first wins. Raises MarketFileError when
    the rule speaks of a field that the list does not have.
    """
    _check_fields(market, rule, form.fields)
    symbol, wanted = form.fields["symbol"], [(form.fields[word], values) for word, values in rule.where.items()]
    chosen: dict[str, tuple[tuple[int, ...], Row]] = {}
    rejected = 0
    for row in _let_in(rows, rule, form):
        if not form.is_readable(row):
            rejected += 1
            continue
        rank = tuple(values.index(row[field]) for field, values in wanted)
        if row[symbol] not in chosen or rank < chosen[row[symbol]][0]:
            chosen[row[symbol]] = rank, row
    instruments = _placed([form.instrument(row) for _, row in chosen.values()])
    return Universe(tuple(instruments[: rule.limit]), rejected)


def _placed(instruments: Sequence[Instrument]) -> list[Instrument]:
    return sorted(instruments, key=lambda instrument: (instrument.tier, instrument.symbol))


def _let_in(rows: Iterable[Row], rule: UniverseRule, form: ListFormat) -> Iterable[Row]:
    wanted = [(form.fields[word], frozenset(values)) for word, values in rule.where.items()]
    patterns = {"symbol": rule.exclude_pattern, "name": rule.exclude_name_pattern}
    excluded = [(form.fields[word], re.compile(pattern)) for word, pattern in patterns.items() if pattern]
    for row in rows:
        if all(row[field] in values for field, values in wanted) and not any(
            pattern.search(row[field]) for field, pattern in excluded
        ):
            yield row


def _check_fields(market: MarketFile, rule: UniverseRule, fields: Collection[str]) -> None:
    unknown = sorted(set(rule.where) - set(fields))
    if unknown:
        raise MarketFileError(
            f"{market.market}: universe.where speaks of {', '.join(unknown)}, and the list of {rule.source} has "
            f"{', '.join(sorted(fields))}: a retry does not help; correct the market file"
        )
