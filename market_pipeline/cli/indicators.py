"""`market-pipeline indicators`: the catalogue, and what functions of one's own promise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from market_pipeline.cli.arguments import AsJson
from market_pipeline.cli.console import guarded, out, print_json, print_table
from market_pipeline.errors import IndicatorError

if TYPE_CHECKING:
    from market_pipeline.indicators.catalogue import IndicatorColumn


Check = Annotated[bool, typer.Option("--check", help="check what the functions in indicators/custom promise")]


@guarded
def run(as_json: AsJson = False, check: Check = False) -> None:
    """List every indicator column: meaning, function, parameters, unit, bars before the first value, source.

    With --check, look instead whether each function in indicators/custom is honest about its window, never looks
    ahead, and is finite on flat bars and bars without volume; exit code 2 when one is not.
    """
    from market_pipeline.indicators.catalogue import columns

    if check:
        _check(as_json)
        return
    listed = columns()
    if as_json:
        print_json([asdict(column) for column in listed])
        return
    print_table(_table(listed))
    out.print(f"{len(listed)} columns; formula and source of each: docs/indicators.md")


def _check(as_json: bool) -> None:
    from market_pipeline.indicators.contract import PROMISES, broken_promises
    from market_pipeline.indicators.registry import custom_indicators

    definitions = custom_indicators()
    broken = [found for definition in definitions for found in broken_promises(definition)]
    if as_json:
        print_json([asdict(found) for found in broken])
    if broken:
        raise IndicatorError(
            f"checked {len(definitions)} functions of indicators/custom and found {len(broken)} broken promises; "
            f"a retry does not help; correct the functions:\n  {'\n  '.join(map(str, broken))}"
        )
    if not as_json:
        names = ", ".join(definition.function for definition in definitions)
        out.print(f"{len(definitions)} functions keep all {len(PROMISES)} promises: {names}")


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
