"""Drills of the calendar: an opening that brings nothing, and the night in which the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow.compute as pc

from market_pipeline.alerts.conditions import Key
from market_pipeline.drills.expectations import (
    cycles_survive,
    delivered_in_order,
    ends,
    fact,
    prices_true,
    score_falls,
    score_stays,
    told,
    told_only,
)
from market_pipeline.drills.record import Record
from market_pipeline.drills.script import Player, Script, answers, shifted, unanswered
from market_pipeline.drills.stage import Stage

OPENING = datetime(2026, 10, 15, 3, 45, tzinfo=UTC)
"""09:15 in India."""
MUTE_OPENING = shifted(
    "opening-without-data",
    "India opens, and Dhan answers with 503 for four minutes.",
    Script(
        OPENING - timedelta(minutes=3),
        ["india"],
        answers({"kind": "503", "source": "dhan", "route": "/v2/*"}),
        faulty=4,
        healing=3,
        sign=unanswered,
    ),
    seconds=5,
    expects=[
        told(Key.NOT_RUNNING, within=2),
        prices_true(),
        cycles_survive(),
        score_falls(below=80, rises=False),
        ends(Key.NOT_RUNNING, within=2),
        delivered_in_order("slack", "mail"),
    ],
)

FRIDAY_CLOSE = datetime(2026, 10, 30, 20, 0, tzinfo=UTC)
CLOCKS_CHANGE = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)
OLD_OPENING, OPENS = datetime(2026, 11, 2, 13, 30, tzinfo=UTC), datetime(2026, 11, 2, 14, 30, tzinfo=UTC)
"""09:30 in New York is an hour later in UTC on the Monday after."""


def over_the_weekend(player: Player) -> None:
    """Live through a close, look once an hour over the weekend, and live through the two openings that there may be."""
    player.minutes(5, "Friday's close")
    _look_hourly(player, until=CLOCKS_CHANGE)
    with player.fault():
        _look_hourly(player, until=OLD_OPENING - timedelta(minutes=2))
        player.minutes(6, "where New York would have opened without the change")
        _look_hourly(player, until=OPENS - timedelta(minutes=2))
        player.minutes(7, "New York opens")


def _look_hourly(player: Player, *, until: datetime) -> None:
    clock = player.stage.clock
    while clock.now() < until:
        player.stage.move_to(min(clock.now() + timedelta(minutes=59), until))
        if clock.now() < until:
            player.minutes(1, "closed")


def follow_hours(stage: Stage, record: Record) -> None:
    """Note when cycles ran on Monday, and which minutes have bars."""
    monday = [run.began for run in stage.runs["us"] if run.began > CLOCKS_CHANGE]
    bars = stage.runtime.warehouse.read("bars_1m", "us", columns=("interval_start", "session_date"))
    starts = bars["interval_start"]
    if monday:
        record.note(min(monday), f"New York opens at {min(monday):%H:%M} UTC: the first cycle of Monday")
        record.timeline.sort(key=lambda event: event.after)
    record.facts["first cycle on Monday"] = f"{min(monday):%H:%M}" if monday else None
    on_monday = starts.filter(pc.greater(starts, CLOCKS_CHANGE))
    record.facts["first bar on Monday"] = f"{pc.min(on_monday).as_py():%H:%M}" if len(on_monday) else None
    before = starts.filter(pc.less(starts, CLOCKS_CHANGE))
    record.facts["last bar on Friday"] = f"{pc.max(before).as_py():%H:%M}" if len(before) else None


DST_NIGHT = shifted(
    "dst-night",
    "New York's clocks go back: Friday closes at 20:00 UTC, Monday opens at 14:30 UTC, not at 13:30.",
    Script(FRIDAY_CLOSE - timedelta(minutes=4), ["us"], answers(), course=over_the_weekend, after=follow_hours),
    seconds=25,
    expects=[
        fact("the last bar on Friday is that of 19:59 UTC", "last bar on Friday", lambda found: found == "19:59"),
        fact("the first cycle on Monday runs at 14:30 UTC", "first cycle on Monday", lambda found: found == "14:30"),
        fact("the first bar on Monday is that of 14:30 UTC", "first bar on Monday", lambda found: found == "14:30"),
        told_only(),
        score_stays(),
        prices_true(),
        cycles_survive(),
    ],
)
