"""The timeframes that bars come in, and the other names they go by."""

from __future__ import annotations

from collections.abc import Mapping

from market_pipeline.errors import UsageError

TIMEFRAMES: Mapping[str, int] = {"1m": 1, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "1d": 1440}
"""Name → minutes. A day's bucket is as long as the longest session there is, so that it holds any session."""
ALIASES: Mapping[str, str] = {
    **{f"{minutes}{unit}": name for name, minutes in TIMEFRAMES.items() if minutes <= 60 for unit in ("T", "min")},
    **{"60m": "1h", "1H": "1h", "1D": "1d"},
}
"""As pandas writes them. Case counts: to pandas 1M is a month."""


def timeframe_named(name: str) -> str:
    """Return the timeframe that a name or an alias means. Raise UsageError for any other."""
    found = ALIASES.get(name, name)
    if found not in TIMEFRAMES:
        raise UsageError(
            f"asked for the timeframe {name!r}: there is none of that name; a retry does not help; "
            f"there are {', '.join(TIMEFRAMES)} (and pandas' names: {', '.join(ALIASES)})"
        )
    return found
