"""What a look leaves behind: the table `health`, and a small state file for whoever asks and for the next look."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.clock import floor_minute
from market_pipeline.quality.disputes import Dispute
from market_pipeline.quality.health import ALL_MARKETS, Health
from market_pipeline.quality.situation import Situation
from market_pipeline.steps.runtime import Runtime, market_names
from market_pipeline.storage.columns import as_json
from market_pipeline.storage.state_file import read_state, write_state
from market_pipeline.storage.tables import HEALTH, SERVICE_LEVEL, Table

STATE = "health.json"
RESTART_AFTER = timedelta(minutes=10)
"""A watch that looked away for longer counts as newly begun: our own pause is not the market's silence."""


def write_health(runtime: Runtime, found: Mapping[str, tuple[Health, bool, date]]) -> None:
    """Write this minute's row of each market: market → its health, whether it is open, and its session date."""
    now = runtime.clock.now()
    for market, (health, is_open, day) in found.items():
        row = {
            "market": market,
            "session_date": day,
            "as_of": floor_minute(now),
            "is_open": is_open,
            "score": health.score,
            **health.document["parts"],
            "lost_points": as_json(health.document["lost_points"]) if health.lost_points else None,
            "known_at": now,
        }
        runtime.warehouse.write(HEALTH, market, pa.Table.from_pylist([row], schema=HEALTH.schema))


def retain_health(runtime: Runtime) -> int:
    """Drop minutes of health and service level older than each market's retention; return how many went."""
    days = {name: runtime.market(name).file.health.retention_days for name in market_names()}
    days[ALL_MARKETS] = max(days.values(), default=1)
    return sum(
        _retain(runtime, table, market, kept) for market, kept in days.items() for table in (HEALTH, SERVICE_LEVEL)
    )


def _retain(runtime: Runtime, table: Table, market: str, days: int) -> int:  # noqa: PLR0917 whose, what, how long
    first = (runtime.clock.now() - timedelta(days=days)).date()
    oldest = pc.min(runtime.warehouse.latest(table, market, ("session_date",))["session_date"]).as_py()
    if oldest is None or oldest >= first:
        return 0
    nothing = table.schema.empty_table()
    return runtime.warehouse.replace_sessions(table, market, nothing, sessions=(), since=first).rows_replaced


def health_of_session(runtime: Runtime, market: str, day: date) -> pa.Table:
    """Return the rows of one session, oldest first: from its first phase to that of the next one."""
    rows = runtime.warehouse.latest(HEALTH, market)
    return rows.filter(pc.equal(rows["session_date"], pa.scalar(day, pa.date32()))).sort_by("as_of")


def lost_points_of(rows: pa.Table) -> Iterator[dict[str, Any]]:
    """Yield every lost point of these minutes, as the table's JSON has them."""
    for text in rows["lost_points"].drop_null().to_pylist():
        yield from json.loads(text)


def stored_health(runtime: Runtime) -> dict[str, Any]:
    """Return market (and `all`) → {score, parts, lost_points} as last written; empty before the first look."""
    markets = read_state(runtime.folder / STATE).get("markets", {})
    return dict(markets) if isinstance(markets, dict) else {}


def watching_since(runtime: Runtime) -> datetime:
    """Return since when somebody looks without a pause; now, before the first look or after a pause."""
    now = runtime.clock.now()
    state = read_state(runtime.folder / STATE)
    try:
        began, looked = (datetime.fromisoformat(state[key]) for key in ("watching_since", "at"))
    except (KeyError, TypeError, ValueError):
        return now
    is_continued = timedelta(0) <= now - looked <= RESTART_AFTER * max(runtime.speed, 1)
    return began if is_continued else now


def disputed_since(runtime: Runtime) -> dict[str, dict[str, datetime]]:
    """Return market → symbol → since when its sources disagreed at the last look."""
    stored = read_state(runtime.folder / STATE).get("disputes", {})
    return dict(_disputes(stored)) if isinstance(stored, dict) else {}


def remember(
    runtime: Runtime, health: Mapping[str, Health], *, began: datetime, situations: Iterable[Situation]
) -> None:
    """Write the state file."""
    document: dict[str, Any] = {
        "at": runtime.clock.now().isoformat(),
        "watching_since": began.isoformat(),
        "markets": {name: entry.document for name, entry in health.items()},
        "disputes": {found.market: _since(found.disputes) for found in situations if found.disputes},
    }
    write_state(runtime.folder / STATE, json.loads(as_json(document)))


def _since(disputes: Iterable[Dispute]) -> dict[str, str]:
    return {dispute.symbol: dispute.since.isoformat() for dispute in disputes}


def _disputes(stored: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, datetime]]]:
    for market, since in stored.items():
        yield market, {symbol: datetime.fromisoformat(text) for symbol, text in since.items()}
