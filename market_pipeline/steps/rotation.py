"""Who is asked first: tier 1, then tier 2, in each the ones that this source was asked for longest ago.

Kept in <feed>/rotation/<market>_<source>.json, while one cycle of a source does not reach everything.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path

from market_pipeline.model.instrument import Instrument
from market_pipeline.storage.state_file import read_state, write_state

NEVER = datetime.min.replace(tzinfo=UTC)


def in_turn(instruments: Sequence[Instrument], last_asked: Mapping[str, datetime]) -> list[Instrument]:
    """Return tier 1, then tier 2; within a tier who was never asked for, then longest ago; else in the given order."""
    return sorted(instruments, key=lambda one: (one.tier, last_asked.get(one.symbol, NEVER)))


def next_full_sweep(
    instruments: Sequence[Instrument], reached: Collection[str], *, as_of: datetime, cadence_minutes: int
) -> datetime | None:
    """Return when every instrument will have been asked for since `as_of`, at the pace of the cycle that just ended.

    None when that cycle had no request to spare for tier 2: without a pace nothing can be said.
    """
    left = sum(1 for one in instruments if one.symbol not in reached)
    pace = sum(1 for one in instruments if one.tier > 1 and one.symbol in reached)
    if left == 0:
        return as_of
    return as_of + timedelta(minutes=cadence_minutes * ceil(left / pace)) if pace else None


@dataclass(frozen=True)
class Rotation:
    """What is remembered of one source of one market."""

    path: Path
    last_asked: Mapping[str, datetime]
    """Symbol → when this source was last asked for it; empty where every cycle reaches everything."""

    def remember(self, instruments: Sequence[Instrument], reached: Collection[str], as_of: datetime) -> None:
        """Note that the cycle of `as_of` reached these symbols. Symbols that are no longer listed are forgotten."""
        is_whole = all(one.symbol in reached for one in instruments)
        if is_whole and not self.last_asked:
            return
        by_moment: dict[str, list[str]] = {}
        for one in [] if is_whole else instruments:
            moment = as_of if one.symbol in reached else self.last_asked.get(one.symbol)
            if moment is not None:
                by_moment.setdefault(moment.isoformat(), []).append(one.symbol)
        write_state(self.path, {"asked": by_moment})


def rotation_of(folder: Path, market: str, source: str, *, now: datetime, tier: int | None = None) -> Rotation:
    """Read what is remembered in a feed's folder. Times after `now` are another clock's and count as never."""
    suffix = "" if tier is None else f"_tier{tier}"
    path = folder / "rotation" / f"{market}_{source}{suffix}.json"
    kept = read_state(path).get("asked", {})
    moments = [(datetime.fromisoformat(text), symbols) for text, symbols in kept.items()]
    return Rotation(path, {symbol: moment for moment, symbols in moments if moment <= now for symbol in symbols})
