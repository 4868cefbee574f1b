"""A report as it arrives: by a real mail server with TLS and a login, in the parts that mail programs show."""

from __future__ import annotations

import email
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default

import lxml.html
import pytest

from market_pipeline.reports.report import Period
from market_pipeline.steps.publish_report import Rendered, mail_report, rendered
from market_pipeline.steps.report import report
from market_pipeline_tests.alerts.certificates import make_certificates
from market_pipeline_tests.alerts.receivers import Mailbox, mail_server
from market_pipeline_tests.reports.desk import NAME, fill, open_feed

SECRETS = ("s3cret-word", "xoxb-s3cret", "T0/B0/s3cret")


@dataclass(frozen=True)
class Arrived:
    """What the server took, how it was logged in to, and what the sender thinks it sent."""

    box: Mailbox
    mail: EmailMessage
    made: Rendered

    def part(self, kind: str) -> str:
        body = self.mail.get_body((kind,))
        assert body is not None
        text = body.get_content()
        assert isinstance(text, str)
        return text


@pytest.fixture(scope="module")
def arrived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arrived]:
    certificates = make_certificates(tmp_path_factory.mktemp("certificates"))
    with mail_server(tls="starttls", context=certificates.server_context(), login=True) as box:
        runtime = open_feed(
            tmp_path_factory.mktemp("feed"),
            smtp_host="127.0.0.1",
            smtp_port=box.port,
            smtp_username="alert@example.org",
            smtp_password=SECRETS[0],
            smtp_sender="alert@example.org",
            slack_bot_token=SECRETS[1],
            slack_webhook_url=f"https://hooks.example.org/services/{SECRETS[2]}",
            alert_email_recipients="ops@example.org, night@example.org",
            ca_bundle=certificates.authority,
        )
        fill(runtime)
        found = report(runtime, runtime.market("casablanca"), Period.DAILY)
        made = rendered(found)
        assert mail_report(runtime, found, made) == ("ops@example.org", "night@example.org")
    content = box.envelopes[0].content
    assert isinstance(content, bytes)
    yield Arrived(box, email.message_from_bytes(content, policy=default), made)


def test_it_goes_to_everybody_at_once_under_tls_and_says_what_it_is(arrived: Arrived) -> None:
    assert (arrived.box.logins, arrived.box.was_tls) == (["alert@example.org"], [True])
    assert arrived.box.envelopes[0].rcpt_tos == ["ops@example.org", "night@example.org"]
    title = "Casablanca Stock Exchange: Thursday 19 November 2026"
    assert arrived.mail["Subject"] == f"[SIMULATED] Daily report: {title}"
    name = "casablanca.daily_2026-11-19.20261119T180000"
    assert arrived.mail["Message-ID"] == f"<{name}@market-pipeline>"


def test_it_has_text_html_with_its_pictures_inside_and_the_page_attached(arrived: Arrived) -> None:
    parts = [(part.get_content_type(), part.get_filename()) for part in arrived.mail.walk()]
    assert parts == [
        ("multipart/mixed", None),
        ("multipart/alternative", None),
        ("text/plain", None),
        ("multipart/related", None),
        ("text/html", None),
        ("image/png", "coverage.png"),
        ("image/png", "freshness.png"),
        ("text/html", "daily_2026-11-19.html"),
    ]
    attached = next(arrived.mail.iter_attachments())
    assert attached.get_content().split() == arrived.made.html.split()  # SMTP ends lines its own way


def test_every_picture_that_the_html_names_is_a_png_of_the_mail(arrived: Arrived) -> None:
    named = lxml.html.fromstring(arrived.part("html")).xpath("//img/@src")
    assert named == ["cid:coverage@market-pipeline", "cid:freshness@market-pipeline"]
    pictures = {part["Content-ID"]: part.get_content() for part in arrived.mail.walk() if part["Content-ID"]}
    assert [pictures[f"<{address.removeprefix('cid:')}>"][:8] for address in named] == [b"\x89PNG\r\n\x1a\n"] * 2


def test_its_html_needs_no_style_sheet_and_no_address_but_its_own_parts(arrived: Arrived) -> None:
    page = lxml.html.fromstring(arrived.part("html"))
    assert page.xpath("//style | //script | //link | //svg | //@href | //@class") == []
    assert page.xpath("//p")[0].text == "SIMULATED · made-up prices, no real market is concerned"
    assert NAME in [cell.text_content() for cell in page.iter("td")]
    assert "Attijariwafa &lt;b&gt;&amp; Co&lt;/b&gt; | SA" in arrived.part("html")


def test_its_text_is_for_people_not_for_a_renderer(arrived: Arrived) -> None:
    lines = arrived.part("plain").splitlines()
    assert lines[0] == "SIMULATED · made-up prices, no real market is concerned"
    assert "  coverage, tier 1   87.5 %  of 2 symbols" in lines
    assert "  source       kind   answered  failed  error rate  neither  failed because" in lines
    assert "  wafa_bourse  quote        15       1       6.2 %        0  timeout 1" in lines
    assert "  ATW     Attijariwafa <b>& Co</b> | SA            700.50  +1.25 %" in lines


def test_no_secret_of_the_settings_is_in_it(arrived: Arrived) -> None:
    every = [part.get_content() for part in arrived.mail.walk() if not part.is_multipart()]
    texts = [text for text in every if isinstance(text, str)] + [str(arrived.mail.items())]
    assert [word for word in SECRETS if word in "\n".join(texts)] == []
