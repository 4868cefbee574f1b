"""`market-pipeline doctor`: is everything as it must be? One remedy per finding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer
from rich.markup import escape
from rich.table import Column, Table

from market_pipeline.cli.arguments import AsJson
from market_pipeline.cli.console import ExitCode, guarded, notes, out, print_json, print_table

if TYPE_CHECKING:
    from market_pipeline.steps.examine import Finding

MARKS = {"ok": "[green]ok[/]", "warn": "[yellow]look[/]", "fail": "[red]fail[/]", "unreachable": "[red]down[/]"}


@guarded
def run(as_json: AsJson = False) -> None:
    """Check zone table, calendars, seeds, keys, disk, ports and every source; say what to do about each finding."""
    from market_pipeline.settings import load_settings
    from market_pipeline.steps.examine import examine

    settings = load_settings()
    with notes.status("looking at everything"):
        findings = examine(settings)
    levels = Counter(finding.level for finding in findings)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        print_table(_table(findings))
        out.print(
            f"{len(findings)} findings: {levels['ok']} ok, {levels['warn']} worth a look, "
            f"{levels['fail'] + levels['unreachable']} to mend"
        )
    if levels["unreachable"]:
        raise typer.Exit(ExitCode.UNREACHABLE)
    if levels["fail"]:
        raise typer.Exit(ExitCode.BELOW_LIMITS)


def _table(findings: Sequence[Finding]) -> Table:
    """Return one row a finding; on a terminal the remedy stands below what was found."""
    found = Column("found, and what to do", overflow="fold")
    table = Table("", Column("what", no_wrap=True), found, box=None, pad_edge=False)
    for finding in findings:
        text = escape(finding.found)
        if finding.remedy:
            text += f"{'\n' if out.is_terminal else '  '}[cyan]→ {escape(finding.remedy)}[/]"
        table.add_row(MARKS[finding.level], finding.what, text)
    return table
