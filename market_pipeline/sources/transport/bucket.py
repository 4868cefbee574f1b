"""A token bucket whose rate gives way to refusals: pure functions of a state and a moment.

The arithmetic is pyrate-limiter's TokenBucket. A 429 halves the rate, at most once in HALVE_EVERY_SECONDS and down to
LEAST_SHARE of the configured one; then it grows back by RECOVERY_PER_MINUTE of the configured rate every minute.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from market_pipeline.markets.schema import Budget

HALVE_EVERY_SECONDS = 10.0
"""Requests under way when a source begins to refuse are refused together: they are one message, not several."""
LEAST_SHARE = 1 / 8
RECOVERY_PER_MINUTE = 0.05
UNITS = 1000
"""pyrate-limiter states a rate as so many in whole milliseconds; a thousand in a thousandfold interval keeps 0.9/s."""
SLOT_SECONDS = 5
SLOTS_A_MINUTE = 60 // SLOT_SECONDS


@dataclass(frozen=True, slots=True)
class BucketState:
    """What is remembered. `spent` is pyrate-limiter's: the microsecond at which the bucket is full again."""

    spent: int = 0
    share: float = 1.0
    """The share of the configured rate that held at `changed_at`; it has grown since."""
    changed_at: float = 0.0
    halved: int = 0
    used: tuple[tuple[int, int], ...] = ()
    """(slot of SLOT_SECONDS, turns in it), oldest first, of the last minute."""


def current_share(state: BucketState, now: float) -> float:
    """Return the share of the configured rate that may be used now, LEAST_SHARE to 1."""
    return min(1.0, state.share + RECOVERY_PER_MINUTE / 60 * max(0.0, now - state.changed_at))


def current_rate(state: BucketState, budget: Budget, now: float) -> float:
    """Return the requests a second that are allowed now."""
    return budget.per_second * current_share(state, now)


def seconds_to_turn(state: BucketState, budget: Budget, now: float) -> float:
    """Return how long the next turn has to wait; 0 when it may go at once."""
    _, wait_ms = _step(state, budget, now, at_ms=int(now * 1000))
    return wait_ms / 1000


def reserved(state: BucketState, budget: Budget, now: float, *, wait: float) -> BucketState:
    """Return the state after a turn was reserved for `wait` seconds from now, at the rate that holds now."""
    at_ms = int(now * 1000) + round(wait * 1000)
    spent, wait_ms = _step(state, budget, now, at_ms=at_ms)
    if wait_ms:
        raise ValueError(f"reserved a turn {wait_ms} ms before it is due; wait for seconds_to_turn")
    return replace(state, spent=spent, used=_counted(state.used, at_ms // 1000 // SLOT_SECONDS))


def after_refusal(state: BucketState, budget: Budget, now: float, *, pause: float = 0.0) -> BucketState:
    """Return the state after the source said 429: half the rate, and no turn for the `pause` it asked for.

    What is spent stays spent: turns reserved at the old rate take twice as long to come back.
    """
    share = current_share(state, now)
    is_news = state.halved == 0 or now - state.changed_at >= HALVE_EVERY_SECONDS
    slower = max(LEAST_SHARE, share / 2) if is_news else share
    now_us = int(now * 1_000_000)
    ahead = round(max(0, state.spent - now_us) * share / slower)
    # full but for one turn when the pause is over
    held = round(pause * 1e6 + (budget.burst - 1) * 1e6 / (budget.per_second * slower)) if pause > 0 else 0
    spent = now_us + max(ahead, held) if ahead or held else state.spent
    if not is_news:
        return replace(state, spent=spent)
    return replace(state, spent=spent, share=slower, changed_at=now, halved=state.halved + 1)


def tokens_left(state: BucketState, budget: Budget, now: float) -> int:
    """Return how many requests could go at once now, 0 to the burst."""
    emission = 1_000_000 / current_rate(state, budget, now)
    return max(0, int(budget.burst - max(0, state.spent - int(now * 1_000_000)) / emission + 1e-6))


def used_in_last_minute(state: BucketState, now: float) -> int:
    """Return the turns of the last minute, to SLOT_SECONDS; turns that wait for their time do not count yet."""
    slot = int(now) // SLOT_SECONDS
    return sum(count for at, count in state.used if slot - SLOTS_A_MINUTE < at <= slot)


def _step(state: BucketState, budget: Budget, now: float, *, at_ms: int) -> tuple[int, int]:
    """Return what would be spent after a turn at `at_ms`, and how many milliseconds too early that is."""
    from pyrate_limiter import Rate, TokenBucket

    rate = current_rate(state, budget, now)
    after, verdict = TokenBucket().step(
        [Rate(UNITS, round(UNITS * 1000 / rate), burst=budget.burst)], (state.spent,), at_ms, 1
    )
    return int(after[0]), verdict.retry_after_ms or 0


def _counted(used: tuple[tuple[int, int], ...], slot: int) -> tuple[tuple[int, int], ...]:
    counts = dict(used)
    counts[slot] = counts.get(slot, 0) + 1
    newest = max(counts)
    return tuple(sorted((at, count) for at, count in counts.items() if at > newest - 2 * SLOTS_A_MINUTE))
