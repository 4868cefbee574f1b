"""Tell people what a look at the markets found: alerts, their table, the sign of life, the dead man's switch.

Dagster's health sensor and the watchdog outside Dagster both come here, with one file of alerts between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce
from typing import TYPE_CHECKING, Any

import structlog

from market_pipeline.alerts.alert import AlertRecord
from market_pipeline.alerts.channels import channels, heartbeat, origin
from market_pipeline.alerts.conditions import Verdict
from market_pipeline.alerts.life import AlertLife
from market_pipeline.alerts.message import Message
from market_pipeline.alerts.policy import policy
from market_pipeline.alerts.post import Delivery
from market_pipeline.clock import Clock
from market_pipeline.errors import DeliveryError, StorageError, WarehouseBusy
from market_pipeline.markets.loader import load_markets
from market_pipeline.model.quiet_hours import QuietHours, parse_quiet_hours
from market_pipeline.settings import Settings

if TYPE_CHECKING:
    from slack_sdk import WebClient

    from market_pipeline.storage.warehouse import Warehouse

log = structlog.get_logger("market_pipeline.alerts")

LEDGER = "alerts.sqlite"
HIDDEN = "(secret)"
SIGN_OF_LIFE_EVERY = timedelta(days=1)


@dataclass(frozen=True)
class Told:
    """The messages that were written, and what became of each channel's queue."""

    messages: tuple[Message, ...] = ()
    deliveries: tuple[Delivery, ...] = ()


def alert_life(settings: Settings, clock: Clock, *, slack: Callable[[], WebClient] | None = None) -> AlertLife:
    """Open the feed's alerts with its channels and what was agreed on telling people. `slack`: as in `channels`."""
    return AlertLife(
        settings.feed_folder / LEDGER,
        channels=channels(settings, slack),
        clock=clock,
        origin=origin(settings),
        policy=policy(settings, market_quiet_hours()),
    )


def market_quiet_hours() -> dict[str, QuietHours]:
    """Return the quiet hours of the markets that state their own, in their own zones."""
    stated = {
        name: parse_quiet_hours(file.quiet_hours, zone=file.calendar.zone) for name, file in load_markets().items()
    }
    return {name: hours for name, hours in stated.items() if hours is not None}


def tell(
    settings: Settings,
    verdicts: Iterable[Verdict],
    *,
    clock: Clock,
    warehouse: Warehouse | None,
    sign_of_life: str | None = None,
    slack: Callable[[], WebClient] | None = None,
) -> Told:
    """Note what begins and ends, send what is to be told, and show it all in the table of alerts.

    Without a warehouse somebody else shows the table. `sign_of_life` is what the daily message says, None for whoever
    does not send one. A channel, the table or the heartbeat's address that does not work stops nothing; the log and the
    next look tell of it.
    """
    life = alert_life(settings, clock, slack=slack)
    words = settings.secret_words
    messages = life.update(*(_without_secrets(verdict, words) for verdict in verdicts))
    if sign_of_life is not None:
        life.heartbeat(sign_of_life, every=SIGN_OF_LIFE_EVERY)
    deliveries = life.deliver()
    if warehouse is not None:
        show(life, warehouse, clock.now())
    _beat(settings, life, deliveries)
    return Told(messages, deliveries)


def _without_secrets(verdict: Verdict, words: Sequence[str]) -> Verdict:
    """Hide secrets before anything is kept or sent: evidence quotes what sources and libraries say."""

    def hidden(text: str) -> str:
        return reduce(lambda so_far, word: so_far.replace(word, HIDDEN), words, text)

    clean = tuple(
        replace(one, title=hidden(one.title), evidence=hidden(one.evidence), what_to_do=hidden(one.what_to_do))
        for one in verdict.holding
    )
    return replace(verdict, holding=clean)


def show(life: AlertLife, warehouse: Warehouse, now: datetime) -> None:
    """Write the alerts that changed into their table; what could not be written is written at the next look."""
    # the watchdog tells people, too, and has another process show the table: it lives for weeks without these libraries
    import pyarrow as pa

    from market_pipeline.storage.tables import ALERTS

    records = life.unpublished()
    for market in dict.fromkeys(record.alert.market for record in records):
        changed = [record for record in records if record.alert.market == market]
        rows = pa.Table.from_pylist([_row(record, now) for record in changed], schema=ALERTS.schema)
        try:
            warehouse.write(ALERTS, market, rows)
        except (WarehouseBusy, StorageError) as error:
            log.warning("alerts_not_shown", market=market, error=str(error))
        else:
            life.note_published(changed)


def _row(record: AlertRecord, now: datetime) -> dict[str, Any]:
    alert = record.alert
    named = ("market", "key", "title", "since", "noticed", "ended", "told", "escalated", "evidence", "what_to_do")
    return {name: getattr(alert, name) for name in named} | {
        "cause": alert.cause or None,
        "severity": "critical" if alert.escalated else alert.severity.value,
        "notified": list(record.channels),
        "messages": record.messages,
        "run_id": alert.run_id or None,
        "known_at": now,
    }


def _beat(settings: Settings, life: AlertLife, deliveries: Sequence[Delivery]) -> None:
    """Ask the heartbeat's address, unless a channel fails: its silence is what makes somebody look."""
    switch, every = heartbeat(settings), next(iter(settings.heartbeat_every), None)
    if switch is None or every is None or any(delivery.error for delivery in deliveries):
        return
    if not life.is_time_to_beat(every=every):
        return
    try:
        switch.beat()
    except DeliveryError as error:
        log.warning("heartbeat_failed", error=str(error))
