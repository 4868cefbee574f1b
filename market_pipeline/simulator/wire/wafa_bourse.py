"""Wafa Bourse's data service: one action a symbol, French field names (misspelt as there), local times as text."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from market_pipeline.simulator.randomness import digest
from market_pipeline.simulator.standing import Standing
from market_pipeline.simulator.wire.format import Call, Reply, Route, Wire, html_page, json_reply

LONG_AGO = "05/08/2015 15:30:00"
"""Shown for a share that has not traded for years."""


def refuse(status: int, _method: str, _path: str) -> Reply:
    """Return what the site answers with a status: a page for its firewall, JSON for its service."""
    if status in (403, 404):
        page = html_page(f"Error {status}", f"<body><h1>{status}</h1></body>")
        return Reply(page, status, "text/html; charset=utf-8")
    return json_reply({"error": {"status": status, "message": "Request failed"}}, status=status)


def _token(call: Call) -> Reply:
    token = f"{digest(int(call.now) // 600, 'token'):016x}abcd"
    reply = json_reply({"token": token})
    return Reply(reply.body, headers={"Set-Cookie": f"proxy-session={token[:8]}; Path=/; HttpOnly"})


def _data(call: Call) -> Reply:
    body = call.json()
    actions = body.get("ACTIONS") if isinstance(body, dict) else None
    if not isinstance(actions, list) or not all(map(_name, actions)):
        return refuse(400, "POST", call.path)
    return json_reply([_answer(call, action) for action in actions])


def _answer(call: Call, action: Any) -> dict[str, Any]:
    name = _name(action)
    symbol = _param(action, "Symbol_")
    rows = call.view.standings([symbol]) if symbol and name == "VALEUR-INDICATORS" else []
    return {name: {"Valid": bool(rows), "Data": [_indicators(call, row) for row in rows]}}


def _name(action: Any) -> str:
    inside = action.get("ACTION") if isinstance(action, dict) else None
    return str(inside.get("NAME", "")) if isinstance(inside, dict) else ""


def _param(action: Any, name: str) -> str | None:
    return next((str(item["VALUE"]) for item in action.get("PARAMS", ()) if item.get("NAME") == name), None)


def _indicators(call: Call, row: Standing) -> dict[str, Any]:
    zone = call.view.exchange.timeline.zone
    moment = None if row.traded_at is None else datetime.fromtimestamp(row.traded_at, zone)
    return {
        "Symbol": row.listing.symbol,
        "Libelle": f"{row.listing.name} ",
        "CoursDeReferance": row.previous_close,
        "DernierCours": row.price,
        "Ouverture": row.open,
        "DateDernierCours": f"{moment:%d/%m/%Y %H:%M:%S}" if moment else LONG_AGO,
        "Variation": row.change_percent,
        "QteEchangee": row.volume,
        "Volume": row.turnover,
        "PlusHaut": row.high,
        "PlusBas": row.low,
    }


def _asked_symbol(call: Call) -> str | None:
    body = call.json()
    actions = body.get("ACTIONS") if isinstance(body, dict) else None
    return _param(actions[0], "Symbol_") if isinstance(actions, list) and len(actions) == 1 else None


WIRE = Wire(
    source="wafa_bourse",
    routes=(
        Route("GET", "/api/proxy/token", _token),
        Route("POST", "/api/proxy/data/JNNJ", _data, _asked_symbol),
    ),
    refuse=refuse,
)
