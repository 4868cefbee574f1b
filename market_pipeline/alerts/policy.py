"""What was agreed on telling people: how often an alert is repeated, when it escalates, and when nobody is called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from market_pipeline.model.quiet_hours import QuietHours
from market_pipeline.settings import Settings

DEFAULT_REPEATS = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=4), timedelta(days=1))


@dataclass(frozen=True)
class Policy:
    """`repeat_after` counts from the first message; its last span goes on for as long as the alert lasts.

    None of them: no repeats. `quiet` are the hours of markets that have their own, `quiet_elsewhere` those of the rest.
    """

    repeat_after: tuple[timedelta, ...] = DEFAULT_REPEATS
    escalate_after: timedelta | None = timedelta(hours=1)
    quiet: Mapping[str, QuietHours] = field(default_factory=dict)
    quiet_elsewhere: QuietHours | None = None

    def repeats_due(self, lasted: timedelta) -> int:
        """Return how many repeats an alert has had coming since its first message."""
        early = sum(1 for span in self.repeat_after[:-1] if lasted >= span)
        return early + (lasted // self.repeat_after[-1] if self.repeat_after else 0)

    def has_to_escalate(self, lasted: timedelta) -> bool:
        """Tell whether an alert that was told so long ago needs more people."""
        return self.escalate_after is not None and lasted >= self.escalate_after

    def is_quiet(self, markets: Iterable[str], at: datetime) -> bool:
        """Tell whether it is quiet in every one of these markets."""
        hours = [self.quiet.get(market, self.quiet_elsewhere) for market in markets]
        return bool(hours) and all(one is not None and one.covers(at) for one in hours)


def policy(settings: Settings, quiet: Mapping[str, QuietHours]) -> Policy:
    """Return the policy of the settings, with the quiet hours that market files state."""
    escalate_after = next(iter(settings.alert_escalate_after), None)
    return Policy(settings.alert_repeat_after, escalate_after, quiet, settings.alert_quiet_hours)
