"""What a payload looks like without its values: JSON paths with their types, a page's column headings, a CSV's columns.

Compares what a source sends today with what it sent when its samples were recorded; `sources/shapes/<source>.json`,
made by `make docs` from the samples, travels with the package. Must not judge values: that is the parser's business.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

from lxml import etree, html

MOST_TUPLE = 12
"""A list of at most so many values of different types is a record whose places mean something."""
CSV_ROWS = 50
_COUNT = re.compile(r"\(\d+\)")
"""How many rows follow: a heading says the same with another number."""
_NO_NAME = re.compile(r"[^a-z]+")
"""Keys without a small letter are symbols and codes: data, not the names of fields."""


@dataclass(frozen=True, slots=True)
class Field:
    """What is known of one field: its types (none: only null was seen), and whether every record has it."""

    types: frozenset[str]
    is_always: bool = True


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of a payload by path."""

    format: Literal["json", "html", "csv"]
    fields: Mapping[str, Field]


@dataclass(frozen=True, slots=True)
class Drift:
    """How a payload differs from the recorded `channel` that it resembles most; None when it resembles none."""

    channel: str | None
    missing: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    retyped: tuple[str, ...] = ()

    @property
    def is_harmful(self) -> bool:
        """Tell whether a parser may stumble: a new field alone harms nobody."""
        return self.channel is None or bool(self.missing or self.retyped)


def shape_of(body: bytes) -> Shape | None:
    """Return the shape of a payload, None when it is neither JSON, HTML nor a table of text."""
    text = body.decode("utf-8", errors="replace").lstrip("\ufeff").strip()
    if text.startswith("<"):
        return Shape("html", _headings(text))
    try:
        return Shape("json", _json_fields(json.loads(text)))
    except ValueError:
        is_json = text[:1] in ("{", "[")
    return None if is_json or "\n" not in text else Shape("csv", _csv_fields(text))


def united(shapes: Sequence[Shape], *, always: Sequence[Shape]) -> Shape:
    """Return one shape for payloads of a channel: every field of any, required where each of `always` has it always."""
    fields = _alternatives([shape.fields for shape in shapes])
    required = _alternatives([shape.fields for shape in always])
    has = {path: path in required and required[path].is_always for path in fields}
    return Shape(shapes[0].format, {path: Field(field.types, has[path]) for path, field in fields.items()})


def drift(seen: Shape, known: Mapping[str, Shape]) -> Drift:
    """Compare a payload with the recorded channel that shares most fields with it."""
    likeness = {name: _likeness(seen, shape) for name, shape in known.items()}
    channel = max(likeness, key=lambda name: likeness[name], default=None)
    if channel is None or not likeness[channel]:
        return Drift(None, added=tuple(sorted(seen.fields)))
    expected = known[channel].fields
    missing = [path for path, field in expected.items() if field.is_always and path not in seen.fields]
    added = [path for path, field in seen.fields.items() if path not in expected and not _is_absence(field)]
    retyped = [
        f"{path}: {_words(expected[path].types)} → {_words(field.types)}"
        for path, field in seen.fields.items()
        if path in expected and expected[path].types and field.types - expected[path].types
    ]
    return Drift(channel, tuple(sorted(missing)), tuple(sorted(added)), tuple(sorted(retyped)))


def to_document(known: Mapping[str, Shape]) -> dict[str, Any]:
    """Return shapes as JSON: channel → format and fields, a field as "number|text", with "?" where it may be absent."""
    return {
        name: {
            "format": shape.format,
            "fields": {
                path: f"{_words(field.types)}{'' if field.is_always else '?'}"
                for path, field in sorted(shape.fields.items())
            },
        }
        for name, shape in sorted(known.items())
    }


def from_document(document: Mapping[str, Any]) -> dict[str, Shape]:
    """Return what to_document wrote."""
    return {
        name: Shape(entry["format"], {path: _field(text) for path, text in entry["fields"].items()})
        for name, entry in document.items()
    }


def recorded_shapes(source: str) -> dict[str, Shape]:
    """Return the shapes of a source's samples, by channel; empty for a source without any."""
    file = files("market_pipeline.sources") / "shapes" / f"{source}.json"
    return from_document(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}


def _json_fields(value: Any) -> Mapping[str, Field]:
    match value:
        case dict():
            children: dict[str, list[Mapping[str, Field]]] = {}
            for key, child in value.items():
                children.setdefault(f".{_name(key, child)}", []).append(_json_fields(child))
            return {at + path: field for at, found in children.items() for path, field in _alternatives(found).items()}
        case list():
            return _list_fields(value)
        case None:
            return {"": Field(frozenset())}
    return {"": Field(frozenset({_type(value)}))}


def _list_fields(values: Sequence[Any]) -> dict[str, Field]:
    kinds = {_type(value) for value in values if value is not None}
    if len(kinds) > 1 and "container" not in kinds and len(values) <= MOST_TUPLE:
        return {f"[{place}]{path}": f for place, v in enumerate(values) for path, f in _json_fields(v).items()}
    return {f"[]{path}": field for path, field in _alternatives([_json_fields(value) for value in values]).items()}


def _alternatives(shapes: Sequence[Mapping[str, Field]]) -> dict[str, Field]:
    """Unite fields of records of one kind: one that a record lacks is not always there."""
    paths = dict.fromkeys(path for shape in shapes for path in shape)
    return {path: _joined([shape.get(path) for shape in shapes]) for path in paths}


def _joined(found: Sequence[Field | None]) -> Field:
    types = frozenset[str]().union(*(field.types for field in found if field is not None))
    return Field(types, all(field is not None and field.is_always for field in found))


def _name(key: str, value: Any) -> str:
    is_data = key.isdigit() or (isinstance(value, dict | list) and _NO_NAME.fullmatch(key))
    return "*" if is_data else key


def _type(value: Any) -> str:
    match value:
        case bool():
            return "flag"
        case int() | float():
            return "number"
        case dict() | list():
            return "container"
    return "text"


def _headings(text: str) -> dict[str, Field]:
    try:
        found = html.fromstring(text).iter("th")
    except (etree.ParserError, ValueError):
        return {}
    words = [" ".join(_COUNT.sub("", "".join(map(str, cell.itertext()))).split()) for cell in found]
    return {f"column {word}": Field(frozenset({"heading"})) for word in words if word}


def _csv_fields(text: str) -> dict[str, Field]:
    lines = text.splitlines()
    delimiter = max(",;|\t", key=lines[0].count)
    head, *rows = csv.reader(lines[: CSV_ROWS + 1], delimiter=delimiter)
    return {f"column {name.strip()}": Field(_cell_types(rows, place)) for place, name in enumerate(head)}


def _cell_types(rows: Iterable[Sequence[str]], place: int) -> frozenset[str]:
    cells = [row[place].strip() for row in rows if place < len(row) and row[place].strip()]
    return frozenset("number" if re.fullmatch(r"[-+]?\d+(\.\d+)?", cell) else "text" for cell in cells)


def _likeness(seen: Shape, known: Shape) -> float:
    if seen.format != known.format:
        return 0.0
    required = {path for path, field in known.fields.items() if field.is_always}
    return len(seen.fields.keys() & known.fields.keys()) / max(len(seen.fields.keys() | required), 1)


def _is_absence(field: Field) -> bool:
    return not field.types


def _words(types: frozenset[str]) -> str:
    return "|".join(sorted(types)) or "null"


def _field(text: str) -> Field:
    words = text.removesuffix("?")
    return Field(frozenset(words.split("|")) - {"null"}, not text.endswith("?"))
