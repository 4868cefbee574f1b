"""`market-pipeline probe`: one polite request per source, parsed, and compared with the recorded samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from market_pipeline.cli.arguments import AsJson
from market_pipeline.cli.console import ExitCode, guarded, notes, out, print_json, print_table
from market_pipeline.cli.feed import feed_banner, open_feed
from market_pipeline.errors import MissingKey

if TYPE_CHECKING:
    from market_pipeline.steps.probe import Probe

MARKS = {"ok": "[green]ok[/]", "drift": "[yellow]drift[/]", "odd": "[yellow]odd[/]", "off": "[dim]off[/]"}
UNREACHABLE = "[red]unreachable[/]"


@guarded
def run(
    source: Annotated[str | None, typer.Argument(metavar="[SOURCE]", help="every source if left out")] = None,
    market: Annotated[str | None, typer.Option(help="the market to ask for; the first that has the source")] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="save the payloads there, without tokens, cookies, keys")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask each source once: whether it answers, whether we can read it, whether it still looks like the samples.

    Exit 1: a field is missing or of another type, or the answer is odd (new fields are only named). 3: no answer.
    """
    from market_pipeline.steps.probe import probe, sources_to_probe

    asked = sources_to_probe(source, market)
    opened = open_feed()
    probes = []
    for name, at in asked:
        with notes.status(f"asking {name}"):
            probes.append(probe(opened, name, at, save=save))
    if as_json:
        print_json({"feed": opened.settings.feed.value, "probes": [_document(one) for one in probes]})
    else:
        out.print(feed_banner(opened))
        print_table(_table(probes))
        _print_drift(probes)
    _leave(probes, is_named=source is not None)


def _leave(probes: Sequence[Probe], *, is_named: bool) -> None:
    verdicts = {probe.verdict.value for probe in probes}
    if "unreachable" in verdicts:
        raise typer.Exit(ExitCode.UNREACHABLE)
    if verdicts & {"drift", "odd"}:
        raise typer.Exit(ExitCode.BELOW_LIMITS)
    if is_named and verdicts == {"off"}:
        raise MissingKey(f"{probes[0].source} was not asked: {probes[0].reason}; a retry does not help before that")


def _table(probes: Sequence[Probe]) -> Table:
    status, latency = Column("HTTP", justify="right"), Column("ms", justify="right")
    table = Table("source", "market", "symbol", status, latency, "parsed", "verdict", box=None, pad_edge=False)
    for probe in probes:
        verdict = MARKS.get(probe.verdict.value, UNREACHABLE)
        reason = f"{verdict}  {escape(probe.reason)}" if probe.reason else verdict
        table.add_row(
            probe.source,
            probe.market,
            probe.symbol or "–",
            str(probe.http_status or "–"),
            "–" if probe.latency_ms is None else f"{probe.latency_ms:.0f}",
            _parsed(probe),
            reason,
        )
    return table


def _parsed(probe: Probe) -> str:
    if probe.price is not None and probe.event_time is not None:
        return f"{probe.price:.10g} at {probe.event_time:%Y-%m-%d %H:%M:%S} UTC"
    return f"{probe.records:,} instruments" if probe.records else "nothing"


def _print_drift(probes: Sequence[Probe]) -> None:
    for probe in probes:
        found = probe.drift
        if found is not None and found.channel is None:
            out.print(f"{probe.source}: what came resembles no recorded sample", soft_wrap=True)
        elif found is not None:
            for what, paths in (("missing", found.missing), ("retyped", found.retyped), ("new", found.added)):
                for path in paths:
                    out.print(f"{probe.source} {found.channel}: {what} {path}", soft_wrap=True, markup=False)
        for path in probe.saved:
            out.print(f"saved {path}", soft_wrap=True, markup=False)


def _document(probe: Probe) -> dict[str, Any]:
    return {**asdict(probe), "verdict": probe.verdict.value}
