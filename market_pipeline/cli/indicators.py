"""`market-pipeline indicators`: the catalogue."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from market_pipeline.cli.console import guarded, out, print_json
from market_pipeline.indicators.catalogue import columns


@guarded
def run(as_json: Annotated[bool, typer.Option("--json", help="one JSON document on stdout")] = False) -> None:
    """List every indicator column: function, parameters, unit, warm-up and source."""
    listed = columns()
    if as_json:
        print_json([asdict(column) for column in listed])
        return
    table = Table("column", "function", "parameters", "anchor", "unit", "warm-up bars", "meaning")
    for column in listed:
        parameters = ", ".join(f"{key}={value}" for key, value in column.params.items())
        table.add_row(
            column.column,
            column.function,
            parameters,
            column.anchor,
            column.unit,
            str(column.warm_up),
            column.description,
        )
    out.print(table)
    out.print(f"{len(listed)} columns")
