"""Finds every drill: each `Drill` in a module of this package whose name ends in `_drills`."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pathlib import Path

from market_pipeline.drills.drill import Drill
from market_pipeline.errors import UsageError


@cache
def drills() -> Mapping[str, Drill]:
    """Return name → drill, module by module in the order in which they are written."""
    modules = sorted(found.name for found in pkgutil.iter_modules([str(Path(__file__).parent)]))
    found: dict[str, Drill] = {}
    for name in modules:
        if name.endswith("_drills"):
            module = import_module(f"market_pipeline.drills.{name}")
            found |= {value.name: value for value in vars(module).values() if isinstance(value, Drill)}
    return found


def chosen(names: Sequence[str]) -> list[Drill]:
    """Return the drills of these names. Raise UsageError for one that there is not, with the nearest names."""
    known = drills()
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=3, cutoff=0.4)
            raise UsageError(
                f"there is no drill {name!r}; a retry does not help; "
                f"{'nearest: ' + ', '.join(near) + '; ' if near else ''}market-pipeline drill --list shows all"
            )
    return [known[name] for name in names]
