"""What every wire module is made of: calls, replies, routes, and exact text formats."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from market_pipeline.simulator.standing import is_nan
from market_pipeline.simulator.viewpoint import Viewpoint

JSON = "application/json"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Call:
    """One request, below its source's prefix."""

    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    now: float
    """Epoch second of the exchange's clock, without the source's delay."""
    view_of: Callable[[str], Viewpoint]
    """Market → what this source sees of its exchange."""
    markets: tuple[str, ...]
    """The markets that this source reports on."""

    @property
    def view(self) -> Viewpoint:
        """Return what the source sees of its only, or first, market."""
        return self.view_of(self.markets[0])

    def param(self, name: str) -> str | None:
        """Return the first query parameter of this name."""
        return next((value for key, value in self.query if key == name), None)

    def json(self) -> Any:
        """Return the body as JSON, None when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(frozen=True)
class Reply:
    """One answer."""

    body: bytes
    status: int = 200
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Route:
    """One path of a source. `symbol_of` names the single instrument that a call asks for, for faults by symbol."""

    method: str
    path: str
    answer: Callable[[Call], Reply]
    symbol_of: Callable[[Call], str | None] = lambda _: None
    limit_per_second: int | None = None
    """The source's own limit; kept only when the exchange is started with limits on."""


@dataclass(frozen=True)
class Wire:
    """One source of the simulated exchange."""

    source: str
    routes: tuple[Route, ...]
    refuse: Callable[[int, str, str], Reply]
    """Status, method and path → the answer this source gives with that status."""


def json_reply(document: Any, *, status: int = 200, content_type: str = JSON) -> Reply:
    """Return compact JSON in UTF-8; NaN stays NaN, as broken servers send it."""
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return Reply(text.encode(), status, content_type)


def whole(value: float | None) -> float | int | None:
    """Return a count as an integer; None and NaN stay what they are."""
    return value if value is None or is_nan(value) else round(value)


def fixed(value: float | None, decimals: int) -> str | None:
    """Return a number as text with so many decimals, None for None and NaN for NaN."""
    if value is None:
        return None
    return "NaN" if is_nan(value) else f"{value:.{decimals}f}"


def ten(value: float | None) -> Any:
    """Return a number as Drupal writes it: text with ten decimals, an empty list for no value."""
    if value is None:
        return []
    return "NaN" if is_nan(value) else f"{Decimal(repr(value)):.10f}"


def html_page(title: str, body: str) -> bytes:
    """Return a small HTML page, as firewalls send instead of data."""
    page = (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>\n{body}</html>\n'
    )
    return page.encode()
