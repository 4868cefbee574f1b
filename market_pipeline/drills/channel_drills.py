"""Drills of the ways to tell people: a channel is down while something goes wrong, and comes back after it is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from market_pipeline.alerts.conditions import Key
from market_pipeline.drills.expectations import (
    delivered_in_order,
    fact,
    prices_true,
    reached_in_time,
    recovers,
    score_falls,
    told,
    took_nothing,
)
from market_pipeline.drills.script import Script, shifted
from market_pipeline.drills.source_drills import NIGHT
from market_pipeline.drills.stage import Stage


@contextmanager
def slack_down(stage: Stage) -> Iterator[None]:
    """Let Slack answer 503, and cycles stop."""
    stage.slack.is_down = stage.is_stopped = True
    yield
    stage.slack.is_down = False


@contextmanager
def mail_down(stage: Stage) -> Iterator[None]:
    """Let the mail server's port refuse, and cycles stop."""
    stage.mail.stop()
    stage.is_stopped = True
    yield
    stage.mail.start()


def go_on(stage: Stage) -> None:
    """Start cycles again."""
    stage.is_stopped = False


CYCLES_AGAIN: Mapping[int, Callable[[Stage], None]] = {3: go_on}

SLACK_DOWN = shifted(
    "slack-down",
    "No cycle runs for three minutes while Slack answers 503; Slack is back only when all is over.",
    Script(NIGHT, ["crypto"], slack_down, faulty=5, healing=2, during=CYCLES_AGAIN),
    seconds=8,
    expects=[
        told(Key.NOT_RUNNING, within=3),
        fact("the failing channel is named", "slack_webhook fails", lambda found: "503" in str(found)),
        reached_in_time("mail", within=3),
        took_nothing("slack"),
        delivered_in_order("slack", "mail"),
        recovers(within=0),
        prices_true(),
    ],
)

SMTP_DOWN = shifted(
    "smtp-down",
    "No cycle runs for three minutes while the mail server's port refuses; it is back only when all is over.",
    Script(NIGHT, ["crypto"], mail_down, faulty=5, healing=2, during=CYCLES_AGAIN),
    seconds=8,
    expects=[
        told(Key.NOT_RUNNING, within=3),
        fact("the failing channel is named", "mail fails", lambda found: "ConnectionRefused" in str(found)),
        reached_in_time("slack", within=3),
        took_nothing("mail"),
        delivered_in_order("slack", "mail"),
        recovers(within=0),
        score_falls(below=95, rises=False),
        prices_true(),
    ],
)
