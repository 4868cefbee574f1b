"""Provenance survives the way through the table."""

from __future__ import annotations

import json
from datetime import timedelta

from market_pipeline.transforms.provenance import provenance_from_json, provenance_json
from market_pipeline_tests.transforms.merge_cases import BVC, NOW, WAFA, market, quote, ticker


def test_provenance_reads_as_json_with_the_losers_and_why():
    merged = ticker([quote(BVC, 739.0, minutes_ago=5), quote(WAFA, 800.0, minutes_ago=4)])
    assert json.loads(provenance_json(merged)) == {
        "last": {
            "source": "casablanca_bourse",
            "event_time": "2026-11-20T12:55:00+00:00",
            "received_time": "2026-11-20T13:00:00+00:00",
            "price_kind": "trade",
            "losers": {"wafa_bourse": "800.0: disputed"},
        }
    }


def test_what_is_written_is_read_back():
    merged = ticker([quote(BVC, 739.0, previous_close=735.0, volume=5.0), quote(WAFA, 739.0, minutes_ago=4)])
    records, pending = provenance_from_json(provenance_json(merged))
    assert (records, pending) == (merged.provenance, None)


def test_a_price_that_is_held_back_survives():
    before = ticker([quote(BVC, 739.0)])
    at = NOW + timedelta(minutes=1)
    held = ticker(
        [quote(BVC, 900.0, event_time=at, received_time=at)], previous=before, market_file=market(merge={}), now=at
    )
    records, pending = provenance_from_json(provenance_json(held))
    assert (records, pending) == (held.provenance, held.pending)
    assert pending is not None
    assert (pending.price, pending.since) == (900.0, at)
