"""Asks wire modules for bytes without a server."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from market_pipeline.clock import HandClock
from market_pipeline.simulator.options import SimulatorOptions
from market_pipeline.simulator.simulation import Simulation
from market_pipeline.simulator.wire import all_wires
from market_pipeline.simulator.wire.format import Reply, Route

KEYS = {"access-token": "simulated", "client-id": "simulated"}
EXCHANGES = Simulation(SimulatorOptions(port=0), HandClock(datetime(2026, 11, 20, tzinfo=UTC)))


def ask(
    source: str, path: str, *, at: str, params: dict[str, str] | None = None, body: object = None, **more: Any
) -> Reply:
    """Return a source's reply at an ISO moment (UTC, of the exchange: the delay comes off it)."""
    wire = all_wires()[source]
    method = "GET" if body is None else "POST"
    route = next(route for route in wire.routes if route.method == method and _serves(route, path))
    EXCHANGES.clock.at = datetime.fromisoformat(at).replace(tzinfo=UTC)  # type: ignore[attr-defined]
    request = {
        "path": path, "query": tuple((params or {}).items()), "headers": more.get("headers", KEYS),
        "body": b"" if body is None else json.dumps(body).encode(),
    }  # fmt: skip
    return route.answer(EXCHANGES.call(wire, request))


def _serves(route: Route, path: str) -> bool:
    """Tell whether a route's path, perhaps with a place for a symbol, is this one."""
    return re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(route.path)), path) is not None


def load(reply: Reply) -> Any:
    """Return a reply's JSON."""
    return json.loads(reply.body)
