"""Missing minutes: why they are missing, and what became of them."""

from __future__ import annotations

from enum import StrEnum

EVERY_SYMBOL = "*"
"""Stands for the symbol of a gap that every symbol of the market has."""


class GapState(StrEnum):
    """What becomes of a gap."""

    OPEN = "open"
    HEALING = "healing"
    """Its history was asked for at least once, and is not there yet."""
    HEALED = "healed"
    UNHEALABLE = "unhealable"


class GapCause(StrEnum):
    """Causes beside the statuses of failed requests (timeout, rate_limited, blocked …)."""

    PROCESS_DOWN = "process_down"
    """Nobody asked."""
    BREAKER = "breaker"
    """We had stopped asking the source for a while."""
    NOT_TRADED = "not_traded"
    HALTED = "halted"


ACTIVE = (GapState.OPEN, GapState.HEALING)
"""There is still something to do."""
QUIET = (GapCause.NOT_TRADED, GapCause.HALTED)
"""The source answered: there is nothing to heal."""
