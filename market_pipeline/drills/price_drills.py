"""Drills of prices that are wrong: sources that disagree, a spike by a hundred, a split."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from market_pipeline.alerts.conditions import Key
from market_pipeline.drills.expectations import (
    cycles_survive,
    delivered_in_order,
    fact,
    is_noticed,
    others_true,
    prices_true,
    recovers,
    score_stays,
    told,
    told_only,
)
from market_pipeline.drills.record import Record
from market_pipeline.drills.script import Player, Script, answers, flagged, refused, shifted
from market_pipeline.drills.source_drills import LATE_MORNING
from market_pipeline.drills.stage import Stage
from market_pipeline.transforms.verdicts import Flag, Reason

MORNING = datetime(2026, 10, 15, 10, 30, tzinfo=UTC)
"""A Thursday: Casablanca has traded for an hour."""
AFTERNOON = datetime(2026, 10, 14, 14, 50, tzinfo=UTC)
NEXT_DAY = datetime(2026, 10, 15, 10, 0, tzinfo=UTC)
REFUSALS = (Reason.OUTLIER, Reason.DISPUTED, Reason.QUARANTINED, Reason.OUTSIDE_BAND)
SPLIT = 7

DISAGREEMENT = shifted(
    "disagreement",
    "Wafa Bourse shows ATW four percent above the two other sources, for eight minutes.",
    Script(
        MORNING, ["casablanca"],
        answers({"kind": "x100", "source": "wafa_bourse", "symbols": ["ATW"], "factor": 1.04}),
        faulty=8, healing=3, sign=refused(*REFUSALS),
    ),
    seconds=12,
    expects=[
        told(Key.SOURCES_DISAGREE, within=7),
        told_only(Key.SOURCES_DISAGREE),
        prices_true(),
        cycles_survive(),
        recovers(within=2),
        delivered_in_order("slack", "mail"),
    ],
)  # fmt: skip

SPIKE = shifted(
    "spike",
    "Dhan, India's only source, shows HDFCBANK a hundred times too dear for three minutes.",
    Script(
        LATE_MORNING,
        ["india"],
        answers({"kind": "x100", "symbols": ["HDFCBANK"]}),
        faulty=3,
        healing=2,
        sign=flagged(Flag.QUARANTINED),
    ),
    seconds=7,
    expects=[is_noticed(within=1), prices_true(), told_only(), cycles_survive(), score_stays()],
)


def overnight(player: Player) -> None:
    """Live through a few minutes of one session, then through the split in the next."""
    player.minutes(3, "the day before")
    player.stage.move_to(NEXT_DAY)
    with player.fault():
        player.minutes(4, "ATW trades at a seventh")


def follow_split(stage: Stage, record: Record) -> None:
    """Note what each cycle of the split made of the price, as a share of what the exchange has without it."""
    rows = stage.runtime.warehouse.read("live_tickers", "casablanca", since=record.fault_began).to_pylist()
    ours = sorted((row for row in rows if row["symbol"] == "ATW"), key=lambda row: row["known_at"])
    record.facts["first flags"] = sorted(ours[0]["flags"]) if ours else []
    record.facts["steps"] = [_level(row) for row in ours]
    record.facts["last change, percent"] = ours[-1]["change_1d_percent"] if ours else None
    first = next((row["known_at"] for row in ours if _level(row) == "new"), None)
    if first is not None:
        record.note(first, "the new price is believed: a later poll repeats it")
        record.timeline.sort(key=lambda event: event.after)


def _level(row: dict[str, Any]) -> str:
    """Tell which level a price is on: ATW stood above 300 dirhams."""
    return "none" if row["price"] is None else "old" if row["price"] > 300 else "new"


def _is_one_step(found: object) -> bool:
    return found == ["old", "new", "new", "new"]


SPLIT_7_TO_1 = shifted(
    "split",
    "ATW opens after a 7:1 split: price and previous close are a seventh of yesterday's, at every source.",
    Script(
        AFTERNOON, ["casablanca"], answers({"kind": "x100", "symbols": ["ATW"], "factor": 1 / SPLIT}),
        course=overnight, after=follow_split, sign=flagged(Flag.QUARANTINED),
    ),
    seconds=7,
    expects=[
        is_noticed(within=1),
        fact("it is flagged as a corporate action", "first flags", lambda f: "corporate_action_candidate" in str(f)),
        fact("held back for one cycle, then believed", "steps", _is_one_step),
        fact("the day's change is not the split", "last change, percent", lambda found: abs(float(str(found))) < 10),
        others_true("ATW"),
        told_only(),
        cycles_survive(),
    ],
)  # fmt: skip
