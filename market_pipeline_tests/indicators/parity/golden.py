"""A recorded output of DaveSkender/Stock.Indicators, and how we compute the same; the lists are in goldens_*.py."""

from __future__ import annotations

from dataclasses import dataclass

from market_pipeline_tests.indicators.parity.recipe import Recipe


@dataclass(frozen=True)
class Golden:
    """One output of one file: our figure, and, wherever the two are not equal, why not.

    `proof` is our figure with the reason taken away: equal again, it shows that the reason is the whole difference.
    Without `ours` we have no such figure at all. `column` is ours with the file's parameters, or the same family's.
    """

    file: str
    output: str
    ours: Recipe | None
    column: str = ""
    why: str = ""
    proof: Recipe | None = None

    @property
    def key(self) -> str:
        """Return file and output, as the committed figures name them."""
        return f"{self.file}.{self.output}"


def absent(file: str, outputs: str, why: str) -> tuple[Golden, ...]:
    """Return outputs (separated by blanks) that we have no figure for, with the reason."""
    return tuple(Golden(file, output, None, why=why) for output in outputs.split())
