"""Drills of sources that fail: down, mute, stale, refusing, telling the wrong time."""

from __future__ import annotations

from datetime import UTC, datetime

from market_pipeline.alerts.conditions import Key
from market_pipeline.drills.aftermath import (
    GAPS_HEALED,
    NO_CYCLE_WAITS,
    NOTHING_OF_THE_FUTURE,
    REQUESTS_STAY_FEW,
    count_requests,
    heal,
    longest_cycle,
    look_ahead,
)
from market_pipeline.drills.expectations import (
    cycles_survive,
    delivered_in_order,
    ends,
    is_noticed,
    neighbour_untouched,
    prices_true,
    recovers,
    score_falls,
    source_takes_over,
    told,
    told_only,
)
from market_pipeline.drills.script import Script, answers, refused, shifted, unanswered
from market_pipeline.transforms.verdicts import Reason

NIGHT = datetime(2026, 10, 15, 0, 20, tzinfo=UTC)
"""Crypto's session is young: few charts to fetch. No calendar ends soon."""
LATE_MORNING = datetime(2026, 10, 15, 5, 0, tzinfo=UTC)
"""India has traded for 75 minutes, and says when."""
SECOND_HOUR = NIGHT.replace(hour=1)
"""Crypto's session is old enough for prices of an hour ago to be of the same one."""

SOURCE_DOWN = shifted(
    "source-down",
    "Kraken answers everything with 503 for six minutes; Yahoo, the second opinion, goes on.",
    Script(NIGHT, ["crypto"], answers({"kind": "503", "source": "kraken"}), sign=unanswered),
    seconds=25,
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

ALL_SOURCES_DOWN = shifted(
    "all-sources-down",
    "Kraken and Yahoo both answer with 503 for five minutes; India's source goes on.",
    Script(
        NIGHT.replace(hour=4),
        ["crypto", "india"],
        answers({"kind": "503", "source": "kraken"}, {"kind": "503", "source": "yahoo"}),
        faulty=5,
        healing=4,
        sign=unanswered,
        after=heal,
    ),
    seconds=30,
    expects=[
        told(Key.BREAKER_OPEN, within=1),
        told(Key.NOT_RUNNING, within=3),
        prices_true(),
        cycles_survive(),
        neighbour_untouched(),
        score_falls(below=70, rises=False),
        ends(Key.NOT_RUNNING, within=3),
        GAPS_HEALED,
        delivered_in_order("slack", "mail"),
    ],
)

MUTE_SOURCE = shifted(
    "mute-source",
    "Kraken takes every request and says nothing for five minutes; no cycle may wait beyond its time.",
    Script(
        NIGHT,
        ["crypto"],
        answers({"kind": "slow", "source": "kraken", "seconds": 120}),
        faulty=5,
        healing=4,
        is_flowing=True,
        sign=unanswered,
        after=longest_cycle,
    ),
    seconds=80,
    expects=[
        told(Key.BREAKER_OPEN, within=2),
        told(Key.ERROR_RATE, within=2),
        source_takes_over("yahoo"),
        NO_CYCLE_WAITS,
        prices_true(),
        cycles_survive(),
        score_falls(below=90, rises=False),
        ends(Key.BREAKER_OPEN, within=3),
    ],
)

STALE_SOURCE = shifted(
    "stale-source",
    "Dhan goes on answering, with the prices of an hour ago: green lights over old data.",
    Script(LATE_MORNING, ["india"], answers({"kind": "stale", "source": "dhan", "seconds": 3600}), faulty=8, healing=3,
           sign=refused(Reason.STALE, Reason.LATE)),
    seconds=12,
    expects=[
        is_noticed(within=7),
        told(Key.STALE_DATA, within=7),
        prices_true(),
        cycles_survive(),
        score_falls(below=90),
        recovers(within=2),
        delivered_in_order("slack", "mail"),
    ],
)  # fmt: skip

STALE_UNDATED = shifted(
    "stale-undated",
    "Kraken, whose prices bear no time, answers with those of an hour ago, and Yahoo is down.",
    Script(
        SECOND_HOUR,
        ["crypto"],
        answers({"kind": "stale", "source": "kraken", "seconds": 3600}, {"kind": "503", "source": "yahoo"}),
        faulty=8,
        healing=3,
        sign=refused(Reason.STALE, Reason.LATE),
    ),
    seconds=20,
    expects=[
        is_noticed(within=1),
        told(Key.STALE_DATA, within=7),
        prices_true(),
        cycles_survive(),
        score_falls(below=90, rises=False),
        ends(Key.STALE_DATA, within=2),
        delivered_in_order("slack", "mail"),
    ],
)

STORM = shifted(
    "429-storm",
    "Kraken answers everything with 429 and asks for 30 seconds of patience; budgets are on.",
    Script(
        NIGHT,
        ["crypto"],
        answers({"kind": "429", "source": "kraken", "seconds": 30}),
        faulty=5,
        healing=4,
        budgets=True,
        sign=unanswered,
        after=count_requests,
    ),
    seconds=15,
    expects=[
        told(Key.BREAKER_OPEN, within=2),
        source_takes_over("yahoo"),
        REQUESTS_STAY_FEW,
        prices_true(),
        cycles_survive(),
        score_falls(below=90, rises=False),
        ends(Key.BREAKER_OPEN, within=3),
        delivered_in_order("slack", "mail"),
    ],
)

BAD_TOKEN = shifted(
    "bad-token",
    "Dhan refuses our token (401) for three minutes, until somebody renews it.",
    Script(NIGHT.replace(hour=3, minute=50), ["india"], answers({"kind": "401", "source": "dhan"}), faulty=3,
           sign=unanswered),
    seconds=20,
    expects=[
        told(Key.TOKEN_REJECTED, within=1),
        prices_true(),
        cycles_survive(),
        score_falls(below=80),
        recovers(within=17),
        delivered_in_order("slack", "mail"),
    ],
)  # fmt: skip

CLOCK_SKEW = shifted(
    "clock-skew",
    "Dhan's clock runs ten minutes ahead: its prices come from a future that nobody may store.",
    Script(LATE_MORNING, ["india"], answers({"kind": "future", "source": "dhan", "seconds": 600}), faulty=7, healing=3,
           sign=refused(Reason.FUTURE), after=look_ahead),
    seconds=12,
    expects=[
        is_noticed(within=1),
        told(Key.STALE_DATA, within=7),
        NOTHING_OF_THE_FUTURE,
        prices_true(),
        cycles_survive(),
        score_falls(below=90),
        recovers(within=2),
        delivered_in_order("slack", "mail"),
    ],
)  # fmt: skip
