"""Circuit breaker: leave a source alone that keeps failing, and try it again carefully.

One per source and host, shared by all processes of a feed, because each minute's run is a new process. The rules are
pure functions of a state and a moment; the state lies in a SharedState, in monotonic seconds. Every try counts, not
only every call: who retries tells `stumbled` of each failed try and `failed` of the last. A probe gets one try.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from market_pipeline import errors
from market_pipeline.clock import Clock
from market_pipeline.errors import Blocked, BreakerOpen, MarketPipelineError, RateLimited, Transient
from market_pipeline.sources.transport.shared_state import SharedState

FAILED, REFUSED = 1, 2


@dataclass(frozen=True, slots=True)
class BreakerRule:
    """When to open and for how long."""

    failures_in_row: int = 5
    refusals_in_row: int = 8
    """As failures_in_row, where some are 429s: those slow us down first (see bucket.py), and prove that it lives."""
    window: int = 20
    window_share: float = 0.5
    """Of the window, by failures other than 429s."""
    open_seconds: float = 60.0
    max_open_seconds: float = 90.0
    """Who asks every minute then probes every second one, so that a recovery is seen within two minutes."""
    refusal_seconds: float = 0.0
    """How long to leave a source alone that refuses us (403, 429, HTML for data); 0 counts it like other failures."""
    probe_seconds: float = 60.0
    """A probe that has not reported after so long is taken for dead, and another one may go."""


@dataclass(frozen=True, slots=True)
class BreakerState:
    """What is remembered. `recent` is newest last (1 failed, 2 a 429) and starts with the first after an all-clear."""

    recent: tuple[int, ...] = ()
    open_until: float | None = None
    last_open_seconds: float = 0.0
    probe_until: float | None = None
    cause: str | None = None

    @property
    def is_clear(self) -> bool:
        """Tell whether nothing speaks against asking."""
        return not self.recent and self.open_until is None


def may_ask(state: BreakerState, now: float) -> bool:
    """Tell whether a request may go now: the breaker is closed, or its time is up and no probe is out."""
    return state.open_until is None or (
        now >= state.open_until and (state.probe_until is None or now >= state.probe_until)
    )


def after_success(state: BreakerState, rule: BreakerRule) -> BreakerState:
    """Return the state after an answer: a probe closes the breaker, and a window without failures is forgotten."""
    recent = (*state.recent, 0)[-rule.window :]
    if state.open_until is not None or not any(recent):
        return BreakerState()
    return replace(state, recent=recent)


def after_failure(
    state: BreakerState, rule: BreakerRule, error: MarketPipelineError, *, now: float, has_retry: bool = False
) -> BreakerState:
    """Return the state after a failure; it opens the breaker when the rule says so, twice as long as the last time.

    `has_retry`: the caller will itself wait for what the source asks and try again, so only the count decides.

    What was under way when the breaker opened changes nothing, unless the source asks for a longer pause.
    """
    mark = REFUSED if isinstance(error, RateLimited) else FAILED
    recent = (*state.recent, mark)[-rule.window :]
    cause = type(error).__name__
    until = now + (0.0 if has_retry else _told_seconds(error, rule))
    if until > max(now, state.open_until or now):
        return replace(state, recent=recent, open_until=until, probe_until=None, cause=cause)
    if state.open_until is not None and now < state.open_until:
        return state
    if state.open_until is None and not _is_too_much(recent, rule):
        return replace(state, recent=recent, cause=cause)
    seconds = min(max(2 * state.last_open_seconds, rule.open_seconds), rule.max_open_seconds)
    return BreakerState(recent, now + seconds, seconds, None, cause)


def _told_seconds(error: MarketPipelineError, rule: BreakerRule) -> float:
    """Return how long the source, or its rule, says that we must stay away; 0 when the count decides."""
    told = (error.retry_after_seconds or 0.0) if isinstance(error, Transient) else 0.0
    return max(told, rule.refusal_seconds) if isinstance(error, Blocked | RateLimited) else told


def _is_too_much(recent: tuple[int, ...], rule: BreakerRule) -> bool:
    failed, refused = recent[-rule.failures_in_row :], recent[-rule.refusals_in_row :]
    return (
        failed == (FAILED,) * rule.failures_in_row
        or (len(refused) == rule.refusals_in_row and all(refused))
        or (len(recent) == rule.window and recent.count(FAILED) >= rule.window * rule.window_share)
    )


@dataclass(frozen=True)
class Breaker:
    """The breaker of one source and host."""

    name: str
    rule: BreakerRule
    state: SharedState
    clock: Clock

    def ask(self) -> bool:
        """Return when a request may go now; True when it is a probe, which gets one try.

        Raise BreakerOpen with the seconds to wait and what opened it.
        """
        now = self.clock.monotonic()
        if _load(self.state.read(now)).open_until is None:
            return False
        with self.state.changing(now) as record:
            state = _load(record)
            if not may_ask(state, now):
                raise self._open(state, now)
            is_probe = state.open_until is not None
            if is_probe:
                _store(record, replace(state, probe_until=now + self.rule.probe_seconds))
            return is_probe

    def succeeded(self) -> None:
        """Note an answer. Nothing is written while all is well."""
        now = self.clock.monotonic()
        if _load(self.state.read(now)).is_clear:
            return
        with self.state.changing(now) as record:
            _store(record, after_success(_load(record), self.rule))

    def failed(self, error: MarketPipelineError) -> None:
        """Note a failure of the source (not of a symbol, and not of our own request)."""
        self._note(error, has_retry=False)

    def stumbled(self, error: MarketPipelineError) -> bool:
        """Note a failed try that another one may follow; tell whether it must not, because the breaker is open."""
        return self._note(error, has_retry=True).open_until is not None

    def view(self) -> BreakerState:
        """Return what is remembered now."""
        return _load(self.state.read(self.clock.monotonic()))

    def _note(self, error: MarketPipelineError, *, has_retry: bool) -> BreakerState:
        now = self.clock.monotonic()
        with self.state.changing(now) as record:
            state = after_failure(_load(record), self.rule, error, now=now, has_retry=has_retry)
            _store(record, state)
            return state

    def _open(self, state: BreakerState, now: float) -> BreakerOpen:
        until = max(state.open_until or now, state.probe_until or now)
        error = BreakerOpen(
            f"did not ask {self.name}: it is left alone for another {until - now:.0f} s because of "
            f"{state.cause or 'failures'}; a retry helps after that; if it lasts, look at what its outcomes say",
            retry_after_seconds=until - now,
        )
        error.cause, error.attempts = getattr(errors, state.cause or "", None), 0
        return error


def breaker_views(folder: Path, source: str, clock: Clock) -> dict[str, BreakerState]:
    """Return host → what the breakers of `source` remember, for the hosts that ever failed since the last all-clear."""
    now, start = clock.monotonic(), f"breaker_{source}_"
    states = {path.stem.removeprefix(start): SharedState(path) for path in sorted(folder.glob(f"{start}*.json"))}
    return {host: _load(state.read(now)) for host, state in states.items()}


def forget_breakers(folder: Path) -> int:
    """Close every breaker whose state lies in `folder` (a feed's `limits`), for a fresh start; return how many."""
    states = sorted(folder.glob("breaker_*.json"))
    for state in states:
        state.unlink(missing_ok=True)
    return len(states)


def _load(record: dict[str, Any]) -> BreakerState:
    fields = {name: record[name] for name in BreakerState.__slots__ if name in record}
    return BreakerState(**{**fields, "recent": tuple(fields.get("recent", ()))})


def _store(record: dict[str, Any], state: BreakerState) -> None:
    record.update(asdict(state) | {"recent": list(state.recent)})
