"""What a new list of instruments changes: new, renamed and delisted ones, each dated. Half a list delists nobody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from market_pipeline.model.instrument import Instrument

LEAST_SHARE = 0.8
"""A source's list that has fewer of the instruments listed so far is not believed: nobody is delisted by it."""


@dataclass(frozen=True)
class InstrumentChanges:
    """The rows to keep, and what happened: symbols that are new or gone, old → new ones, and those held on to."""

    instruments: tuple[Instrument, ...]
    new: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    gone: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    """Missing in a list that is not believed; they stay listed."""


def changed_instruments(
    listed: Sequence[Instrument], before: Sequence[Instrument], *, today: date, is_complete: bool
) -> InstrumentChanges:
    """Compare a source's list with the one before (delisted rows included).

    An ISIN that moved to a new symbol is a rename: the old symbol ends today and names the new one. Dates once known
    are kept. `is_complete` says that the list is the truth whatever it leaves out (a market file); a first list dates
    nothing.
    """
    known = {instrument.symbol: instrument for instrument in before}
    names = {instrument.symbol for instrument in listed}
    active = [instrument for instrument in before if instrument.listed_to is None]
    missing = [instrument for instrument in active if instrument.symbol not in names]
    new = [instrument.symbol for instrument in listed if instrument.symbol not in known]
    renamed = _renamed(listed, missing, new=set(new))
    kept = len(active) - len(missing) + len(renamed)
    is_believed = is_complete or kept >= LEAST_SHARE * len(active)
    rows = [_dated(one, known.get(one.symbol), today if before and not is_complete else None) for one in listed]
    for instrument in missing:
        successor = renamed.get(instrument.symbol)
        is_ending = is_believed or successor is not None
        rows.append(replace(instrument, listed_to=today, renamed_to=successor) if is_ending else instrument)
    others = [instrument.symbol for instrument in missing if instrument.symbol not in renamed]
    return InstrumentChanges(
        instruments=tuple(rows),
        new=tuple(sorted(set(new) - set(renamed.values()))),
        renamed=renamed,
        gone=tuple(sorted(others)) if is_believed else (),
        held=() if is_believed else tuple(sorted(others)),
    )


def _renamed(listed: Iterable[Instrument], missing: Iterable[Instrument], *, new: set[str]) -> dict[str, str]:
    """Return old → new symbol where the same ISIN left under one name and came under another."""
    of_isin = {one.isin: one.symbol for one in listed if one.isin is not None and one.symbol in new}
    return {one.symbol: of_isin[one.isin] for one in missing if one.isin in of_isin}


def _dated(instrument: Instrument, known: Instrument | None, first_seen: date | None) -> Instrument:
    """Keep what is known of the first day; an instrument that was not in the list before begins with this one."""
    since = instrument.listed_from or (known.listed_from if known else first_seen)
    return replace(instrument, listed_from=since)
