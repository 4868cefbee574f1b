"""The only reader of the environment. Every setting is documented in .env.example, and a test holds both together."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from market_pipeline.errors import ConfigurationError
from market_pipeline.model.duration import parse_durations
from market_pipeline.model.quiet_hours import QuietHours, parse_quiet_hours
from market_pipeline.setting_checks import (
    base_url,
    checked_dagster_dsn,
    checked_proxies,
    checked_reports,
    names_in_text,
    read_proxies,
)


class Feed(StrEnum):
    """Where quotes come from; the two never share a folder."""

    SIMULATED = "simulated"
    LIVE = "live"


def _own(name: str, *others: str) -> AliasChoices:
    return AliasChoices(f"MARKET_PIPELINE_{name}", *others)


Spans = Annotated[tuple[timedelta, ...], NoDecode, BeforeValidator(parse_durations)]


class Settings(BaseSettings):
    """All settings. A name without prefix belongs to a service whose own name for it is established.

    An empty value counts as not set, as containers pass on what nobody filled in.
    """

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, populate_by_name=True
    )

    feed: Feed = Field(Feed.SIMULATED, validation_alias=_own("FEED"), description="simulated or live")
    data: Path = Field(Path("data"), validation_alias=_own("DATA"), description="folder of all data")
    simulator_url: Annotated[str, AfterValidator(base_url)] = Field(
        "http://127.0.0.1:8765", validation_alias=_own("SIMULATOR_URL"), description="the simulated exchange"
    )
    ui_port: int = Field(3000, ge=1, le=65535, validation_alias=_own("UI_PORT"), description="port of Dagster's UI")
    ui_url: Annotated[str, AfterValidator(base_url)] | None = Field(
        None,
        validation_alias=_own("UI_URL"),
        description="address of Dagster's UI for links in alerts, if others reach it by another than this machine does",
    )
    code_port: int = Field(
        3030, ge=1, le=65535, validation_alias=_own("CODE_PORT"), description="port of the code server, for `up`"
    )
    budgets: bool = Field(
        True, validation_alias=_own("BUDGETS"), description="on or off; off only with the simulated feed"
    )
    ca_bundle: Path | None = Field(
        None, validation_alias=_own("CA_BUNDLE"), description="extra certificates (PEM) for sources with a broken chain"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", validation_alias=_own("LOG_LEVEL"), description="DEBUG, INFO, WARNING or ERROR"
    )
    log_days: int = Field(
        30, ge=1, validation_alias=_own("LOG_DAYS"), description="days that logs and refused alerts are kept"
    )
    contact: str = Field(
        "https://github.com/market-pipeline",
        validation_alias=_own("CONTACT"),
        description="shown in the User-Agent, so that a source's operator can reach you",
    )
    proxies: Annotated[SecretStr, AfterValidator(checked_proxies)] | None = Field(
        None,
        validation_alias=_own("PROXIES"),
        description="proxies of your own per source, like `yahoo=http://user:password@host:port,http://host:port; ...`",
    )
    proxied_keys: str = Field(
        "",
        validation_alias=_own("PROXIED_KEYS"),
        description="comma-separated sources whose keys may travel through a proxy; the others refuse one",
    )
    dhan_client_id: str | None = Field(None, validation_alias="DHAN_CLIENT_ID", description="Dhan HQ client id")
    dhan_api_token: SecretStr | None = Field(
        None, validation_alias="DHAN_API_TOKEN", description="Dhan HQ access token (renew it daily)"
    )
    slack_webhook_url: SecretStr | None = Field(
        None, validation_alias="SLACK_WEBHOOK_URL", description="Slack incoming webhook for alerts"
    )
    slack_bot_token: SecretStr | None = Field(
        None, validation_alias="SLACK_BOT_TOKEN", description="Slack bot token, instead of a webhook"
    )
    slack_channel: str = Field(
        "#market-pipeline", validation_alias="SLACK_CHANNEL", description="channel for the bot token"
    )
    slack_api_url: str | None = Field(
        None, validation_alias="SLACK_API_URL", description="base URL of Slack's API, if not Slack's own"
    )
    smtp_host: str | None = Field(None, validation_alias="SMTP_HOST", description="mail server for alerts")
    smtp_port: int = Field(587, ge=1, le=65535, validation_alias="SMTP_PORT", description="465: TLS from the start")
    smtp_username: str | None = Field(None, validation_alias="SMTP_USERNAME", description="empty for a plain relay")
    smtp_password: SecretStr | None = Field(None, validation_alias="SMTP_PASSWORD", description="its password")
    smtp_sender: str = Field(
        "market_pipeline@localhost", validation_alias="SMTP_SENDER", description="From: address of alerts"
    )
    alert_email_recipients: str = Field(
        "", validation_alias="ALERT_EMAIL_RECIPIENTS", description="comma-separated addresses"
    )
    alert_repeat_after: Spans = Field(
        parse_durations("15m,1h,4h,1d"),
        validation_alias="ALERT_REPEAT_AFTER",
        description="when an alert is repeated while it lasts; the last span goes on; never: no repeats",
    )
    alert_escalate_after: Spans = Field(
        parse_durations("1h"),
        validation_alias="ALERT_ESCALATE_AFTER",
        description="when an alert that lasts goes to more people as critical; never: it does not",
    )
    alert_escalation_recipients: str = Field(
        "",
        validation_alias="ALERT_ESCALATION_RECIPIENTS",
        description="comma-separated addresses that get escalated alerts, too",
    )
    slack_escalation_mention: str = Field(
        "", validation_alias="SLACK_ESCALATION_MENTION", description="who is called in Slack then, like <!channel>"
    )
    alert_days: int = Field(
        365,
        ge=1,
        validation_alias="ALERT_DAYS",
        description="days that an alert and a silence are kept after their end",
    )
    alert_quiet_hours: Annotated[QuietHours | None, NoDecode, BeforeValidator(parse_quiet_hours)] = Field(
        None,
        validation_alias="ALERT_QUIET_HOURS",
        description="what is not critical waits for their end, like 22:00-07:00 Africa/Casablanca; a market may differ",
    )
    heartbeat_url: SecretStr | None = Field(
        None,
        validation_alias="HEARTBEAT_URL",
        description="asked while alerts get through, so that somebody else notices when they do not",
    )
    heartbeat_every: Spans = Field(
        parse_durations("5m"), validation_alias="HEARTBEAT_EVERY", description="how often it is asked"
    )
    mail_reports: Annotated[str, AfterValidator(checked_reports)] = Field(
        "",
        validation_alias=_own("MAIL_REPORTS"),
        description="reports that are mailed when they are made: daily, weekly or daily,weekly; none by default",
    )
    postgres_dsn: SecretStr | None = Field(
        None,
        validation_alias=_own("POSTGRES_DSN", "POSTGRES_DSN"),
        description="PostgreSQL (Supabase too) that live_tickers are published to: postgresql://user:password@host/db",
    )

    dagster_dsn: Annotated[SecretStr, AfterValidator(checked_dagster_dsn)] | None = Field(
        None,
        validation_alias=_own("DAGSTER_DSN"),
        description="PostgreSQL for Dagster's storage: postgresql+psycopg2://user:password@host:5432/db; else SQLite",
    )

    @model_validator(mode="after")
    def _budgets_guard_real_sources(self) -> Settings:
        if self.feed is Feed.LIVE and not self.budgets:
            raise ValueError("MARKET_PIPELINE_BUDGETS=off is allowed only with MARKET_PIPELINE_FEED=simulated")
        return self

    @cached_property
    def feed_folder(self) -> Path:
        """Return the absolute folder that everything of this feed is written to."""
        return (self.data / self.feed.value).absolute()

    def proxies_of(self, source: str) -> tuple[str, ...]:
        """Return the addresses of the proxies listed for a source, credentials included; none by default."""
        return read_proxies(self.proxies.get_secret_value()).get(source, ()) if self.proxies else ()

    @property
    def proxied_sources(self) -> tuple[str, ...]:
        """Return the sources that proxies are listed for."""
        return tuple(read_proxies(self.proxies.get_secret_value())) if self.proxies else ()

    def may_send_keys_by_proxy(self, source: str) -> bool:
        """Tell whether the operator allows the keys of this source to travel through a proxy."""
        return source in [name.strip() for name in self.proxied_keys.split(",")]

    @property
    def secret_words(self) -> tuple[str, ...]:
        """Return what no text may show, longest first: secret settings, and paths and logins of secret addresses."""
        values = (getattr(self, name) for name in type(self).model_fields)
        secrets = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
        addresses = [urlsplit(found) for secret in secrets for found in re.findall(r"\w+://[^\s,;]+", secret)]
        # of a database's address the path is its name, like /dagster, which stands in many a path of a file
        paths = [found.path for found in addresses if found.scheme.startswith("http")]
        parts = [*paths, *(part for found in addresses for part in (found.query, found.password or ""))]
        return tuple(sorted({text for text in (*secrets, *parts) if len(text) > 1}, key=len, reverse=True))

    @property
    def mailed_reports(self) -> tuple[str, ...]:
        """Return the kinds of reports that are mailed when they are made."""
        return names_in_text(self.mail_reports)

    @property
    def ui_address(self) -> str:
        """Return the address of Dagster's UI, without a slash at its end."""
        return self.ui_url or f"http://127.0.0.1:{self.ui_port}"

    @property
    def email_recipients(self) -> tuple[str, ...]:
        """Return the mail addresses that alerts go to."""
        return _addresses(self.alert_email_recipients)

    @property
    def escalation_recipients(self) -> tuple[str, ...]:
        """Return the mail addresses that escalated alerts go to besides."""
        return _addresses(self.alert_escalation_recipients)


def _addresses(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def load_settings() -> Settings:
    """Read the environment and .env. Raise ConfigurationError naming each variable, what was seen and what is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        problems = [_problem(found) for found in error.errors(include_url=False)]
        raise ConfigurationError(
            f"read the settings and cannot use them: {'; '.join(problems)}; a retry does not help; see .env.example"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"read the settings and cannot read .env ({type(error).__name__}); a retry does not help; "
            "make it a readable text file in UTF-8; see .env.example"
        ) from None


def _problem(found: Any) -> str:
    name = ".".join(map(str, found["loc"]))
    seen = "" if not name or _is_secret(name) else f" (seen: {found['input']!r})"
    message = str(found["msg"]).removeprefix("Value error, ")
    return f"{name}: {message}{seen}" if name else message


def _is_secret(name: str) -> bool:
    return any(word in name.upper() for word in ("TOKEN", "PASSWORD", "WEBHOOK", "DSN", "PROXIES", "HEARTBEAT_URL"))


def without_secrets(file: Path) -> list[str]:
    """Return the lines of an environment file that set what this project knows and that is no secret.

    What is unknown may be one: it is left out too, and so are comments and addresses with a password.
    """
    known = {str(name) for field in Settings.model_fields.values() for name in _aliases(field.validation_alias)}
    values = {name: value or "" for name, value in dotenv_values(file, interpolate=False).items()}
    harmless = (
        name for name in known if name in values and not _is_secret(name) and "@" not in urlsplit(values[name]).netloc
    )
    return [f"{name}={values[name]}" for name in sorted(harmless)]


def _aliases(alias: Any) -> list[Any]:
    return list(alias.choices) if isinstance(alias, AliasChoices) else [alias]


def child_environment(settings: Settings, **extra: str) -> dict[str, str]:
    """Return the environment for a process that we start: this feed, compiled bytecode allowed, and `extra`."""
    environment = dict(os.environ)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment.update(
        MARKET_PIPELINE_FEED=settings.feed.value,
        MARKET_PIPELINE_DATA=str(settings.data.absolute()),
        MARKET_PIPELINE_SIMULATOR_URL=settings.simulator_url,
        MARKET_PIPELINE_CODE_PORT=str(settings.code_port),
        PYTHONTZPATH="",
        **extra,
    )
    if settings.dagster_dsn is not None:  # dagster.postgres.yaml reads it from there; .env alone would not do
        environment["MARKET_PIPELINE_DAGSTER_DSN"] = settings.dagster_dsn.get_secret_value()
    return environment
