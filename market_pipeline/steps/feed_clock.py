"""The feed's clock, for whoever needs nothing else of the feed: it imports next to nothing."""

from __future__ import annotations

from datetime import datetime

import requests

from market_pipeline.clock import Clock, ShiftedClock, SystemClock
from market_pipeline.errors import SourceUnreachable
from market_pipeline.settings import Feed, Settings


def feed_clock(settings: Settings) -> Clock:
    """Return the clock of the feed that the settings name. Raise SourceUnreachable without the simulated exchange."""
    return SystemClock() if settings.feed is Feed.LIVE else simulated_clock(settings.simulator_url)


def simulated_clock(url: str) -> ShiftedClock:
    """Ask the simulated exchange for its time and return a clock that runs beside it."""
    try:
        answer = requests.get(f"{url}/_clock", timeout=5)
        answer.raise_for_status()
        state = answer.json()
        return ShiftedClock(datetime.fromisoformat(state["now"]), SystemClock().now(), float(state["speed"]))
    except (requests.RequestException, ValueError, KeyError) as error:
        raise SourceUnreachable(
            f"asked the simulated exchange at {url} for its clock and got no answer ({type(error).__name__}); "
            "start it with `market-pipeline simulate` (or everything with `make run`) and try again; "
            "MARKET_PIPELINE_SIMULATOR_URL names its address"
        ) from error
