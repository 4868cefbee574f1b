"""`market-pipeline drill [NAME…|--all|--list]`: a scripted fault on the real system, and what came of it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from market_pipeline.cli.arguments import AsJson
from market_pipeline.cli.console import ExitCode, guarded, out, print_json, print_table
from market_pipeline.errors import UsageError

if TYPE_CHECKING:
    from market_pipeline.drills.drill import Drill, DrillReport
    from market_pipeline.drills.record import Record

SIMULATED = "[bold yellow]SIMULATED[/]: no real market, source or channel is concerned, none of your data is touched"


@guarded
def run(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]…", help="the drills to run")] = None,
    is_listing: Annotated[bool, typer.Option("--list", help="show every drill with its story")] = False,
    wants_all: Annotated[bool, typer.Option("--all", help="run every drill, one after the other")] = False,
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="FOLDER", help="keep what each drill wrote: tables, logs, alerts")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let a scripted fault fall on the real system, in a folder of its own, and say whether it did what it must."""
    if sum([bool(names), is_listing, wants_all]) != 1:
        raise UsageError(
            "name one or more drills, or give --all or --list; a retry does not help; try: market-pipeline drill --list"
        )
    from market_pipeline.drills.catalogue import chosen, drills

    if is_listing:
        _list(list(drills().values()), as_json=as_json)
        return
    reports = _run(chosen(names or list(drills())), keep, as_json=as_json)
    failed = sum(not report.has_passed for report in reports)
    if as_json:
        documents = [_document(report) for report in reports]
        print_json({"is_simulated": True, "passed": len(reports) - failed, "failed": failed, "drills": documents})
    elif len(reports) > 1:
        _print_summary(reports)
    if failed:
        raise typer.Exit(ExitCode.BELOW_LIMITS)


def _list(found: Sequence[Drill], *, as_json: bool) -> None:
    if as_json:
        named = ("name", "market", "pace", "seconds", "story")
        print_json({"drills": [{name: getattr(one, name) for name in named} for one in found]})
        return
    table = Table("drill", "market", "pace", Column("about", justify="right"), "story", box=None, pad_edge=False)
    for one in found:
        table.add_row(one.name, one.market, one.pace.value, f"{one.seconds} s", escape(one.story))
    print_table(table)


def _run(listed: Sequence[Drill], keep: Path | None, *, as_json: bool) -> list[DrillReport]:
    from market_pipeline.cli.progress import progress_bar
    from market_pipeline.drills.drill import run_drill

    reports = []
    for number, drill in enumerate(listed, start=1):
        with _folder(keep, drill.name) as folder, progress_bar(quiet=as_json) as bar:
            task = bar.add_task(f"{drill.name} ({number} of {len(listed)})", total=1)

            def say(text: str, *, task: Any = task, bar: Any = bar, name: str = drill.name) -> None:
                bar.update(task, completed=0, total=1, description=f"{name}: {text}")

            report = run_drill(drill, folder, say)
            verdict = "passed" if report.has_passed else "failed"
            bar.update(task, completed=1, total=1, description=f"{drill.name}: {verdict}")
        reports.append(report)
        if not as_json:
            _print(report)
    return reports


@contextmanager
def _folder(keep: Path | None, name: str) -> Iterator[Path]:
    """Give an empty folder, which goes away at the end unless it is to be kept."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix=f"drill-{name}-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)
        return
    kept = keep.absolute() / name
    if kept.exists() and any(kept.iterdir()):
        raise UsageError(
            f"--keep: {kept} holds an earlier drill; a retry does not help; name another folder, or remove that one"
        )
    kept.mkdir(parents=True, exist_ok=True)
    yield kept


def _print(report: DrillReport) -> None:
    drill, record = report.drill, report.record
    out.print(f"\n[bold]{drill.name}[/]  {escape(drill.story)}", soft_wrap=True)
    out.print(f"{SIMULATED} ({drill.market}, {drill.pace.value})", soft_wrap=True)
    if record is not None:
        _print_timeline(record)
    findings = Table("", "expected", "seen", box=None, pad_edge=False)
    for finding in report.findings:
        mark = "[green]yes[/]" if finding.is_met else "[bold red]NO[/]"
        findings.add_row(mark, escape(finding.expected), escape(finding.seen))
    print_table(findings)
    word = "[bold green]passed[/]" if report.has_passed else "[bold red]failed[/]"
    met = sum(finding.is_met for finding in report.findings)
    out.print(f"{drill.name} {word}: {met} of {len(report.findings)} as expected, in {report.seconds:.0f} s")


def _print_timeline(record: Record) -> None:
    from market_pipeline.drills.record import clock_words

    table = Table("market time", "what happened", box=None, pad_edge=False)
    for event in record.timeline:
        table.add_row(f"T+{clock_words(event.after)}", escape(event.text))
    print_table(table)


def _print_summary(reports: Sequence[DrillReport]) -> None:
    from market_pipeline.drills.record import clock_words

    right = [Column(name, justify="right") for name in ("noticed", "alerted", "recovered", "all over", "score", "took")]
    table = Table("drill", "verdict", *right, box=None, pad_edge=False)
    for report in reports:
        record = report.record
        spans = [] if record is None else [record.noticed, record.alerted, record.recovered, record.all_over]
        times = [clock_words(span) for span in spans] or ["–"] * 4
        verdict = "[green]passed[/]" if report.has_passed else "[bold red]failed[/]"
        table.add_row(report.drill.name, verdict, *times, _score_words(record), f"{report.seconds:.0f} s")
    out.print(f"\n{SIMULATED}", soft_wrap=True)
    out.print("minutes:seconds of the market: noticed and alerted after the fault began, recovered after it ended")
    out.print(
        "all over: also what looks back on 15 minutes; – while that is still on, or where nobody had to be called"
    )
    print_table(table)
    passed = sum(report.has_passed for report in reports)
    out.print(
        f"[bold]{passed} of {len(reports)} drills passed[/] in {sum(r.seconds for r in reports) / 60:.1f} minutes"
    )


def _score_words(record: Record | None) -> str:
    if record is None or record.lowest is None or record.last is None:
        return "–"
    return f"{record.lowest:g} → {record.last:g}"


def _document(report: DrillReport) -> dict[str, Any]:
    record = report.record
    seen = {"findings": [{"expected": f.expected, "seen": f.seen, "is_met": f.is_met} for f in report.findings]}
    named = {"name": report.drill.name, "market": report.drill.market, "pace": report.drill.pace.value}
    verdict = {"passed": report.has_passed, "seconds": round(report.seconds, 1)}
    return named | verdict | ({} if record is None else _figures(record)) | seen


def _figures(record: Record) -> dict[str, Any]:
    return {
        "noticed_seconds": _seconds(record.noticed),
        "alerted_seconds": _seconds(record.alerted),
        "recovered_seconds": _seconds(record.recovered),
        "all_over_seconds": _seconds(record.all_over),
        "lowest_score": record.lowest,
        "last_score": record.last,
        "timeline": [{"after_seconds": _seconds(event.after), "text": event.text} for event in record.timeline],
    }


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()
