"""Drills of sources that fail: down, mute, stale, refusing, telling the wrong time."""

from __future__ import annotations

from datetime import UTC, datetime

from market_pipeline.alerts.conditions import Key
from market_pipeline.drills.expectations import (
    cycles_survive,
    delivered_in_order,
    is_noticed,
    neighbour_untouched,
    prices_true,
    recovers,
    score_falls,
    source_takes_over,
    told,
    told_only,
)
from market_pipeline.drills.script import Script, answers, shifted, unanswered

NIGHT = datetime(2026, 10, 15, 0, 20, tzinfo=UTC)
"""Crypto's session is young: few charts to fetch. No calendar ends soon."""

SOURCE_DOWN = shifted(
    "source-down",
    "Kraken answers everything with 503 for six minutes; Yahoo, the second opinion, goes on.",
    Script(NIGHT, ["crypto"], answers({"kind": "503", "source": "kraken"}), sign=unanswered),
    seconds=40,
    expects=[
        told(Key.BREAKER_OPEN, within=2),
        told(Key.ERROR_RATE, within=2),
        told_only(Key.BREAKER_OPEN, Key.ERROR_RATE),
        source_takes_over("yahoo"),
        prices_true(),
        cycles_survive(),
        score_falls(below=80),
        recovers(within=17),
        delivered_in_order("slack", "mail"),
    ],
)
