"""A ticker's provenance as JSON and back, for the tickers' table and for people who ask why.

The price that is held back travels in it under `pending`, so that the next cycle finds it in the table.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from market_pipeline.model.live_ticker import FieldProvenance, LiveTicker, PendingPrice
from market_pipeline.model.quote import PriceKind

_PENDING = "pending"


def provenance_json(ticker: LiveTicker) -> str:
    """Return {group: {source, event_time, received_time, price_kind, losers?}, pending?}; times are ISO 8601, UTC."""
    document = {name: _record_document(record) for name, record in ticker.provenance.items()}
    if ticker.pending is not None:
        document[_PENDING] = _pending_document(ticker.pending)
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def provenance_from_json(text: str) -> tuple[dict[str, FieldProvenance], PendingPrice | None]:
    """Return what provenance_json wrote: the records by group, and the price that is held back, if any."""
    document = json.loads(text)
    held = document.pop(_PENDING, None)
    records = {name: _record(entry) for name, entry in document.items()}
    return records, None if held is None else _pending(held)


def _record_document(record: FieldProvenance) -> dict[str, Any]:
    document: dict[str, Any] = {
        "source": record.source,
        "event_time": record.event_time.isoformat(),
        "received_time": record.received_time.isoformat(),
        "price_kind": record.price_kind.value,
    }
    if record.losers:
        document["losers"] = dict(record.losers)
    return document


def _record(entry: dict[str, Any]) -> FieldProvenance:
    return FieldProvenance(
        entry["source"],
        datetime.fromisoformat(entry["event_time"]),
        datetime.fromisoformat(entry["received_time"]),
        PriceKind(entry["price_kind"]),
        entry.get("losers", {}),
    )


def _pending_document(pending: PendingPrice) -> dict[str, Any]:
    return {
        "price": pending.price,
        "source": pending.source,
        "event_time": pending.event_time.isoformat(),
        "received_time": pending.received_time.isoformat(),
        "since": pending.since.isoformat(),
    }


def _pending(entry: dict[str, Any]) -> PendingPrice:
    return PendingPrice(
        entry["price"],
        entry["source"],
        datetime.fromisoformat(entry["event_time"]),
        datetime.fromisoformat(entry["received_time"]),
        datetime.fromisoformat(entry["since"]),
    )
