"""Settings: where they come from, what is refused, and what is never shown."""

from __future__ import annotations

import os
from datetime import time, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from market_pipeline.errors import ConfigurationError
from market_pipeline.model.quiet_hours import QuietHours
from market_pipeline.settings import Feed, Settings, child_environment, load_settings


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment and a folder in which nothing is set."""
    for name in os.environ:
        if name.startswith(("MARKET_PIPELINE_", "DHAN_", "SLACK_", "SMTP_", "ALERT_", "HEARTBEAT_", "POSTGRES_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def refusal() -> str:
    with pytest.raises(ConfigurationError) as refused:
        load_settings()
    return str(refused.value)


def test_without_any_setting_the_feed_is_simulated_and_guarded() -> None:
    settings = load_settings()
    assert (settings.feed, settings.budgets, settings.ui_port) == (Feed.SIMULATED, True, 3000)
    assert settings.simulator_url == "http://127.0.0.1:8765"
    assert settings.feed_folder == Path.cwd() / "data" / "simulated"


@pytest.mark.parametrize(
    ("variable", "text", "field", "value"),
    [
        ("MARKET_PIPELINE_FEED", "live", "feed", Feed.LIVE),
        ("MARKET_PIPELINE_DATA", "elsewhere", "data", Path("elsewhere")),
        ("MARKET_PIPELINE_SIMULATOR_URL", "http://127.0.0.1:9000/", "simulator_url", "http://127.0.0.1:9000"),
        ("MARKET_PIPELINE_UI_PORT", "3001", "ui_port", 3001),
        ("MARKET_PIPELINE_CODE_PORT", "3031", "code_port", 3031),
        ("MARKET_PIPELINE_BUDGETS", "off", "budgets", False),
        ("MARKET_PIPELINE_LOG_LEVEL", "DEBUG", "log_level", "DEBUG"),
        ("DHAN_CLIENT_ID", "1000", "dhan_client_id", "1000"),
        ("SMTP_HOST", "mail.example", "smtp_host", "mail.example"),
        ("MARKET_PIPELINE_UI_URL", "https://ui.example/", "ui_address", "https://ui.example"),
    ],
)
def test_a_variable_sets_its_field(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, field: str, value: object
) -> None:
    monkeypatch.setenv(variable, text)
    assert getattr(load_settings(), field) == value


@pytest.mark.parametrize(
    "written",
    ["word-4715", "kraken", "kraken=", "kraken=host:3128", "kraken=http://host", "=http://h:1", "kraken=socks5://h:1"],
)
def test_a_wrong_list_of_proxies_is_refused_without_repeating_it(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("MARKET_PIPELINE_PROXIES", f"dhan=http://u:word-4716@h:1; {written}")
    text = refusal()
    assert "MARKET_PIPELINE_PROXIES: write source=http://user:password@host:port" in text
    assert [secret for secret in ("word-4715", "word-4716", "h:1;") if secret in text] == []


def test_proxies_are_listed_by_source_and_there_are_none_by_default() -> None:
    settings = Settings(proxies="yahoo=http://a:1, http://u:p@b:2 ; kraken=https://c:3;", _env_file=None)
    assert settings.proxies_of("yahoo") == ("http://a:1", "http://u:p@b:2")
    assert settings.proxies_of("kraken") == ("https://c:3",)
    assert (settings.proxies_of("dhan"), Settings(_env_file=None).proxies_of("yahoo")) == ((), ())


def test_a_file_called_env_is_read_and_the_environment_wins_over_it(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("MARKET_PIPELINE_UI_PORT=3100\nMARKET_PIPELINE_CODE_PORT=3130\n")
    monkeypatch.setenv("MARKET_PIPELINE_UI_PORT", "3200")
    settings = load_settings()
    assert (settings.ui_port, settings.code_port) == (3200, 3130)


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DHAN_API_TOKEN", "SLACK_WEBHOOK_URL", "SMTP_HOST", "MARKET_PIPELINE_CA_BUNDLE", "SMTP_PORT"):
        monkeypatch.setenv(name, "")
    settings = load_settings()
    assert (settings.dhan_api_token, settings.slack_webhook_url, settings.smtp_host) == (None, None, None)
    assert (settings.ca_bundle, settings.smtp_port) == (None, 587)


def test_every_wrong_setting_is_named_at_once_with_what_was_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKET_PIPELINE_FEED", "paper")
    monkeypatch.setenv("MARKET_PIPELINE_UI_PORT", "99999")
    text = refusal()
    assert "MARKET_PIPELINE_FEED: Input should be 'simulated' or 'live' (seen: 'paper')" in text
    assert "MARKET_PIPELINE_UI_PORT: Input should be less than or equal to 65535 (seen: '99999')" in text


@pytest.mark.parametrize("address", ["nonsense", "ftp://127.0.0.1:8765", "http://"])
def test_the_simulated_exchange_needs_a_web_address(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("MARKET_PIPELINE_SIMULATOR_URL", address)
    assert f"write an address like http://127.0.0.1:8765 (seen: {address!r})" in refusal()


def test_real_sources_are_never_asked_without_budgets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKET_PIPELINE_FEED", "live")
    monkeypatch.setenv("MARKET_PIPELINE_BUDGETS", "off")
    assert "MARKET_PIPELINE_BUDGETS=off is allowed only with MARKET_PIPELINE_FEED=simulated" in refusal()


def test_a_refusal_and_a_printed_setting_show_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {
        "DHAN_API_TOKEN": "token-4711",
        "SLACK_WEBHOOK_URL": "https://hooks.example/T0/B0/4712",
        "SLACK_BOT_TOKEN": "xoxb-4713",
        "SMTP_PASSWORD": "word-4714",
        "MARKET_PIPELINE_POSTGRES_DSN": "postgresql://market:word-4715@127.0.0.1/db",
        "MARKET_PIPELINE_PROXIES": "kraken=http://user:word-4716@127.0.0.1:3128",
    }
    for name, secret in secrets.items():
        monkeypatch.setenv(name, secret)
    shown = repr(load_settings()) + str(load_settings().model_dump_json())
    monkeypatch.setenv("MARKET_PIPELINE_UI_PORT", "none")
    assert [secret for secret in secrets.values() if secret in shown + refusal()] == []


def test_a_file_called_env_that_is_no_text_is_named() -> None:
    Path(".env").write_bytes(b"\xff\xfe\x00")
    assert "cannot read .env (UnicodeDecodeError)" in refusal()


@pytest.mark.parametrize("variable", ["MARKET_PIPELINE_POSTGRES_DSN", "POSTGRES_DSN"])
def test_a_database_to_publish_to_has_two_names(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "postgresql://market@127.0.0.1/db")
    dsn = load_settings().postgres_dsn
    assert dsn is not None
    assert dsn.get_secret_value() == "postgresql://market@127.0.0.1/db"


def test_links_lead_to_this_machines_ui_unless_another_address_is_set() -> None:
    assert Settings(ui_port=3111, _env_file=None).ui_address == "http://127.0.0.1:3111"
    assert Settings(ui_port=3111, ui_url="https://ui.example", _env_file=None).ui_address == "https://ui.example"


def test_recipients_are_separated_by_commas() -> None:
    settings = Settings(alert_email_recipients="a@example.org, b@example.org,", _env_file=None)
    assert settings.email_recipients == ("a@example.org", "b@example.org")


def test_a_process_that_we_start_works_on_the_same_feed(tmp_path: Path) -> None:
    settings = Settings(data=Path("mine"), simulator_url="http://127.0.0.1:9000", code_port=3131, _env_file=None)
    environment = child_environment(settings, DAGSTER_HOME="home")
    assert environment["MARKET_PIPELINE_FEED"] == "simulated"
    assert environment["MARKET_PIPELINE_DATA"] == str(tmp_path / "mine")
    assert environment["MARKET_PIPELINE_SIMULATOR_URL"] == "http://127.0.0.1:9000"
    assert (environment["MARKET_PIPELINE_CODE_PORT"], environment["DAGSTER_HOME"]) == ("3131", "home")


def test_spans_and_quiet_hours_are_read_as_people_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().alert_repeat_after == (
        timedelta(minutes=15),
        timedelta(hours=1),
        timedelta(hours=4),
        timedelta(days=1),
    )
    monkeypatch.setenv("ALERT_REPEAT_AFTER", "2h, 30m")
    monkeypatch.setenv("ALERT_ESCALATE_AFTER", "never")
    monkeypatch.setenv("ALERT_QUIET_HOURS", "22:00-07:00 Africa/Casablanca")
    settings = load_settings()
    assert settings.alert_repeat_after == (timedelta(minutes=30), timedelta(hours=2))
    assert settings.alert_escalate_after == ()
    assert settings.alert_quiet_hours == QuietHours(time(22), time(7), "Africa/Casablanca")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ALERT_REPEAT_AFTER", "soon", "'soon' is no span of time; write one like 45s, 15m, 2h or 1d (seen: 'soon')"),
        ("ALERT_REPEAT_AFTER", "0m", "'0m' is no span of time"),
        ("ALERT_QUIET_HOURS", "late", "write quiet hours like 22:00-07:00"),
        ("ALERT_QUIET_HOURS", "22:00-07:00 Atlantis/Main", "there is no time zone Atlantis/Main"),
        ("ALERT_QUIET_HOURS", "07:00-07:00", "quiet hours that begin when they end"),
        ("ALERT_QUIET_HOURS", "25:00-07:00", "hour must be in 0..23"),
    ],
)
def test_a_wrong_span_or_quiet_hour_is_named_with_its_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    text = refusal()
    assert f"{name}: " in text
    assert said in text


def test_every_part_of_a_secret_address_is_a_secret_word() -> None:
    settings = Settings(
        heartbeat_url=SecretStr("https://hc.example/ping/key-1"),
        proxies=SecretStr("yahoo=http://me:pass-2@proxy.example:8080,http://me:pass-3@other.example:80"),
        _env_file=None,
    )
    words = settings.secret_words
    assert {"/ping/key-1", "pass-2", "pass-3"} <= set(words)
    assert list(words) == sorted(words, key=len, reverse=True)
