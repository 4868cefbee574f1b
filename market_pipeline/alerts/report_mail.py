"""A report as a mail: readable text, and the page with its pictures attached, since few mail programs draw SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime


@dataclass(frozen=True, slots=True)
class ReportMail:
    """What is mailed. `name` is unique: the Message-ID is made of it."""

    name: str
    subject: str
    at: datetime
    text: str
    html: str
    file_name: str
    """Of the attachment, without its suffix."""


def report_mail(report: ReportMail, *, sender: str, recipients: Sequence[str]) -> EmailMessage:
    """Return the mail."""
    mail = EmailMessage()
    mail["Subject"] = " ".join(report.subject.split())
    mail["From"] = sender
    mail["To"] = ", ".join(recipients)
    mail["Date"] = format_datetime(report.at)
    mail["Message-ID"] = f"<{report.name}@market-pipeline>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(report.text)
    mail.add_attachment(report.html, subtype="html", filename=f"{report.file_name}.html")
    return mail
