"""Compares documents by their keys, types and textual formats, so that our bytes are pinned to the samples."""

from __future__ import annotations

import re
from typing import Any

FORMATS = (
    ("ten decimals", r"-?\d+\.\d{10}"),
    ("ISO time", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"),
    ("day/month/year time", r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d"),
    ("uuid", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    ("whole number", r"\d+"),
    ("blank", r" "),
    ("empty", r""),
    ("dash", r"-"),
    ("address", r"https?://\S+"),
    ("path", r"/\S+"),
)


def shape_of(document: Any, *, ids: str = r"$^", has_decimals: bool = True) -> dict[str, set[str]]:
    """Return path → what stands there. Keys that match `ids` are one, and so are the rows of a table."""
    shape: dict[str, set[str]] = {}
    _collect(document, "", (shape, re.compile(ids), has_decimals))
    return shape


def union(*shapes: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return all shapes in one."""
    joined: dict[str, set[str]] = {}
    for shape in shapes:
        for path, kinds in shape.items():
            joined.setdefault(path, set()).update(kinds)
    return joined


def _collect(value: Any, path: str, into: tuple[dict[str, set[str]], re.Pattern[str], bool]) -> None:
    shape, ids, has_decimals = into
    if isinstance(value, dict):
        for key, item in value.items():
            _collect(item, f"{path}.{'<id>' if ids.fullmatch(key) else key}", into)
    elif isinstance(value, list) and value:
        is_row = not isinstance(value[0], dict | list)
        for place, item in enumerate(value):
            _collect(item, f"{path}[{place if is_row and len(value) < 10 else ''}]", into)
    else:
        shape.setdefault(path, set()).add(_kind(value, has_decimals=has_decimals))


def _kind(value: Any, *, has_decimals: bool) -> str:
    if value is None or isinstance(value, list | dict):
        return {type(None): "null", list: "[]", dict: "{}"}[type(value)]
    if not isinstance(value, str):
        return type(value).__name__
    if not has_decimals and re.fullmatch(r"-?\d+(\.\d+)?", value):
        return "number"
    found = next((name for name, pattern in FORMATS if re.fullmatch(pattern, value)), None)
    if found is None and (number := re.fullmatch(r"-?\d+\.(\d+)", value)):
        return f"{len(number[1])} decimals"
    return found or "text"
