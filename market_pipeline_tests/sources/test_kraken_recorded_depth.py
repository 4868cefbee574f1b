"""Recorded depth of two other exchanges in Kraken's rows of three: the book read is the book recorded, level by level.

Kraken's public answer is a whole book; so each recorded update is applied here, and the book that it leaves is served.
"""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from market_pipeline.model.instrument import Alias, Instrument
from market_pipeline.model.order_book import OrderBook
from market_pipeline.model.outcome import OutcomeStatus
from market_pipeline_tests.sources.scripted_server import Reply, reply
from market_pipeline_tests.sources.test_kraken import kraken

pytestmark = pytest.mark.realdata

XRP, BTC = (
    Instrument("crypto", f"{coin}-USD", coin, currency="USD", aliases=(Alias("kraken", f"{coin}/USD"),))
    for coin in ("XRP", "BTC")
)
type Side = dict[str, str]
"""Price → size, as the recording writes them."""


def served(pair: str, bids: Side, asks: Side) -> Reply:
    sides = {"bids": sorted(bids, key=float, reverse=True), "asks": sorted(asks, key=float)}
    sizes = {"bids": bids, "asks": asks}
    rows = {side: [[price, sizes[side][price], 1733011200] for price in prices] for side, prices in sides.items()}
    return reply(body=json.dumps({"error": [], "result": {pair: rows}}).encode())


def books(tmp_path: Path, instrument: Instrument, script: Sequence[Reply]) -> list[OrderBook]:
    found = []
    with kraken(tmp_path, script) as (source, _):
        for _ in script:
            fetched = source.order_book(instrument, depth=500)
            assert [outcome.status for outcome in fetched.outcomes] == [OutcomeStatus.OK]
            found.extend(fetched.records)
    return found


def levels(side: Side) -> dict[float, float]:
    return {float(price): float(size) for price, size in side.items()}


def assert_is(book: OrderBook, bids: Side, asks: Side) -> None:
    assert {level.price: level.size for level in book.bids} == levels(bids)
    assert {level.price: level.size for level in book.asks} == levels(asks)
    assert [level.price for level in book.bids] == sorted(levels(bids), reverse=True)
    assert [level.price for level in book.asks] == sorted(levels(asks))


def updated(side: Side, changes: Sequence[Sequence[str]]) -> Side:
    """Return a side after an update: a size of nothing takes the price away."""
    return {price: size for price, size in (side | dict(changes)).items() if float(size)}  # type: ignore[arg-type]


def test_a_snapshot_of_a_thousand_levels_and_its_updates_are_read_as_recorded(realdata: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(realdata / "crypto" / "nautilus" / "xrpusdt-ob500.data.zip") as archive:
        lines = archive.read("2024-12-01_XRPUSDT_ob500.data").decode().splitlines()
    messages: list[dict[str, Any]] = [json.loads(line) for line in lines]
    assert [message["type"] for message in messages] == ["snapshot"] + ["delta"] * 49
    bids: Side = {}
    asks: Side = {}
    states = []
    for message in messages:
        bids, asks = updated(bids, message["data"]["b"]), updated(asks, message["data"]["a"])
        states.append((bids, asks))
    found = books(tmp_path, XRP, [served("XRPUSD", *state) for state in states])
    assert len(found) == 50
    for book, state in zip(found, states, strict=True):
        assert_is(book, *state)
    assert (len(found[0].bids), len(found[0].asks)) == (500, 500)
    assert (found[0].bids[0].price, found[0].bids[0].size) == (1.9531, 6203.0)


def test_one_side_of_a_book_is_read_as_recorded(realdata: Path, tmp_path: Path) -> None:
    with (realdata / "crypto" / "nautilus" / "btcusdt-depth-snap.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    bids = {row["price"]: row["qty"] for row in rows if row["side"] == "b"}
    (book,) = books(tmp_path, BTC, [served("XXBTZUSD", bids, {})])
    assert len(book.bids) == 100
    assert_is(book, bids, {})


def test_an_update_is_written_over_the_snapshot(realdata: Path, tmp_path: Path) -> None:
    folder = realdata / "crypto" / "nautilus"
    sides: dict[str, Side] = {"b": {}, "a": {}}
    for name in ("btcusdt-depth-snap.csv", "btcusdt-depth-update.csv"):
        with (folder / name).open(newline="") as file:
            for row in csv.DictReader(file):
                sides[row["side"]] = updated(sides[row["side"]], [(row["price"], row["qty"])])
    (book,) = books(tmp_path, BTC, [served("XXBTZUSD", sides["b"], sides["a"])])
    assert_is(book, sides["b"], sides["a"])
    assert book.asks[-1].price == 20879.1
