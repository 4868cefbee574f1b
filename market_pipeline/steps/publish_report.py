"""Write a report as files of the feed, and mail it where the settings say so."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from market_pipeline.alerts.channels import mail_channel
from market_pipeline.alerts.report_mail import ReportMail, picture_address, report_mail
from market_pipeline.reports.html import as_html, as_mail_html
from market_pipeline.reports.markdown import as_markdown
from market_pipeline.reports.page import Page, page
from market_pipeline.reports.plain_text import as_plain_text
from market_pipeline.reports.plots import pictures, plots
from market_pipeline.reports.report import Heading, Period, Report
from market_pipeline.steps.runtime import Runtime
from market_pipeline.storage.report_files import report_folder, write_report_files


@dataclass(frozen=True)
class Rendered:
    """A report in its forms. `name` is that of its files, without the suffix."""

    name: str
    page: Page
    markdown: str
    html: str


def rendered(report: Report) -> Rendered:
    """Put a report into words and pictures."""
    found = page(report)
    return Rendered(report_name(report.heading), found, as_markdown(found), as_html(found, plots(report)))


def report_name(heading: Heading) -> str:
    """Return "daily_2026-11-20" or "weekly_2026-W47"."""
    if heading.period is Period.DAILY:
        return f"daily_{heading.first}"
    year, week, _ = heading.first.isocalendar()
    return f"weekly_{year}-W{week:02d}"


def publish_report(runtime: Runtime, report: Report) -> tuple[Rendered, Path]:
    """Write the report as Markdown and HTML into the feed's folder; return it and the HTML file.

    A report on the same session or week takes the place of the one before. Raises StorageError for a full disk.
    """
    made = rendered(report)
    folder = report_folder(runtime.folder, report.heading.market)
    path = folder / f"{made.name}.html"
    write_report_files({path: made.html, folder / f"{made.name}.md": made.markdown})
    return made, path


def mail_report(runtime: Runtime, report: Report, made: Rendered) -> tuple[str, ...]:
    """Mail the report to the recipients of alerts, as text, as HTML with pictures, and as a file. Return who gets it.

    Raises ConfigurationError without a mail server or recipients, DeliveryError when the server does not take it.
    """
    channel = mail_channel(runtime.settings)
    mail = report_mail(_mail(report, made), sender=channel.sender, recipients=channel.recipients)
    again = f"`market-pipeline report {report.heading.period} --market {report.heading.market} --mail` sends it again"
    channel.deliver(mail, otherwise=f"it is not tried again by itself; {again}")
    return channel.recipients


def _mail(report: Report, made: Rendered) -> ReportMail:
    drawn = pictures(report)
    mark = "[SIMULATED] " if report.heading.is_simulated else ""
    return ReportMail(
        name=f"{report.heading.market}.{made.name}.{report.heading.moment:%Y%m%dT%H%M%S}",
        subject=f"{mark}{report.heading.period.capitalize()} report: {made.page.title}",
        at=report.heading.moment,
        text=as_plain_text(made.page),
        html=as_mail_html(made.page, {name: picture_address(name) for name in drawn}),
        pictures=drawn,
        page=made.html,
        file_name=made.name,
    )
