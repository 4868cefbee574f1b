"""`market-pipeline report daily|weekly`: how the markets ran, from what is stored, as Markdown or one HTML file."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from market_pipeline.cli.arguments import AsJson, parse_day
from market_pipeline.cli.console import guarded, notes, out, print_json
from market_pipeline.cli.feed import feed_settings, print_path, stored_banner
from market_pipeline.errors import UsageError

if TYPE_CHECKING:
    from datetime import date

    from market_pipeline.reports.report import Period, Report
    from market_pipeline.steps.publish_report import Rendered
    from market_pipeline.steps.runtime import Runtime

STDOUT = Path("-")


class Kind(StrEnum):
    """Which report."""

    DAILY = "daily"
    WEEKLY = "weekly"


class Form(StrEnum):
    """How it is written."""

    MD = "md"
    HTML = "html"


@guarded
def run(
    kind: Annotated[Kind, typer.Argument(metavar="daily|weekly", help="a session, or the sessions of an ISO week")],
    market: Annotated[str | None, typer.Option(metavar="MARKET", help="only this one; else every market")] = None,
    date: Annotated[
        str | None, typer.Option(metavar="DAY", help="the session, or a day of the week; else the last that ended")
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="md or html")] = Form.HTML,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="write it there (- is stdout), not into the feed's folder")
    ] = None,
    mail: Annotated[bool, typer.Option("--mail", help="mail it to ALERT_EMAIL_RECIPIENTS, too")] = False,
    as_json: AsJson = False,
) -> None:
    """Report uptime, coverage, freshness, errors, gaps, movers and storage of a session or a week."""
    if output is not None and market is None:
        raise UsageError("-o was given without --market; a retry does not help; name the market that goes there")
    if output == STDOUT and as_json:
        raise UsageError("-o - was given with --json, and stdout has room for one; a retry does not help; choose one")
    day = parse_day(date) if date is not None else None
    settings = feed_settings()
    with notes.status("reading what is stored"):
        from market_pipeline.reports.report import Period
        from market_pipeline.steps.overview import open_to_look

        opened, _ = open_to_look(settings)
        found = _reports(opened, market, Period(kind.value), day=day)
    if output is None and not as_json:
        out.print(stored_banner(settings))
    documents = [_told(opened, one, form=form, output=output, mail=mail, is_quiet=as_json) for one in found]
    if as_json:
        print_json({"feed": settings.feed.value, "period": kind.value, "reports": documents})


def _reports(opened: Runtime, market: str | None, period: Period, *, day: date | None) -> list[Report]:
    """Return the report of the market, or of every market that has a session then."""
    from market_pipeline.steps.report import report
    from market_pipeline.steps.runtime import market_names

    if market is not None:
        return [report(opened, opened.market(market), period, day=day)]
    found = []
    for name in market_names():
        try:
            found.append(report(opened, opened.market(name), period, day=day))
        except UsageError as error:
            notes.print(str(error).partition(";")[0], markup=False)
    return found


def _told(
    opened: Runtime, found: Report, *, form: Form, output: Path | None, mail: bool, is_quiet: bool
) -> dict[str, Any]:
    from market_pipeline.steps.publish_report import mail_report, publish_report, rendered

    if output is None:
        made, html = publish_report(opened, found)
        path = html.with_suffix(f".{form.value}")
    else:
        made, path = rendered(found), output
        _write(made, output, form=form)
    if not is_quiet and path != STDOUT:
        print_path(f"{found.heading.market}: {path}")
    recipients = mail_report(opened, found, made) if mail else ()
    if recipients:
        notes.print(f"{found.heading.market}: mailed to {', '.join(recipients)}", markup=False)
    return _document(found) | {"path": None if path == STDOUT else str(path), "mailed_to": recipients}


def _write(made: Rendered, output: Path, *, form: Form) -> None:
    text = made.html if form is Form.HTML else made.markdown
    if output == STDOUT:
        typer.echo(text, nl=False)
        return
    from market_pipeline.storage.report_files import write_report_files

    write_report_files({output.absolute(): text})


def _document(found: Report) -> dict[str, Any]:
    """Return the report's figures; single cycles are in the table coverage."""
    document = asdict(found)
    del document["cycles"]
    if document["ages"] is not None:
        del document["ages"]["points"]
    return document
