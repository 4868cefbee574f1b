"""A report as a mail: text, HTML with its pictures inside, and the page for paper and dark screens attached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage, MIMEPart
from email.utils import format_datetime


@dataclass(frozen=True, slots=True)
class ReportMail:
    """What is mailed. `name` is unique: the Message-ID is made of it."""

    name: str
    subject: str
    at: datetime
    text: str
    html: str
    """Names each picture by `picture_address`."""
    pictures: Mapping[str, bytes]
    """Name → PNG."""
    page: str
    """The attached HTML file."""
    file_name: str
    """Of the attachment, without its suffix."""


def picture_address(name: str) -> str:
    """Return how the HTML of a mail names one of its pictures."""
    return f"cid:{_content_id(name)}"


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
    mail.add_alternative(report.html, subtype="html")
    for name, picture in report.pictures.items():
        _html_of(mail).add_related(
            picture, "image", "png", cid=f"<{_content_id(name)}>", disposition="inline", filename=f"{name}.png"
        )
    mail.add_attachment(report.page, subtype="html", filename=f"{report.file_name}.html")
    return mail


def _html_of(mail: EmailMessage) -> MIMEPart:
    """Return the part that the pictures are added to: the HTML, and once it has one, it with its pictures."""
    return list(mail.iter_parts())[-1]


def _content_id(name: str) -> str:
    return f"{name}@market-pipeline"
