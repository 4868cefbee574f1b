"""Send one message through every way of telling people, so that somebody finds out today what would fail tonight."""

from __future__ import annotations

from dataclasses import dataclass

from market_pipeline.alerts.channels import channels, heartbeat, off_reasons, origin
from market_pipeline.alerts.compose import trial_message
from market_pipeline.clock import Clock
from market_pipeline.errors import DeliveryError
from market_pipeline.settings import Settings


@dataclass(frozen=True)
class Trial:
    """What became of one channel: it took the message, or failed with what to do, or is off and what turns it on."""

    channel: str
    error: str | None = None
    off: str | None = None


def try_channels(settings: Settings, clock: Clock) -> tuple[Trial, ...]:
    """Send through each channel and ask the heartbeat's address, past every queue, silence and quiet hour."""
    message = trial_message(at=clock.now(), origin=origin(settings))
    trials = []
    for channel in channels(settings):
        try:
            channel.send(message)
        except DeliveryError as error:
            trials.append(Trial(channel.name, error=str(error)))
        else:
            trials.append(Trial(channel.name))
    if (switch := heartbeat(settings)) is not None:
        try:
            switch.beat()
        except DeliveryError as error:
            trials.append(Trial("heartbeat", error=str(error)))
        else:
            trials.append(Trial("heartbeat"))
    return (*trials, *(Trial(name, off=reason) for name, reason in off_reasons(settings).items()))
