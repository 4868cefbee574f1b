"""When metrics are due: once in every so many minutes of the feed's clock, while the market's session is in reach."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from market_pipeline.steps.due import skip_reason
from market_pipeline.steps.runtime import MarketRuntime, Runtime, newest_moment
from market_pipeline.storage.tables import METRICS


def metrics_skip_reason(runtime: Runtime, market: MarketRuntime) -> str | None:
    """Return why no refresh of metrics is due now, in words for people; None when one is due.

    A turn that was missed is made up for at the next tick, since what counts is what the warehouse holds.
    """
    now, minutes = runtime.clock.now(), market.file.metrics.every_minutes
    if (reason := skip_reason(market, now)) is not None:
        return reason
    turn = turn_at(now, minutes)
    newest = newest_moment(runtime.warehouse.latest(METRICS, market.name)["as_of"])
    if newest is None or not turn <= newest <= now:
        return None
    following = turn + timedelta(minutes=minutes)
    return f"{market.name}: metrics of {newest:%H:%M} UTC are there; the next ones are due at {following:%H:%M} UTC"


def turn_at(at: datetime, minutes: int) -> datetime:
    """Return the start of the turn of so many minutes that `at` lies in; turns begin at midnight UTC."""
    midnight = datetime.combine(at.astimezone(UTC).date(), datetime.min.time(), UTC)
    return midnight + (at - midnight) // timedelta(minutes=minutes) * timedelta(minutes=minutes)
