"""What a level is, as data: its column, meaning, formula, the parameters it obeys, and who defined it."""

from __future__ import annotations

from dataclasses import dataclass

OURS = "ours"
PRICE, SWINGS, BARS, STRENGTH = "currency", "swings", "bars", "usual volumes × usual ranges"


@dataclass(frozen=True)
class Level:
    """One column of levels_1m. `parameters` are fields of LevelsRule; `source` is an address, or ours."""

    column: str
    unit: str
    description: str
    formula: str
    source: str = OURS
    parameters: tuple[str, ...] = ()

    @property
    def is_count(self) -> bool:
        """Tell whether its values are whole numbers."""
        return self.unit in {SWINGS, BARS}
