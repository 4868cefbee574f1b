"""What a chart of one symbol's session shows, read from the warehouse. Nothing is computed anew but the bins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.errors import UsageError
from market_pipeline.indicators.bar_window import BarWindow
from market_pipeline.indicators.levels.profile import session_profile
from market_pipeline.markets.schema import MarketFile
from market_pipeline.markets.zones import zone
from market_pipeline.storage.tables import BARS_1M, LEVELS_1M
from market_pipeline.storage.warehouse import Warehouse

type FloatArray = npt.NDArray[np.float64]
PRICES = ("open", "high", "low", "close", "volume")
INDICATORS = ("BBU_20_2", "BBM_20_2", "BBL_20_2", "RSI_14", "MACD_12_26_9", "MACDs_12_26_9", "MACDh_12_26_9")
LEVELS = tuple(column.name for column in LEVELS_1M.columns[4:-1])
SHOWN_SYMBOLS = 8


@dataclass(frozen=True, eq=False)
class SessionChart:
    """One symbol's session. Times are the exchange's own; what is not stored is NaN."""

    title: str
    symbol: str
    session_date: date
    zone_name: str
    currency: str
    is_simulated: bool
    times: npt.NDArray[np.datetime64]
    """Start of each bar's minute, local to the exchange."""
    series: Mapping[str, FloatArray]
    """Column → its values at each bar."""
    bin_edges: FloatArray
    bin_volumes: FloatArray


def read_session_chart(
    warehouse: Warehouse, file: MarketFile, symbol: str, *, day: date | None, is_simulated: bool
) -> SessionChart:
    """Return what is stored of the session; the newest of the symbol's market without `day`.

    Raise UsageError for a session or a symbol without minute bars.
    """
    day = _stored_day(warehouse, file, day)
    bars = _bars(warehouse, file, symbol, day=day)
    minutes = bars["interval_start"].cast(pa.int64()).to_numpy()
    series = {name: bars[name].to_numpy().astype(np.float64) for name in PRICES}
    for table, columns in (("indicators_1m", INDICATORS), (LEVELS_1M.name, LEVELS)):
        wanted = ("interval_start", *columns)
        rows = warehouse.read(table, file.market, sessions=[day], symbols=[symbol], columns=wanted)
        series |= _at_bars(rows, minutes, columns)
    opens, highs, lows, closes, amounts = (series[name] for name in PRICES)
    window = BarWindow(symbol, opens, highs, lows, closes, amounts, 0)
    edges, volumes = session_profile(window, file.indicators.levels)
    times = _local(minutes, file.calendar.zone)
    return SessionChart(
        file.title, symbol, day, file.calendar.zone, file.currency, is_simulated, times, series, edges, volumes
    )


def _stored_day(warehouse: Warehouse, file: MarketFile, day: date | None) -> date:
    stored = warehouse.sessions(BARS_1M, file.market)
    if day is None and stored:
        return stored[-1]
    if day in stored:
        return day
    kept = f"stored are {len(stored)} sessions, {stored[0]} to {stored[-1]}" if stored else "none is stored"
    wanted = f"the session of {day}" if day else "the newest session"
    raise UsageError(
        f"wanted {wanted} of {file.market}, and there are no minute bars of it ({kept}); a retry does not help; name "
        f"a session that is stored, or fetch it: market-pipeline backfill {file.market} --from {day or 'DATE'}"
    )


def _bars(warehouse: Warehouse, file: MarketFile, symbol: str, *, day: date) -> pa.Table:
    columns = ("symbol", "interval_start", *PRICES)
    bars = warehouse.read(BARS_1M, file.market, sessions=[day], symbols=[symbol], columns=columns)
    if bars.num_rows:
        return bars.sort_by("interval_start").combine_chunks()
    listed = warehouse.read(BARS_1M, file.market, sessions=[day], columns=("symbol",))["symbol"].unique().to_pylist()
    near = sorted(name for name in listed if symbol.upper() in name) or sorted(listed)
    shown = ", ".join(near[:SHOWN_SYMBOLS]) + (" …" if len(near) > SHOWN_SYMBOLS else "")
    raise UsageError(
        f"wanted {symbol} of {file.market} on {day}, and it has no minute bars there; a retry does not help; "
        f"{len(listed)} symbols have: {shown}"
    )


def _at_bars(rows: pa.Table, minutes: npt.NDArray[np.int64], columns: tuple[str, ...]) -> dict[str, FloatArray]:
    """Return columns of other tables at the minutes of the bars, NaN where they have no row."""
    theirs = rows["interval_start"].cast(pa.int64()).to_numpy()
    places = np.searchsorted(minutes, theirs)
    is_bar = minutes[np.minimum(places, len(minutes) - 1)] == theirs
    found: dict[str, FloatArray] = {}
    for name in columns:
        values = np.full(len(minutes), np.nan)
        column = pc.cast(rows[name], pa.float64()).to_numpy()
        values[places[is_bar]] = column[is_bar]
        found[name] = values
    return found


def _local(minutes: npt.NDArray[np.int64], zone_name: str) -> npt.NDArray[np.datetime64]:
    exchange, epoch = zone(zone_name), datetime(1970, 1, 1, tzinfo=UTC)
    moments = (epoch + timedelta(microseconds=int(minute)) for minute in minutes)
    local = [moment.astimezone(exchange).replace(tzinfo=None) for moment in moments]
    return np.array(local, dtype="datetime64[s]")
