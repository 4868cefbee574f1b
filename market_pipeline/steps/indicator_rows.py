"""Makes rows of indicators_1m from windows of bars: the wanted columns, and how far each row can be trusted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from market_pipeline.indicators.bar_window import BarWindow
from market_pipeline.indicators.engine import compute_many
from market_pipeline.indicators.indicator import Group
from market_pipeline.indicators.trust import Trust, trust_of
from market_pipeline.steps.bar_doubts import SessionDoubts, bar_doubts
from market_pipeline.steps.bar_windows import bar_window
from market_pipeline.steps.wanted_indicators import Wanted
from market_pipeline.steps.warehouse_tables import indicators_1m
from market_pipeline.steps.windowed_rows import Due, portions
from market_pipeline.storage.precision import stored_column
from market_pipeline.storage.tables import UTC_TIME, warm_name


@dataclass(frozen=True)
class AnchoredSession:
    """A session of a market with the stored ones before it that its windows reach into, the present one last."""

    market: str
    day: date
    sessions: Sequence[SessionDoubts]

    @property
    def present(self) -> SessionDoubts:
        """Return the session that rows are made of."""
        return self.sessions[-1]


def indicator_rows(
    anchored: AnchoredSession, due: Sequence[Due], *, wanted: Wanted, known_at: datetime
) -> Iterator[pa.Table]:
    """Yield finished tables; many rows come in portions of symbols, which bounds what is held as float64."""
    before = [one.block for one in anchored.sessions[:-1]]
    for portion in portions(due):
        windows = [bar_window(entry.symbol, before, anchored.present.block) for entry in portion]
        firsts = [window.session_start + entry.first for window, entry in zip(windows, portion, strict=True)]
        indicators = wanted.chosen.indicators
        values = compute_many(windows, firsts, indicators=indicators, tier_1=wanted.pandas_ta)
        doubts = [bar_doubts(entry.symbol, anchored.sessions) for entry in portion]
        trust = trust_of(windows, firsts, doubts=doubts, indicators=indicators)
        columns = _value_columns(wanted, values) | _trust_columns(trust, windows, firsts, wanted=wanted)
        yield _table(anchored, portion, columns=columns, known_at=known_at)


def _value_columns(wanted: Wanted, values: npt.NDArray[np.float64]) -> dict[str, pa.Array]:
    filled = [name for indicator in wanted.chosen.indicators for name in indicator.columns]
    schema = indicators_1m().schema
    return {
        name: stored_column(values[:, place], schema.field(name).type)
        for place, name in enumerate(filled)
        if name in wanted.chosen.columns
    }


def _trust_columns(
    trust: Trust, windows: Sequence[BarWindow], firsts: Sequence[int], *, wanted: Wanted
) -> dict[str, pa.Array]:
    columns = {
        name: pa.array(getattr(trust, name).astype(np.int32))
        for name in ("bars_available", "missing_minutes", "sampled_bars")
    }
    groups = {indicator.family: indicator.group for indicator in wanted.chosen.indicators}
    counts = [len(window) - first for window, first in zip(windows, firsts, strict=True)]
    is_left_out = np.repeat([window.symbol not in wanted.pandas_ta for window in windows], counts)
    for family, is_warm in trust.is_warm.items():
        mask = is_left_out if groups[family] is Group.PANDAS_TA else None
        columns[warm_name(family)] = pa.array(is_warm, mask=mask)
    return columns


def _table(
    anchored: AnchoredSession, portion: Sequence[Due], *, columns: dict[str, pa.Array], known_at: datetime
) -> pa.Table:
    block = anchored.present.block
    rows = [np.arange(block.rows_of[e.symbol].start + e.first, block.rows_of[e.symbol].stop) for e in portion]
    taken = np.concatenate(rows)
    names = [entry.symbol for entry, part in zip(portion, rows, strict=True) for _ in range(len(part))]
    known = columns | {
        "market": pa.repeat(pa.scalar(anchored.market), len(taken)),
        "symbol": pa.array(names, pa.string()),
        "interval_start": pa.array(block.minutes[taken], pa.int64()).cast(UTC_TIME),
        "session_date": pa.repeat(pa.scalar(anchored.day, pa.date32()), len(taken)),
        "revision": pa.array(block.revisions[taken]),
        "known_at": pa.repeat(pa.scalar(known_at, UTC_TIME), len(taken)),
    }
    schema = indicators_1m().schema
    arrays = [known[f.name] if f.name in known else pa.nulls(len(taken), f.type) for f in schema]
    return pa.Table.from_arrays(arrays, schema=schema)
