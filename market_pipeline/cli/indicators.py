"""`market-pipeline indicators`: the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Column, Table

from market_pipeline.cli.arguments import AsJson
from market_pipeline.cli.console import guarded, out, print_json, print_table

if TYPE_CHECKING:
    from market_pipeline.indicators.catalogue import IndicatorColumn


@guarded
def run(as_json: AsJson = False) -> None:
    """List every indicator column: meaning, function, parameters, unit, bars before the first value, source."""
    from market_pipeline.indicators.catalogue import columns

    listed = columns()
    if as_json:
        print_json([asdict(column) for column in listed])
        return
    print_table(_table(listed))
    out.print(f"{len(listed)} columns; formula and source of each: docs/indicators.md")


def _table(listed: Sequence[IndicatorColumn]) -> Table:
    """Return one row a column, under a line for each family; parameters stand below the meaning on a terminal."""
    between = "\n" if out.is_terminal else "  "
    name, warm_up = Column("column", no_wrap=True), Column("bars before", justify="right")
    table = Table(name, "unit", warm_up, "meaning, function", box=None, pad_edge=False)
    for family, members in groupby(listed, key=lambda column: column.family):
        table.add_row(f"[bold]{family}[/]")
        for member in members:
            parameters = ", ".join(f"{key}={value}" for key, value in member.params.items())
            call = f"{member.function}({parameters})"
            meaning = f"{escape(member.description)}{between}[dim]{escape(call)}[/]"
            table.add_row(member.column, member.unit, str(member.warm_up), meaning)
    return table
