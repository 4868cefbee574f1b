"""One part of a page: a sentence, a table, perhaps a picture; or why there is nothing to show."""

from __future__ import annotations

from dataclasses import dataclass

NOTHING = "Nothing stored"


@dataclass(frozen=True, slots=True)
class Section:
    """`header` titles that begin with > stand over figures, which align on the right. `plot` names a picture."""

    title: str
    lead: str
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    note: str = ""
    plot: str | None = None

    @property
    def titles(self) -> tuple[str, ...]:
        """Return the column titles for people."""
        return tuple(title.removeprefix(">") for title in self.header)

    @property
    def figures(self) -> tuple[bool, ...]:
        """Return for each column whether it holds figures."""
        return tuple(title.startswith(">") for title in self.header)


def nothing(title: str, why: str) -> Section:
    """Return a section of which nothing is stored."""
    return Section(title, f"{NOTHING}: {why}.")
