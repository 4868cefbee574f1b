"""The tags of runs, and what a run's cadence says of it: whether somebody waits for it."""

from __future__ import annotations

from collections.abc import Mapping

MARKET_TAG = "market_pipeline/market"
CADENCE_TAG = "market_pipeline/cadence"
PROMPT_CADENCE = "minute"
MARKET_CADENCES = frozenset({"sweep", "metrics", "heal", "daily"})
UNHURRIED_CADENCES = MARKET_CADENCES | {"retention"}


def run_tags(market: str, cadence: str, *, longest_seconds: int | None = None) -> dict[str, str]:
    """Return the tags of a market's runs of one cadence, which may last so long.

    A run that nobody waits for begins only when no cycle of its market runs: dagster.yaml lets one run at a time have
    each of the tags `<cadence>_or_cycle` with the same market. A cycle has all of them, and never waits.
    """
    tags = {MARKET_TAG: market, CADENCE_TAG: cadence}
    waiting = MARKET_CADENCES if cadence == PROMPT_CADENCE else {cadence}
    tags |= {f"market_pipeline/{other}_or_cycle": market for other in sorted(waiting)}
    if longest_seconds is not None:
        tags["dagster/max_runtime"] = str(longest_seconds)
    return tags


def is_unhurried(tags: Mapping[str, str]) -> bool:
    """Tell whether nobody waits for the run: it gives way to cycles, and waits long for what they hold."""
    return tags.get(CADENCE_TAG) in UNHURRIED_CADENCES


def is_prompt(tags: Mapping[str, str]) -> bool:
    """Tell whether the run is a cycle, which starts at once."""
    return tags.get(CADENCE_TAG) == PROMPT_CADENCE
