"""What a run's cadence, a tag, says of it: whether somebody waits for it."""

from __future__ import annotations

from collections.abc import Mapping

CADENCE_TAG = "market_pipeline/cadence"
PROMPT_CADENCE = "minute"
UNHURRIED_CADENCES = frozenset({"sweep", "metrics", "heal", "daily", "retention"})


def is_unhurried(tags: Mapping[str, str]) -> bool:
    """Tell whether nobody waits for the run: it gives way to cycles, and waits long for what they hold."""
    return tags.get(CADENCE_TAG) in UNHURRIED_CADENCES


def is_prompt(tags: Mapping[str, str]) -> bool:
    """Tell whether the run is a cycle, which starts at once."""
    return tags.get(CADENCE_TAG) == PROMPT_CADENCE
