"""JSON snapshot files of the live tickers: live_tickers/<market>/live_tickers_YYYYMMDD_HHMMSS.json (UTC)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from market_pipeline.markets.schema import MarketFile
from market_pipeline.model.session import MarketState
from market_pipeline.storage.files import publish
from market_pipeline.storage.layout import names_in

PREFIX, SUFFIX = "live_tickers_", ".json"
LEFT_OUT = ("provenance",)
"""Two thirds of the bytes, and in the table live_tickers."""


def write_ticker_file(
    feed_folder: Path,
    documents: Sequence[Mapping[str, Any]],
    *,
    market_file: MarketFile,
    state: MarketState,
    is_simulated: bool,
    requested: int,
    fresh: int,
) -> Path:
    """Write the tickers of one cycle, with the cycle's figures under `metadata`, and return the file.

    Counts are of this cycle: successful means that the price is fresh. start_time is that of the first file ever
    written here, last_run the cycle before.
    """
    folder = ticker_folder(feed_folder, market_file.market)
    previous = _newest_metadata(folder)
    as_of = state.at.isoformat()
    metadata = {
        "market": market_file.market,
        "exchange": market_file.exchange,
        "feed": "simulated" if is_simulated else "live",
        "simulated": is_simulated,
        "as_of": as_of,
        "session_state": state.state.value,
        "total": requested,
        "successful": fresh,
        "failed": requested - fresh,
        "last_run": previous.get("as_of"),
        "start_time": previous.get("start_time", as_of),
    }
    tickers = [_plain(document) for document in documents]
    text = json.dumps({"metadata": metadata, "live_tickers": tickers}, ensure_ascii=False, default=_as_text)
    path = folder / f"{PREFIX}{state.at:%Y%m%d_%H%M%S}{SUFFIX}"
    publish({path: text.encode()})
    return path


def ticker_folder(feed_folder: Path, market: str) -> Path:
    """Return the folder of a market's snapshot files."""
    return feed_folder / "live_tickers" / market


def retain_ticker_files(feed_folder: Path, market: str, *, keep: int) -> int:
    """Delete all but the newest `keep` files; return how many were deleted."""
    folder = ticker_folder(feed_folder, market)
    old = _names(folder)[:-keep]
    for name in old:
        (folder / name).unlink(missing_ok=True)
    return len(old)


def _names(folder: Path) -> list[str]:
    return sorted(name for name in names_in(folder) if name.startswith(PREFIX) and name.endswith(SUFFIX))


def _newest_metadata(folder: Path) -> dict[str, Any]:
    names = _names(folder)
    if not names:
        return {}
    try:
        metadata: dict[str, Any] = json.loads((folder / names[-1]).read_text(encoding="utf-8"))["metadata"]
    except (OSError, ValueError, KeyError):  # deleted meanwhile, or edited by hand: begin the figures anew
        return {}
    return metadata


def _plain(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document that strict JSON can carry: NaN as null."""
    is_nan = {name for name, value in document.items() if isinstance(value, float) and value != value}  # noqa: PLR0124
    return {name: None if name in is_nan else value for name, value in document.items() if name not in LEFT_OUT}


def _as_text(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a snapshot file")
