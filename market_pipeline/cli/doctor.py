"""`market-pipeline doctor`: is everything as it must be? One remedy per finding."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from market_pipeline.cli.console import ExitCode, guarded, out, print_json
from market_pipeline.settings import load_settings
from market_pipeline.steps.examine import examine

MARKS = {"ok": "[green]ok[/]", "warn": "[yellow]look[/]", "fail": "[red]fail[/]"}


@guarded
def run(as_json: Annotated[bool, typer.Option("--json", help="one JSON document on stdout")] = False) -> None:
    """Check zone table, calendars, keys, disk, ports and every source; say what to do about each finding."""
    findings = examine(load_settings())
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        table = Table("", "what", "found", "what to do", box=None)
        for finding in findings:
            table.add_row(MARKS[finding.level], finding.what, finding.found, finding.remedy)
        out.print(table)
    if any(finding.level == "fail" for finding in findings):
        raise typer.Exit(ExitCode.BELOW_LIMITS)
