"""Supply and demand: where the price rested before it left fast and on much volume. The definition is ours.

Base: up to `max_base_bars` quiet bars in a row (body and range small beside the usual range), followed by one that is
not. Departure: the first close, within `departure_bars` bars after the base, that lies `departure_ranges` usual ranges
(those of the base's last bar) above the base's high: a demand zone; or below its low: a supply zone. Their mean volume
is at least `volume_ratio` times that of the `volume_bars` bars before the base. The zone spans the base's low…high and
is known from the closing of the departure on. A bar whose range reaches the zone after one whose range did not is a
visit; a close beyond the zone's far edge ends it. Strength = volume ratio · distance of the departing close in usual
ranges / (1 + visits): a zone weighs by its volume, and each visit uses it up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from market_pipeline.indicators.indicator import FloatArray
from market_pipeline.indicators.levels.joined_bars import BoolArray, IntArray, JoinedBars
from market_pipeline.indicators.levels.level import PRICE, STRENGTH, Level
from market_pipeline.indicators.levels.zone_life import Side, nearest_zones
from market_pipeline.markets.schema import LevelsRule

_BASE = ("range_bars", "max_base_bars", "base_body_ranges", "base_ranges")
_ALL = (*_BASE, "departure_bars", "departure_ranges", "volume_bars", "volume_ratio")
_STRENGTH = "(departure volume/usual volume)·(departure in usual ranges)/(1 + visits)"
ZONE_LEVELS: tuple[Level, ...] = (
    Level("DEMAND_top", PRICE, "upper edge of the nearest demand zone below", "base's high", parameters=_ALL),
    Level("DEMAND_bottom", PRICE, "lower edge of that zone; a close below ends it", "base's low", parameters=_ALL),
    Level("DEMAND_strength", STRENGTH, "strength of that zone", _STRENGTH, parameters=_ALL),
    Level("SUPPLY_top", PRICE, "upper edge of the nearest supply zone above; a close above ends it", "base's high",
          parameters=_ALL),
    Level("SUPPLY_bottom", PRICE, "lower edge of that zone", "base's low", parameters=_ALL),
    Level("SUPPLY_strength", STRENGTH, "strength of that zone", _STRENGTH, parameters=_ALL),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Zones:
    """Zones by the bar whose close made them known; `strength` is that before any visit."""

    known: IntArray
    top: FloatArray
    bottom: FloatArray
    strength: FloatArray
    is_demand: BoolArray


def find_zones(bars: JoinedBars, rule: LevelsRule, *, usual: FloatArray) -> Zones:
    """Return every zone that the bars made, ended ones included."""
    is_quiet = _is_quiet(bars, rule, usual)
    ends = np.flatnonzero(is_quiet[:-1] & ~is_quiet[1:] & bars.has_after(1)[:-1])
    lengths, top, bottom = _bases(bars, ends, is_quiet, longest=rule.max_base_bars)
    least = rule.departure_ranges * usual[ends]
    known = np.full(len(ends), -1)
    is_demand = np.zeros(len(ends), dtype=np.bool_)
    for lag in range(1, rule.departure_bars + 1):
        at = np.minimum(ends + lag, len(bars.close) - 1)
        close, fits = bars.close[at], (known < 0) & (ends + lag < bars.ends[bars.window_of[ends]])
        is_up, is_down = fits & (close - top >= least), fits & (bottom - close >= least)
        known[is_up | is_down] = at[is_up | is_down]
        is_demand |= is_up
    off = np.where(is_demand, bars.close[known] - top, bottom - bars.close[known]) / usual[ends]
    ratio = _volume_ratio(bars, rule, bases=(ends - lengths, ends), known=known)
    strength = ratio * off
    found = np.flatnonzero((known >= 0) & (ratio >= rule.volume_ratio))
    found = found[np.argsort(known[found], kind="stable")]
    return Zones(known[found], top[found], bottom[found], strength[found], is_demand[found])


def _is_quiet(bars: JoinedBars, rule: LevelsRule, usual: FloatArray) -> BoolArray:
    body, span = np.abs(bars.close - bars.open), bars.high - bars.low
    # a usual range of 0 or NaN measures nothing
    quiet: BoolArray = (usual > 0) & (body <= rule.base_body_ranges * usual) & (span <= rule.base_ranges * usual)
    return quiet


def _bases(
    bars: JoinedBars, ends: IntArray, is_quiet: BoolArray, *, longest: int
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return how many bars each base has, and its high and low."""
    lengths = np.ones(len(ends), dtype=np.intp)
    top, bottom = bars.high[ends], bars.low[ends]
    goes_on = np.ones(len(ends), dtype=np.bool_)
    first = bars.starts[bars.window_of[ends]]
    for lag in range(1, longest):
        at = np.maximum(ends - lag, 0)
        goes_on &= (ends - lag >= first) & is_quiet[at]
        lengths += goes_on
        top = np.where(goes_on, np.maximum(top, bars.high[at]), top)
        bottom = np.where(goes_on, np.minimum(bottom, bars.low[at]), bottom)
    return lengths, top, bottom


def _volume_ratio(
    bars: JoinedBars, rule: LevelsRule, *, bases: tuple[IntArray, IntArray], known: IntArray
) -> FloatArray:
    """Return the departures' mean volume in usual volumes; NaN where too few bars came before or volume is unknown."""
    before, ends = bases
    departing: FloatArray = np.zeros(len(ends))
    usual: FloatArray = np.zeros(len(ends))
    for lag in range(1, rule.departure_bars + 1):
        is_part = ends + lag <= known
        departing += np.where(is_part, bars.volume[np.minimum(ends + lag, len(bars.volume) - 1)], 0.0)
    for lag in range(rule.volume_bars):
        usual += bars.volume[np.maximum(before - lag, 0)]
    reaches = before - rule.volume_bars + 1 >= bars.starts[bars.window_of[ends]]
    usual = np.where(reaches & (usual > 0), usual / rule.volume_bars, np.nan)
    ratio: FloatArray = departing / np.maximum(known - ends, 1) / usual
    return ratio


def zone_levels(bars: JoinedBars, rule: LevelsRule, *, usual: FloatArray) -> FloatArray:
    """Return the columns of ZONE_LEVELS for the bars that are due, NaN where there is no such zone."""
    zones = find_zones(bars, rule, usual=usual)
    demand, supply = np.flatnonzero(zones.is_demand), np.flatnonzero(~zones.is_demand)
    near, far, demanded = nearest_zones(
        bars,
        Side(
            zones.known[demand], zones.top[demand], zones.bottom[demand], zones.strength[demand], bars.low, bars.close
        ),
    )
    mirrored = Side(
        zones.known[supply], -zones.bottom[supply], -zones.top[supply], zones.strength[supply], -bars.high, -bars.close
    )
    near_above, far_above, supplied = nearest_zones(bars, mirrored)
    return np.array([near, far, demanded, -far_above, -near_above, supplied])
