"""What a reader of a report sees, in Markdown and in HTML."""

from __future__ import annotations

from pathlib import Path

import lxml.html
import pytest

from market_pipeline.reports import words
from market_pipeline.reports.report import Period
from market_pipeline.steps.publish_report import Rendered, publish_report, rendered
from market_pipeline.steps.report import report
from market_pipeline.steps.runtime import Runtime
from market_pipeline_tests.reports.desk import NAME, fill, open_feed


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    opened = open_feed(tmp_path)
    fill(opened)
    return opened


@pytest.fixture
def daily(runtime: Runtime) -> Rendered:
    return rendered(report(runtime, runtime.market("casablanca"), Period.DAILY))


def test_a_simulated_report_says_so_first_of_all(daily: Rendered) -> None:
    said = "SIMULATED · made-up prices, no real market is concerned"
    page = lxml.html.fromstring(daily.html)
    assert [p.text for p in page.find_class("simulated")] == [said]
    assert page.findtext(".//title") == "SIMULATED · Casablanca Stock Exchange: Thursday 19 November 2026"
    assert daily.markdown.splitlines()[2] == f"**{said}**"


def test_key_figures_stand_at_the_top_and_in_words(daily: Rendered) -> None:
    assert [(card.label, card.value, card.detail) for card in daily.page.cards] == [
        ("uptime", "2.0 %", "0 h 07 min of 5 h 50 min open"),
        ("coverage, tier 1", "87.5 %", "of 2 symbols"),
        ("age of prices", "1.0 min", "median; 90 % within 13.0 open minutes"),
        ("error rate", "6.2 %", "1 of 16 requests"),
        ("gaps", "2", "1 of them healed"),
    ]


def test_names_from_a_source_cannot_become_markup(daily: Rendered) -> None:
    page = lxml.html.fromstring(daily.html)
    assert NAME in [cell.text_content() for cell in page.iter("td")]
    assert "Attijariwafa &lt;b&gt;&amp; Co&lt;/b&gt; | SA" in daily.html
    assert "| ATW | Attijariwafa \\<b\\>& Co\\</b\\> \\| SA | 700.50 | +1.25 % |" in daily.markdown


def test_the_html_is_one_file_with_its_pictures_and_without_any_address(daily: Rendered) -> None:
    page = lxml.html.fromstring(daily.html)
    assert len(page.find_class("plot")) == 2
    assert page.xpath("//script | //link | //img | //@src") == []
    assert "currentColor" in daily.html


def test_times_name_the_exchange_s_zone_and_utc(tmp_path: Path, daily: Rendered) -> None:
    assert daily.page.times == "Times are Africa/Casablanca, the same as UTC (UTC+00:00)"
    elsewhere = open_feed(tmp_path)
    india = rendered(report(elsewhere, elsewhere.market("india"), Period.DAILY))
    assert india.page.times == "Times are Asia/Kolkata (UTC+05:30); the first opening was at 03:45 UTC"
    assert india.page.subtitle == "daily report · india · open 09:15–15:30"


def test_where_nothing_is_stored_each_section_says_so_and_shows_no_figure(tmp_path: Path) -> None:
    opened = open_feed(tmp_path)
    nairobi = rendered(report(opened, opened.market("nairobi"), Period.DAILY))
    assert nairobi.page.cards == ()
    assert [section.lead.partition(":")[0] for section in nairobi.page.sections] == ["Nothing stored"] * 10
    assert [section.rows for section in nairobi.page.sections] == [()] * 10
    assert "<svg" not in nairobi.html


def test_the_slowest_are_named_with_their_times(daily: Rendered) -> None:
    slowest = next(section for section in daily.page.sections if section.title == "Slowest")
    assert [(row[0], row[2]) for row in slowest.rows] == [
        ("cycle, from its minute's start to merged tickers", "5.0 s"),
        ("step fetch", "2.0 s"),
        ("step fetch: wafa_bourse", "1.5 s"),
        ("step merge", "400 ms"),
        ("step write", "100 ms"),
        ("wafa_bourse, quote", "250 ms"),
    ]


def test_a_week_shows_its_sessions_in_a_picture_of_its_own(runtime: Runtime) -> None:
    week = rendered(report(runtime, runtime.market("casablanca"), Period.WEEKLY))
    assert week.page.title == "Casablanca Stock Exchange: week 47 of 2026"
    assert week.page.subtitle == "weekly report · casablanca · 2026-11-16 to 2026-11-20, 3 of 4 sessions so far"
    assert len(lxml.html.fromstring(week.html).find_class("plot")) == 3


def test_both_forms_are_in_the_feed_s_folder_and_a_second_report_takes_their_place(runtime: Runtime) -> None:
    found = report(runtime, runtime.market("casablanca"), Period.DAILY)
    made, path = publish_report(runtime, found)
    publish_report(runtime, found)
    folder = runtime.folder / "reports" / "casablanca"
    assert sorted(p.name for p in folder.iterdir()) == ["daily_2026-11-19.html", "daily_2026-11-19.md"]
    assert path.read_text() == made.html


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (1.0, "100 %"), (0.99999, ">99.9 %"), (0.0, "0 %"), (0.0001, "<0.1 %"), (0.98765, "98.8 %")],
)
def test_a_share_is_whole_or_nothing_only_when_it_is(value: float | None, text: str) -> None:
    assert words.share(value) == text
