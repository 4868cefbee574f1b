"""Wire formats of the simulated exchange: one module per source, pure functions from a call to a reply's bytes.

A module that defines `WIRE` is found by itself; the markets that it serves are those whose files name its source.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from market_pipeline.simulator.wire.format import Wire


@cache
def all_wires() -> Mapping[str, Wire]:
    """Return source → wire, sorted by source."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    wires: list[Wire] = [module.WIRE for module in modules if hasattr(module, "WIRE")]
    return {wire.source: wire for wire in wires}
