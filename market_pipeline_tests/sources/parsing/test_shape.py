"""The shape of payloads, and what counts as drift from the recorded samples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from market_pipeline.sources.parsing.shape import (
    Drift,
    Field,
    Shape,
    drift,
    from_document,
    recorded_shapes,
    shape_of,
    to_document,
    united,
)


def fields(body: bytes) -> dict[str, str]:
    """Path → types, with "?" where the field is not always there."""
    shape = shape_of(body)
    assert shape is not None
    return dict(to_document({"any": shape})["any"]["fields"])


def changed(samples: Path, **change: Any) -> Drift:
    """The drift of Kraken's ticker with fields of its first pair changed; None takes a field away."""
    document = json.loads((samples / "kraken" / "ticker_normal.json").read_text())
    pairs = document["result"]
    for pair in pairs.values():
        pair.update(change)
        for name in [name for name, value in change.items() if value is None]:
            del pair[name]
    shape = shape_of(json.dumps(document).encode())
    assert shape is not None
    return drift(shape, recorded_shapes("kraken"))


def test_symbols_are_data_and_other_keys_are_names() -> None:
    body = b'{"result": {"XXBTZUSD": {"c": ["1.0"]}, "11536": {"c": ["2.0"]}}, "last": 17}'
    assert fields(body) == {".last": "number", ".result.*.c[]": "text"}


def test_a_field_that_some_records_lack_is_not_always_there() -> None:
    assert fields(b'[{"a": 1, "b": true}, {"a": "x"}]') == {"[].a": "number|text", "[].b": "flag?"}


def test_the_places_of_a_record_of_different_types_mean_something() -> None:
    assert fields(b'[[1795167000, "90980.0", null], [1795167060, "91000.0", null]]') == {
        "[][0]": "number",
        "[][1]": "text",
        "[][2]": "null",
    }


def test_a_page_is_known_by_its_column_headings() -> None:
    page = b"<html><table><tr><th>Company</th><th> M.\n Cap</th></tr><tr><td>ATW</td><td>1</td></tr></table></html>"
    assert fields(page) == {"column Company": "heading", "column M. Cap": "heading"}


def test_a_table_of_text_is_known_by_its_columns_whatever_divides_them() -> None:
    assert fields(b"Symbol|Lot\nAAPL|100\nMSFT|40\n") == {"column Lot": "number", "column Symbol": "text"}


@pytest.mark.parametrize("body", [b"", b'{"result": {"XXB', b"\xff\xfe", b"maintenance"])
def test_what_is_no_document_has_no_shape(body: bytes) -> None:
    assert shape_of(body) is None


def test_a_sample_compared_with_its_own_shape_has_no_drift(samples: Path) -> None:
    assert changed(samples) == Drift("ticker")


def test_a_field_that_is_gone_is_missing(samples: Path) -> None:
    found = changed(samples, p=None, o=None)
    assert (found.missing, found.is_harmful) == ((".result.*.o", ".result.*.p[]"), True)


def test_a_field_of_another_type_is_retyped(samples: Path) -> None:
    found = changed(samples, o=90300.0)
    assert (found.retyped, found.is_harmful) == ((".result.*.o: text → number",), True)


def test_a_new_field_is_named_and_harms_nobody(samples: Path) -> None:
    found = changed(samples, vwap="90512.1")
    assert (found.added, found.missing, found.is_harmful) == ((".result.*.vwap",), (), False)


def test_a_field_that_is_null_has_no_type_to_differ_in() -> None:
    known = {"any": Shape("json", {".a": Field(frozenset({"number"}))})}
    seen = shape_of(b'{"a": null}')
    assert seen is not None
    assert drift(seen, known) == Drift("any")


def test_a_page_in_the_place_of_json_resembles_nothing() -> None:
    seen = shape_of(b"<html><body>Will be right back</body></html>")
    assert seen is not None
    assert drift(seen, recorded_shapes("kraken")).channel is None


def test_fields_of_other_situations_are_known_and_only_those_of_normal_ones_are_expected() -> None:
    normal, partial = shape_of(b'{"a": 1, "b": 2}'), shape_of(b'{"a": "n/a", "c": 3}')
    assert normal is not None
    assert partial is not None
    document = to_document({"quote": united([normal, partial], always=[normal])})
    assert document["quote"]["fields"] == {".a": "number|text", ".b": "number", ".c": "number?"}
    assert to_document(from_document(document)) == document


def test_a_source_without_samples_has_no_recorded_shapes() -> None:
    assert recorded_shapes("nobody") == {}
