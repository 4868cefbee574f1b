"""Every level there is, in the order of the columns of levels_1m."""

from __future__ import annotations

from market_pipeline.indicators.levels.level import Level
from market_pipeline.indicators.levels.pivots import PIVOTS
from market_pipeline.indicators.levels.profile import PROFILE_LEVELS
from market_pipeline.indicators.levels.swings import SWING_LEVELS
from market_pipeline.indicators.levels.zones import ZONE_LEVELS

FAMILIES: dict[str, tuple[Level, ...]] = {
    "pivots": PIVOTS,
    "swings": SWING_LEVELS,
    "volume profile": PROFILE_LEVELS,
    "supply and demand": ZONE_LEVELS,
}
LEVELS: tuple[Level, ...] = tuple(level for members in FAMILIES.values() for level in members)
